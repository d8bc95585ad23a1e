"""Indexes that others hold already, and two for LIKE that nobody asks: each cost every payment."""

import django.db.models.deletion
from django.db import migrations, models

PROTECT = django.db.models.deletion.PROTECT
# Django gives every unique text one for LIKE, and knows no way not to.
LIKE = {
    "payments_link_token_08f30414_like": "payments_link (token varchar_pattern_ops)",
    "payments_payment_token_ad951627_like": "payments_payment (token varchar_pattern_ops)",
}


class Migration(migrations.Migration):
    dependencies = [("payments", "0010_forget_waiting_batches")]

    operations = [
        migrations.AlterField(
            "message",
            "payment",
            models.ForeignKey("payments.payment", PROTECT, related_name="messages", db_index=False),
        ),
        migrations.AlterField(
            "refund",
            "payment",
            models.ForeignKey("payments.payment", PROTECT, related_name="refunds", db_index=False),
        ),
        migrations.AlterField(
            "timelineentry",
            "message",
            models.ForeignKey(
                "payments.message", PROTECT, null=True, related_name="+", db_index=False
            ),
        ),
        migrations.AlterField(
            "timelineentry",
            "payment",
            models.ForeignKey("payments.payment", PROTECT, related_name="timeline", db_index=False),
        ),
        migrations.RunSQL(
            [f"DROP INDEX {name}" for name in LIKE],
            [f"CREATE INDEX {name} ON {of}" for name, of in LIKE.items()],
        ),
    ]

"""Indexes that others hold already, and two for LIKE that nobody asks: each cost every payment.

By name: AlterField would drop every index of that column alone that is no `Index` of the model,
`refund_one_at_a_time` with them.
"""

import django.db.models.deletion
from django.db import migrations, models

PROTECT = django.db.models.deletion.PROTECT
NEEDLESS = {
    "payments_message_payment_id_cd1bf717": "payments_message (payment_id)",
    "payments_refund_payment_id_a70693f7": "payments_refund (payment_id)",
    "payments_timelineentry_message_id_fd29463b": "payments_timelineentry (message_id)",
    "payments_timelineentry_payment_id_9a156f70": "payments_timelineentry (payment_id)",
    # Django gives every unique text one for LIKE, and knows no way not to.
    "payments_link_token_08f30414_like": "payments_link (token varchar_pattern_ops)",
    "payments_payment_token_ad951627_like": "payments_payment (token varchar_pattern_ops)",
}
FIELDS = [
    ("message", "payment", {"to": "payments.payment", "related_name": "messages"}),
    ("refund", "payment", {"to": "payments.payment", "related_name": "refunds"}),
    ("timelineentry", "message", {"to": "payments.message", "related_name": "+", "null": True}),
    ("timelineentry", "payment", {"to": "payments.payment", "related_name": "timeline"}),
]


class Migration(migrations.Migration):
    dependencies = [("payments", "0010_forget_waiting_batches")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model, name, models.ForeignKey(on_delete=PROTECT, db_index=False, **facts)
                )
                for model, name, facts in FIELDS
            ],
            database_operations=[
                migrations.RunSQL(
                    [f"DROP INDEX {name}" for name in NEEDLESS],
                    [f"CREATE INDEX {name} ON {of}" for name, of in NEEDLESS.items()],
                )
            ],
        )
    ]

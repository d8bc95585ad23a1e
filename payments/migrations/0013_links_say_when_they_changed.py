"""Which links have changed since a moment is one look into an index."""

from django.db import migrations, models

from payments.migrations_sql import guard


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0012_fewer_ways"),
        ("tenants", "0003_stamped_change"),
    ]

    operations = [
        migrations.AddField("link", "changed_by", models.BigIntegerField(default=0, editable=False)),
        migrations.AddIndex("link", models.Index(fields=["changed_by"], name="link_changed")),
        guard("link_changed", "payments_link", "INSERT OR UPDATE", "stamped_change"),
    ]

"""A file of links that nobody started may be deleted; every other stays."""

from django.db import migrations

KEPT = (
    "CREATE TRIGGER batch_kept BEFORE DELETE ON payments_batch FOR EACH ROW {when}"
    " EXECUTE FUNCTION append_only()"
)
NOT_KEPT = "DROP TRIGGER batch_kept ON payments_batch"


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_exports")]

    operations = [
        migrations.RunSQL(
            [NOT_KEPT, KEPT.format(when="WHEN (OLD.state <> 'waiting')")],
            [NOT_KEPT, KEPT.format(when="")],
        )
    ]

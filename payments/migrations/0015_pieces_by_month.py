"""Search texts are written anew by the janitor, newest first: their pieces begin with the month."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_views_and_files_of_refunds")]
    operations = [
        migrations.RunSQL("DELETE FROM payments_searchtext", migrations.RunSQL.noop),
    ]

"""Search texts are written anew by the janitor, newest first: their pieces begin with the month."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_links_say_when_they_changed")]
    operations = [
        migrations.RunSQL("DELETE FROM payments_searchtext", migrations.RunSQL.noop),
    ]

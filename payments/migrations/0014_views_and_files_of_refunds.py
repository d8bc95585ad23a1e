"""Views and files are of payments or of refunds. What is there already is of payments, and so is
what a process of the version before still writes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0013_links_say_when_they_changed'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='savedview',
            name='saved_view_once',
        ),
        migrations.AddField(
            model_name='exportfile',
            name='asked_paise',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='exportfile',
            name='of',
            field=models.CharField(choices=[('payments', 'Payments'), ('refunds', 'Refunds')], db_default='payments', default='payments', max_length=8),
        ),
        migrations.AddField(
            model_name='savedview',
            name='of',
            field=models.CharField(choices=[('payments', 'Payments'), ('refunds', 'Refunds')], db_default='payments', default='payments', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('live', 'of', 'owner_id', 'name'), name='saved_view_once'),
        ),
    ]

import uuid

from django.db import migrations, models

import config.clock


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0004_refund_rules'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user_id', models.UUIDField()),
                ('kind', models.CharField(max_length=40)),
                ('args', models.JSONField(default=dict)),
                ('url', models.CharField(max_length=400)),
                ('created_at', models.DateTimeField(default=config.clock.now)),
                ('read_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [
                    models.Index(fields=['user_id', '-created_at', 'id'], name='notice_newest'),
                    models.Index(condition=models.Q(('read_at', None)), fields=['user_id'], name='notice_unread'),
                    models.Index(fields=['created_at'], name='notice_oldest'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Seen',
            fields=[
                ('user_id', models.UUIDField(primary_key=True, serialize=False)),
                ('on', models.DateField()),
            ],
        ),
        migrations.AddField(
            model_name='auditevent',
            name='live',
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='subject_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['by_id', '-id'], name='audit_by_person'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['act', '-id'], name='audit_by_act'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['at'], name='audit_by_day'),
        ),
    ]

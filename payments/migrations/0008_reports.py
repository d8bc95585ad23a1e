import uuid

import django.contrib.postgres.indexes
from django.db import migrations, models

import config.clock

# Attempts that are not counted as they are now. In SQL, for what is read and folded must say it
# in the same words (payments.attempts), and Django would choose its own.
UNCOUNTED = migrations.RunSQL(
    [
        "CREATE INDEX payment_uncounted ON payments_payment (created_at) "
        "WHERE (counted_as IS DISTINCT FROM (state || '/' || method || '/' || result_code))::int"
        " = 1"
    ],
    ["DROP INDEX payment_uncounted"],
)


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_refund_rules")]

    operations = [
        migrations.CreateModel(
            name="AttemptFigure",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "live",
                        "day",
                        "state",
                        "method",
                        "result_code",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("live", models.BooleanField()),
                ("day", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("created", "Started"),
                            ("open", "At Paytm"),
                            ("unknown", "Unknown"),
                            ("expired", "Not completed"),
                            ("pending", "Pending"),
                            ("failed", "Failed"),
                            ("paid", "Paid"),
                            ("surplus", "Surplus"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("upi", "UPI"),
                            ("credit_card", "Credit card"),
                            ("debit_card", "Debit card"),
                            ("net_banking", "Net banking"),
                            ("wallet", "Wallet"),
                            ("emi", "EMI"),
                            ("other", "Other"),
                            ("", "Not known"),
                        ],
                        max_length=12,
                    ),
                ),
                ("result_code", models.CharField(blank=True, max_length=64)),
                ("count", models.BigIntegerField(default=0)),
                ("paise", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="ReportSchedule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("live", models.BooleanField()),
                ("person_id", models.UUIDField()),
                ("report", models.CharField(max_length=20)),
                (
                    "every",
                    models.CharField(
                        choices=[
                            ("day", "Every day"),
                            ("week", "Every Monday"),
                            ("month", "On the 1st of the month"),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[("csv", "CSV"), ("xlsx", "Excel (XLSX)")],
                        default="csv",
                        max_length=4,
                    ),
                ),
                ("next_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=config.clock.now)),
            ],
        ),
        migrations.AddField(
            model_name="payment", name="counted_day", field=models.DateField(null=True)
        ),
        migrations.AddField(
            model_name="payment",
            name="counted_as",
            field=models.CharField(max_length=88, null=True),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["day", "at"], name="transfer_when", pages_per_range=32
            ),
        ),
        migrations.AddConstraint(
            model_name="reportschedule",
            constraint=models.UniqueConstraint(
                fields=("person_id", "live", "report", "every"), name="report_schedule_once"
            ),
        ),
        UNCOUNTED,
    ]

"""What reports stand on beside the ledger: attempts counted, and who gets which report by mail."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.methods import Method
from payments.states import PaymentState


class AttemptFigure(models.Model):
    """Attempts of one day as they stood when they were counted; `paise` is what they asked for.
    Always read with what has changed since; see payments.attempts."""

    pk = models.CompositePrimaryKey("live", "day", "state", "method", "result_code")
    live = models.BooleanField()
    day = models.DateField()
    state = models.CharField(max_length=8, choices=PaymentState)
    method = models.CharField(max_length=12, choices=Method, blank=True)
    result_code = models.CharField(max_length=64, blank=True)
    count = models.BigIntegerField(default=0)
    paise = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day} {self.state} {self.method} {self.result_code}"


class ReportSchedule(models.Model):
    """A report that somebody gets by mail. The row ends with their place in the team."""

    class Every(models.TextChoices):
        DAY = "day", _("Every day")
        WEEK = "week", _("Every Monday")
        MONTH = "month", _("On the 1st of the month")

    class Format(models.TextChoices):
        CSV = "csv", _("CSV")
        XLSX = "xlsx", _("Excel (XLSX)")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    person_id = models.UUIDField()
    report = models.CharField(max_length=20)
    every = models.CharField(max_length=5, choices=Every)
    format = models.CharField(max_length=4, choices=Format, default=Format.CSV)
    # When the next mail is due; it tells of the day, week or month before.
    next_at = models.DateTimeField()
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "live", "report", "every"], name="report_schedule_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report} {self.every}"

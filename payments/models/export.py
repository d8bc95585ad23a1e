"""Files that people have made of lists, kept for a week in the merchant's own schema."""

import uuid
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.models.finding import Listed


class ExportFile(models.Model):
    """A selection as a file: asked for, made by a worker, fetched, forgotten.

    `count` and the sums are of the moment that the whole file shows; None until that moment. What
    was received is known of payments, what was asked for of refunds.
    """

    class Format(models.TextChoices):
        CSV = "csv", _("CSV")
        XLSX = "xlsx", _("Excel (XLSX)")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting its turn")
        RUNNING = "running", _("Being made")
        DONE = "done", _("Ready")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    of = models.CharField(
        max_length=8, choices=Listed, default=Listed.PAYMENTS, db_default=Listed.PAYMENTS
    )
    format = models.CharField(max_length=4, choices=Format)
    # A Selection of payments or refunds as plain JSON, the names of the columns, the language of
    # the headings.
    selection = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    language = models.CharField(max_length=5, default="en")
    # The form's own key: the same form sent twice is one file.
    request_key = models.CharField(max_length=40)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    # Which attempt at making it this is; one that was overtaken writes no more.
    turn = models.IntegerField(default=0)
    count = models.BigIntegerField(null=True)
    received_paise = models.BigIntegerField(null=True)
    asked_paise = models.BigIntegerField(null=True)
    refunded_paise = models.BigIntegerField(null=True)
    # Rows and bytes that are written.
    done = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=now)
    created_by_id = models.UUIDField()
    created_by_name = models.CharField(max_length=80, blank=True)
    # Why it failed, in a word; "" where nobody knows.
    error = models.CharField(max_length=20, blank=True)
    # When a worker last wrote to it, when it came to its end, and until when it is kept.
    touched_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["created_by_id", "request_key"], name="exportfile_request_once"
            ),
        ]
        indexes = [models.Index(fields=["live", "-created_at", "id"], name="exportfile_newest")]

    def __str__(self) -> str:
        return f"{self.get_format_display()} {self.created_at:%Y-%m-%d}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)


def as_it_stands(state: str, expires_at: datetime | None) -> str:
    """A file's state: expired as soon as its week is over, also before that is written down."""
    is_over = state == ExportFile.State.DONE and expires_at is not None and expires_at <= now()
    return ExportFile.State.EXPIRED if is_over else state


class ExportChunk(models.Model):
    """A piece of a file, about a megabyte."""

    pk = models.CompositePrimaryKey("file_id", "number")
    file = models.ForeignKey(ExportFile, models.CASCADE, related_name="chunks", db_index=False)
    number = models.IntegerField()
    data = models.BinaryField()

    def __str__(self) -> str:
        return str(self.number)

"""What Paytm said, word for word, and the story of each payment."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.models.payment import Payment
from payments.models.refund import Refund


class Message(models.Model):
    """A message from Paytm about an order we know, stored before it is acted on."""

    class Source(models.TextChoices):
        CALLBACK = "callback", _("Paytm's callback")
        WEBHOOK = "webhook", _("Paytm's webhook")
        STATUS = "status", _("Paytm's status answer")
        REFUND = "refund", _("Paytm's refund answer")
        REFUND_WEBHOOK = "refund_webhook", _("Paytm's refund webhook")

    # What came unasked. Such a message changes nothing, so it has no entry in the timeline: it
    # stands there itself.
    UNASKED: Final = (Source.CALLBACK, Source.WEBHOOK, Source.REFUND_WEBHOOK)

    id = models.BigAutoField(primary_key=True)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="messages", db_index=False)
    source = models.CharField(max_length=14, choices=Source)
    verdict = models.CharField(max_length=30)
    raw = models.TextField()
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "source", "digest"], name="message_stored_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.verdict}"


class TimelineEntry(models.Model):
    """One thing that happened to a payment. Append-only."""

    # Entries of Message.UNASKED were written once, and are left out in favour of the messages.

    id = models.BigAutoField(primary_key=True)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="timeline", db_index=False)
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="+")
    message = models.ForeignKey(
        Message, models.PROTECT, null=True, related_name="+", db_index=False
    )
    at = models.DateTimeField(default=now)
    kind = models.CharField(max_length=30)
    state = models.CharField(max_length=9, blank=True)
    words = models.CharField(max_length=500, blank=True)
    by_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [models.Index(fields=["payment", "id"], name="timeline_of_payment")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"

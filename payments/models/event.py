"""Events, and their way to the merchant's own systems."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from merchants.models import Endpoint
from payments.models.payment import Payment
from payments.models.refund import Refund


class Kind(models.TextChoices):
    """What a merchant's systems are told of; docs/events.md says what each holds."""

    PAYMENT_PAID = "payment.paid", _("Payment paid")
    PAYMENT_FAILED = "payment.failed", _("Payment failed")
    PAYMENT_SURPLUS = "payment.surplus", _("Surplus arrived")
    PAYMENT_ACCEPTED = "payment.accepted", _("Surplus kept as a sale")
    REFUND_DONE = "refund.done", _("Refund done")
    REFUND_FAILED = "refund.failed", _("Refund failed")
    SETTLEMENT_RECEIVED = "settlement.received", _("Settlement received")
    TEST = "test", _("Test event")


class Event(models.Model):
    """Something that happened, once for its subject and kind, in the words that are sent.

    Append-only: every attempt anywhere sends this very `body`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    kind = models.CharField(max_length=20, choices=Kind)
    # What it is about: a payment's, refund's or settlement's own id.
    subject = models.CharField(max_length=64)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="events")
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="+", db_index=False)
    body = models.TextField()
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="event_once"),
        ]
        indexes = [models.Index(fields=["live", "-created_at", "id"], name="event_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    @property
    def message_id(self) -> str:
        """Its `webhook-id`: the same at every attempt and every endpoint."""
        return f"evt_{self.pk.hex}"


class Failure(models.TextChoices):
    """Why an attempt brought no answer, or a delivery none at all."""

    ADDRESS = "address", _("The address is not one that we may connect to")
    NO_NAME = "no_name", _("Its name leads nowhere")
    REFUSED = "refused", _("No connection could be made")
    TIMEOUT = "timeout", _("It took too long")
    TLS = "tls", _("No secure connection: its certificate or TLS is not right")
    BROKEN = "broken", _("The connection broke, or what came was no HTTP")
    SWITCHED_OFF = "switched_off", _("The endpoint was switched off")
    NONE = "", _("None")


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    class State(models.TextChoices):
        WAITING = "waiting", _("On its way")
        DELIVERED = "delivered", _("Delivered")
        DEAD = "dead", _("Given up")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    event = models.ForeignKey(Event, models.PROTECT, related_name="deliveries", db_index=False)
    endpoint = models.ForeignKey(
        Endpoint, models.PROTECT, related_name="deliveries", db_index=False
    )
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    # Attempts since it was written, or since somebody asked for another round.
    tries = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True, default=now)
    # What the last attempt brought: an HTTP status, or why there is none.
    status = models.SmallIntegerField(null=True)
    failure = models.CharField(max_length=12, choices=Failure, default=Failure.NONE, blank=True)
    created_at = models.DateTimeField(default=now)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="delivery_once"),
            models.CheckConstraint(
                name="delivery_waits_for",
                condition=models.Q(state="waiting", next_at__isnull=False, decided_at=None)
                | (~models.Q(state="waiting") & models.Q(next_at=None, decided_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_at", "id"],
                name="delivery_due",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["endpoint", "-created_at", "id"], name="delivery_newest"),
            models.Index(
                fields=["live", "decided_at"],
                name="delivery_dead",
                condition=models.Q(state="dead"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.endpoint_id}"


class DeliveryAttempt(models.Model):
    """One POST and what came back. Append-only."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="attempts")
    # Its second is the `webhook-timestamp` that was signed.
    at = models.DateTimeField()
    url = models.CharField(max_length=400)
    status = models.SmallIntegerField(null=True)
    failure = models.CharField(max_length=12, choices=Failure, default=Failure.NONE, blank=True)
    # The beginning of the answer, what looks like a secret blanked.
    answer = models.TextField(blank=True)
    ms = models.IntegerField()
    next_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.status or self.failure}"

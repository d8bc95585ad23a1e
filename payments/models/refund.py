"""A refund: money on its way back, under one Paytm reference id."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.models.payment import Payment, unguessable
from payments.states import RefundState


def new_ref_id() -> str:
    return unguessable("ref_")


class Refund(models.Model):
    class Origin(models.TextChoices):
        """Who had it sent back."""

        PERSON = "person", _("Your team")
        POLICY = "policy", _("The link's rule for surplus")
        PAYTM = "paytm", _("Paytm's own dashboard")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    ref_id = models.CharField(max_length=50, unique=True, default=new_ref_id)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds", db_index=False)
    amount_paise = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=RefundState, default=RefundState.REQUESTED)
    # In the merchant's words as they were then; the comment is for the team alone.
    reason = models.CharField(max_length=200, blank=True)
    comment = models.CharField(max_length=500, blank=True, default="", db_default="")
    request_key = models.CharField(max_length=40, null=True)
    paytm_refund_id = models.CharField(max_length=64, blank=True)
    bank_reference = models.CharField(max_length=64, blank=True)
    arn = models.CharField(max_length=64, blank=True, default="", db_default="")
    # The day on which the payer should have it, where Paytm names one: see payments.crediting.
    credit_on = models.DateField(null=True)
    result_code = models.CharField(max_length=64, blank=True)
    result_message = models.CharField(max_length=500, blank=True)
    origin = models.CharField(max_length=6, choices=Origin, default=Origin.PERSON)
    asked_by_id = models.UUIDField(null=True)
    asked_by_name = models.CharField(max_length=80, blank=True)
    # The limit above which it waited for a second person, and what that person said.
    held_above_paise = models.BigIntegerField(null=True)
    judged_by_id = models.UUIDField(null=True)
    judged_by_name = models.CharField(max_length=80, blank=True, default="", db_default="")
    judged_at = models.DateTimeField(null=True)
    judgement = models.CharField(max_length=300, blank=True, default="", db_default="")
    # The one that Paytm refused for lack of balance, which this one tries again.
    retry_of = models.OneToOneField("self", models.PROTECT, null=True, related_name="retry")
    # When first, when last and how often it was sent to Paytm, and how Paytm refused the last
    # repeat, which is not final.
    first_sent_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    sends = models.SmallIntegerField(default=0)
    refusal = models.CharField(max_length=64, blank=True)
    refusal_words = models.CharField(max_length=500, blank=True)
    next_ask_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="refund_positive", condition=models.Q(amount_paise__gt=0)),
            models.UniqueConstraint(fields=["payment", "request_key"], name="refund_request_once"),
            # Paytm: another refund on the order in progress is refused (626).
            models.UniqueConstraint(
                fields=["payment"],
                name="refund_one_at_a_time",
                condition=models.Q(state__in=["held", "requested", "sent", "accepted"]),
            ),
            # Above the limit nothing leaves without somebody else than who asked for it.
            models.CheckConstraint(
                name="refund_second_person",
                condition=models.Q(held_above_paise=None)
                | models.Q(state__in=["held", "withdrawn"])
                | (
                    models.Q(asked_by_id__isnull=False, judged_by_id__isnull=False)
                    & ~models.Q(judged_by_id=models.F("asked_by_id"))
                ),
            ),
            models.CheckConstraint(
                name="refund_held_above",
                condition=~models.Q(state__in=["held", "rejected", "withdrawn"])
                | models.Q(held_above_paise__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["live", "-created_at", "id"], name="refund_newest"),
            models.Index(fields=["live", "state", "-created_at", "id"], name="refund_by_state"),
            models.Index(
                fields=["next_ask_at"],
                name="refund_due",
                condition=models.Q(next_ask_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.ref_id

    @property
    def asked_by(self) -> str:
        """Who asked for it: a person as they were called then, or what did."""
        return self.asked_by_name or str(self.get_origin_display())

    @property
    def waits_for_balance(self) -> bool:
        """Whether it is to be tried again later and has not left yet."""
        return self.state == RefundState.REQUESTED and self.retry_of_id is not None

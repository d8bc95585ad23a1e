"""A payment: one attempt of one payer, under one Paytm order id."""

import secrets
import uuid

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce, Least, NullIf
from django.utils.translation import gettext_lazy as _

from config.clock import now
from merchants.models import PaytmAccount
from payments import questions
from payments.methods import Method
from payments.models.link import Link
from payments.states import ARRIVED, PaymentState
from tenants.models import KEY_ALPHABET


class Surplus(models.TextChoices):
    """Why money that arrived was not asked for."""

    AMOUNT = "amount", _("Another amount than was asked for")
    TAKEN = "taken", _("The link had taken all its payments")
    EXPIRED = "expired", _("Paid after the link had expired")
    DISABLED = "disabled", _("Paid after the link was disabled")
    NONE = "", _("No surplus")


# What came, or was asked for where nothing came.
MONEY = Coalesce(NullIf("received_paise", 0), "amount_paise")
# 1 where some was given back, or where a payout has it; else 0.
GIVEN_BACK = Least("refunded_paise", 1)
PAID_OUT = Func("settled_on", function="num_nonnulls", output_field=models.IntegerField())


def unguessable(prefix: str) -> str:
    """A new id with about 99 random bits, of characters that Paytm takes in an order id."""
    return prefix + "".join(secrets.choice(KEY_ALPHABET) for _ in range(20))


def new_order_id() -> str:
    return unguessable("pay_")


class Payment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    token = models.CharField(max_length=40, unique=True)
    order_id = models.CharField(max_length=50, unique=True, default=new_order_id)
    link = models.ForeignKey(Link, models.PROTECT, related_name="payments", db_index=False)
    account = models.ForeignKey(PaytmAccount, models.PROTECT, related_name="+", db_index=False)
    description = models.CharField(max_length=120)
    amount_paise = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=PaymentState, default=PaymentState.CREATED)
    # What the payer told when starting, and the language that they read.
    payer_name = models.CharField(max_length=80, blank=True)
    payer_email = models.EmailField(blank=True)
    payer_phone = models.CharField(max_length=20, blank=True)
    # [question, answer] as they were asked and given; True for a checkbox.
    answers = models.JSONField(default=list)
    language = models.CharField(max_length=5, default="en")
    # Which of the link's payments this one is, once it is good. Unique per link.
    slot = models.IntegerField(null=True)
    # The form's own key: the same form sent twice is one attempt.
    request_key = models.CharField(max_length=40, null=True)
    paytm_token = models.TextField(blank=True)
    paytm_token_until = models.DateTimeField(null=True)
    paytm_txn_id = models.CharField(max_length=64, blank=True)
    bank_txn_id = models.CharField(max_length=64, blank=True)
    method = models.CharField(max_length=12, choices=Method, default=Method.NONE, blank=True)
    gateway = models.CharField(max_length=40, blank=True)
    bank = models.CharField(max_length=60, blank=True)
    result_code = models.CharField(max_length=64, blank=True)
    result_message = models.CharField(max_length=500, blank=True)
    # What Paytm stated when it confirmed the payment, and when it says that was.
    received_paise = models.BigIntegerField(default=0)
    paid_at = models.DateTimeField(null=True)
    surplus = models.CharField(max_length=8, choices=Surplus, default=Surplus.NONE, blank=True)
    # When a surplus was kept as a sale, and by whom; "" for the link's rule.
    accepted_at = models.DateTimeField(null=True)
    accepted_by_name = models.CharField(max_length=80, blank=True)
    refunded_paise = models.BigIntegerField(default=0)
    reserved_paise = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    next_ask_at = models.DateTimeField(null=True)
    # The day of the payout that it is part of.
    settled_on = models.DateField(null=True)
    created_at = models.DateTimeField(default=now)
    decided_at = models.DateTimeField(null=True)
    # The day and the group that count this attempt by now, see payments.attempts; rows of which
    # that is no longer so are in the index payment_uncounted.
    counted_day = models.DateField(null=True)
    counted_as = models.CharField(max_length=88, null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="payment_positive", condition=Q(amount_paise__gt=0)),
            models.CheckConstraint(
                name="payment_refunds_within",
                condition=Q(refunded_paise__gte=0)
                & Q(reserved_paise__gte=0)
                & Q(received_paise__gte=F("refunded_paise") + F("reserved_paise")),
            ),
            models.CheckConstraint(
                name="payment_received",
                condition=Q(state="paid", received_paise=F("amount_paise"))
                | Q(state="surplus", received_paise__gt=0)
                | (~Q(state__in=["paid", "surplus"]) & Q(received_paise=0)),
            ),
            models.CheckConstraint(
                name="payment_surplus_why",
                condition=(Q(state="surplus") & ~Q(surplus=""))
                | (~Q(state="surplus") & Q(surplus="", accepted_at=None)),
            ),
            models.UniqueConstraint(fields=["link", "slot"], name="payment_slot_once"),
            models.UniqueConstraint(fields=["link", "request_key"], name="payment_request_once"),
        ]
        indexes = [
            # One for each filter of the list, newest first; see payments.finding.
            models.Index(fields=["live", "-created_at", "id"], name="payment_newest"),
            models.Index(
                *(F("live"), F("state"), PAID_OUT, GIVEN_BACK, F("created_at").desc(), F("id")),
                name="payment_by_state",
            ),
            models.Index(
                *(F("live"), F("method"), F("state"), GIVEN_BACK),
                *(F("created_at").desc(), F("id")),
                name="payment_by_method",
            ),
            models.Index(
                fields=["link", "-created_at", "id"],
                include=["state", "accepted_at"],  # what a link's payments are counted by
                name="payment_of_link",
            ),
            models.Index(
                F("live"), MONEY, F("created_at").desc(), F("id"), name="payment_by_amount"
            ),
            models.Index(
                fields=["live", "-created_at", "id"],
                name="payment_surplus",
                condition=Q(state="surplus"),
            ),
            models.Index(
                fields=["next_ask_at"],
                name="payment_due",
                condition=models.Q(next_ask_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.order_id

    @property
    def refundable_paise(self) -> int:
        """What may still be sent back, in paise: of all that arrived, expected or not."""
        return self.received_paise - self.refunded_paise - self.reserved_paise

    @property
    def answered(self) -> list[tuple[str, str]]:
        """Questions and answers, in words of the active language."""
        return questions.in_words(self.answers)

    @property
    def counts_as_sale(self) -> bool:
        """Whether its money is the merchant's sale; surplus only once it was accepted."""
        return self.state == PaymentState.PAID or self.accepted_at is not None

    @property
    def wants_decision(self) -> bool:
        """Whether some of its surplus is neither kept nor on its way back."""
        return self.state == PaymentState.SURPLUS and bool(
            self.accepted_at is None and self.refundable_paise
        )

    @property
    def has_arrived(self) -> bool:
        """Whether Paytm confirmed that the payer's money came, expected or not."""
        return self.state in ARRIVED

    @property
    def can_be_paid_now(self) -> bool:
        """Whether the payer can still pay under this attempt's own Paytm token.

        An unknown one too: it is the same order, which Paytm takes once.
        """
        alive = self.paytm_token_until is not None and self.paytm_token_until > now()
        return self.state in (PaymentState.OPEN, PaymentState.UNKNOWN) and alive

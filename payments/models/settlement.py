"""What Paytm paid out, line by line, what is wrong with it, and how we came to know."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.clock import now
from merchants.models import PaytmAccount
from payments.models.payment import Payment
from payments.models.refund import Refund


class SettlementImport(models.Model):
    """One look at Paytm's list of a day, or one file that somebody uploaded."""

    class Source(models.TextChoices):
        API = "api", _("Asked of Paytm")
        CSV = "csv", _("Uploaded file")

    class State(models.TextChoices):
        PREVIEW = "preview", _("Waits for a person")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    account = models.ForeignKey(PaytmAccount, models.PROTECT, related_name="+", db_index=False)
    source = models.CharField(max_length=3, choices=Source)
    state = models.CharField(max_length=7, choices=State, default=State.RUNNING)
    # The day asked about; none for a file.
    day = models.DateField(null=True)
    file_name = models.CharField(max_length=120, blank=True)
    # Rows as Paytm gave them, secrets blanked, until they are lines.
    rows = models.JSONField(default=list)
    next_page = models.IntegerField(default=1)
    total = models.IntegerField(null=True)
    new_lines = models.IntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    asked_by_name = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["live", "-created_at"], name="settlement_import_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.day or self.file_name}"


class Settlement(models.Model):
    """A payout: what arrived on the merchant's bank account under one UTR.

    `paid_on` is Paytm's (Indian) day, `paid_out_at` its beginning. `stated_paise` is what Paytm
    says the whole is; where it does not, the payout is the sum of its lines.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    account = models.ForeignKey(PaytmAccount, models.PROTECT, related_name="+", db_index=False)
    mid = models.CharField(max_length=20)
    utr = models.CharField(max_length=64, blank=True)
    paid_on = models.DateField()
    paid_out_at = models.DateTimeField()
    stated_paise = models.BigIntegerField(null=True)
    imported_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["live", "mid", "utr"], name="settlement_once", condition=~Q(utr="")
            ),
            models.UniqueConstraint(
                fields=["live", "mid", "paid_on"],
                name="settlement_once_without_utr",
                condition=Q(utr=""),
            ),
        ]
        indexes = [
            models.Index(fields=["live", "-paid_out_at", "id"], name="settlement_newest"),
        ]

    def __str__(self) -> str:
        return self.utr or str(self.paid_on)


class SettlementLine(models.Model):
    """One line of a payout, signed paise of the merchant's: as stated, never changed.

    Known by payout, kind, Paytm's reference and `nth`: the same row twice in one report is two
    lines, the same report twice is one. What it was matched to is all that may change.
    """

    class Kind(models.TextChoices):
        SALE = "sale", _("Sale")
        REFUND = "refund", _("Refund")
        OTHER = "other", _("Other")

    class Match(models.TextChoices):
        NONE = "", _("Not known")
        MATCHED = "matched", _("Matched")
        TWICE = "twice", _("Settled before")

    id = models.BigAutoField(primary_key=True)
    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="lines", db_index=False)
    kind = models.CharField(max_length=6, choices=Kind)
    reference = models.CharField(max_length=64)
    nth = models.SmallIntegerField()
    order_id = models.CharField(max_length=64, blank=True)
    txn_id = models.CharField(max_length=64, blank=True)
    gross_paise = models.BigIntegerField()
    commission_paise = models.BigIntegerField()
    gst_paise = models.BigIntegerField()
    settled_paise = models.BigIntegerField()
    txn_at = models.DateTimeField(null=True)
    raw = models.JSONField(default=dict)
    match = models.CharField(max_length=7, choices=Match, default=Match.NONE, blank=True)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="settled_lines")
    refund = models.ForeignKey(
        Refund, models.PROTECT, null=True, related_name="settled_lines", db_index=False
    )
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "kind", "reference", "nth"], name="settlement_line_once"
            ),
            # A payment is settled once, however many payouts name it at the same moment.
            models.UniqueConstraint(
                fields=["payment"],
                name="settlement_line_settles_once",
                condition=Q(kind="sale", match="matched"),
            ),
        ]
        indexes = [
            models.Index(
                fields=["order_id"], name="settlement_line_unknown", condition=Q(match="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Discrepancy(models.Model):
    """Something in Paytm's payouts that a person must look at: found once for its subject."""

    class Kind(models.TextChoices):
        UNSETTLED = "unsettled", _("Paid, but not paid out")
        UNKNOWN_ORDER = "unknown_order", _("Paid out for an order we do not know")
        AMOUNT = "amount", _("Paid out for another amount")
        ARITHMETIC = "arithmetic", _("Commission or GST does not add up")
        TWICE = "twice", _("Paid out twice")
        UNKNOWN_REFUND = "unknown_refund", _("A refund we do not know")
        OTHER_LINE = "other_line", _("A line that is neither sale nor refund")
        TOTAL = "total", _("The payout is not the sum of its lines")
        CHANGED = "changed", _("Paytm now states other figures")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    kind = models.CharField(max_length=14, choices=Kind)
    # What it is about: a payment's, a payout's or a line's id.
    subject = models.CharField(max_length=40)
    settlement = models.ForeignKey(
        Settlement, models.PROTECT, null=True, related_name="discrepancies"
    )
    line = models.ForeignKey(
        SettlementLine, models.PROTECT, null=True, related_name="+", db_index=False
    )
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="discrepancies")
    # What we hold and what Paytm says, where both are sums.
    ours_paise = models.BigIntegerField(null=True)
    theirs_paise = models.BigIntegerField(null=True)
    owner_id = models.UUIDField(null=True)
    owner_name = models.CharField(max_length=80, blank=True)
    resolved_at = models.DateTimeField(null=True)
    # Who closed it; "" for the facts themselves.
    resolved_by_name = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["live", "kind", "subject"], name="discrepancy_once"),
        ]
        indexes = [
            models.Index(fields=["live", "-created_at", "id"], name="discrepancy_newest"),
            models.Index(
                fields=["live", "-created_at", "id"],
                name="discrepancy_open",
                condition=Q(resolved_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class DiscrepancyNote(models.Model):
    """An entry of a discrepancy's history. Appended, never changed."""

    id = models.BigAutoField(primary_key=True)
    discrepancy = models.ForeignKey(Discrepancy, models.PROTECT, related_name="notes")
    at = models.DateTimeField(default=now)
    act = models.CharField(max_length=8)
    words = models.CharField(max_length=500, blank=True)
    by_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return self.act

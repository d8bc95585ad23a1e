"""The ledger of transfers, and the figures folded from it."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.methods import Method
from payments.models.payment import Payment
from payments.models.refund import Refund
from payments.models.settlement import Settlement, SettlementLine


class Account(models.TextChoices):
    RECEIVABLE = "receivable", _("Owed by Paytm")
    SALES = "sales", _("Sales")
    REFUNDS = "refunds", _("Refunds")
    SURPLUS = "surplus", _("Surplus")
    FEES = "fees", _("Paytm's fees")
    GST = "gst", _("GST on fees")
    BANK = "bank", _("Paid out to the bank")
    ADJUSTMENTS = "adjustments", _("Adjustments")


class Transfer(models.Model):
    """One movement: `paise` leave `credit` and arrive at `debit`. Balanced by construction.

    Append-only: the database refuses DELETE, and UPDATE of anything but `folded`, which says
    whether the daily figures already hold this row. A correction is a row that reverses.
    """

    id = models.BigAutoField(primary_key=True)
    live = models.BooleanField()
    at = models.DateTimeField(default=now)
    # The merchant's own calendar day, as it was when the money was booked.
    day = models.DateField()
    # Payouts and adjustments may concern no payment.
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="transfers")
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="transfers")
    # The payout it is part of, and the line; a transfer to the bank is of the whole.
    settlement = models.ForeignKey(Settlement, models.PROTECT, null=True, related_name="transfers")
    settlement_line = models.ForeignKey(
        SettlementLine, models.PROTECT, null=True, related_name="transfers", db_index=False
    )
    # Which booking of the payout's amount: a correction reverses one and books the next.
    turn = models.SmallIntegerField(default=0, db_default=0)
    debit = models.CharField(max_length=12, choices=Account)
    credit = models.CharField(max_length=12, choices=Account)
    paise = models.BigIntegerField()
    method = models.CharField(max_length=12, choices=Method, blank=True)
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    folded = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="transfer_positive", condition=models.Q(paise__gt=0)),
            models.CheckConstraint(
                name="transfer_moves", condition=~models.Q(debit=models.F("credit"))
            ),
            # One sale or surplus for a payment, a surplus accepted once, one booking for a refund;
            # reversals are free.
            models.UniqueConstraint(
                fields=["payment"],
                name="transfer_sale_once",
                condition=models.Q(
                    debit="receivable", credit__in=["sales", "surplus"], reverses=None
                ),
            ),
            models.UniqueConstraint(
                fields=["payment"],
                name="transfer_accept_once",
                condition=models.Q(debit="surplus", credit="sales", reverses=None),
            ),
            models.UniqueConstraint(
                fields=["refund"],
                name="transfer_refund_once",
                condition=models.Q(refund__isnull=False, reverses=None),
            ),
            # Of a line one fee, one GST, one adjustment; of a payout one amount at a time.
            models.UniqueConstraint(
                fields=["settlement_line", "debit", "credit"],
                name="transfer_line_once",
                condition=models.Q(settlement_line__isnull=False, reverses=None),
            ),
            models.UniqueConstraint(
                fields=["settlement", "turn"],
                name="transfer_payout_once",
                condition=models.Q(settlement__isnull=False, settlement_line=None, reverses=None),
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                name="transfer_settlement_reversed_once",
                condition=models.Q(settlement__isnull=False, reverses__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_names_payment",
                condition=models.Q(payment__isnull=False)
                | models.Q(debit__in=["bank", "adjustments"])
                | models.Q(credit__in=["bank", "adjustments"]),
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="transfer_unfolded", condition=models.Q(folded=False)),
            # The few that make a payment's books differ from its row; see payments.exporting.
            models.Index(
                fields=["payment"],
                name="transfer_corrects",
                condition=models.Q(reverses__isnull=False)
                | models.Q(debit__in=["sales", "surplus", "adjustments"]),
            ),
            # Rows come in the order of time, so this says where a day is at next to no cost.
            BrinIndex(
                fields=["day", "at"],
                name="transfer_when",
                autosummarize=True,
                pages_per_range=32,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.credit} → {self.debit} {self.paise}"


class DailyFigure(models.Model):
    """Folded transfers of one day and method. Always read with the unfolded rows added."""

    id = models.BigAutoField(primary_key=True)
    live = models.BooleanField()
    day = models.DateField()
    method = models.CharField(max_length=12, blank=True)
    sales_count = models.BigIntegerField(default=0)
    sales_paise = models.BigIntegerField(default=0)
    refunds_count = models.BigIntegerField(default=0)
    refunds_paise = models.BigIntegerField(default=0)
    surplus_paise = models.BigIntegerField(default=0)
    fees_paise = models.BigIntegerField(default=0)
    gst_paise = models.BigIntegerField(default=0)
    settled_paise = models.BigIntegerField(default=0)
    adjustments_paise = models.BigIntegerField(default=0)
    # How often this row changed, and which of its states the platform's roll-up holds.
    revision = models.BigIntegerField(default=1)
    published = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["live", "day", "method"], name="daily_figure_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.method}"

"""What the pages about payouts are made of: rows, the waterfall, and discrepancies in words."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django import forms
from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.filters import DayField
from dashboard.paging import Row
from merchants.models import PaytmAccount
from payments import ledger
from payments.discrepancies import SETTLING
from payments.models import Discrepancy, Payment, Settlement, SettlementLine
from payments.money import format_inr
from payments.payouts import Breakdown
from payments.paytm import BadFile, BadRow

Kind = Discrepancy.Kind

# What a discrepancy means, and what helps.
MEANINGS = {
    Kind.UNSETTLED: gettext_lazy(
        "Paytm confirmed this payment more than three days ago, and none of its payouts has it."
        " Ask Paytm for the payout. It closes by itself when the line comes."
    ),
    Kind.UNKNOWN_ORDER: gettext_lazy(
        "The payout has money for an order that was not made here. Another system of yours may"
        " use the same MID. The money is booked as an adjustment."
    ),
    Kind.AMOUNT: gettext_lazy(
        "Paytm paid out another amount than what arrived in your books. Compare it with the"
        " payment, then ask Paytm about the difference."
    ),
    Kind.ARITHMETIC: gettext_lazy(
        "Amount less commission less GST is not what was paid out, or the GST is not 18 % of the"
        " commission. Ask Paytm for a corrected statement."
    ),
    Kind.TWICE: gettext_lazy(
        "Paytm paid out this payment before. Expect it to take the money back. The second time is"
        " booked as an adjustment."
    ),
    Kind.UNKNOWN_REFUND: gettext_lazy(
        "Paytm took a refund off the payout that is not in your books. We ask Paytm about the"
        " order; a refund made in Paytm's dashboard then shows here, and this closes by itself."
    ),
    Kind.OTHER_LINE: gettext_lazy(
        "A line that is neither a sale nor a refund, such as a chargeback. It is booked as an"
        " adjustment."
    ),
    Kind.TOTAL: gettext_lazy(
        "The lines do not add up to what was paid out. A line may come late: the last days are"
        " asked again every day, and this then closes by itself."
    ),
    Kind.CHANGED: gettext_lazy(
        "Paytm states other figures for this line than when it was first imported. Your books"
        " keep the first. Ask Paytm which are right."
    ),
}

ACTS = {
    "found": ("circle-alert", gettext_lazy("Found")),
    "again": ("rotate-ccw", gettext_lazy("Found again")),
    "vanished": ("circle-check", gettext_lazy("No longer so; closed by itself")),
    "taken": ("hand", gettext_lazy("Taken")),
    "released": ("undo-2", gettext_lazy("Given back")),
    "note": ("message-circle", gettext_lazy("Note")),
    "resolved": ("check", gettext_lazy("Resolved")),
}

FILE_ERRORS = {
    "too_large": gettext_lazy("The file is larger than 2 MB. Download fewer days at a time."),
    "too_long": gettext_lazy("The file has more than 5,000 rows. Download fewer days at a time."),
    "empty": gettext_lazy("The file has a heading but no rows."),
    "not_utf8": gettext_lazy("The file is not text in UTF-8. Download the report as CSV."),
    "not_csv": gettext_lazy("The file cannot be read as CSV. Download the report again."),
    "column_twice": gettext_lazy("Two columns of the file have the same name."),
}
COLUMNS = {
    "order_id": gettext_lazy("Order ID"),
    "commission": gettext_lazy("Commission"),
    "gst": gettext_lazy("GST"),
    "settled": gettext_lazy("Settled Amount"),
    "utr": gettext_lazy("UTR"),
    "paid_on": gettext_lazy("Settled Date"),
    "gross": gettext_lazy("Transaction Amount"),
    "payout": gettext_lazy("Payout Amount"),
    "txn_id": gettext_lazy("Transaction ID"),
    "refund_id": gettext_lazy("Refund ID"),
}


def settlement_rows(payouts: QuerySet[Any]) -> QuerySet[Any, Row]:
    """Payouts by day, each with how many of its discrepancies are open, for page_of."""
    odd = Count("discrepancies", filter=Q(discrepancies__resolved_at=None))
    # created_at is what pages go by: here the day of the payout.
    return payouts.values("id", "utr", "paid_on", "mid", created_at=F("paid_out_at"), odd=odd)


def with_paid(rows: Iterable[Row]) -> list[Row]:
    """Each with `paid_paise`, what the books say arrived. One query more."""
    rows = [*rows]
    paid = ledger.paid_out([row["id"] for row in rows])
    return [row | {"paid_paise": paid.get(row["id"], 0)} for row in rows]


class Fall(NamedTuple):
    """A step of the waterfall; `after_paise` is what is left below it. `lines` names those of the
    payout that it is of. `left` and `width` are its bar, of a thousand."""

    label: str
    paise: int
    after_paise: int
    lines: str
    left: int = 0
    width: int = 0
    strong: bool = False


# Lines of a payout by what they are to its amount.
MATCHED = Q(match=SettlementLine.Match.MATCHED)
LINES = {
    "sales": (gettext_lazy("Sales"), MATCHED & Q(kind=SettlementLine.Kind.SALE)),
    "commission": (gettext_lazy("Commission"), MATCHED & ~Q(commission_paise=0)),
    "gst": (gettext_lazy("GST on commission"), MATCHED & ~Q(gst_paise=0)),
    "refunds": (gettext_lazy("Refunds"), MATCHED & Q(kind=SettlementLine.Kind.REFUND)),
    "adjustments": (gettext_lazy("Adjustments"), ~MATCHED),
}


def waterfall(why: Breakdown) -> list[Fall]:
    """From what payers paid to what arrived, without steps that took or gave nothing. The last
    line is exactly what was paid out."""
    steps = [
        ("sales", why.gross_paise),
        ("commission", -why.commission_paise),
        ("gst", -why.gst_paise),
        ("refunds", -why.refunds_paise),
        ("adjustments", why.adjustments_paise),
    ]
    falls, left = [], 0
    for lines, paise in steps:
        left += paise
        falls.append(Fall(str(LINES[lines][0]), paise, left, lines))
    falls.append(Fall(_("Not explained"), why.remainder_paise, why.paid_paise, "odd"))
    falls = [fall for fall in falls if fall.paise or fall.lines == "sales"]
    falls.append(Fall(_("Paid out"), why.paid_paise, why.paid_paise, "", strong=True))
    return [*_drawn(falls)]


def _drawn(falls: list[Fall]) -> Iterator[Fall]:
    """Each with its bar, from what was there before it to what is left; the last from nothing."""
    ends = [(0 if fall.strong else fall.after_paise - fall.paise, fall.after_paise)
            for fall in falls]  # fmt: skip
    low, high = min(0, *map(min, ends)), max(0, *map(max, ends))
    room = high - low or 1
    for fall, (before, after) in zip(falls, ends, strict=True):
        width = max(4, abs(after - before) * 1000 // room) if fall.paise else 0
        left = min((min(before, after) - low) * 1000 // room, 1000 - width)
        yield fall._replace(left=left, width=width)


def less_than_sales(why: Breakdown) -> str:
    """The question that the waterfall answers."""
    less = why.gross_paise - why.paid_paise
    if less > 0:
        return _("Why it is %(amount)s less than your sales") % {"amount": format_inr(less)}
    return _("Why it is what it is")


class PayoutFilter(forms.Form):
    """Payouts of some days, both included; of all where none are chosen."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["from"] = DayField(label=gettext_lazy("Paid out from"), required=False)
        self.fields["to"] = DayField(label=gettext_lazy("To"), required=False)

    def narrow(self, payouts: QuerySet[Settlement]) -> QuerySet[Settlement]:
        """Those that were paid out then."""
        first, last = self.cleaned_data["from"], self.cleaned_data["to"]
        payouts = payouts.filter(paid_on__gte=first) if first else payouts
        return payouts.filter(paid_on__lte=last) if last else payouts


def settlement_of(payment: Payment) -> dict[str, Any] | None:
    """What a payment's page shows of its payout: the line, and the ledger's fee and GST."""
    line = (
        payment.settled_lines.filter(kind=SettlementLine.Kind.SALE, match="matched")
        .select_related("settlement")
        .first()
    )
    if line is None:
        return None
    fee, gst = ledger.fees_of(payment)
    net = line.gross_paise - fee - gst
    return {"settlement": line.settlement, "fee_paise": fee, "gst_paise": gst, "net_paise": net}


def open_discrepancies(live: bool) -> QuerySet[Discrepancy]:
    return Discrepancy.objects.filter(live=live, resolved_at=None)


class DiscrepancyFilter(forms.Form):
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        choices=[
            ("", gettext_lazy("Open")),
            ("resolved", gettext_lazy("Resolved")),
            ("all", gettext_lazy("All")),
        ],
        required=False,
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("What is odd"),
        choices=[("", gettext_lazy("Everything")), *Kind.choices],
        required=False,
    )
    owner = forms.ChoiceField(
        label=gettext_lazy("Whose"),
        choices=[
            ("", gettext_lazy("Everybody's")),
            ("me", gettext_lazy("Mine")),
            ("nobody", gettext_lazy("Nobody's")),
        ],
        required=False,
    )

    def narrow(self, rows: QuerySet[Discrepancy], me: Any) -> QuerySet[Discrepancy]:
        """Those in this state, of this kind, with this owner."""
        asked = self.cleaned_data
        if asked["state"] != "all":
            rows = rows.filter(resolved_at__isnull=asked["state"] != "resolved")
        if asked["kind"]:
            rows = rows.filter(kind=asked["kind"])
        if asked["owner"]:
            rows = rows.filter(owner_id=me if asked["owner"] == "me" else None)
        return rows


class UploadForm(forms.Form):
    account = forms.ModelChoiceField(
        PaytmAccount.objects.none(), label=gettext_lazy("Paid out to the MID"), empty_label=None
    )
    file = forms.FileField(
        label=gettext_lazy("Settlement report (CSV)"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy(
            "From Paytm's dashboard: Reports, then Settlement. At most 2 MB and 5,000 rows."
        ),
    )

    def __init__(self, *args: Any, live: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = PaytmAccount.objects.filter(live=live, environment__in=SETTLING)
        accounts: Any = self.fields["account"]
        accounts.queryset = known.order_by("state", "-created_at")
        accounts.initial = accounts.queryset.first()


def words_of_file(error: BadFile) -> str:
    """Why this is no settlement report."""
    if error.reason == "no_column":
        column = COLUMNS[error.column]
        return _("The file has no column “%(column)s”.") % {"column": column}
    return str(FILE_ERRORS[error.reason])


def words_of_row(error: BadRow) -> str:
    """What is wrong with a row."""
    column = {"column": COLUMNS.get(error.column, error.column), "value": error.value}
    if error.value == "missing":
        return _("%(column)s is missing") % column
    if error.value == "two values":
        return _("%(column)s is there twice, and differs") % column
    return _("%(column)s cannot be read: %(value)s") % column


def words_of_act(act: str) -> tuple[str, Any]:
    """A drawing and a word for an entry of a discrepancy's history."""
    return ACTS.get(act, ("info", act))

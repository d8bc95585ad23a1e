"""Refunds as a list: its rows, its sums and its file are of one selection."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.exports import Amount
from dashboard.filters import DayField
from dashboard.paging import Row
from dashboard.templatetags.ui import REFUND_STATES
from payments import ledger
from payments.crediting import expected_on
from payments.forms import RupeesField
from payments.methods import Method
from payments.models import Refund
from payments.money import format_inr, plain_inr
from payments.reasons import why_no_refund
from payments.refunding import OVERTAKEN
from payments.states import RefundState

ROW: Final = [
    "id",
    "created_at",
    "ref_id",
    "state",
    "amount_paise",
    "reason",
    "origin",
    "asked_by_name",
    "judged_by_name",
    "bank_reference",
    "next_ask_at",
    "retry_of_id",
    "payment__description",
    "payment__method",
]
HEAD: Final = (
    gettext_lazy("Refund ID"),
    gettext_lazy("Asked for at"),
    gettext_lazy("State"),
    gettext_lazy("Amount (INR)"),
    gettext_lazy("Reason"),
    gettext_lazy("Comment"),
    gettext_lazy("Asked by"),
    gettext_lazy("Decided by"),
    gettext_lazy("Final at"),
    gettext_lazy("Bank reference (RRN)"),
    gettext_lazy("Card reference (ARN)"),
    gettext_lazy("Paytm refund ID"),
    gettext_lazy("Payer should have it by"),
    gettext_lazy("Order ID"),
    gettext_lazy("Payment for"),
    gettext_lazy("Method"),
    gettext_lazy("Payer"),
    gettext_lazy("Payer's e-mail"),
    gettext_lazy("Payer's phone"),
)
CHUNK: Final = 2000


class RefundFilter(forms.Form):
    """What the list shows, as it stands in the address bar."""

    q = forms.CharField(
        label=gettext_lazy("Search"),
        max_length=80,
        required=False,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": gettext_lazy("Payer, order, reference")}
        ),
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        choices=[
            ("", gettext_lazy("All states")),
            *((state, word) for state, (_icon, _tone, word) in REFUND_STATES.items()),
        ],
        required=False,
    )
    low = RupeesField(label=gettext_lazy("Amount from"), low=1, required=False)
    high = RupeesField(label=gettext_lazy("Amount to"), low=1, required=False)
    method = forms.ChoiceField(
        label=gettext_lazy("Method"),
        choices=[
            ("", gettext_lazy("All methods")),
            *((value, label) for value, label in Method.choices if value),
        ],
        required=False,
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=80, required=False)
    who = forms.CharField(label=gettext_lazy("Asked or approved by"), max_length=80, required=False)
    link = forms.UUIDField(required=False, widget=forms.HiddenInput)
    field_order = ["q", "state", "from", "to"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = DayField(label=gettext_lazy("From"), required=False)
        self.fields["to"] = DayField(label=gettext_lazy("To"), required=False)
        self.order_fields(self.field_order)

    @property
    def finer(self) -> list[forms.BoundField]:
        """The fields that are folded away while none of them is set."""
        return [self[name] for name in self.fields if name not in ("q", "state", "link")]

    @property
    def is_fine(self) -> bool:
        return any(field.value() for field in self.finer)

    def narrow(self, refunds: QuerySet[Refund]) -> QuerySet[Refund]:
        """To what was chosen; days are the merchant's, both included."""
        said = self.cleaned_data
        for name, asks in CONDITIONS.items():
            if said[name]:
                refunds = refunds.filter(asks(said[name]))
        return refunds


def _begins(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _ends(day: date) -> Q:
    """Before the next day begins; the calendar has a last one, which nobody's refund is after."""
    return Q(created_at__lt=_begins(day + timedelta(days=1))) if day < date.max else Q()


def _found(text: str) -> Q:
    """What somebody may have in hand: an id of ours, Paytm's or the bank's, as a whole or its
    beginning, or something of the payer's."""
    text = text.strip()
    if text.startswith(("ref_", "paytm_")):
        return Q(ref_id__startswith=text)
    if text.startswith("pay_"):
        return Q(payment__order_id__startswith=text)
    if "@" in text:
        return Q(payment__payer_email__istartswith=text)
    said = Q(payment__payer_name__icontains=text) | Q(payment__payer_email__icontains=text)
    said |= Q(ref_id__icontains=text) | Q(payment__order_id__icontains=text)
    for name in ("bank_reference", "arn", "paytm_refund_id"):
        said |= Q(**{f"{name}__istartswith": text})
    digits = "".join(text.split())
    return said | Q(payment__payer_phone__contains=digits) if digits.strip("+").isdigit() else said


CONDITIONS: Final[dict[str, Any]] = {
    "q": _found,
    "state": lambda state: Q(state=state),
    "from": lambda day: Q(created_at__gte=_begins(day)),
    "to": _ends,
    "low": lambda paise: Q(amount_paise__gte=paise),
    "high": lambda paise: Q(amount_paise__lte=paise),
    "method": lambda method: Q(payment__method=method),
    "reason": lambda text: Q(reason__icontains=text) | Q(comment__icontains=text),
    "who": lambda name: Q(asked_by_name__icontains=name) | Q(judged_by_name__icontains=name),
    "link": lambda id: Q(payment__link=id),
}


def with_words(rows: list[Row]) -> list[Row]:
    """`values(*ROW)`, each with who asked and whether it waits for balance."""
    return [
        row
        | {
            "asked_by": row["asked_by_name"] or Refund.Origin(row["origin"]).label,
            "waits": row["state"] == RefundState.REQUESTED and row["retry_of_id"],
        }
        for row in rows
    ]


def totals(selection: QuerySet[Refund]) -> dict[str, int]:
    """How many refunds, what they ask for, and what of it the books hold as given back: paise."""
    asked = selection.aggregate(count=Count("pk"), asked_paise=Sum("amount_paise", default=0))
    return {**asked, "given_back_paise": ledger.given_back(selection)}


def file_rows(selection: QuerySet[Refund]) -> Iterator[list[str | int]]:
    """The selection's rows for a file, newest first, read in chunks."""
    refunds = selection.select_related("payment").order_by("-created_at", "id")
    for refund in refunds.iterator(chunk_size=CHUNK):
        yield _cells(refund)


def _cells(refund: Refund) -> list[str | int]:
    payment = refund.payment
    day = expected_on(refund)
    return [
        refund.ref_id,
        _moment(refund.created_at),
        str(REFUND_STATES[refund.state][2]),
        Amount(plain_inr(refund.amount_paise)),
        refund.reason,
        refund.comment,
        refund.asked_by,
        refund.judged_by_name,
        _moment(refund.decided_at),
        refund.bank_reference,
        refund.arn,
        refund.paytm_refund_id,
        day.isoformat() if day else "",
        payment.order_id,
        payment.description,
        str(Method(payment.method).label) if payment.method else "",
        payment.payer_name,
        payment.payer_email,
        payment.payer_phone,
    ]


def _moment(at: datetime | None) -> str:
    return timezone.localtime(at).isoformat(sep=" ", timespec="seconds") if at else ""


def meaning_of(refund: Refund) -> Any:
    """What a refund's state means: whether money moved, and what comes next."""
    if refund.state == RefundState.FAILED:
        return why_no_refund(refund)
    if refund.waits_for_balance:
        return _(
            "Your balance at Paytm was too low. It is sent again by itself; no money has left."
        )
    if refund.result_code == OVERTAKEN:
        return _("Money was given back from Paytm's own dashboard meanwhile, so this was not sent.")
    facts = {"name": refund.judged_by_name, "limit": format_inr(refund.held_above_paise or 0)}
    return MEANINGS[refund.state] % facts


MEANINGS: Final[dict[str, Any]] = {
    RefundState.HELD: gettext_lazy(
        "It is above your limit of %(limit)s: nothing is sent before a second person approves it."
        " The money is reserved, so that it cannot be given back twice."
    ),
    RefundState.REQUESTED: gettext_lazy("It is on its way to Paytm. The money is reserved."),
    RefundState.SENT: gettext_lazy("Paytm was asked and has not answered yet. We keep asking."),
    RefundState.ACCEPTED: gettext_lazy("Paytm has taken it on and passes it to the bank."),
    RefundState.DONE: gettext_lazy("Paytm has sent the money back to the payer."),
    RefundState.REJECTED: gettext_lazy("%(name)s refused it. No money has left."),
    RefundState.WITHDRAWN: gettext_lazy("Who asked for it took it back. No money has left."),
}

"""Refunds as a list: what narrows it, its rows and columns, and its sums."""

from datetime import date
from typing import Any, Final

from django import forms
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.finder import OPERATORS, Finder, choices, field
from dashboard.paging import Row
from dashboard.templatetags.ui import REFUND_STATES
from payments import ledger
from payments.crediting import expected_on
from payments.models import Payment, Refund
from payments.money import format_inr
from payments.reasons import why_no_refund
from payments.refund_selecting import RefundSelection
from payments.refunding import OVERTAKEN
from payments.states import RefundState

# What says when the payer should have it, see payments.crediting.
CREDITING: Final = (
    *("state", "origin", "retry_of_id", "credit_on"),
    *("decided_at", "first_sent_at", "judged_at", "created_at"),
)
ROW: Final = [
    *("id", *CREDITING, "ref_id", "amount_paise", "reason", "comment", "next_ask_at"),
    *("asked_by_name", "judged_by_name", "bank_reference", "arn", "paytm_refund_id"),
    *("payment__description", "payment__method", "payment__order_id"),
    *("payment__payer_name", "payment__payer_email", "payment__payer_phone"),
]
# Those that a person can choose, by their names in addresses; the template knows their cells.
COLUMNS: Final[dict[str, Any]] = {
    "when": gettext_lazy("When"),
    "method": gettext_lazy("Method"),
    "by": gettext_lazy("Asked by"),
    "state": gettext_lazy("State"),
    "comment": gettext_lazy("Comment"),
    "final": gettext_lazy("Final at"),
    "expected": gettext_lazy("Payer should have it by"),
    "customer": gettext_lazy("Payer"),
    "email": gettext_lazy("Payer's e-mail"),
    "phone": gettext_lazy("Payer's phone"),
    "order_id": gettext_lazy("Order ID"),
    "bank": gettext_lazy("Bank reference (RRN)"),
    "arn": gettext_lazy("Card reference (ARN)"),
    "paytm": gettext_lazy("Paytm refund ID"),
}
USUAL: Final = ("when", "method", "by", "state")
STATES: Final = [(state, word) for state, (_icon, _tone, word) in REFUND_STATES.items()]


class RefundFilter(Finder):
    """What the list shows, as it stands in the address bar."""

    operators = {
        "status": lambda value: choices("status", value, STATES, {}),
        **OPERATORS,
        "reason": lambda value: field("reason", value, forms.CharField(max_length=80)),
        "by": lambda value: field("by", value, forms.CharField(max_length=80)),
    }
    in_words = {
        "status": dict(STATES).__getitem__,
        "reason": lambda value: _("Reason: %s") % value,
        "by": lambda value: _("By: %s") % value,
    }
    groups_of = (("status",), ("method",), ("from", "to"), ("min", "max"), ("reason", "by"))
    example = (
        'status:done,sent amount:>5000 method:upi reason:"wrong size" by:kiran from:2026-04-01'
    )

    status = forms.MultipleChoiceField(
        label=gettext_lazy("State"),
        choices=STATES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=80, required=False)
    by = forms.CharField(label=gettext_lazy("By whom"), max_length=80, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["q"].widget.attrs["placeholder"] = _("Name, phone, ID, note…")

    def selection(self, live: bool) -> RefundSelection:
        return self.selected(RefundSelection, live)


def with_words(rows: list[Row]) -> list[Row]:
    """`values(*ROW)`, each with who asked, whether it waits for balance, and by when the payer
    should have it."""
    return [
        row
        | {
            "asked_by": row["asked_by_name"] or Refund.Origin(row["origin"]).label,
            "waits": row["state"] == RefundState.REQUESTED and row["retry_of_id"],
            "expected_on": _expected_on(row),
        }
        for row in rows
    ]


def _expected_on(row: Row) -> date | None:
    payment = Payment(method=row["payment__method"])
    return expected_on(Refund(payment=payment, **{name: row[name] for name in CREDITING}))


def totals(selection: QuerySet[Refund]) -> dict[str, int]:
    """How many refunds, what they ask for, and what of it the books hold as given back: paise."""
    asked = selection.aggregate(count=Count("pk"), asked_paise=Sum("amount_paise", default=0))
    return {**asked, "given_back_paise": ledger.given_back(selection)}


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

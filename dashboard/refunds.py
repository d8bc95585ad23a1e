"""Refunds as a list: its rows, its sums and its file are of one selection."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_tenants.utils import tenant_context

from dashboard.exports import Amount
from dashboard.finder import OPERATORS, Finder, Pairs, choices, field
from dashboard.paging import Row, older_than
from dashboard.templatetags.ui import REFUND_STATES
from payments import ledger
from payments.crediting import expected_on
from payments.methods import Method
from payments.models import Refund
from payments.money import format_inr, plain_inr
from payments.reasons import why_no_refund
from payments.refunding import OVERTAKEN
from payments.selecting import DAY, midnight, quoted
from payments.states import RefundState
from tenants.models import Tenant

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
    by = forms.CharField(label=gettext_lazy("Asked or approved by"), max_length=80, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["q"].widget.attrs["placeholder"] = _("Payer, order, reference")

    def own_pairs(self) -> Pairs:
        said = self.cleaned_data
        first, last = self.days
        single = {
            "from": first and first.isoformat(),
            "to": last and last.isoformat(),
            "min": said["min"] is not None and plain_inr(said["min"]),
            "max": said["max"] is not None and plain_inr(said["max"]),
            "link": said["link"] and str(said["link"]),
            "reason": said["reason"],
            "by": said["by"],
            "q": " ".join(map(quoted, said["words"])),
        }
        many = [(name, value) for name in ("status", "method") for value in said[name]]
        return many + [(name, value) for name, value in single.items() if value]

    def narrow(self, refunds: QuerySet[Refund]) -> QuerySet[Refund]:
        """To what was chosen; days are the merchant's, both included."""
        first, last = self.days
        said = {**self.cleaned_data, "from": first, "to": last}
        for name, asks in CONDITIONS.items():
            if said[name] not in (None, "", []):
                refunds = refunds.filter(asks(said[name]))
        return refunds.filter(*map(_found, said["words"]))


def _found(text: str) -> Q:
    """What somebody may have in hand: an id of ours, Paytm's or the bank's, as a whole or its
    beginning, or something of the payer's."""
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
    "status": lambda states: Q(state__in=states),
    "method": lambda methods: Q(payment__method__in=methods),
    "from": lambda day: Q(created_at__gte=midnight(day)),
    "to": lambda day: Q(created_at__lt=midnight(day + DAY)),
    "min": lambda paise: Q(amount_paise__gte=paise),
    "max": lambda paise: Q(amount_paise__lte=paise),
    "reason": lambda text: Q(reason__icontains=text) | Q(comment__icontains=text),
    "by": lambda name: Q(asked_by_name__icontains=name) | Q(judged_by_name__icontains=name),
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


def file_rows(selection: QuerySet[Refund], tenant: Tenant) -> Iterator[list[str | int]]:
    """The selection's rows for a file, newest first. They are read while the file is on its way,
    when the request's tenant, zone and language are left already: each chunk enters them anew."""
    refunds, language = selection.select_related("payment"), translation.get_language()
    last: tuple[datetime, UUID] | None = None
    while True:
        place = ZoneInfo(tenant.time_zone)
        with tenant_context(tenant), timezone.override(place), translation.override(language):
            chunk = [*older_than(refunds, last)[:CHUNK]]
            lines = [*map(_cells, chunk)]
        yield from lines
        if len(chunk) < CHUNK:
            return
        last = chunk[-1].created_at, chunk[-1].pk


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

"""Refunds: the list, and asking for one."""

import secrets
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import live
from dashboard.filters import RefundFilter
from dashboard.paging import page_of
from payments import refunding
from payments.forms import RupeesField
from payments.models import Payment, Refund
from payments.money import format_inr
from payments.refunding import NotRefundable, OtherBody, TooMuch, ask_refund
from payments.states import RefundState
from tenants.access import WorldRequest, member

ROW = [
    "id",
    "created_at",
    "ref_id",
    "state",
    "amount_paise",
    "origin",
    "asked_by_name",
    "next_ask_at",
    "retry_of_id",
    "payment_id",
    "payment__description",
]

# Why a payment cannot be refunded → the answer's status and what the page says.
REFUSALS = {
    "not_paid": (409, gettext_lazy("Only a paid payment can be refunded.")),
    "under_way": (
        409,
        gettext_lazy("Another refund of this payment is under way. Wait until it is final."),
    ),
    "too_old": (
        422,
        gettext_lazy("Paytm refunds payments for one year only. Nothing was sent."),
    ),
    "rest_too_small": (
        422,
        gettext_lazy("This would leave less than ₹1.00, which Paytm could never refund."),
    ),
    "too_small": (
        422,
        gettext_lazy("Paytm refunds at least ₹1.00, unless it is the whole payment."),
    ),
}


class RefundForm(forms.Form):
    amount = RupeesField(label=gettext_lazy("Amount to refund"), low=1)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For your team. The payer does not see it."),
    )
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,40}\Z", widget=forms.HiddenInput)


@member("payments.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first, by state."""
    form = RefundFilter(request.GET)
    if not form.is_valid():
        return render(request, "dashboard/refunds/list.html", {"form": form}, status=422)
    refunds = form.narrow(Refund.objects.filter(live=request.live))
    page = page_of(refunds.values(*ROW), request)
    for row in page.rows:
        row["asked_by"] = row["asked_by_name"] or Refund.Origin(row["origin"]).label
        row["waits"] = row["state"] == RefundState.REQUESTED and row["retry_of_id"]
    context = {"form": form, "page": page, "narrowed": any(form.cleaned_data.values())}
    return live.answer(request, "dashboard/refunds/list.html", context, shows=page)


@member("refunds.create", fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorldRequest, id: UUID) -> HttpResponse:
    """Ask for a refund in part or whole. The same form sent twice is one refund."""
    payment = get_object_or_404(Payment, live=request.live, id=id)
    if request.method != "POST":
        return _page(request, payment, _empty(payment))
    form = RefundForm(request.POST)
    if not form.is_valid():
        return _page(request, payment, form, 422)
    status = _refund(request, payment, form)
    if status:
        return _page(request, payment, form, status)
    amount = format_inr(form.cleaned_data["amount"])
    messages.success(request, _("Refund of %s asked for. It is on its way to Paytm.") % amount)
    return redirect("payment", slug=request.tenant.slug, live=request.live, id=id)


@member("refunds.create", fresh=True, back_to="refunds")
@require_POST
def try_now(request: WorldRequest, id: UUID) -> HttpResponse:
    """Send a refund that waits for balance at once."""
    refund = get_object_or_404(Refund, live=request.live, id=id)
    refunding.try_now(refund)
    messages.success(request, _("The refund is on its way to Paytm again."))
    return _to_payment(request, refund)


@member("refunds.create", fresh=True, back_to="refunds")
@require_POST
def stop(request: WorldRequest, id: UUID) -> HttpResponse:
    """Stop trying a refund that waits for balance. One that has left goes on."""
    refund = refunding.give_up(get_object_or_404(Refund, live=request.live, id=id), request.user)
    if refund.result_code == refunding.GIVEN_UP:
        messages.success(request, _("It is not tried again. The amount can be refunded anew."))
    else:
        messages.warning(request, _("This refund has left already and cannot be stopped."))
    return _to_payment(request, refund)


def _to_payment(request: WorldRequest, refund: Refund) -> HttpResponse:
    return redirect("payment", slug=request.tenant.slug, live=request.live, id=refund.payment_id)


def _refund(request: WorldRequest, payment: Payment, form: RefundForm) -> int:
    """Ask for the refund; the status that refuses it, with the reason in the form, or 0."""
    sent = form.cleaned_data
    try:
        ask_refund(payment, sent["amount"], sent["reason"], request.user, sent["key"])
    except NotRefundable as error:
        status, words = REFUSALS[error.reason]
        form.add_error("amount" if error.reason.endswith("too_small") else None, words)
        return status
    except TooMuch as error:
        left = format_inr(error.left_paise)
        form.add_error("amount", _("Only %s of this payment is left to refund.") % left)
        return 422
    except OtherBody:
        form.add_error(
            None, _("This form was sent before with another amount, and that refund stands.")
        )
        return 422
    return 0


def _empty(payment: Payment) -> RefundForm:
    left, key = payment.refundable_paise, secrets.token_urlsafe(16)
    return RefundForm(initial={"amount": left, "key": key})


def _page(
    request: WorldRequest, payment: Payment, form: RefundForm, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"payment": payment, "form": form}
    return render(request, "dashboard/refunds/new.html", context, status=status)

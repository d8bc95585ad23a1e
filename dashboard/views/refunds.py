"""Refunds: the list, one refund's story, asking for one, and deciding about one."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.clock import now
from dashboard import live, saved_views
from dashboard.lists import REFUNDS
from dashboard.paging import page_of
from dashboard.refunds import ROW, RefundFilter, meaning_of, totals, with_words
from dashboard.story import story_of_refund
from dashboard.templatetags.ui import REFUND_STATES
from merchants import refund_rules, roles
from merchants.profile import refuse_invisible
from payments import approving, refunding
from payments.crediting import after_working_days, days_of, expected_on
from payments.forms import RupeesField
from payments.models import Payment, Refund
from payments.money import format_inr
from payments.refund_limits import (
    A_DAY,
    AboveCeiling,
    NobodyToAsk,
    NoRight,
    given_back_today,
)
from payments.refunding import NotRefundable, OtherBody, TooMuch, ask_refund
from payments.states import REFUND_UNDECIDED, RefundState
from tenants import unchanged
from tenants.access import WorldRequest, member

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
NO_RIGHT = gettext_lazy("Your role on this team may not do this any more. Nothing was sent.")
NOBODY_TO_ASK = gettext_lazy(
    "This is above your limit, and nobody else on your team may approve it. Nothing was sent. Make"
    " somebody an admin or an owner first."
)
OWN = gettext_lazy("You asked for this refund yourself: somebody else must decide.")
NOT_YOURS = gettext_lazy("Only who asked for a refund can withdraw it.")


ANY: Final = 10**11  # paise: `refunding` knows what is left, and says it


class RefundForm(forms.Form):
    """How much, and why in words of the merchant's."""

    amount = RupeesField(label=gettext_lazy("Amount to refund"), low=0, high=ANY, pasted=True)
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        required=False,
        help_text=gettext_lazy("For your team and your own systems. The payer does not see it."),
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=200,
        required=False,
        validators=[refuse_invisible],
        help_text=gettext_lazy("For your team alone."),
    )
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,40}\Z", widget=forms.HiddenInput)

    def __init__(self, *args: Any, reasons: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("No reason")), *((reason, reason) for reason in reasons)]
        self.fields["reason"].choices = choices  # type: ignore[attr-defined]


class VerdictForm(forms.Form):
    """Why a refund is rejected."""

    words = forms.CharField(
        label=gettext_lazy("Why not?"),
        max_length=300,
        validators=[refuse_invisible],
        help_text=gettext_lazy("Who asked for it gets this by mail."),
    )


@member("payments.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first, of the selection that the address names, with its sums."""
    views = saved_views.views_of(request, REFUNDS.of)
    if not request.GET and views.default:
        return redirect(f"{request.path}?{views.default.address}")
    form = RefundFilter(request.GET)
    columns = saved_views.columns_of(REFUNDS, request.GET, views)
    if not form.is_valid():
        return render(request, "dashboard/refunds/list.html", {"form": form}, status=422)
    selection = form.selection(request.live).refunds()
    page = page_of(selection.values(*ROW), request)
    page = replace(page, rows=with_words(page.rows))
    context = {
        "form": form,
        "page": page,
        "narrowed": bool(form.pairs()),
        "tabs": views.tabs(form.query),
        "columns": {name: REFUNDS.titles[name] for name in columns},
        "query": form.query,
        "looks_query": REFUNDS.looks_query(form.query, columns),
        "file_query": REFUNDS.file_query(form.query, columns),
        "may_export": roles.may(request.membership.role, "exports.make"),
        "may_rule": roles.may(request.membership.role, "refunds.rules"),
    }
    unchanged.may_be(request)
    return live.answer(request, "dashboard/refunds/list.html", context, shows=(page, columns))


@member("payments.view")
@require_safe
def sums(request: WorldRequest) -> HttpResponse:
    """What the narrowed refunds come to: asked for beside the list, which does not wait for it."""
    form = REFUNDS.form_of(request.GET)
    selection = form.selection(request.live)
    context = {"totals": totals(selection.refunds()), "query": form.query}
    part = "#sums" if request.htmx else ""
    return render(request, f"dashboard/refunds/sums.html{part}", context)


@member("payments.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """One refund: what it is, what comes next, and everything that happened to it."""
    refund = _refund_of(request, id)
    context = _story(request, refund)
    shows = (refund.state, refund.next_ask_at, context["story"], context["may_decide"])
    return live.answer(request, "dashboard/refunds/detail.html", context, shows=shows)


@member("refunds.create", fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorldRequest, id: UUID) -> HttpResponse:
    """Ask for a refund in part or whole. The same form sent twice is one refund."""
    payment = get_object_or_404(Payment, live=request.live, id=id)
    reasons = refund_rules.rules().offered
    if request.method != "POST":
        return _page(request, payment, _empty(payment, reasons))
    form = RefundForm(request.POST, reasons=reasons)
    if not form.is_valid():
        return _page(request, payment, form, 422)
    refund, status = _refund(request, payment, form)
    if refund is None:
        return _page(request, payment, form, status)
    messages.success(request, _asked(refund))
    return redirect("payment", slug=request.tenant.slug, live=request.live, id=id)


@member("refunds.approve", fresh=True, back_to="refunds")
@require_POST
def approve(request: WorldRequest, id: UUID) -> HttpResponse:
    """Let another person's refund go. Pressed twice it is sent once."""
    return _decide(request, id, approving.approve, RefundState.REQUESTED)


@member("refunds.approve", fresh=True, back_to="refunds")
@require_POST
def reject(request: WorldRequest, id: UUID) -> HttpResponse:
    """Refuse another person's refund, with words for them."""
    form = VerdictForm(request.POST)
    if not form.is_valid():
        refund = _refund_of(request, id)
        return _refused(request, refund, "", 422, verdict_form=form)
    act = partial(approving.reject, words=form.cleaned_data["words"])
    return _decide(request, id, act, RefundState.REJECTED)


@member("refunds.create", fresh=True, back_to="refunds")
@require_POST
def withdraw(request: WorldRequest, id: UUID) -> HttpResponse:
    """Take one's own request back."""
    refund = _refund_of(request, id)
    try:
        after = approving.withdraw(refund, request.user)
    except approving.NotTheirs:
        return _refused(request, refund, NOT_YOURS, 409)
    return _decided(request, after, RefundState.WITHDRAWN)


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


def _refund_of(request: WorldRequest, id: UUID) -> Refund:
    refunds = Refund.objects.select_related("payment__link", "retry_of")
    return get_object_or_404(refunds, live=request.live, id=id)


def _refund(request: WorldRequest, payment: Payment, form: RefundForm) -> tuple[Refund | None, int]:
    """The refund that was asked for; or none, the status that refuses it, and why in the form."""
    sent = form.cleaned_data
    refuse: Callable[[str | None, Any], None] = form.add_error
    try:
        refund = ask_refund(
            payment, sent["amount"], sent["reason"], request.user, sent["key"], sent["comment"]
        )
    except NotRefundable as error:
        status, words = REFUSALS[error.reason]
        refuse("amount" if error.reason.endswith("too_small") else None, words)
        return None, status
    except TooMuch as error:
        left = format_inr(error.left_paise)
        refuse("amount", _("Only %s of this payment is left to refund.") % left)
    except AboveCeiling as error:
        refuse("amount", _above(error))
    except NoRight:
        refuse(None, NO_RIGHT)
        return None, 403
    except NobodyToAsk:
        refuse(None, NOBODY_TO_ASK)
    except OtherBody:
        refuse(None, _("This form was sent before with another amount, and that refund stands."))
    else:
        return refund, 200
    return None, 422


def _above(error: AboveCeiling) -> str:
    facts = {"limit": format_inr(error.limit_paise), "left": format_inr(error.left_paise)}
    if error.kind == A_DAY:
        return (
            _(
                "Your role may give back %(limit)s a day, of which %(left)s are left today."
                " Nothing was sent."
            )
            % facts
        )
    return _("Your role may give back at most %(limit)s at once. Nothing was sent.") % facts


def _asked(refund: Refund) -> str:
    amount = format_inr(refund.amount_paise)
    if refund.state == RefundState.HELD:
        return (
            _(
                "Refund of %s asked for. It is above your limit, so it waits until a second person"
                " approves it; they have been told by mail."
            )
            % amount
        )
    return _("Refund of %s asked for. It is on its way to Paytm.") % amount


def _decide(
    request: WorldRequest, id: UUID, act: Callable[..., Refund], wanted: RefundState
) -> HttpResponse:
    refund = _refund_of(request, id)
    try:
        after = act(refund, request.user)
    except approving.NotTheirs:
        return _refused(request, refund, OWN, 409)
    except AboveCeiling as error:
        return _refused(request, refund, _above(error), 409)
    except NoRight:
        return _refused(request, refund, NO_RIGHT, 403)
    return _decided(request, after, wanted)


def _decided(request: WorldRequest, refund: Refund, wanted: RefundState) -> HttpResponse:
    """Say what holds now: our word, or the one that was quicker."""
    amount = format_inr(refund.amount_paise)
    done = {
        RefundState.REQUESTED: _("Approved: %s is on its way to Paytm."),
        RefundState.REJECTED: _("Rejected. %s can be refunded anew."),
        RefundState.WITHDRAWN: _("Withdrawn. %s can be refunded anew."),
    }
    ours = refund.judged_by_id == request.user.pk or wanted == RefundState.WITHDRAWN
    if refund.state == wanted and ours:
        messages.success(request, done[wanted] % amount)
    else:
        word = REFUND_STATES[refund.state][2]
        messages.warning(request, _("Somebody was quicker. The refund is: %s.") % word)
    return redirect("refund", slug=request.tenant.slug, live=request.live, id=refund.pk)


def _refused(
    request: WorldRequest, refund: Refund, words: Any, status: int, **more: Any
) -> HttpResponse:
    context = _story(request, refund) | {"refusal": words} | more
    return render(request, "dashboard/refunds/detail.html", context, status=status)


def _story(request: WorldRequest, refund: Refund) -> dict[str, Any]:
    role, is_own = request.membership.role, refund.asked_by_id == request.user.pk
    held = refund.state == RefundState.HELD
    icon, tone, word = REFUND_STATES[refund.state]
    return {
        "refund": refund,
        "payment": refund.payment,
        "outcome": {"icon": icon, "tone": tone, "word": word, "meaning": meaning_of(refund)},
        "expected_on": expected_on(refund),
        "story": [*story_of_refund(refund)],
        "undecided": refund.state in REFUND_UNDECIDED,
        "retry": Refund.objects.filter(retry_of=refund).first(),
        "is_own": is_own,
        "may_decide": held and not is_own and roles.may(role, "refunds.approve"),
        "may_withdraw": held and is_own and roles.may(role, "refunds.create"),
        "may_resend": refund.waits_for_balance and roles.may(role, "refunds.create"),
        "verdict_form": VerdictForm(),
    }


def _empty(payment: Payment, reasons: Sequence[str]) -> RefundForm:
    left, key = payment.refundable_paise, secrets.token_urlsafe(16)
    initial = {"amount": left, "key": key}
    return RefundForm(initial=initial, reasons=reasons)


def _page(
    request: WorldRequest, payment: Payment, form: RefundForm, status: int = 200
) -> HttpResponse:
    arrives_on = after_working_days(now(), days_of(payment.method)) if payment.has_arrived else None
    context: dict[str, Any] = {"payment": payment, "form": form, "arrives_on": arrives_on}
    context |= _limits(request)
    return render(request, "dashboard/refunds/new.html", context, status=status)


def _limits(request: WorldRequest) -> dict[str, Any]:
    """What the person should know of before they type an amount."""
    rules = refund_rules.rules()
    ceiling = rules.ceiling_of(request.membership.role)
    day = ceiling.day_paise
    left = None if day is None else max(0, day - given_back_today(request.live, request.user))
    return {"ceiling": ceiling, "day_left": left, "approve_above": rules.approve_above_paise}

"""The story of a payment, asking Paytm about it, and sending its receipt."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from dashboard import live
from dashboard.filters import PaymentFilter
from dashboard.payment_rows import addresses
from dashboard.settlements import settlement_of
from dashboard.story import outcome_of, story_of
from dashboard.templatetags.ui import PAYMENT_STATES
from merchants import roles
from payments import asking, ledger, receipting
from payments.finding import Place, found
from payments.models import Delivery, Payment
from payments.reasons import why_no_refund
from payments.states import ARRIVED, REFUND_UNDECIDED, UNDECIDED
from payments.timeline import note
from tenants import limits
from tenants.access import WorldRequest, member

MINUTE, HOUR = 60, 3600
ASKS = 6  # a minute and payment
RECEIPTS = 10  # an hour and payment


class ReceiptForm(forms.Form):
    """To whom a receipt is sent."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)


@member("payments.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """A payment's facts and its timeline."""
    payment = _payment(request, id)
    context = _story(request, payment)
    names = ("story", "refund_states", "settled", "delivery_states", "receipt")
    shows = (payment.state, payment.next_ask_at, *(context[name] for name in names))
    return live.answer(request, "dashboard/payments/detail.html", context, shows=shows)


@member("payments.ask")
@require_POST
def ask(request: WorldRequest, id: UUID) -> HttpResponse:
    """Ask Paytm now what became of a payment."""
    payment = _payment(request, id)
    if not limits.hit(f"ask:{payment.pk}", ASKS, MINUTE):
        messages.warning(request, _("Paytm was asked several times this minute. Wait a little."))
        context = _story(request, payment)
        page = render(request, "dashboard/payments/detail.html", context, status=429)
        return limits.until_next(page, MINUTE)
    note(payment, "asked", by=request.user)
    answered = asking.ask(payment)
    if answered is payment:
        messages.warning(request, _("Paytm gave no answer. Nothing changed; we keep asking."))
    else:
        word = PAYMENT_STATES[answered.state][2]
        messages.success(request, _("Paytm was asked. The payment is: %s.") % word)
    return redirect("payment", slug=request.tenant.slug, live=request.live, id=id)


@member("receipts.send")
@require_POST
def send_receipt(request: WorldRequest, id: UUID) -> HttpResponse:
    """Mail the receipt of a payment that has arrived to an address, the payer's or another."""
    payment = get_object_or_404(Payment, live=request.live, id=id, state__in=ARRIVED)
    form = ReceiptForm(request.POST)
    if not form.is_valid():
        return _with_form(request, payment, form, 422)
    if not limits.hit(f"receipt:{payment.pk}", RECEIPTS, HOUR):
        form.add_error(None, _("This receipt was sent too often within an hour. Wait a little."))
        return limits.until_next(_with_form(request, payment, form, 429), HOUR)
    to = form.cleaned_data["email"]
    receipt = receipting.send(payment, to, request.user)
    sent = {"receipt": receipt, "address": to}
    messages.success(request, _("Receipt %(receipt)s is on its way to %(address)s.") % sent)
    return redirect("payment", slug=request.tenant.slug, live=request.live, id=id)


def _beside(request: WorldRequest, payment: Payment) -> dict[str, object]:
    """The list that the payment was opened from, and the payments beside it there."""
    form = PaymentFilter(request.GET)
    if not form.is_valid():
        return {"list_query": "", "newer": "", "older": ""}
    address = addresses(request.tenant.slug, request.live, form.query)
    beside: dict[str, object] = {"list_query": form.query}
    for name, newer in (("newer", True), ("older", False)):
        place = Place(payment.created_at, payment.pk, newer)
        other = found(form.selection(request.live), "p.created_at, p.id", 1, place)
        beside[name] = address(other[0][1]) if other else ""
    return beside


def _with_form(
    request: WorldRequest, payment: Payment, form: ReceiptForm, status: int
) -> HttpResponse:
    context = _story(request, payment) | {"receipt_form": form}
    return render(request, "dashboard/payments/detail.html", context, status=status)


def _payment(request: WorldRequest, id: UUID) -> Payment:
    payments = Payment.objects.select_related("account", "link")
    return get_object_or_404(payments, live=request.live, id=id)


def _story(request: WorldRequest, payment: Payment) -> dict[str, object]:
    refunds = [*payment.refunds.order_by("-created_at")]
    deliveries = [*deliveries_of(payment)]
    refund_under_way = any(refund.state in REFUND_UNDECIDED for refund in refunds)
    may_refund = roles.may(request.membership.role, "refunds.create")
    return _beside(request, payment) | {
        "payment": payment,
        "outcome": outcome_of(payment),
        "received_paise": ledger.received(payment) if payment.has_arrived else None,
        "story": [*story_of(payment)],
        "refunds": [(refund, why_no_refund(refund)) for refund in refunds],
        "retried": {refund.retry_of_id for refund in refunds},
        "deliveries": deliveries,
        "delivery_states": [(each.pk, each.state, each.tries) for each in deliveries],
        "refund_states": [(refund.ref_id, refund.state) for refund in refunds],
        "refund_under_way": refund_under_way,
        "undecided": payment.state in UNDECIDED or refund_under_way,
        "may_ask": roles.may(request.membership.role, "payments.ask"),
        "may_keep": payment.wants_decision
        and roles.may(request.membership.role, "surplus.decide")
        and not refund_under_way,
        "may_resend": may_refund,
        "may_refund": may_refund and payment.refundable_paise > 0 and not refund_under_way,
        "receipt": receipting.of(payment),
        "receipt_form": ReceiptForm(initial={"email": payment.payer_email}),
        "may_send_receipt": roles.may(request.membership.role, "receipts.send"),
        "settled": settlement_of(payment),
        "attempts": _attempts(payment),
        "tags": [*payment.tags.order_by("name").values_list("name", flat=True)],
        "may_annotate": roles.may(request.membership.role, "payments.annotate"),
    }


def deliveries_of(payment: Payment) -> QuerySet[Delivery]:
    """The payment's events on their ways, newest first."""
    deliveries = Delivery.objects.filter(event__payment=payment)
    return deliveries.select_related("event", "endpoint").order_by("-event__created_at", "id")


def _attempts(payment: Payment) -> object:
    """The other attempts at the one payment that a one-time link asks for."""
    others = payment.link.payments.exclude(pk=payment.pk).order_by("created_at")
    return others.values("id", "order_id", "state", "created_at") if payment.link.one_time else ()

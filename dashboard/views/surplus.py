"""Money that nobody asked for: the list of what is to be decided, and keeping it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from dashboard import live
from dashboard.paging import page_of
from payments import ledger, surplus
from payments.models import Payment
from payments.models.payment import Surplus
from payments.money import format_inr
from payments.states import PaymentState
from tenants.access import WorldRequest, member

ROW = [
    "id",
    "created_at",
    "description",
    "order_id",
    "surplus",
    "paid_at",
    "amount_paise",
    "received_paise",
    "refunded_paise",
    "reserved_paise",
    "accepted_at",
    "accepted_by_name",
    "link__expires_at",
    "link__disabled_at",
]
REFUSALS = {
    surplus.NothingToKeep: gettext_lazy("Nothing of this payment is left to keep."),
    surplus.RefundUnderWay: gettext_lazy(
        "A refund of it is under way. Wait until it is final; then keep what is left."
    ),
}


@member("payments.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """What waits for a decision, or with `all` in the address everything that ever did."""
    everything = "all" in request.GET
    arrived = Payment.objects.filter(live=request.live, state=PaymentState.SURPLUS)
    payments = arrived if everything else surplus.undecided(request.live)
    page = page_of(payments.values(*ROW), request)
    received = ledger.received_of([row["id"] for row in page.rows])
    for row in page.rows:
        row["received_paise"] = received.get(row["id"], 0)
        row["why"] = Surplus(row["surplus"]).label
        row["left_paise"] = row["received_paise"] - row["refunded_paise"] - row["reserved_paise"]
    context = {"page": page, "everything": everything}
    return live.answer(request, "dashboard/surplus/list.html", context, shows=page)


@member("surplus.decide", fresh=True, back_to="surplus")
@require_POST
def keep(request: WorldRequest, id: UUID) -> HttpResponse:
    """Keep what is left of a surplus as a sale. Pressed twice it is kept once."""
    payment = get_object_or_404(Payment, live=request.live, id=id)
    try:
        kept = surplus.keep(payment, request.user)
    except (surplus.NothingToKeep, surplus.RefundUnderWay) as refusal:
        context = {"payment": payment, "words": REFUSALS[type(refusal)]}
        return render(request, "dashboard/surplus/refused.html", context, status=409)
    amount = format_inr(kept.refundable_paise)
    messages.success(request, _("%s is kept as a sale.") % amount)
    return redirect("payment", slug=request.tenant.slug, live=request.live, id=id)

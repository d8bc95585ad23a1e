"""The page a merchant's people begin with."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import live, today
from dashboard.onboarding import steps_of
from dashboard.paging import Row
from dashboard.payment_rows import ROW, with_arrived
from dashboard.wants import wants
from merchants import roles
from payments.models import Payment
from tenants.access import MerchantRequest, WorldRequest, member

LATEST = 8


@member("home.view")
@require_safe
def door(request: MerchantRequest) -> HttpResponse:
    """To the live world where it is open, else to the test world."""
    tenant = request.tenant
    return redirect("dashboard", slug=tenant.slug, live=tenant.live_open)


@member("home.view")
@require_safe
def home(request: WorldRequest) -> HttpResponse:
    """Today, what needs a person, the first steps, and the latest payments."""

    def url(name: str) -> str:
        return reverse(name, kwargs={"slug": request.tenant.slug, "live": request.live})

    rows, seen = _latest(request), today.look(request.live)
    context = {
        "stats": today.stats(seen, request.live, url),
        "chart": today.chart(seen, url),
        "wants": wants(request),
        "steps": steps_of(request),
        "rows": rows,
        "may_link": roles.may(request.membership.role, "links.manage"),
    }
    shows = (rows, context["stats"], context["wants"], context["steps"])
    return live.answer(request, "dashboard/home.html", context, shows=shows)


def _latest(request: WorldRequest) -> list[Row]:
    payments = Payment.objects.filter(live=request.live).order_by("-created_at", "id")
    return with_arrived(payments.values(*ROW)[:LATEST])

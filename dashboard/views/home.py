"""The page a merchant's people begin with."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from config.clock import now
from dashboard import live
from dashboard.charts import sales_chart
from dashboard.onboarding import steps_of
from dashboard.paging import Row
from dashboard.payment_rows import ROW, with_arrived
from dashboard.settlements import open_discrepancies
from merchants import roles
from merchants.models import Endpoint
from payments import approving, reporting, surplus
from payments.models import Delivery, Payment, Refund
from payments.money import format_inr
from payments.states import RefundState
from tenants.access import MerchantRequest, WorldRequest, member
from tenants.current import today

Want = tuple[int, str, str]  # how many, in words, and where to go

LATEST = 8
WEEK = timedelta(days=7)
CHART = timedelta(days=13)
# A failed refund or delivery is pointed at for so long, then left to the list.
FRESH_FAILURE = timedelta(days=14)


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
    rows = _latest(request)
    context = {
        "stats": _stats(request),
        "chart": _chart(request),
        "wants": _wants(request),
        "steps": steps_of(request),
        "rows": rows,
        "may_link": roles.may(request.membership.role, "links.manage"),
    }
    shows = (rows, context["stats"], context["wants"], context["steps"])
    return live.answer(request, "dashboard/home.html", context, shows=shows)


def _latest(request: WorldRequest) -> list[Row]:
    payments = Payment.objects.filter(live=request.live).order_by("-created_at", "id")
    return with_arrived(payments.values(*ROW)[:LATEST])


def _stats(request: WorldRequest) -> list[dict[str, Any]]:
    """Today's figures, each with that of the same day last week."""
    day = today()
    then = reporting.total(reporting.by_day(request.live, day - WEEK, day - WEEK))
    figure = reporting.total(reporting.by_day(request.live, day, day))
    pairs = (
        (_("Sales today"), format_inr(figure.sales_paise), format_inr(then.sales_paise)),
        (_("Payments"), figure.sales_count, then.sales_count),
        (_("Refunds"), format_inr(figure.refunds_paise), format_inr(then.refunds_paise)),
        (_("Net"), format_inr(figure.net_paise), format_inr(then.net_paise)),
    )
    weekday = format_date(day - WEEK, "l")
    url = f"{_url(request, 'reports')}?{urlencode({'from': day, 'to': day, 'by': 'method'})}"
    return [
        {
            "label": label,
            "value": value,
            "url": url,
            "note": _("%(value)s last %(weekday)s") % {"value": before, "weekday": weekday},
        }
        for label, value, before in pairs
    ]


def _chart(request: WorldRequest) -> dict[str, Any]:
    first, last = today() - CHART, today()
    return sales_chart(reporting.by_day(request.live, first, last), first, last)


def _wants(request: WorldRequest) -> list[dict[str, Any]]:
    """What needs a person: money nobody asked for, refunds and events that did not arrive, odd
    payouts."""
    found = (find(request) for find in (_of_surplus, _of_refunds, _of_payouts, _of_events))
    return [{"text": text % {"n": n}, "url": url} for n, text, url in chain(*found) if n]


def _of_surplus(request: WorldRequest) -> Iterator[Want]:
    n = surplus.undecided(request.live).count()
    text = ngettext(
        "%(n)s payment brought money that nobody asked for",
        "%(n)s payments brought money that nobody asked for",
        n,
    )
    yield n, text, _url(request, "surplus")


def _of_refunds(request: WorldRequest) -> Iterator[Want]:
    refunds, url = Refund.objects.filter(live=request.live), _url(request, "refunds")
    if roles.may(request.membership.role, "refunds.approve"):
        n = approving.waiting(request.live).exclude(asked_by_id=request.user.pk).count()
        text = ngettext(
            "%(n)s refund waits for your approval", "%(n)s refunds wait for your approval", n
        )
        yield n, text, f"{url}?state=held"
    fresh = Q(decided_at__gt=now() - FRESH_FAILURE, retry=None)
    n = refunds.filter(fresh, state=RefundState.FAILED).count()
    yield n, ngettext("%(n)s refund failed", "%(n)s refunds failed", n), f"{url}?state=failed"
    n = refunds.filter(state=RefundState.REQUESTED, retry_of__isnull=False).count()
    text = ngettext(
        "%(n)s refund waits for balance at Paytm", "%(n)s refunds wait for balance at Paytm", n
    )
    yield n, text, f"{url}?state=requested"


def _of_payouts(request: WorldRequest) -> Iterator[Want]:
    n = open_discrepancies(request.live).count()
    text = ngettext(
        "%(n)s exception in Paytm's payouts is open",
        "%(n)s exceptions in Paytm's payouts are open",
        n,
    )
    yield n, text, _url(request, "exceptions")


def _of_events(request: WorldRequest) -> Iterator[Want]:
    n = Endpoint.objects.filter(live=request.live, state=Endpoint.State.STOPPED).count()
    text = ngettext(
        "We stopped sending events to %(n)s endpoint",
        "We stopped sending events to %(n)s endpoints",
        n,
    )
    yield n, text, _url(request, "endpoints")
    fresh = Q(decided_at__gt=now() - FRESH_FAILURE)
    n = Delivery.objects.filter(fresh, live=request.live, state=Delivery.State.DEAD).count()
    text = ngettext("%(n)s event was not delivered", "%(n)s events were not delivered", n)
    yield n, text, f"{_url(request, 'events')}?state=dead"


def _url(request: WorldRequest, name: str) -> str:
    return reverse(name, kwargs={"slug": request.tenant.slug, "live": request.live})

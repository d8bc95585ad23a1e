"""The page a merchant's people begin with."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from config.clock import now
from dashboard import live, today
from dashboard.onboarding import steps_of
from dashboard.paging import Row
from dashboard.payment_rows import ROW, with_arrived
from dashboard.settlements import open_discrepancies
from merchants import roles
from merchants.diagnosing import words_of
from merchants.models import Endpoint, PaytmAccount
from payments import approving, surplus
from payments.models import Delivery, Payment, Refund
from payments.states import RefundState
from tenants.access import MerchantRequest, WorldRequest, member

Want = tuple[int, str, str]  # how many, in words, and where to go

LATEST = 8
# A failed refund or delivery is pointed at for so long, then left to the list.
FRESH_FAILURE = timedelta(days=14)
# Refunds end within weeks, or never; the older ones need not be looked through.
SURELY_DECIDED = timedelta(days=60)


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
    rows, seen = _latest(request), today.look(request.live)
    url = partial(_url, request)
    context = {
        "stats": today.stats(seen, request.live, url),
        "chart": today.chart(seen, url),
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


def _wants(request: WorldRequest) -> list[dict[str, Any]]:
    """What needs a person: keys, money nobody asked for, refunds and events that did not arrive,
    odd payouts."""
    finders = (_of_keys, _of_surplus, _of_refunds, _of_payouts, _of_events)
    found = (find(request) for find in finders)
    return [{"text": text % {"n": n}, "url": url} for n, text, url in chain(*found) if n]


def _of_keys(request: WorldRequest) -> Iterator[Want]:
    """Keys that Paytm refused when they were last checked; for those who can see keys."""
    if not roles.may(request.membership.role, "credentials.view"):
        return
    in_use = PaytmAccount.objects.filter(live=request.live, state=PaytmAccount.State.ACTIVE)
    for account in in_use:
        words = words_of(account)
        if words and words.tone == "error":
            yield 1, _("Paytm: %(words)s") % {"words": words.title}, _url(request, "paytm")


def _of_surplus(request: WorldRequest) -> Iterator[Want]:
    n = surplus.undecided(request.live).count()
    text = ngettext(
        "%(n)s payment brought money that nobody asked for",
        "%(n)s payments brought money that nobody asked for",
        n,
    )
    yield n, text, _url(request, "surplus")


def _of_refunds(request: WorldRequest) -> Iterator[Want]:
    young = Refund.objects.filter(live=request.live, created_at__gt=now() - SURELY_DECIDED)
    refunds, url = young, _url(request, "refunds")
    if roles.may(request.membership.role, "refunds.approve"):
        n = approving.waiting(request.live).exclude(asked_by_id=request.user.pk).count()
        text = ngettext(
            "%(n)s refund waits for your approval", "%(n)s refunds wait for your approval", n
        )
        yield n, text, f"{url}?status=held"
    fresh = Q(decided_at__gt=now() - FRESH_FAILURE, retry=None)
    n = refunds.filter(fresh, state=RefundState.FAILED).count()
    yield n, ngettext("%(n)s refund failed", "%(n)s refunds failed", n), f"{url}?status=failed"
    n = refunds.filter(state=RefundState.REQUESTED, retry_of__isnull=False).count()
    text = ngettext(
        "%(n)s refund waits for balance at Paytm", "%(n)s refunds wait for balance at Paytm", n
    )
    yield n, text, f"{url}?status=requested"


def _of_payouts(request: WorldRequest) -> Iterator[Want]:
    """For those who can resolve them."""
    if not roles.may(request.membership.role, "settlements.manage"):
        return
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

"""What needs a person, for home: each with how many, in words, and where to go."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.clock import now
from dashboard.settlements import open_discrepancies
from merchants import roles
from merchants.diagnosing import words_of
from merchants.models import Endpoint, PaytmAccount
from payments import surplus
from payments.models import Delivery, Refund
from payments.states import RefundState
from tenants.access import WorldRequest

Want = tuple[int, str, str]  # how many, in words, and where to go

# A failed refund or delivery is pointed at for so long, then left to the list.
FRESH_FAILURE = timedelta(days=14)
# A refund is decided within weeks, or never; the older ones need not be looked through.
SURELY_BEFORE = timedelta(days=60)


def wants(request: WorldRequest) -> list[dict[str, Any]]:
    """Money nobody asked for, refunds and events that did not arrive, odd payouts, and keys."""
    finders = (_of_keys, _of_surplus, _of_refunds, _of_payouts, _of_events)
    found = chain(*(find(request) for find in finders))
    return [{"text": text % {"n": n}, "url": url} for n, text, url in found if n]


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
    refunds, url = Refund.objects.filter(live=request.live), _url(request, "refunds")
    young = Q(created_at__gt=now() - SURELY_BEFORE)
    fresh = young & Q(decided_at__gt=now() - FRESH_FAILURE, retry=None)
    n = refunds.filter(fresh, state=RefundState.FAILED).count()
    yield n, ngettext("%(n)s refund failed", "%(n)s refunds failed", n), f"{url}?state=failed"
    n = refunds.filter(young, state=RefundState.REQUESTED, retry_of__isnull=False).count()
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

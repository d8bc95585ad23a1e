"""Events and their deliveries: the list, an event, a delivery with its attempts."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dashboard import live
from dashboard.filters import EventFilter
from dashboard.paging import Row, page_of
from merchants import roles
from merchants.models import Endpoint
from payments.delivering import EndpointOff, headers_of, redeliver
from payments.models import Delivery, Event
from tenants import limits
from tenants.access import WorldRequest, member

ROW = ["id", "created_at", "kind", "subject", "payment__order_id", "refund__ref_id"]
MINUTE = 60
SENDS = 6  # a minute and delivery
SHOWN_ATTEMPTS = 50


@member("events.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first, by kind and by how they were delivered."""
    form = EventFilter(request.GET)
    if not form.is_valid():
        return render(request, "dashboard/events/list.html", {"form": form}, status=422)
    events = form.narrow(Event.objects.filter(live=request.live))
    page = page_of(events.values(*ROW), request)
    _with_deliveries(page.rows)
    context = {
        "form": form,
        "page": page,
        "narrowed": any(form.cleaned_data.values()),
        "has_endpoint": Endpoint.objects.filter(live=request.live).exists(),
    }
    return live.answer(request, "dashboard/events/list.html", context, shows=page)


def _with_deliveries(rows: Sequence[Row]) -> None:
    """Each row gets the states of its deliveries, and about what it is. One query more."""
    states: dict[UUID, Any] = {row["id"]: [] for row in rows}
    found = Delivery.objects.filter(event__in=states).order_by("created_at", "id")
    for event_id, state in found.values_list("event_id", "state"):
        states[event_id].append(state)
    for row in rows:
        row["states"] = states[row["id"]]
        row["about"] = row["refund__ref_id"] or row["payment__order_id"] or row["subject"]


@member("events.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """What an event says, and where it went."""
    events = Event.objects.select_related("payment", "refund")
    event = get_object_or_404(events, live=request.live, id=id)
    deliveries = [*event.deliveries.select_related("endpoint").order_by("created_at", "id")]
    context = {"event": event, "body": _readable(event.body), "deliveries": deliveries}
    shows = [(each.pk, each.state, each.tries) for each in deliveries]
    return live.answer(request, "dashboard/events/detail.html", context, shows=shows)


@member("events.view")
@require_safe
def delivery(request: WorldRequest, id: UUID) -> HttpResponse:
    """What was sent to one endpoint, each attempt with its answer, and when the next is."""
    found = _delivery(request, id)
    attempts = [*found.attempts.order_by("-id")[:SHOWN_ATTEMPTS]]
    context = {
        "delivery": found,
        "attempts": attempts,
        "body": _readable(found.event.body),
        "headers": headers_of(found.event, attempts[0].at) if attempts else {},
        "may_send": roles.may(request.membership.role, "events.send") and found.endpoint.enabled,
    }
    shows = (found.state, found.next_at, len(attempts), found.endpoint.state)
    return live.answer(request, "dashboard/events/delivery.html", context, shows=shows)


@member("events.send")
@require_POST
def send(request: WorldRequest, id: UUID) -> HttpResponse:
    """Send it once more, under the same id."""
    found = _delivery(request, id)
    if not limits.hit(f"send:{found.pk}", SENDS, MINUTE):
        messages.warning(request, _("It was sent several times this minute. Wait a little."))
    else:
        try:
            redeliver(found)
        except EndpointOff:
            messages.error(request, _("The endpoint is switched off. Enable it first."))
        else:
            messages.success(request, _("It is sent again now."))
    return redirect("delivery", slug=request.tenant.slug, live=request.live, id=id)


def _delivery(request: WorldRequest, id: UUID) -> Delivery:
    deliveries = Delivery.objects.select_related("event__payment", "event__refund", "endpoint")
    return get_object_or_404(deliveries, live=request.live, id=id)


def _readable(body: str) -> str:
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2)

"""Bringing events to the merchant's endpoints, at least once each, or saying that it failed.

One job at a time sends what is due at one endpoint, in turn, under a lease of its row; it lies
in a lane with threads of its own. An endpoint where nobody answers is left alone for a while,
longer each time, so that it costs one attempt now and then and delays no other. No transaction
is open while we send.
"""

import email.utils
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from config import metrics
from config.clock import now
from config.logs import scrub
from merchants import endpoints, signing
from merchants.audit import record
from merchants.models import Endpoint
from payments import safe_http
from payments.models import Delivery, DeliveryAttempt, Event
from payments.models.event import Failure, Kind
from payments.telling import tell_of_endpoint
from tenants.current import current_tenant
from tenants.jobs import BULK, HOOKS, job
from tenants.models import User

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

# What is waited before each attempt; after the last the delivery is given up.
WAITS: Final = (
    *(0 * SECOND, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR),
    *(5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
LONGEST_WAIT: Final = 24 * HOUR
# Nothing but failure for so long stops an endpoint.
PATIENCE: Final = timedelta(days=5)
SHORTEST_REST, LONGEST_REST = 5 * SECOND, 15 * MINUTE

TURN_SECONDS: Final = 20.0  # that one job sends; then others have theirs
LEASE: Final = timedelta(seconds=90)  # a turn, the longest last attempt and a slow resolver
KEPT_ANSWER: Final = 1024  # characters
REPLAY_AT_ONCE: Final = 500
GONE, TOO_MANY, AWAY = 410, 429, 503

State = Delivery.State
HAPPENED: Final = Subquery(Event.objects.filter(pk=OuterRef("event_id")).values("created_at"))


class EndpointOff(Exception):
    """The endpoint is not enabled: nothing is sent to it."""


def deliver_soon(endpoint: Endpoint, at: datetime | None = None) -> None:
    """Have a worker send what is due there, at this time or once it may be sent to again."""
    moments = [moment for moment in (at, endpoint.resting_until) if moment]
    deliver.enqueue(
        current_tenant().pk,
        endpoint_id=str(endpoint.pk),
        key=f"deliver:{endpoint.pk}",
        at=max(moments, default=None),
    )


@job(lane=HOOKS)
def deliver(endpoint_id: str) -> None:
    """Send what is due at one endpoint, then write the next look."""
    if not Endpoint.objects.filter(pk=endpoint_id, state=Endpoint.State.ENABLED).exists():
        give_up(waiting_at(UUID(endpoint_id)))
        return
    if not _take(endpoint_id):
        # Who is at it looks again after giving it back. Should they be gone, we do.
        deliver_soon(Endpoint.objects.get(pk=endpoint_id), now() + LEASE)
        return
    try:
        _send_due(endpoint_id)
    finally:
        Endpoint.objects.filter(pk=endpoint_id).update(busy_until=None)
    _look_again(endpoint_id)


def _take(endpoint_id: str) -> bool:
    free = Q(busy_until=None) | Q(busy_until__lt=Now())
    return bool(Endpoint.objects.filter(free, pk=endpoint_id).update(busy_until=Now() + LEASE))


def _send_due(endpoint_id: str) -> None:
    end = time.monotonic() + TURN_SECONDS
    while time.monotonic() < end and (delivery := _next_due(endpoint_id)):
        _attempt(delivery)


def _next_due(endpoint_id: str) -> Delivery | None:
    """What has waited longest; nothing while the endpoint is off or rests."""
    awake = Q(endpoint__resting_until=None) | Q(endpoint__resting_until__lte=now())
    due = waiting_at(UUID(endpoint_id)).filter(
        awake, endpoint__state=Endpoint.State.ENABLED, next_at__lte=now()
    )
    return due.select_related("event", "endpoint").order_by("next_at", "id").first()


def _look_again(endpoint_id: str) -> None:
    first = waiting_at(UUID(endpoint_id)).aggregate(at=Min("next_at"))["at"]
    if first:
        deliver_soon(Endpoint.objects.get(pk=endpoint_id), first)


def waiting_at(endpoint_id: UUID) -> QuerySet[Delivery]:
    """What is still to be delivered there."""
    return Delivery.objects.filter(endpoint=endpoint_id, state=State.WAITING)


def give_up(deliveries: QuerySet[Delivery]) -> None:
    """Put what waits at an endpoint that is off with the dead letters."""
    deliveries.update(
        state=State.DEAD, failure=Failure.SWITCHED_OFF, status=None, next_at=None, decided_at=now()
    )


def _attempt(delivery: Delivery) -> None:
    """One POST, and what came of it in one transaction. Raises merchants.sealing.CannotOpen."""
    at, event, endpoint = now(), delivery.event, delivery.endpoint
    headers = headers_of(event, at) | {"webhook-signature": sign(endpoint, event, at)}
    answer = safe_http.post(endpoint.url, event.body.encode(), headers)
    metrics.deliveries.labels(answer.word).inc()
    _record(delivery, at, endpoint.url, answer)


def headers_of(event: Event, at: datetime) -> dict[str, str]:
    """What an attempt at this moment says beside its signature."""
    return {
        "Content-Type": "application/json",
        "User-Agent": f"{settings.PRODUCT_NAME}-Webhooks/1.0",
        "webhook-id": event.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
    }


def sign(endpoint: Endpoint, event: Event, at: datetime) -> str:
    """Standard Webhooks: id, timestamp and body, joined by full stops."""
    content = f"{event.message_id}.{int(at.timestamp())}.{event.body}"
    return signing.signatures(endpoint, content.encode())


def _record(delivery: Delivery, at: datetime, url: str, answer: safe_http.Answer) -> None:
    with transaction.atomic():
        # Endpoint before delivery is the one order of locks.
        endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        locked.tries += 1
        locked.status, locked.failure = answer.status, answer.failure
        accepted = answer.status is not None and 200 <= answer.status < 300
        _judge_endpoint(endpoint, answer, accepted)
        _decide(locked, endpoint, answer, accepted)
        locked.save(update_fields=["state", "tries", "next_at", "status", "failure", "decided_at"])
        DeliveryAttempt.objects.create(
            delivery=locked,
            at=at,
            url=url,
            status=answer.status,
            failure=answer.failure,
            answer=scrub(answer.text.replace("\0", "\ufffd"))[:KEPT_ANSWER],
            ms=answer.ms,
            next_at=locked.next_at,
        )


def _decide(
    delivery: Delivery, endpoint: Endpoint, answer: safe_http.Answer, accepted: bool
) -> None:
    """Delivered, to be tried again, or given up."""
    again = None
    if not accepted and endpoint.enabled and delivery.tries < len(WAITS):
        again = now() + max(_with_jitter(WAITS[delivery.tries]), wait_asked_for(answer))
    delivery.next_at = again
    if again:
        return
    delivery.state = State.DELIVERED if accepted else State.DEAD
    delivery.decided_at = now()


def _with_jitter(wait: timedelta) -> timedelta:
    """Up to a tenth longer, so that what failed together does not come back together."""
    return wait * random.uniform(1, 1.1)  # noqa: S311


def wait_asked_for(answer: safe_http.Answer) -> timedelta:
    """What its Retry-After says, in seconds or as a date (RFC 9110); at most a day."""
    text = answer.retry_after.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), LONGEST_WAIT.total_seconds()))
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta()
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now(), timedelta()), LONGEST_WAIT)


def _judge_endpoint(endpoint: Endpoint, answer: safe_http.Answer, accepted: bool) -> None:
    """How the endpoint does: when it is sent to again, and whether ever. Under its lock."""
    if answer.status is None:
        endpoint.unanswered = min(endpoint.unanswered + 1, 30)
        endpoint.resting_until = _rest_after(endpoint.unanswered)
    else:
        endpoint.unanswered = 0
        wants_rest = answer.status in (TOO_MANY, AWAY)
        endpoint.resting_until = now() + wait_asked_for(answer) if wants_rest else None
    endpoint.failing_since = None if accepted else endpoint.failing_since or now()
    endpoint.save(update_fields=["unanswered", "resting_until", "failing_since"])
    if not accepted and endpoint.enabled and (why := _why_stop(endpoint, answer)):
        _stop(endpoint, why)


def _rest_after(unanswered: int) -> datetime | None:
    """Until when it is left alone: not after the first silence, then 5, 10, 20 seconds…"""
    if unanswered < 2:
        return None
    return now() + min(SHORTEST_REST * (1 << unanswered - 2), LONGEST_REST)


def _why_stop(endpoint: Endpoint, answer: safe_http.Answer) -> str:
    if answer.status == GONE:
        return endpoints.Why.GONE
    since = endpoint.failing_since
    return endpoints.Why.FAILING if since and since <= now() - PATIENCE else endpoints.Why.NONE


def _stop(endpoint: Endpoint, why: str) -> None:
    endpoints.stop(endpoint, why)
    give_up(waiting_at(endpoint.pk))
    tell_of_endpoint(endpoint)


def switch(endpoint: Endpoint, state: str, by: User) -> Endpoint:
    """Enable or disable an endpoint; what waits there is given up with it.

    Raises merchants.endpoints.TooMany.
    """
    with transaction.atomic():
        switched = endpoints.switch(endpoint, state, by)
        if not switched.enabled:
            give_up(waiting_at(endpoint.pk))
    return switched


def redeliver(delivery: Delivery) -> None:
    """Send it now, under the same id, and if need be again by the schedule from its start.

    Raises EndpointOff.
    """
    with transaction.atomic():
        endpoint = _awake(delivery.endpoint_id)
        _put_back(Delivery.objects.filter(pk=delivery.pk), now())
        deliver_soon(endpoint)


def _awake(endpoint_id: UUID) -> Endpoint:
    """The endpoint under its lock, not resting any more, for somebody wants to see it try."""
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
    if not endpoint.enabled:
        raise EndpointOff
    if endpoint.resting_until:
        endpoint.resting_until = None
        endpoint.save(update_fields=["resting_until"])
    return endpoint


def _put_back(deliveries: QuerySet[Delivery], at: datetime | Subquery) -> None:
    deliveries.update(state=State.WAITING, tries=0, next_at=at, decided_at=None)


def replay_since(endpoint: Endpoint, since: datetime, by: User) -> None:
    """Send all events from this moment to now once more. Raises EndpointOff."""
    with transaction.atomic():
        awake = _awake(endpoint.pk)
        told = {"since": since.isoformat()}
        record(by, "endpoint.replayed", awake.url, after=told, of=awake)
        replay.enqueue(
            current_tenant().pk,
            endpoint_id=str(awake.pk),
            since=since.isoformat(),
            until=now().isoformat(),
        )


@job(lane=BULK)
def replay(endpoint_id: str, since: str, until: str) -> None:
    """Put an endpoint's events of a time back in the queue, those too that it never got."""
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    period = (datetime.fromisoformat(since), datetime.fromisoformat(until))
    events = Event.objects.filter(live=endpoint.live, created_at__range=period)
    events = events.exclude(kind=Kind.TEST).order_by("created_at", "id")
    if endpoint.kinds:
        events = events.filter(kind__in=endpoint.kinds)
    found = [*events.only("created_at")]
    for start in range(0, len(found), REPLAY_AT_ONCE):
        _replay_some(endpoint, found[start : start + REPLAY_AT_ONCE])


def _replay_some(endpoint: Endpoint, events: list[Event]) -> None:
    """All due since they happened, and so in the order in which they happened."""
    with transaction.atomic():
        missing = [
            Delivery(live=endpoint.live, event=event, endpoint=endpoint, next_at=event.created_at)
            for event in events
        ]
        Delivery.objects.bulk_create(missing, ignore_conflicts=True)
        put = Delivery.objects.filter(endpoint=endpoint, event__in=events)
        _put_back(put.exclude(state=State.WAITING), HAPPENED)
        deliver_soon(endpoint)

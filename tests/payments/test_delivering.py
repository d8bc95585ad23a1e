"""Deliveries arrive or are given up in plain sight; none is lost, none has two ids."""

import random
import threading
from collections import Counter
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django_tenants.utils import tenant_context
from standardwebhooks import Webhook

from config.clock import now
from merchants import endpoints
from merchants.models import AuditEvent, Endpoint
from merchants.sealing import open_sealed
from payments import delivering, events
from payments.models import Delivery, DeliveryAttempt, Event
from tenants.jobs import run_due
from tenants.models import Tenant, User
from tests import make
from tests.crowd import at_once
from tests.paytm.server import FakePaytm as Receiver
from tests.proof import size
from tests.wire import Simulator

HOUR = 3600
# What is waited before each attempt, in seconds.
WAITS = [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]


@pytest.fixture
def endpoint(in_acme: Tenant, paytm: Simulator, receiver: Receiver) -> Endpoint:
    return make.endpoint(f"{receiver.url}/hook")


def send(endpoint: Endpoint) -> Delivery:
    """A test event, sent as far as it goes now."""
    with transaction.atomic():
        delivery = events.send_test(endpoint)
    run_due()
    delivery.refresh_from_db()
    return delivery


def settled() -> str:
    """A payout came, and the endpoints that there are were told of it; its UTR."""
    utr = str(make.payout(live=False).utr)
    run_due()
    return utr


def waits(delivery: Delivery) -> float:
    """From its last attempt to its next, in seconds."""
    assert delivery.next_at
    return (delivery.next_at - delivery.attempts.latest("id").at).total_seconds()


def test_the_schedule_is_kept_and_then_it_is_given_up(
    endpoint: Endpoint, receiver: Receiver, clock: Any
) -> None:
    receiver.says("no", 500)
    delivery, ahead = send(endpoint), 0.0
    for number, wait in enumerate(WAITS[1:], 1):
        assert (delivery.state, delivery.tries) == ("waiting", number)
        assert wait <= waits(delivery) <= wait * 1.1 + 1
        clock(ahead + wait - 2)
        run_due()
        assert len(receiver.requests) == number
        ahead += wait * 1.1 + 3
        clock(ahead)
        run_due()
        delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.status) == ("dead", 10, 500)
    assert delivery.next_at is None
    assert len(receiver.requests) == 10


def test_every_attempt_has_one_id_and_a_timestamp_and_signature_of_its_own(
    endpoint: Endpoint, receiver: Receiver, clock: Any
) -> None:
    receiver.says("no", 503)
    send(endpoint)
    clock(10)
    run_due()
    first, second = (request.headers for request in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) in (9, 10, 11)
    assert first["webhook-signature"] != second["webhook-signature"]
    for request in receiver.requests:
        Webhook(open_sealed(endpoint, "sealed_secret")).verify(request.body, request.headers)


def test_both_secrets_sign_for_a_day(
    endpoint: Endpoint, receiver: Receiver, alice: User, clock: Any
) -> None:
    old = open_sealed(endpoint, "sealed_secret")
    new = endpoints.rotate(endpoint, alice)
    send(endpoint)
    request = receiver.requests[-1]
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(request.body, request.headers)
    clock(24 * HOUR + 1)
    send(endpoint)
    assert len(receiver.requests[-1].headers["webhook-signature"].split(" ")) == 1


@pytest.mark.parametrize(
    ("says", "seconds"),
    [
        ("120", 120), ("0", 5), ("999999999999", 24 * HOUR), ("-5", 5), ("soon", 5), ("", 5),
        ("date", 600), ("Fri, 99 Foo 2026", 5),
    ],
)  # fmt: skip
def test_retry_after_is_respected(
    endpoint: Endpoint, receiver: Receiver, says: str, seconds: int
) -> None:
    value = format_datetime(now() + timedelta(seconds=600), usegmt=True) if says == "date" else says
    receiver.does(lambda handler: handler.reply(b"", 429, Retry_After=value))
    delivery = send(endpoint)
    assert seconds - 2 <= waits(delivery) <= seconds * 1.1 + 2


def test_410_stops_the_endpoint_at_once_with_a_mail(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.says("", 410)
    delivery = send(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.stopped_why, delivery.state) == ("stopped", "gone", "dead")
    assert {to for m in mail.outbox for to in m.to} == {"alice@example.com", "bob@example.com"}
    assert endpoint.url in mail.outbox[0].body
    assert f"/m/acme/test/endpoints/{endpoint.pk}" in mail.outbox[0].body
    assert AuditEvent.objects.filter(act="endpoint.stopped", by_id=None).exists()
    settled()
    assert len(receiver.requests) == 1
    assert not Event.objects.get(kind="settlement.received").deliveries.exists()


def test_five_days_of_nothing_but_failure_stop_it(
    endpoint: Endpoint, receiver: Receiver, clock: Any
) -> None:
    receiver.says("", 500)
    for day in range(5):
        clock(day * 24 * HOUR)
        settled()
    endpoint.refresh_from_db()
    assert endpoint.state == "enabled"
    clock(5 * 24 * HOUR + 60)
    run_due()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.stopped_why) == ("stopped", "failing")
    assert not Delivery.objects.filter(state="waiting").exists()
    assert mail.outbox


def test_one_success_begins_the_five_days_anew(
    endpoint: Endpoint, receiver: Receiver, clock: Any
) -> None:
    receiver.says("", 500)
    settled()
    clock(3 * 24 * HOUR)
    receiver.says("", 204)
    settled()
    receiver.says("", 500)
    clock(6 * 24 * HOUR)
    settled()
    endpoint.refresh_from_db()
    assert endpoint.state == "enabled"


def test_what_is_stored_of_an_answer_is_short_and_no_secret(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    secret = open_sealed(endpoint, "sealed_secret")
    receiver.says(f"\0you use {secret}! " + "x" * 5000)
    answer = send(endpoint).attempts.get().answer
    assert len(answer) <= 1024
    assert secret[6:] not in answer
    assert answer.startswith("\ufffdyou use [blanked]")


def test_a_silent_endpoint_is_left_alone_for_a_while(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.does(lambda handler: handler.hang_up())
    with transaction.atomic():
        for _ in range(20):
            events.send_test(endpoint)
    run_due()
    assert len(receiver.requests) == 2
    endpoint.refresh_from_db()
    assert endpoint.resting_until
    assert endpoint.resting_until > now()


def test_by_hand_it_is_sent_again_at_once_under_the_same_id(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    delivery = send(endpoint)
    delivering.redeliver(delivery)
    run_due()
    first, second = (request.headers["webhook-id"] for request in receiver.requests)
    assert first == second
    assert delivery.attempts.count() == 2


def test_replay_sends_what_an_endpoint_missed_and_what_it_had(
    endpoint: Endpoint, receiver: Receiver, alice: User
) -> None:
    before = settled()
    begun = now()
    heard = settled()
    delivering.switch(endpoint, "disabled", alice)
    missed = settled()
    with pytest.raises(delivering.EndpointOff):
        delivering.replay_since(endpoint, begun, alice)
    delivering.switch(endpoint, "enabled", alice)
    delivering.replay_since(endpoint, begun, alice)
    run_due()
    utrs = [Webhook(open_sealed(endpoint, "sealed_secret")).verify(r.body, r.headers)["data"]["utr"]
            for r in receiver.requests]  # fmt: skip
    assert utrs == [before, heard, heard, missed]


def test_what_waits_at_a_disabled_endpoint_is_given_up_in_plain_sight(
    endpoint: Endpoint, receiver: Receiver, alice: User
) -> None:
    receiver.says("", 500)
    delivery = send(endpoint)
    delivering.switch(endpoint, "disabled", alice)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failure) == ("dead", "switched_off")


def test_two_workers_send_one_delivery_once(open_acme: Tenant, receiver: Receiver) -> None:
    endpoint = make.endpoint(receiver.url)
    with transaction.atomic():
        for _ in range(10):
            events.send_test(endpoint)
    at_once(open_acme, [lambda: delivering.deliver(endpoint_id=str(endpoint.pk))] * 4)
    assert len(receiver.requests) == 10
    assert Delivery.objects.filter(state="delivered").count() == 10


# What endpoints do, by their path. Some do it now and then, some always.
def behave(handler: Any) -> None:
    how = handler.path.strip("/")
    if how in ("flaky", "dying", "garbage") and random.random() < 0.5:
        handler.reply(b"ok")
    elif how == "flaky":
        handler.reply(b"", 503)
    elif how == "redirect":
        handler.reply(b"", 307, Location="/good")
    elif how == "garbage":
        handler.wfile.write(b"\x00\xff nonsense\r\n\r\n")
        handler.hang_up()
    elif how == "dying":
        handler.hang_up(reset=True)
    elif how == "stall":
        threading.Event().wait(3)
    else:
        handler.reply(b"ok")


@pytest.mark.proof
def test_every_event_is_delivered_or_given_up_and_none_has_two_ids(
    open_acme: Tenant, receiver: Receiver, clock: Any
) -> None:
    """The worker's own code path, four threads of it, days passing under them."""
    receiver.does(behave)
    hows = ["good", "flaky", "redirect", "garbage", "dying", "stall"]
    for how in hows[:5]:
        make.endpoint(f"{receiver.url}/{how}")
    stalled = make.endpoint(f"{receiver.url}/stall")
    total = size(24, 500)
    for _ in range(total):
        make.payout(live=False)
    work(open_acme)
    good = Endpoint.objects.get(url__endswith="/good")
    assert set(good.deliveries.values_list("state", flat=True)) == {"delivered"}
    last_good = DeliveryAttempt.objects.filter(delivery__endpoint=good).latest("id").at
    assert (last_good - Event.objects.latest("created_at").created_at).total_seconds() < size(5, 60)
    ahead = 0.0
    while Delivery.objects.filter(state="waiting").exists() and ahead < 30 * 24 * HOUR:
        ahead += size(12, 4) * HOUR
        clock(ahead)
        work(open_acme)
    assert Event.objects.count() == total
    assert Delivery.objects.count() == 6 * total
    states = Counter(Delivery.objects.values_list("endpoint__url", "state"))
    assert {state for (_, state) in states} == {"delivered", "dead"}
    assert states[f"{receiver.url}/redirect", "dead"] == total
    assert states[f"{receiver.url}/stall", "dead"] == total
    stalled.refresh_from_db()
    assert stalled.state == "stopped"
    ids = {(r.path, r.body, r.headers["webhook-id"]) for r in receiver.requests}
    assert len({id for _, _, id in ids}) == len({body for _, body, _ in ids}) == total


def work(tenant: Tenant) -> None:
    """What is due now, by four workers at once."""
    at_once(tenant, [run_due_whole] * 4)


def run_due_whole() -> None:
    while run_due(100_000):
        pass


def test_another_merchants_endpoints_hear_nothing(
    endpoint: Endpoint, receiver: Receiver, globex: Tenant
) -> None:
    with tenant_context(globex):
        make.endpoint(f"{receiver.url}/globex")
    settled()
    assert [request.path for request in receiver.requests] == ["/hook"]

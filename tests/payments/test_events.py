"""A merchant's own systems are told of its money: once, signed, and in words that never change."""

import json
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from standardwebhooks import Webhook

from merchants.sealing import open_sealed
from payments import surplus
from payments.models import Delivery, Event, Payment, Refund
from payments.outbox import payment_changed, refund_changed, settlement_received
from payments.paytm import Outcome
from payments.refunding import ask_refund, give_up
from payments.settling import settle
from tenants.jobs import run_due
from tenants.models import User
from tests import make
from tests.conftest import browser
from tests.payments.test_settling import answer
from tests.paytm.server import FakePaytm as Receiver
from tests.wire import Simulator, come_back, go_to_paytm

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")


def kinds() -> list[str]:
    return [*Event.objects.order_by("created_at").values_list("kind", flat=True)]


def told(kind: str) -> dict[str, Any]:
    """The `data` of the one event of a kind."""
    data: dict[str, Any] = json.loads(Event.objects.get(kind=kind).body)["data"]
    return data


def paid(**terms: Any) -> Payment:
    order = make.payment(make.link(**terms))
    settle(order, answer(order))
    run_due()
    order.refresh_from_db()
    return order


def test_a_payment_reaches_the_merchants_systems_signed(
    client: Client, paytm: Simulator, receiver: Receiver
) -> None:
    endpoint = make.endpoint(f"{receiver.url}/hooks?shop=1")
    link = make.link(description="चाय")
    callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    client.get(come_back(client, callback)["Location"])
    run_due()
    order = Payment.objects.get()
    (request,) = receiver.requests
    secret = open_sealed(endpoint, "sealed_secret")
    said = Webhook(secret).verify(request.body, request.headers)
    assert request.path == "/hooks?shop=1"
    assert request.headers["Content-Type"] == "application/json"
    assert said["id"] == request.headers["webhook-id"]
    assert (said["type"], said["live"]) == ("payment.paid", False)
    data = said["data"]
    assert (data["payment_id"], data["order_id"]) == (str(order.pk), order.order_id)
    assert (data["state"], data["amount_paise"], data["received_paise"]) == ("paid", 50000, 50000)
    assert data["link"] == {"link_id": str(link.pk), "description": "चाय", "reference": ""}
    assert data["payer"] == {"name": "", "email": "", "phone": ""}
    assert data["answers"] == []
    assert b" " not in request.body.replace("चाय".encode(), b"")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status) == ("delivered", 200)


def test_each_change_is_told_once_whatever_is_repeated() -> None:
    make.endpoint()
    order = paid()
    settle(order, answer(order))
    payment_changed(payment_id=str(order.pk), state="paid")
    payment_changed(payment_id=str(order.pk), state="paid")
    assert kinds() == ["payment.paid"]
    assert Delivery.objects.count() == 1


def test_a_success_after_a_failure_is_another_event() -> None:
    order = make.payment(make.link())
    settle(order, answer(order, Outcome.FAILURE, code="227", txn_id=None, amount_paise=None))
    settle(order, answer(order))
    run_due()
    assert kinds() == ["payment.failed", "payment.paid"]
    failed = told("payment.failed")
    assert (failed["state"], failed["received_paise"], failed["paid_at"]) == ("failed", 0, None)


def test_what_could_not_even_begin_at_paytm_has_failed_too(settings: Any) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # nobody listens there
    make.endpoint()
    order = make.attempt(make.link())
    run_due()
    assert order.state == "failed"
    assert told("payment.failed")["order_id"] == order.order_id


def test_surplus_and_that_it_was_kept(alice: User) -> None:
    order = make.payment(make.link())
    settle(order, answer(order, amount_paise=600_00))
    run_due()
    assert told("payment.surplus")["received_paise"] == 600_00
    assert told("payment.surplus")["surplus"] == "amount"
    order.refresh_from_db()
    surplus.keep(order, alice)
    surplus.keep(order, alice)
    run_due()
    assert kinds() == ["payment.surplus", "payment.accepted"]


def test_a_refund_is_told_when_it_is_done(alice: User, paytm: Simulator, clock: Any) -> None:
    order = paid_at_paytm(paytm)
    refund = ask_refund(order, 120_00, "", alice, "a-form-key")
    for ahead in (0, 61, 400):
        clock(ahead)
        run_due()
    refund.refresh_from_db()
    assert refund.state == "done"
    assert kinds() == ["payment.paid", "refund.done"]
    data = told("refund.done")
    assert (data["refund_id"], data["amount_paise"]) == (str(refund.pk), 120_00)
    assert data["payment"]["refunded_paise"] == 120_00


def paid_at_paytm(paytm: Simulator) -> Payment:
    client, link = browser(), make.link()
    callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    client.get(come_back(client, callback)["Location"])
    run_due()
    return Payment.objects.get(link=link)


def test_a_refund_that_waits_for_balance_has_not_failed_until_it_is_given_up(
    alice: User, paytm: Simulator, clock: Any
) -> None:
    order = paid_at_paytm(paytm)
    paytm.plant("refund", "no_balance")
    ask_refund(order, 120_00, "", alice, "a-form-key")
    for ahead in (0, 61, 400):
        clock(ahead)
        run_due()
    retry = Refund.objects.get(state="requested")
    refund_changed(refund_id=str(retry.retry_of_id))
    assert kinds() == ["payment.paid"]
    give_up(retry, alice)
    run_due()
    assert kinds() == ["payment.paid", "refund.failed"]
    assert told("refund.failed")["refund_id"] == str(retry.pk)


def test_a_settlement_is_told_once() -> None:
    payout = make.payout(live=False)
    run_due()
    settlement_received(settlement_id=str(payout.pk), is_new=True)
    assert kinds() == ["settlement.received"]
    assert told("settlement.received")["settlement_id"] == str(payout.pk)
    assert told("settlement.received")["paid_paise"] == 77_00


def test_an_endpoint_hears_of_its_world_and_of_the_kinds_it_wants() -> None:
    wants = make.endpoint(kinds=["payment.paid"])
    make.endpoint(kinds=["refund.done"])
    make.endpoint(live=True)
    make.endpoint(state="disabled")
    paid()
    assert [delivery.endpoint for delivery in Delivery.objects.all()] == [wants]


def test_nothing_secret_is_in_an_event() -> None:
    order = paid()
    body = Event.objects.get().body
    for secret in (order.token, order.paytm_token or "-", order.link.token, "acme0000merchant"):
        assert secret == "-" or secret not in body


@pytest.mark.parametrize("change", [{"body": "{}"}, {"kind": "test"}, {"live": True}])
def test_the_database_keeps_events_as_they_were(change: dict[str, Any]) -> None:
    paid()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.all().delete()

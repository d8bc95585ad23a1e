"""The payment webhook, and callbacks that come late or twice, at a real receiver."""

import pytest

from tests.simulator.shop import KEY, MID, Receiver, Shop, Simulator, code, is_genuine, wait_until


@pytest.fixture(autouse=True)
def registered(simulator: Simulator, receiver: Receiver) -> None:
    simulator.control("POST", "merchants", mid=MID, key=KEY, webhook_url=receiver.url)


def test_the_webhook_holds_the_callback_and_more(shop: Shop, receiver: Receiver) -> None:
    attempt = shop.pay("10.00", "success", method="CC")
    (form,) = wait_until(receiver.forms)
    assert is_genuine(form)
    assert set(form) == set(attempt.callback) | {"TXNDATETIME", "TXNTYPE", "CUSTID"}
    assert form["TXNDATETIME"] == attempt.callback["TXNDATE"][:19]
    assert form["TXNDATE"] == attempt.callback["TXNDATE"][:10]
    same = ("TXNID", "STATUS", "TXNAMOUNT", "BANKTXNID", "BANKNAME", "ORDERID", "MID")
    assert all(form[name] == attempt.callback[name] for name in same)


def test_only_final_states_of_transactions_are_told(
    shop: Shop, simulator: Simulator, receiver: Receiver
) -> None:
    shop.pay("10.00", "cancel")
    shop.pay("10.00", "silent")
    shop.pay("10.00", "failure")
    attempt = shop.pay("10.00", "pending_success")
    wait_until(receiver.forms)
    simulator.advance(20)
    wait_until(lambda: len(receiver.forms()) == 2)
    failed, paid = receiver.forms()
    assert (failed["STATUS"], paid["STATUS"]) == ("TXN_FAILURE", "TXN_SUCCESS")
    assert paid["ORDERID"] == attempt.order_id


def test_retries(shop: Shop, simulator: Simulator, receiver: Receiver) -> None:
    receiver.status = 503
    order_id = shop.pay("10.00").order_id
    wait_until(lambda: delivery(simulator, order_id)["attempts"] == 1)
    assert delivery(simulator, order_id)["answer"] == "503"
    simulator.advance(60)
    wait_until(lambda: delivery(simulator, order_id)["attempts"] == 2)
    receiver.status = 200
    simulator.advance(300)
    wait_until(lambda: delivery(simulator, order_id)["due"] is None)
    assert len(receiver.forms()) == 3
    assert len({form["CHECKSUMHASH"] for form in receiver.forms()}) == 1


def test_a_refusal_is_not_retried(shop: Shop, simulator: Simulator, receiver: Receiver) -> None:
    receiver.status = 400
    order_id = shop.pay("10.00").order_id
    wait_until(lambda: delivery(simulator, order_id)["attempts"] == 1)
    assert delivery(simulator, order_id)["due"] is None


def test_an_unreachable_receiver_is_tried_again(shop: Shop, simulator: Simulator) -> None:
    dead = "http://127.0.0.1:9/webhook"
    simulator.control("POST", "merchants", mid=MID, key=KEY, webhook_url=dead)
    order_id = shop.pay("10.00").order_id
    wait_until(lambda: delivery(simulator, order_id)["attempts"] == 1)
    assert delivery(simulator, order_id)["answer"] == "ConnectionError"
    assert delivery(simulator, order_id)["due"] is not None


def test_callback_late(shop: Shop, simulator: Simulator, receiver: Receiver) -> None:
    shop.callback_url = receiver.url
    attempt = shop.pay("10.00", "callback_late")
    assert not attempt.page.is_there
    assert code(attempt.status()) == ("TXN_SUCCESS", "01")
    wait_until(lambda: len(receiver.forms()) == 1)
    simulator.advance(20)
    wait_until(lambda: len(receiver.forms()) == 2)
    assert "TXNTYPE" not in receiver.forms()[1]
    assert is_genuine(receiver.forms()[1])


def test_callback_doubled(shop: Shop, simulator: Simulator, receiver: Receiver) -> None:
    shop.callback_url = receiver.url
    attempt = shop.pay("10.00", "callback_doubled")
    assert attempt.page.is_there
    simulator.advance(5)
    wait_until(lambda: len(receiver.forms()) == 4)
    assert {form["TXNID"] for form in receiver.forms()} == {attempt.callback["TXNID"]}
    assert sum("TXNTYPE" in form for form in receiver.forms()) == 2


def delivery(simulator: Simulator, order_id: str) -> dict[str, object]:
    found = simulator.control("GET", "deliveries")["deliveries"]
    return next(entry for entry in found if entry["order_id"] == order_id)

"""What can be made to happen: by button, by amount, planted."""

import time

import pytest
import requests

from tests.simulator.shop import MID, OTHER_MID, Shop, Simulator, code, is_genuine


def test_pending_then_success(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00", "pending_success")
    assert attempt.callback["STATUS"] == "PENDING"
    simulator.advance(19)
    assert code(attempt.status()) == ("PENDING", "402")
    simulator.advance(1)
    assert code(attempt.status()) == ("TXN_SUCCESS", "01")


def test_pending_then_failure(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00", "pending_failure")
    assert code(attempt.status()) == ("PENDING", "400")
    simulator.advance(20)
    assert code(attempt.status()) == ("TXN_FAILURE", "227")


def test_pending_fails_after_three_days(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00", "pending")
    simulator.advance(72 * 3600 - 60)
    assert code(attempt.status()) == ("PENDING", "402")
    simulator.advance(60)
    assert code(attempt.status()) == ("TXN_FAILURE", "810")


def test_failure_then_success(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00", "failure_success")
    assert code(attempt.status()) == ("TXN_FAILURE", "227")
    simulator.advance(20)
    assert code(attempt.status()) == ("TXN_SUCCESS", "01")


@pytest.mark.parametrize("scenario", ["callback_lost", "silent"])
def test_no_way_back(shop: Shop, scenario: str) -> None:
    attempt = shop.pay("10.00", scenario)
    assert not attempt.page.is_there
    assert code(attempt.status()) == ("TXN_SUCCESS", "01")


def test_a_forged_callback(shop: Shop) -> None:
    attempt = shop.pay("10.00", "callback_forged")
    assert attempt.callback["STATUS"] == "TXN_SUCCESS"
    with pytest.raises(UnicodeDecodeError):  # how the official library says "wrong key"
        is_genuine(attempt.callback)
    assert code(attempt.status()) == ("TXN_FAILURE", "227")


def test_an_unsigned_callback(shop: Shop) -> None:
    assert "CHECKSUMHASH" not in shop.pay("10.00", "callback_unsigned").callback


def test_another_amount(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00", "amount_differs")
    assert attempt.status()["txnAmount"] == "11.00"
    order = simulator.control("GET", f"orders/{MID}/{attempt.order_id}")
    assert (order["amount_paise"], order["paid_paise"]) == (1000, 1100)


@pytest.mark.parametrize("amount", ["123.45", "1.00", "499.00", "10.50", "4040.00", "4040.99"])
def test_ordinary_amounts_mean_nothing(shop: Shop, amount: str) -> None:
    assert shop.pay(amount).callback["STATUS"] == "TXN_SUCCESS"


def test_by_amount(shop: Shop) -> None:
    assert shop.pay("4040.01").callback["RESPCODE"] == "227"
    assert shop.pay("4040.03").callback["RESPCODE"] == "402"
    assert not shop.pay("4040.10").page.is_there
    assert shop.pay("4040.02", "cancel").callback["RESPCODE"] == "141"


def test_status_spoilt_by_amount_twice(shop: Shop) -> None:
    attempt = shop.pay("4040.42")
    body = {"mid": MID, "orderId": attempt.order_id}
    codes = [shop.post("/v3/order/status", body).status_code for _ in range(3)]
    assert codes == [500, 500, 200]


def test_initiate_spoilt_by_amount(shop: Shop) -> None:
    order_id = shop.new_order_id()
    body = shop.order_body(order_id, "4040.23")
    path = f"/order/initiate?mid={MID}&orderId={order_id}"
    assert [shop.post(path, body).status_code for _ in range(2)] == [500, 500]


def test_planted_for_the_payer(shop: Shop, simulator: Simulator) -> None:
    order_id = shop.new_order_id()
    rule = simulator.plant("payment", "cancel", mid=MID, order_id=order_id)
    assert shop.pay("10.00").callback["RESPCODE"] == "01"
    page = shop.open_page(order_id, shop.initiate(order_id)["txnToken"])
    assert shop.press(page, "success").fields["RESPCODE"] == "141"
    planted = simulator.control("GET", "scenarios")["planted"]
    assert [(p["id"], p["taken"]) for p in planted] == [(rule["id"], 1)]


def test_planted_rules_are_used_up_in_order(shop: Shop, simulator: Simulator) -> None:
    order_id = shop.pay("10.00").order_id
    body = {"mid": MID, "orderId": order_id}
    simulator.plant("status", "error_before", mid=MID, times=2)
    simulator.plant("status", "error_before", mid=OTHER_MID)
    simulator.plant("status", "redirect")
    answers = [shop.post("/v3/order/status", body).status_code for _ in range(4)]
    assert answers == [500, 500, 302, 200]


@pytest.mark.parametrize(
    ("scenario", "effect"),
    [
        ("timeout_before", False),
        ("timeout_after", True),
        ("error_before", False),
        ("error_after", True),
        ("reset_before", False),
        ("reset_after", True),
        ("html", True),
        ("truncated", True),
        ("stalled", True),
        ("redirect", False),
    ],
)
def test_faults_and_their_effect(
    shop: Shop, simulator: Simulator, scenario: str, effect: bool
) -> None:
    order_id = shop.new_order_id()
    body = shop.order_body(order_id)
    simulator.plant("initiate", scenario, mid=MID, order_id=order_id, seconds=0.6)
    path = f"/theia/api/v1/initiateTransaction?mid={MID}&orderId={order_id}"
    with pytest.raises((requests.RequestException, ValueError)):
        shop.post(path, body, timeout=0.3).json()
    assert code(shop.call(path, body)) == ("S", "0002" if effect else "0000")


def test_a_silence_ends(shop: Shop, simulator: Simulator) -> None:
    simulator.plant("status", "timeout_after", mid=MID, seconds=0.2)
    start = time.monotonic()
    assert shop.post("/v3/order/status", {"mid": MID, "orderId": "X"}).status_code == 504
    assert time.monotonic() - start >= 0.2


def test_the_huge_answer_is_huge(shop: Shop, simulator: Simulator) -> None:
    simulator.plant("status", "huge", mid=MID)
    response = shop.post("/v3/order/status", {"mid": MID, "orderId": "X"})
    assert len(response.content) > 10_000_000


def test_lying_answers(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00")
    body = {"mid": MID, "orderId": attempt.order_id}

    def answer(scenario: str) -> requests.Response:
        simulator.plant("status", scenario, mid=MID)
        return shop.post("/v3/order/status", body)

    assert "signature" not in answer("unsigned").json()["head"]
    with pytest.raises(UnicodeDecodeError):
        shop.verifies(answer("wrong_signature"))
    numbers = answer("numbers")
    assert shop.verifies(numbers)
    assert numbers.json()["body"]["txnAmount"] == 10.0
    for scenario, name in (
        ("other_order", "orderId"),
        ("other_mid", "mid"),
        ("other_amount", "txnAmount"),
    ):
        changed = answer(scenario)
        assert shop.verifies(changed)
        assert changed.json()["body"][name] != attempt.status()[name]

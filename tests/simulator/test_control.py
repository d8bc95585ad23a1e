"""The control interface: merchants, books, finishing, the clock, who may call it."""

import html
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.simulator.shop import KEY, MID, Shop, Simulator, code, is_genuine, wait_until


def test_a_registered_merchant_can_trade(simulator: Simulator) -> None:
    mid, key = "NEWMERCHANT000000001", "ABCDEFGHIJKLMNOP"
    simulator.control("POST", "merchants", mid=mid, key=key)
    shop = Shop(simulator.url, mid=mid, key=key)
    assert code(shop.pay("1.00").status()) == ("TXN_SUCCESS", "01")
    known = simulator.control("GET", "merchants")
    assert mid in [merchant["mid"] for merchant in known["merchants"]]
    assert key not in str(known)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"mid": "M M", "key": KEY},
        {"mid": "M" * 21, "key": KEY},
        {"mid": MID, "key": KEY[1:]},
        {"mid": MID, "key": "é" * 16},
        {"mid": MID, "key": 1},
        {"mid": MID, "key": KEY, "webhook_url": "ftp://shop.test"},
        {"mid": MID, "key": KEY, "callback_url": "shop"},
    ],
)
def test_odd_merchants_are_refused(simulator: Simulator, members: dict[str, object]) -> None:
    response = requests.post(f"{simulator.url}/_control/merchants", json=members)
    assert response.status_code == 400
    assert response.json()["errorMessage"]


def test_books(simulator: Simulator) -> None:
    mid = "BOOKKEEPER0000000001"
    simulator.control("POST", "merchants", mid=mid, key=KEY)
    shop = Shop(simulator.url, mid=mid)
    paid, _, _ = shop.pay("123.45"), shop.pay("5.00", "failure"), shop.pay("6.00", "pending")
    shop.refund(paid, "23.45", "R1")
    simulator.advance(5)
    books = simulator.control("GET", f"books?mid={mid}")
    assert books["totals"] == {
        mid: {
            "orders": 3,
            "TXN_SUCCESS": 1,
            "TXN_FAILURE": 1,
            "PENDING": 1,
            "paid_paise": 12345,
            "refunded_paise": 2345,
        }
    }
    order = next(entry for entry in books["orders"] if entry["order_id"] == paid.order_id)
    assert (order["amount_paise"], order["paid_paise"], order["refunded_paise"]) == (
        12345,
        12345,
        2345,
    )
    assert [(r["ref_id"], r["state"], r["amount_paise"]) for r in order["refunds"]] == [
        ("R1", "TXN_SUCCESS", 2345)
    ]
    assert mid in simulator.control("GET", "books")["totals"]


def test_finish_a_pending_order(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00", "pending")
    path = f"orders/{MID}/{attempt.order_id}/finish"
    order = simulator.control("POST", path, outcome="success")
    assert order["state"] == "TXN_SUCCESS"
    assert is_genuine(order["callback"])
    assert order["callback"]["TXNID"] == attempt.callback["TXNID"]
    assert code(attempt.status()) == ("TXN_SUCCESS", "01")
    again = requests.post(f"{simulator.url}/_control/{path}", json={"outcome": "failure"})
    assert again.status_code == 409


def test_finish_an_order_nobody_has_tried_to_pay(shop: Shop, simulator: Simulator) -> None:
    order_id = shop.new_order_id()
    shop.initiate(order_id)
    cancelled = shop.pay("10.00", "cancel")
    path = f"orders/{MID}/{cancelled.order_id}/finish"
    assert simulator.control("POST", path, outcome="success")["callback"]["TXNID"]
    assert cancelled.status()["txnAmount"] == "10.00"
    simulator.control("POST", f"orders/{MID}/{order_id}/finish", outcome="failure")
    assert code(shop.status(order_id)) == ("TXN_FAILURE", "227")
    simulator.control("POST", f"orders/{MID}/{order_id}/finish", outcome="success")
    assert code(shop.status(order_id)) == ("TXN_SUCCESS", "01")


def test_finish_needs_a_record_and_an_outcome(shop: Shop, simulator: Simulator) -> None:
    url = f"{simulator.url}/_control"
    answer = requests.post(f"{url}/orders/{MID}/ABSENT/finish", json={"outcome": "success"})
    assert answer.status_code == 404
    answer = requests.post(f"{url}/refunds/{MID}/ABSENT/finish", json={"outcome": "success"})
    assert answer.status_code == 404
    order_id = shop.pay("1.00", "pending").order_id
    answer = requests.post(f"{url}/orders/{MID}/{order_id}/finish", json={"outcome": "maybe"})
    assert answer.status_code == 400


def test_the_clock_is_a_shared_file(start: Callable[..., Simulator], tmp_path: Path) -> None:
    file = tmp_path / "clock"
    simulator = start(f"--clock-file={file}")
    assert simulator.control("GET", "clock")["offset_seconds"] == 0
    simulator.control("POST", "clock", offset_seconds=3600)
    simulator.control("POST", "clock", advance_seconds=60.5)
    assert float(file.read_text()) == 3660.5
    file.write_text("-100\n")
    assert simulator.control("GET", "clock")["offset_seconds"] == -100


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"offset_seconds": "1"},
        {"offset_seconds": 1e300},
        {"advance_seconds": True},
        {"offset_seconds": 1, "advance_seconds": 1},
        {"seconds": 1},
    ],
)
def test_odd_times_are_refused(simulator: Simulator, members: dict[str, object]) -> None:
    assert requests.post(f"{simulator.url}/_control/clock", json=members).status_code == 400


@pytest.mark.parametrize(
    "members",
    [
        {"endpoint": "status", "scenario": "success"},
        {"endpoint": "x", "scenario": "html"},
        {"endpoint": "status"},
        {"endpoint": "status", "scenario": "html", "times": 0},
        {"endpoint": "status", "scenario": "html", "times": 1.5},
        {"endpoint": "status", "scenario": "html", "seconds": -1},
    ],
)
def test_odd_scenarios_are_refused(simulator: Simulator, members: dict[str, object]) -> None:
    assert requests.post(f"{simulator.url}/_control/scenarios", json=members).status_code == 400


def test_reset_keeps_merchants(start: Callable[..., Simulator]) -> None:
    simulator = start(f"--merchant={MID}:{KEY}")
    shop = Shop(simulator.url)
    order_id = shop.pay("1.00").order_id
    simulator.plant("status", "html", times=5)
    simulator.control("POST", "reset")
    empty: dict[str, object] = {"orders": [], "totals": {}, "settlements": []}
    assert simulator.control("GET", "books") == empty
    assert code(shop.status(order_id))[1] == "331"


def test_the_token(start: Callable[..., Simulator]) -> None:
    simulator = start("--control-token=s3cret-token")
    url = f"{simulator.url}/_control/books"
    assert requests.get(url).status_code == 401
    assert requests.get(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    right = {"Authorization": "Bearer s3cret-token"}
    assert requests.get(url, headers=right).status_code == 200
    documentation = requests.get(f"{simulator.url}/_control/")
    assert documentation.status_code == 200
    assert "s3cret" not in documentation.text


def test_posts_must_be_json(simulator: Simulator) -> None:
    answer = requests.post(f"{simulator.url}/_control/reset", data="{}")
    assert answer.status_code == 415


def test_documentation_names_every_scenario(simulator: Simulator) -> None:
    text = html.unescape(requests.get(f"{simulator.url}/_control/").text)
    for named in simulator.control("GET", "scenarios")["scenarios"].values():
        assert all(f"<code>{name}</code>" in text for name in named)
    assert "₹4,040.01" in text


def test_books_survive_kill_9(start: Callable[..., Simulator], tmp_path: Path) -> None:
    simulator = start(f"--state={tmp_path / 's.sqlite'}", f"--clock-file={tmp_path / 'clock'}")
    simulator.control("POST", "merchants", mid=MID, key=KEY)
    simulator.control("POST", "clock", offset_seconds=1000)
    shop = Shop(simulator.url)
    attempt, waiting = shop.pay("10.00"), shop.pay("20.00", "pending_success")
    opened = shop.new_order_id()
    token = shop.initiate(opened)["txnToken"]
    shop.refund(attempt, "4.00", "R1")
    before = simulator.control("GET", "books")
    simulator.kill()
    simulator.start_again()
    assert simulator.control("GET", "books")["orders"][0]["order_id"] == attempt.order_id
    assert len(simulator.control("GET", "books")["orders"]) == len(before["orders"]) == 3
    assert shop.initiate(opened)["txnToken"] == token
    simulator.advance(20)
    assert code(waiting.status()) == ("TXN_SUCCESS", "01")
    assert code(shop.refund_status(attempt.order_id, "R1")) == ("TXN_SUCCESS", "10")


def test_a_merchant_of_the_command_line_keeps_what_was_registered(
    start: Callable[..., Simulator], tmp_path: Path
) -> None:
    simulator = start(f"--state={tmp_path / 's.sqlite'}", f"--merchant={MID}:{KEY}")
    members = {"mid": MID, "key": KEY, "webhook_url": "http://shop.test/hook"}
    simulator.control("POST", "merchants", **members)
    simulator.kill()
    simulator.start_again()
    (known,) = simulator.control("GET", "merchants")["merchants"]
    assert known["webhook_url"] == members["webhook_url"]


def test_sigterm_stops_it_although_a_call_hangs(start: Callable[..., Simulator]) -> None:
    simulator = start(f"--merchant={MID}:{KEY}")
    simulator.plant("status", "timeout_before", seconds=60)
    with pytest.raises(requests.Timeout):
        Shop(simulator.url).post("/v3/order/status", {"mid": MID, "orderId": "X"}, timeout=0.2)
    simulator.process.terminate()
    assert simulator.process.wait(5) == 0
    wait_until(lambda: port_is_closed(simulator), 1)


def test_a_taken_port_is_refused(simulator: Simulator) -> None:
    import subprocess
    import sys

    from tests.simulator.shop import ROOT

    command = [sys.executable, "-m", "simulator", "--port", str(simulator.port)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert second.returncode != 0
    assert "in use" in second.stderr


def port_is_closed(simulator: Simulator) -> bool:
    try:
        requests.get(f"{simulator.url}/healthz", timeout=1)
    except requests.ConnectionError:
        return True
    return False

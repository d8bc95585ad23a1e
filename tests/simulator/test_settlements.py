"""Payouts: one a day, fees by method, in both documented forms, and different when told to."""

from typing import Any

import paytmchecksum
import pytest
import requests

from tests.simulator.shop import KEY, MID, Shop, Simulator

DAY = 86_400


def listed(simulator: Simulator, day: str, **changes: str) -> Any:
    """Paytm's settlement list of a day, asked with Paytm's own checksum library."""
    asked = {
        "MID": MID, "utrProcessedStartTime": day, "utrProcessedEndTime": day,
        "pageNum": "1", "pageSize": "20",
    } | changes  # fmt: skip
    signed = asked | {"checksumHash": paytmchecksum.generateSignature(dict(asked), KEY)}
    path = "/merchant-settlement-service/settlement/list"
    response = requests.post(simulator.url + path, json=signed, timeout=5)
    assert response.status_code == 200, response.text
    return response.json()


def payouts(simulator: Simulator) -> Any:
    return simulator.control("GET", f"settlements?mid={MID}")["settlements"]


def settle(simulator: Simulator) -> Any:
    simulator.control("POST", "settlements", mid=MID)
    return payouts(simulator)[-1]


@pytest.mark.parametrize(
    ("method", "commission", "gst"),
    [("UPI", 0, 0), ("DC", 2_00, 36), ("NB", 7_50, 1_35), ("CC", 9_00, 1_62), ("PPI", 9_50, 1_71),
     ("EMI", 10_00, 1_80)],
)  # fmt: skip
def test_fees_are_by_method(
    simulator: Simulator, shop: Shop, method: str, commission: int, gst: int
) -> None:
    shop.pay("500.00", method=method)
    [line] = settle(simulator)["lines"]
    assert (line["commission"], line["gst"]) == (commission, gst)
    assert line["settled"] == 500_00 - commission - gst


def test_half_a_paisa_is_rounded_up(simulator: Simulator, shop: Shop) -> None:
    shop.pay("1.25", method="DC")  # 0.4 % of 125 paise is half a paisa
    [line] = settle(simulator)["lines"]
    assert (line["commission"], line["gst"]) == (1, 0)


def test_a_day_is_paid_out_once_by_itself(simulator: Simulator, shop: Shop) -> None:
    paid, _, _ = shop.pay("100.00"), shop.pay("50.00"), shop.pay("7.00", "failure")
    shop.refund(paid, "30.00", "R1")
    simulator.advance(10)
    assert payouts(simulator) == []
    simulator.advance(2 * DAY)
    [payout] = payouts(simulator)
    assert payout["amount"] == 120_00
    simulator.advance(3 * DAY)
    assert len(payouts(simulator)) == 1
    assert simulator.control("GET", f"books?mid={MID}")["settlements"] == payouts(simulator)


def test_more_back_than_in_is_carried_on(simulator: Simulator, shop: Shop) -> None:
    paid = shop.pay("100.00")
    assert settle(simulator)["amount"] == 100_00
    shop.refund(paid, "60.00", "R1")
    simulator.advance(2 * DAY)
    assert len(payouts(simulator)) == 1
    shop.pay("80.00")
    simulator.advance(2 * DAY)
    assert payouts(simulator)[-1]["amount"] == 20_00


def test_the_list_in_both_forms_and_in_pages(simulator: Simulator, shop: Shop) -> None:
    for _ in range(3):
        shop.pay("10.00", method="CC")
    payout = settle(simulator)
    answer = listed(simulator, payout["day"], pageSize="2", pageNum="2")
    assert (answer["status"], answer["totalCount"]) == ("SUCCESS", 3)
    [row] = answer["settlementListResponse"]["settlementTransactionList"]
    assert (row["COMMISSION"], row["GST"], row["SETTLEDAMOUNT"]) == ("0.18", "0.03", "9.79")
    simulator.plant("settlement", "detail_list")
    row = listed(simulator, payout["day"])["settlementDetailList"][0]
    assert (row["settleAmount"], row["utr"]) == ("9.79", payout["utr"])
    assert listed(simulator, "2026-01-01" if payout["day"] > "2026-06" else "2026-06-30")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pageSize": "21"}, "00000030"),
        ({"pageNum": "0"}, "00000030"),
        ({"pageNum": "one"}, "00000030"),
        ({"utrProcessedStartTime": "2020-01-01", "utrProcessedEndTime": ""}, "00000030"),
        ({"utrProcessedStartTime": "yesterday"}, "00000030"),
        ({"MID": "NOBODY"}, "00000022"),
    ],
)
def test_what_paytm_does_not_take(simulator: Simulator, changes: dict[str, str], code: str) -> None:
    day = simulator_day(simulator)
    assert listed(simulator, day, **changes)["resultCode"] == code


def simulator_day(simulator: Simulator) -> str:
    from datetime import UTC, datetime

    ms = simulator.control("GET", "clock")["now_ms"]
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def test_a_day_without_payouts_has_no_record(simulator: Simulator) -> None:
    assert listed(simulator, simulator_day(simulator))["status"] == "RECORD_NOT_FOUND"


def test_too_often(simulator: Simulator) -> None:
    simulator.plant("settlement", "rate_limited")
    assert listed(simulator, simulator_day(simulator))["resultCode"] == "00000074"


@pytest.mark.parametrize(
    ("difference", "lines", "amount"),
    [
        ("missing", 1, 30_00), ("late", 1, 30_00), ("doubled", 3, 40_00), ("commission", 2, 30_00),
        ("amount", 2, 29_00), ("unknown_order", 3, 107_00), ("foreign_refund", 3, 29_00),
        ("total", 2, 29_00),
    ],
)  # fmt: skip
def test_planted_differences(
    simulator: Simulator, shop: Shop, difference: str, lines: int, amount: int
) -> None:
    first, _ = shop.pay("10.00"), shop.pay("20.00")
    utr = settle(simulator)["utr"]
    simulator.control(
        "POST", f"settlements/{utr}/differences", difference=difference, order_id=first.order_id
    )
    [payout] = payouts(simulator)
    rows = listed(simulator, payout["day"])["settlementListResponse"]["settlementTransactionList"]
    assert (len(rows), payout["amount"]) == (lines, amount)
    if difference == "foreign_refund":
        assert first.status()["refundAmt"] == "1.00"
    if difference == "late":
        simulator.advance(36 * 3600 + 5)
        assert listed(simulator, payout["day"])["totalCount"] == 2


@pytest.mark.parametrize(
    ("utr", "members", "status"),
    [
        ("NONE", {"difference": "total"}, 404),
        ("", {"difference": "eclipse"}, 400),
        ("", {"difference": "missing"}, 400),
        ("", {}, 400),
    ],
)
def test_odd_differences_are_refused(
    simulator: Simulator, shop: Shop, utr: str, members: dict[str, str], status: int
) -> None:
    shop.pay("10.00")
    utr = utr or settle(simulator)["utr"]
    url = f"{simulator.url}/_control/settlements/{utr}/differences"
    assert requests.post(url, json=members, timeout=5).status_code == status

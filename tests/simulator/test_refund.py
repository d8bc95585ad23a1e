"""Refunds: registered, accepted, final; and each rule with Paytm's code."""

import json

import pytest

from tests.simulator.shop import (
    KEY,
    MID,
    OTHER_KEY,
    OTHER_MID,
    Receiver,
    Shop,
    Simulator,
    code,
    wait_until,
)

YEAR = 365 * 24 * 3600


def test_a_refund_becomes_final_by_the_clock(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("100.00", "success", method="CC")
    answer = shop.refund(attempt, "40.00", "R1-" + attempt.order_id, comments="Too big")
    assert code(answer) == ("PENDING", "601")
    assert set(answer) == {
        "resultInfo",
        "txnTimestamp",
        "orderId",
        "mid",
        "refId",
        "refundId",
        "txnId",
        "refundAmount",
    }
    pending = shop.refund_status(attempt.order_id, answer["refId"])
    assert code(pending) == ("PENDING", "601")
    assert attempt.status()["refundAmt"] == "0.00"
    simulator.advance(1)
    accepted = shop.refund_status(attempt.order_id, answer["refId"])
    assert (code(accepted), accepted["acceptRefundStatus"]) == (("PENDING", "601"), "SUCCESS")
    simulator.advance(5)
    done = shop.refund_status(attempt.order_id, answer["refId"])
    assert code(done) == ("TXN_SUCCESS", "10")
    assert (done["refundAmount"], done["totalRefundAmount"]) == ("40.00", "40.00")
    assert (done["txnAmount"], done["refundReason"]) == ("100.00", "Too big")
    assert done["refundDetailInfoList"][0]["issuingBankName"] == "HDFC Bank"
    assert attempt.status()["refundAmt"] == "40.00"


def test_order_status_shows_the_sum(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00")
    for number, amount in enumerate(("3.00", "7.00")):
        assert code(shop.refund(attempt, amount, f"{attempt.order_id}-{number}"))[1] == "601"
        simulator.advance(5)
    assert attempt.status()["refundAmt"] == "10.00"
    assert code(shop.refund(attempt, "1.00", f"{attempt.order_id}-3")) == ("TXN_FAILURE", "619")


def test_repeats_of_a_ref_id(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("10.00")
    ref_id = "R-" + attempt.order_id
    assert code(shop.refund(attempt, "4.00", ref_id))[1] == "601"
    assert code(shop.refund(attempt, "4.00", ref_id)) == ("TXN_FAILURE", "617")
    assert code(shop.refund(attempt, "5.00", ref_id)) == ("TXN_FAILURE", "701")
    assert code(shop.refund(shop.pay("10.00"), "4.00", ref_id)) == ("TXN_FAILURE", "701")
    simulator.advance(5)
    assert code(shop.refund(attempt, "4.00", ref_id)) == ("TXN_FAILURE", "629")
    assert attempt.status()["refundAmt"] == "4.00"


def test_a_refused_ref_id_is_free_again(shop: Shop) -> None:
    attempt = shop.pay("10.00")
    ref_id = "R-" + attempt.order_id
    assert code(shop.refund(attempt, "10.01", ref_id)) == ("TXN_FAILURE", "619")
    assert code(shop.refund_status(attempt.order_id, ref_id)) == ("TXN_FAILURE", "631")
    assert code(shop.refund(attempt, "10.00", ref_id)) == ("PENDING", "601")


def test_one_refund_at_a_time(shop: Shop) -> None:
    attempt = shop.pay("10.00")
    assert code(shop.refund(attempt, "4.00", "A-" + attempt.order_id))[1] == "601"
    assert code(shop.refund(attempt, "4.00", "B-" + attempt.order_id)) == ("TXN_FAILURE", "626")
    assert code(shop.refund(attempt, "6.01", "B-" + attempt.order_id)) == ("TXN_FAILURE", "619")


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0.99", "635"),
        ("0", "619"),
        ("-1", "619"),
        ("1.005", "619"),
        ("1e1", "619"),
        ("10.01", "619"),
        ("NaN", "619"),
        ("10.00", "601"),
    ],
)
def test_amounts(shop: Shop, amount: str, expected: str) -> None:
    attempt = shop.pay("10.00")
    assert code(shop.refund(attempt, amount, "R-" + attempt.order_id))[1] == expected


def test_a_whole_order_under_a_rupee_can_be_refunded(shop: Shop) -> None:
    attempt = shop.pay("0.50")
    assert code(shop.refund(attempt, "0.50", "R-" + attempt.order_id))[1] == "601"


def test_orders_that_cannot_be_refunded(shop: Shop, simulator: Simulator) -> None:
    attempt, failed = shop.pay("10.00"), shop.pay("10.00", "failure")
    ref_id = "R-" + attempt.order_id
    assert code(shop.refund(failed, "10.00", ref_id))[1] == "607"
    assert code(shop.refund(shop.pay("10.00", "pending"), "10.00", ref_id))[1] == "607"
    assert code(shop.refund(attempt, "10.00", ref_id, txnId="1"))[1] == "627"
    assert code(shop.refund(attempt, "10.00", ref_id, orderId="ABSENT"))[1] == "631"
    assert code(shop.refund(attempt, "10.00", ref_id, txnType="SALE"))[1] == "600"
    assert code(shop.refund(attempt, "10.00", "R" * 51))[1] == "600"
    simulator.advance(YEAR + 60)
    assert code(shop.refund(attempt, "10.00", ref_id))[1] == "600"


def test_strangers(shop: Shop) -> None:
    attempt = shop.pay("10.00")
    body = {"mid": MID, "orderId": attempt.order_id, "refId": "R"}
    for path in ("/refund/apply", "/v2/refund/status"):
        assert code(shop.call(path, body, OTHER_KEY)) == ("TXN_FAILURE", "330")
        assert code(shop.call(path, body | {"mid": "NOBODY"})) == ("TXN_FAILURE", "335")
    other = Shop(shop.url, mid=OTHER_MID, key=OTHER_KEY)
    txn_id = attempt.status()["txnId"]
    assert code(other.refund(attempt, "1.00", "R", mid=OTHER_MID, txnId=txn_id))[1] == "631"


def test_planted_and_by_amount(shop: Shop, simulator: Simulator) -> None:
    attempt = shop.pay("9000.00")
    refund_id = iter(f"{attempt.order_id}-{number}" for number in range(9))
    simulator.plant("refund", "no_balance", mid=MID, order_id=attempt.order_id)
    assert code(shop.refund(attempt, "1.00", next(refund_id))) == ("TXN_FAILURE", "620")
    assert code(shop.refund(attempt, "4040.61", next(refund_id))) == ("TXN_FAILURE", "620")

    failing, rejected, waiting = next(refund_id), next(refund_id), next(refund_id)
    assert code(shop.refund(attempt, "4040.62", failing))[1] == "601"
    simulator.advance(1)
    answer = shop.refund_status(attempt.order_id, failing)
    assert (code(answer)[0], answer["acceptRefundStatus"]) == ("PENDING", "SUCCESS")
    simulator.advance(4)
    assert code(shop.refund_status(attempt.order_id, failing)) == ("TXN_FAILURE", "602")

    assert code(shop.refund(attempt, "4040.63", rejected))[1] == "601"
    simulator.advance(5)
    answer = shop.refund_status(attempt.order_id, rejected)
    assert (code(answer), answer["acceptRefundStatus"]) == (("TXN_FAILURE", "620"), "FAILED")

    assert code(shop.refund(attempt, "4040.67", waiting))[1] == "601"
    simulator.advance(YEAR)
    assert code(shop.refund_status(attempt.order_id, waiting))[0] == "PENDING"
    simulator.control("POST", f"refunds/{MID}/{waiting}/finish", outcome="success")
    assert code(shop.refund_status(attempt.order_id, waiting)) == ("TXN_SUCCESS", "10")
    assert attempt.status()["refundAmt"] == "4040.67"


def test_accept_and_success_webhooks(shop: Shop, simulator: Simulator, receiver: Receiver) -> None:
    simulator.control("POST", "merchants", mid=MID, key=KEY, webhook_url=receiver.url)
    attempt = shop.pay("10.00")
    shop.refund(attempt, "10.00", "R-" + attempt.order_id)
    simulator.advance(5)
    notices = wait_until(lambda: len(receiver.documents()) == 2 and receiver.documents())
    for text in notices:
        assert verifies(text)
    accept, success = sorted((json.loads(text)["body"] for text in notices), key=len)
    assert accept["status"] == "SUCCESS"
    assert set(accept) == {
        "orderId",
        "txnId",
        "refId",
        "refundId",
        "refundAmount",
        "txnAmount",
        "txnTimestamp",
        "merchantRefundRequestTimestamp",
        "acceptRefundTimestamp",
        "refundReason",
        "status",
    }
    assert "status" not in success
    assert (success["mid"], success["totalRefundAmount"]) == (MID, "10.00")
    assert success["refundDetailInfoList"][0]["payMethod"] == "UPI"


def test_the_accept_webhook_of_a_rejected_refund(
    shop: Shop, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.control("POST", "merchants", mid=MID, key=KEY, webhook_url=receiver.url)
    simulator.plant("refund", "rejected_later", mid=MID)
    attempt = shop.pay("10.00")
    shop.refund(attempt, "10.00", "R-" + attempt.order_id)
    simulator.advance(1)
    (notice,) = wait_until(receiver.documents)
    body = json.loads(notice)["body"]
    assert (body["status"], body["rejectRefundReasonCode"]) == ("FAILED", "620")


def verifies(notice: str) -> bool:
    import paytmchecksum

    text = notice[notice.index('"body":') + 7 : -1]
    return bool(paytmchecksum.verifySignature(text, KEY, json.loads(notice)["head"]["signature"]))

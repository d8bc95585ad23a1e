"""What Paytm's answers mean: every status and code that its documents list, and odd ones."""

import json
from typing import Any

import pytest

from payments.paytm import Client, Outcome, RefundAnswer, RefundOutcome, RefundStatus, reading
from payments.paytm.messages import method_of
from tests.paytm.server import MID, FakePaytm, envelope, result, success

S, F, P, N = "TXN_SUCCESS", "TXN_FAILURE", "PENDING", "NO_RECORD_FOUND"
TXN = "20261123111212800110168470101509706"


def codes(text: str) -> list[str]:
    return text.split(" ")


def outcome_of(paytm: FakePaytm, client: Client, body: dict[str, Any]) -> Outcome:
    paytm.answers(**body)
    return client.order_status("ORDER_0001").outcome


def test_a_success_is_read_whole(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(**success())
    status = client.order_status("ORDER_0001")
    assert status.outcome is Outcome.SUCCESS
    assert (status.code, status.message) == ("01", "Txn Success")
    assert (status.mid, status.order_id, status.txn_id) == (MID, "ORDER_0001", TXN)
    assert (status.amount_paise, status.refunded_paise, status.currency) == (100, 0, None)
    assert (status.payment_mode, status.method) == ("UPI", "upi")
    assert (status.gateway, status.bank) == ("HDFC", "HDFC Bank")
    assert (status.bank_txn_id, status.txn_date) == ("777001234567", "2026-11-23 10:00:00.0")
    assert status.signed
    assert '"txnAmount": "1.00"' in status.raw
    assert '"signature": "[blanked]"' in status.raw


@pytest.mark.parametrize(
    ("status", "code", "bare", "with_txn_id"),
    [
        (N, "331", Outcome.NO_RECORD, Outcome.NO_RECORD),
        (P, "400", Outcome.PENDING, Outcome.PENDING),
        (P, "402", Outcome.PENDING, Outcome.PENDING),
        (P, "501", Outcome.UNKNOWN, Outcome.UNKNOWN),
        *(
            (F, code, Outcome.FAILURE, Outcome.FAILURE)
            for code in [
                "141",
                "196",
                "205",
                "207",
                "208",
                "209",
                "222",
                "227",
                "229",
                "235",
                "295",
                "401",
                "804",
                "810",
                "2271",
                "2272",
            ]
        ),
        *((F, code, Outcome.UNKNOWN, Outcome.UNKNOWN) for code in codes("330 334 335 501")),
        *((F, code, Outcome.UNKNOWN, Outcome.FAILURE) for code in codes("00 14112 999  01")),
        (S, "01", Outcome.UNKNOWN, Outcome.UNKNOWN),
        ("OPEN", "01", Outcome.UNKNOWN, Outcome.UNKNOWN),
        ("txn_success", "01", Outcome.UNKNOWN, Outcome.UNKNOWN),
        ("TXN_SUCCESS ", "01", Outcome.UNKNOWN, Outcome.UNKNOWN),
        ("", "", Outcome.UNKNOWN, Outcome.UNKNOWN),
    ],
)
def test_order_codes(
    paytm: FakePaytm, client: Client, status: str, code: str, bare: Outcome, with_txn_id: Outcome
) -> None:
    body = {"resultInfo": result(status, code)}
    assert outcome_of(paytm, client, body) is bare
    assert outcome_of(paytm, client, {**body, "txnId": TXN}) is with_txn_id


@pytest.mark.parametrize("code", ["330", "334", "335", "501"])
def test_a_success_with_a_code_in_doubt_is_unknown(
    paytm: FakePaytm, client: Client, code: str
) -> None:
    assert outcome_of(paytm, client, success(resultInfo=result(S, code))) is Outcome.UNKNOWN


@pytest.mark.parametrize("code", ["01", "1", "810", "whatever"])
def test_otherwise_the_status_decides(paytm: FakePaytm, client: Client, code: str) -> None:
    assert outcome_of(paytm, client, success(resultInfo=result(S, code))) is Outcome.SUCCESS


ODD: list[Any] = [None, "", "null", [], {}, True, 1.5, "x" * 100, "a b", "é", "\u0000", "\ud800"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mid", [*ODD, "OTHERMID000000001", MID.lower(), MID + " "]),
        ("orderId", [*ODD, "ORDER_0002", "order_0001", "ORDER_0001\n"]),
        ("txnId", ODD),
        ("txnAmount", [*ODD, "0.00", "-1.00", "1.005", "1e2", "1,000.00", "१.००", "NaN", {}]),
        ("currency", ["USD", "inr", "INR ", "XINR"]),
    ],
)
def test_a_success_must_be_whole_and_ours(
    paytm: FakePaytm, client: Client, name: str, values: list[Any]
) -> None:
    for value in values:
        if (name, value) != ("txnAmount", 1.5):  # a plain number is an amount
            body = success(**{name: value})
            if name == "txnId" and value in ("é", "\ud800"):
                body["txnId"] = value * 3
            assert outcome_of(paytm, client, body) is Outcome.UNKNOWN, value
    missing = success()
    del missing["mid" if name == "currency" else name]
    assert outcome_of(paytm, client, missing) is Outcome.UNKNOWN


@pytest.mark.parametrize("currency", [None, "", "INR"])
def test_v3_may_leave_the_currency_out(
    paytm: FakePaytm, client: Client, currency: str | None
) -> None:
    assert outcome_of(paytm, client, success(currency=currency)) is Outcome.SUCCESS


@pytest.mark.parametrize("other", [{"mid": "OTHERMID000000001"}, {"orderId": "ORDER_0002"}])
def test_a_failure_of_another_order_is_no_answer(
    paytm: FakePaytm, client: Client, other: dict[str, str]
) -> None:
    body = {"resultInfo": result(F, "227"), "txnId": TXN}
    assert outcome_of(paytm, client, body) is Outcome.FAILURE
    assert outcome_of(paytm, client, {**body, **other}) is Outcome.UNKNOWN


def test_numbers_for_strings_are_read_as_they_were_written(
    paytm: FakePaytm, client: Client
) -> None:
    text = (
        json.dumps(success(resultInfo=result(S, "RC"), txnAmount="AMOUNT", orderId="ORDER"))
        .replace(f'"{TXN}"', TXN)
        .replace('"RC"', "1")
        .replace('"ORDER"', "12345")
    )
    for amount, paise in [("1.00", 100), ("1", 100), ("1.5", 150), ("12345678.90", 1234567890)]:
        paytm.says(envelope(text.replace('"AMOUNT"', amount)))
        status = client.order_status("12345")
        assert (status.outcome, status.amount_paise) == (Outcome.SUCCESS, paise)
        assert (status.code, status.txn_id, status.order_id) == ("1", TXN, "12345")
    for amount in ("1.005", "1e2", "1E0", "-1", "0", "100000000000", "1.0000000001"):
        paytm.says(envelope(text.replace('"AMOUNT"', amount)))
        assert client.order_status("12345").outcome is Outcome.UNKNOWN, amount


def test_texts_are_clean_and_short(paytm: FakePaytm, client: Client) -> None:
    message = "a\u0000b\ud800c" + "x" * 600
    paytm.answers(**success(resultInfo=result(S, "01", message), bankName="null", gatewayName=""))
    status = client.order_status("ORDER_0001")
    assert status.message.startswith("a\ufffdb\ufffdc")
    assert len(status.message) == 500
    assert (status.bank, status.gateway) == (None, None)


@pytest.mark.parametrize(
    ("mode", "method"),
    [
        ("UPI", "upi"),
        ("CC", "credit_card"),
        ("CREDIT_CARD", "credit_card"),
        ("DC", "debit_card"),
        ("DEBIT_CARD", "debit_card"),
        ("NB", "net_banking"),
        ("NET_BANKING", "net_banking"),
        ("PPI", "wallet"),
        ("BALANCE", "wallet"),
        ("EMI", "emi"),
        ("PAYTM_DIGITAL_CREDIT", "other"),
        ("upi", "other"),
        (None, ""),
    ],
)
def test_methods(mode: str | None, method: str) -> None:
    assert method_of(mode) == method


# --- Refunds


def refunded(**changes: Any) -> dict[str, Any]:
    return {
        "resultInfo": result(S, "10", "Refund successful"),
        "orderId": "ORDER_0001",
        "mid": MID,
        "refId": "REF_1",
        "refundId": "PAYTM_REFUND_1",
        "txnId": TXN,
        "refundAmount": "1.00",
        "totalRefundAmount": "3.50",
        "txnAmount": "10.00",
        "refundDetailInfoList": [
            {"refundType": "TO_SOURCE", "refundAmount": "1.00", "payMethod": "UPI"},
            {"rrn": "9876543210", "arn": "ARN1", "userCreditExpectedDate": "2026-11-28"},
        ],
        **changes,
    }


def asked(**changes: Any) -> dict[str, Any]:
    """An apply's refusal: what was asked, without a refund id."""
    names = ("orderId", "mid", "refId", "txnId", "refundAmount")
    return {name: refunded()[name] for name in names} | changes


def apply(client: Client) -> RefundAnswer:
    return client.refund(order_id="ORDER_0001", txn_id=TXN, ref_id="REF_1", amount_paise=100)


def ask(client: Client) -> RefundStatus:
    return client.refund_status(order_id="ORDER_0001", ref_id="REF_1")


def test_a_refund_is_read_whole(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(**refunded())
    for status in (apply(client), ask(client)):
        assert status.outcome is RefundOutcome.DONE
        assert (status.refund_id, status.ref_id) == ("PAYTM_REFUND_1", "REF_1")
        assert (status.order_id, status.txn_id) == ("ORDER_0001", TXN)
        assert (status.amount_paise, status.total_refunded_paise) == (100, 350)
        assert (status.rrn, status.arn) == ("9876543210", "ARN1")
        assert status.credit_expected == "2026-11-28"
        assert status.signed


REFUSED, ACCEPTED, UNKNOWN = RefundOutcome.REFUSED, RefundOutcome.ACCEPTED, RefundOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (P, "601", ACCEPTED),
        (F, "601", UNKNOWN),
        (P, "501", UNKNOWN),
        (F, "501", UNKNOWN),
        (S, "10", UNKNOWN),  # without a refund id
        *((F, c, REFUSED) for c in codes("330 335 600 607 619 620 627 631 635")),
        *(("FAILURE", c, REFUSED) for c in codes("600 620")),
        *((P, c, UNKNOWN) for c in codes("600 620 631")),
        *((F, c, UNKNOWN) for c in codes("617 626 628 629 501 701")),
        *((F, c, UNKNOWN) for c in codes("602 603 604 605 610 640 641 800 334 10 999")),
        ("", "", UNKNOWN),
    ],
)
def test_answers_to_a_first_apply(
    paytm: FakePaytm, client: Client, status: str, code: str, outcome: RefundOutcome
) -> None:
    paytm.answers(**asked(resultInfo=result(status, code)))
    assert apply(client).outcome is outcome


FAILED, NO_RECORD = RefundOutcome.FAILED, RefundOutcome.NO_RECORD


@pytest.mark.parametrize(
    ("status", "code", "bare", "with_refund_id"),
    [
        (P, "601", ACCEPTED, ACCEPTED),
        (P, "604", ACCEPTED, ACCEPTED),
        (P, "", ACCEPTED, ACCEPTED),
        (P, "501", UNKNOWN, UNKNOWN),
        (F, "628", ACCEPTED, ACCEPTED),
        (F, "631", NO_RECORD, NO_RECORD),
        (N, "631", NO_RECORD, NO_RECORD),
        *((F, c, UNKNOWN, UNKNOWN) for c in codes("330 335 501 617 626 629 701")),
        *((F, c, FAILED, FAILED) for c in codes("610 619 620 635 640")),
        *((F, c, UNKNOWN, FAILED) for c in codes("600 602 607 627 641 999")),
        (S, "601", UNKNOWN, UNKNOWN),
        ("", "620", UNKNOWN, UNKNOWN),
    ],
)
def test_refund_status(
    paytm: FakePaytm,
    client: Client,
    status: str,
    code: str,
    bare: RefundOutcome,
    with_refund_id: RefundOutcome,
) -> None:
    paytm.answers(**asked(resultInfo=result(status, code)))
    assert ask(client).outcome is bare
    paytm.answers(**asked(resultInfo=result(status, code), refundId="PAYTM_REFUND_1"))
    assert ask(client).outcome is with_refund_id


@pytest.mark.parametrize("status", [S, F, P, N, "FAILURE", ""])
def test_refund_status_never_says_refused(status: str) -> None:
    for code in range(1000):
        body = refunded(resultInfo=result(status, str(code)))
        answer = reading.refund_status(reading.Answer(body, "", signed=False), {})
        assert answer.outcome is not REFUSED


@pytest.mark.parametrize(
    "changes",
    [
        {"mid": "OTHERMID000000001"},
        {"orderId": "ORDER_0002"},
        {"refId": "REF_2"},
        {"refId": 1},
        {"mid": []},
    ],
)
def test_an_answer_about_another_refund_is_unknown(
    paytm: FakePaytm, client: Client, changes: dict[str, Any]
) -> None:
    for info in (result(S, "10"), result(P, "601"), result(F, "620"), result(F, "631")):
        paytm.answers(**refunded(resultInfo=info, **changes))
        assert apply(client).outcome is UNKNOWN
        assert ask(client).outcome is UNKNOWN


@pytest.mark.parametrize("amount", ["2.00", "1.001", "x", "", None, [], "0"])
def test_a_refund_of_another_amount_is_not_done(
    paytm: FakePaytm, client: Client, amount: Any
) -> None:
    paytm.answers(**refunded(refundAmount=amount))
    assert apply(client).outcome is UNKNOWN


@pytest.mark.parametrize("amount", ["1", "1.0", "1.00"])
def test_another_way_to_write_the_amount(paytm: FakePaytm, client: Client, amount: str) -> None:
    paytm.answers(**refunded(refundAmount=amount))
    assert apply(client).outcome is RefundOutcome.DONE


@pytest.mark.parametrize("details", [None, {}, "x", [None], [[]], [{}], [{"rrn": None}], 5])
def test_odd_refund_details(paytm: FakePaytm, client: Client, details: Any) -> None:
    paytm.answers(**refunded(refundDetailInfoList=details))
    status = ask(client)
    assert (status.outcome, status.rrn, status.arn) == (RefundOutcome.DONE, None, None)

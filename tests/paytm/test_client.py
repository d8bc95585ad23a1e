"""What is asked of Paytm, to the byte, and what a trial of keys finds."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import paytmchecksum
import pytest

from payments.paytm import (
    HOSTS,
    Client,
    Credentials,
    Diagnosis,
    Refused,
    Unknown,
    environment_of,
    host_for,
    payment_page_url,
)
from payments.paytm.hosts import elsewhere
from tests.paytm.server import KEY, MID, OTHER_KEY, FakePaytm, Handler, envelope, result

ClientAt = Callable[..., Client]
TOKEN = result("S", "0000", "Success")


def initiate(client: Client, **changes: Any) -> str:
    order: dict[str, Any] = {
        "order_id": "ORDER_0001",
        "amount_paise": 12345,
        "customer_id": "CUST_1",
        "callback_url": "https://pay.example/paytm/abc/callback",
    }
    return client.initiate(**{**order, **changes}).token


def test_initiate_sends_what_paytm_documents(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(resultInfo=TOKEN, txnToken="token-1")
    assert initiate(client) == "token-1"
    url = urlsplit(paytm.requests[0].path)
    assert url.path == "/theia/api/v1/initiateTransaction"
    assert parse_qs(url.query) == {"mid": [MID], "orderId": ["ORDER_0001"]}
    assert paytm.requests[0].headers["Content-Type"] == "application/json"
    assert paytm.asked["body"] == {
        "requestType": "Payment",
        "mid": MID,
        "websiteName": "WEBSTAGING",
        "orderId": "ORDER_0001",
        "txnAmount": {"value": "123.45", "currency": "INR"},
        "userInfo": {"custId": "CUST_1"},
        "callbackUrl": "https://pay.example/paytm/abc/callback",
    }


def test_modes_are_our_words(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(resultInfo=TOKEN, txnToken="token-1")
    initiate(client, modes=["upi", "credit_card", "debit_card", "net_banking", "wallet", "emi"])
    modes = [mode["mode"] for mode in paytm.asked["body"]["enablePaymentMode"]]
    assert modes == ["UPI", "CREDIT_CARD", "DEBIT_CARD", "NET_BANKING", "BALANCE", "EMI"]
    with pytest.raises(ValueError, match="barter"):
        initiate(client, modes=["barter"])


def test_the_bytes_sent_are_the_bytes_signed(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(resultInfo=result("PENDING", "601"))
    client.refund(
        order_id="ORDER_0001", txn_id="T1", ref_id="R1", amount_paise=100, comments='₹ "गलत" \\ /'
    )
    sent = paytm.requests[0].body
    assert sent.isascii()
    head, body = sent.decode().split(',"body":')
    assert head.startswith('{"head":{')
    signature = json.loads(sent)["head"]["signature"]
    assert paytmchecksum.verifySignature(body[:-1], KEY, signature)
    assert json.dumps(json.loads(body[:-1]), separators=(",", ":")) == body[:-1]


def test_the_other_questions(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(resultInfo=result("PENDING", "400"))
    client.order_status("ORDER_0001")
    client.refund_status(order_id="ORDER_0001", ref_id="R1")
    client.refund(order_id="ORDER_0001", txn_id="T1", ref_id="R1", amount_paise=5, comments="a|b")
    assert [(r.path, json.loads(r.body)["body"]) for r in paytm.requests] == [
        ("/v3/order/status", {"mid": MID, "orderId": "ORDER_0001"}),
        ("/v2/refund/status", {"mid": MID, "orderId": "ORDER_0001", "refId": "R1"}),
        (
            "/refund/apply",
            {
                "mid": MID,
                "orderId": "ORDER_0001",
                "txnId": "T1",
                "refId": "R1",
                "refundAmount": "0.05",
                "txnType": "REFUND",
                "comments": "a/b",
            },
        ),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": ""},
        {"order_id": "A" * 51},
        {"order_id": "A B"},
        {"order_id": "A|B"},
        {"order_id": "ORDER\n"},
        {"order_id": "१"},
        {"amount_paise": 0},
        {"amount_paise": -1},
        {"amount_paise": 1.5},
        {"amount_paise": True},
        {"callback_url": "https://x.example/a|b"},
        {"customer_id": "a|b"},
    ],
)
def test_a_request_that_cannot_be_is_not_sent(
    paytm: FakePaytm, client: Client, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        initiate(client, **changes)
    assert paytm.requests == []


@pytest.mark.parametrize("code", ["2005", "2023", "196", "1007", "501", "804"])
def test_a_plain_no_to_initiate(paytm: FakePaytm, client: Client, code: str) -> None:
    paytm.answers(resultInfo=result("F", code, "No."), extraParamsMap={})
    with pytest.raises(Refused) as caught:
        initiate(client)
    assert (caught.value.code, caught.value.message) == (code, "No.")


@pytest.mark.parametrize(
    "body",
    [
        {"resultInfo": result("U", "00000900"), "txnToken": "t"},
        {"resultInfo": result("U", "900")},
        {"resultInfo": TOKEN},
        {"resultInfo": TOKEN, "txnToken": ""},
        {"resultInfo": TOKEN, "txnToken": None},
        {"resultInfo": TOKEN, "txnToken": 7.5},
        {"resultInfo": TOKEN, "txnToken": ["t"]},
        {"resultInfo": TOKEN, "txnToken": "a b"},
        {"resultInfo": TOKEN, "txnToken": "t" * 2000},
        {"resultInfo": "S", "txnToken": "t"},
        {"resultInfo": result("s", "0000"), "txnToken": "t"},
        {"txnToken": "t"},
        {},
    ],
)
def test_no_token_and_no_no(paytm: FakePaytm, client: Client, body: dict[str, Any]) -> None:
    paytm.answers(**body)
    with pytest.raises(Unknown):
        initiate(client)


def test_an_idempotent_repeat_gives_a_token_too(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(resultInfo=result("S", "0002"), txnToken="token-1")
    initiated = client.initiate(
        order_id="O", amount_paise=1, customer_id="C", callback_url="https://x"
    )
    assert initiated.token == "token-1"
    assert "token-1" not in initiated.raw + repr(initiated)


# --- Hosts


def test_hosts() -> None:
    assert host_for("staging") == "https://securestage.paytmpayments.com"
    assert host_for("production") == "https://secure.paytmpayments.com"
    assert host_for("production", legacy=True) == "https://securegw.paytm.in"
    for environment, hosts in HOSTS.items():
        for host in hosts:
            assert environment_of(host) == environment
            assert len(elsewhere(host)) == 3
            assert host not in elsewhere(host)
    assert environment_of("http://127.0.0.1:8001") is None
    assert elsewhere("http://127.0.0.1:8001") == []


def test_the_payment_page() -> None:
    assert payment_page_url(host_for("staging"), mid=MID, order_id="a@b") == (
        "https://securestage.paytmpayments.com/theia/api/v1/showPaymentPage"
        "?mid=TESTMID0000000001&orderId=a%40b"
    )


# --- Check these keys


@pytest.mark.parametrize(
    ("status", "code", "key", "diagnosis"),
    [
        ("NO_RECORD_FOUND", "331", KEY, Diagnosis.RIGHT),
        ("NO_RECORD_FOUND", "331", None, Diagnosis.RIGHT),
        ("TXN_FAILURE", "334", None, Diagnosis.RIGHT),
        ("TXN_FAILURE", "330", None, Diagnosis.WRONG_KEY),
        ("F", "2005", None, Diagnosis.WRONG_KEY),
        ("TXN_FAILURE", "330", OTHER_KEY, Diagnosis.WRONG_KEY),
        ("NO_RECORD_FOUND", "331", OTHER_KEY, Diagnosis.WRONG_KEY),
        ("TXN_FAILURE", "335", None, Diagnosis.UNKNOWN_MID),
        ("TXN_FAILURE", "305", None, Diagnosis.UNKNOWN_MID),
        ("TXN_FAILURE", "501", None, Diagnosis.UNCLEAR),
        ("TXN_FAILURE", "501", KEY, Diagnosis.RIGHT),
        ("PENDING", "402", None, Diagnosis.UNCLEAR),
    ],
)
def test_diagnosis_by_answer(
    paytm: FakePaytm,
    client: Client,
    status: str,
    code: str,
    key: str | None,
    diagnosis: Diagnosis,
) -> None:
    paytm.answers(key, resultInfo=result(status, code))
    assert client.diagnose() is diagnosis


def test_diagnosis_of_what_is_not_paytm(
    paytm: FakePaytm, client: Client, client_at: ClientAt
) -> None:
    for content, status, found in [
        (b"<html>", 200, Diagnosis.UNREACHABLE),
        (b"", 302, Diagnosis.UNREACHABLE),
        (b"<html>", 404, Diagnosis.UNREACHABLE),
        (b"<html>", 503, Diagnosis.UNREACHABLE),
        (b'{"errorCode":"1"}', 500, Diagnosis.UNREACHABLE),
        (b'{"errorCode":"1"}', 200, Diagnosis.UNCLEAR),
        (b"<html>", 403, Diagnosis.UNCLEAR),
    ]:
        paytm.says(content, status)
        assert client.diagnose() is found
    paytm.does(lambda handler: handler.hang_up(reset=True))
    assert client.diagnose() is Diagnosis.UNREACHABLE
    assert client_at("http://127.0.0.1:1").diagnose() is Diagnosis.UNREACHABLE


def test_a_mid_known_elsewhere_is_at_the_wrong_host(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(None, resultInfo=result("TXN_FAILURE", "335"))
    with FakePaytm() as other:
        for status, code, found in [
            ("NO_RECORD_FOUND", "331", Diagnosis.WRONG_HOST),
            ("TXN_FAILURE", "330", Diagnosis.WRONG_HOST),
            ("TXN_FAILURE", "335", Diagnosis.UNKNOWN_MID),
            ("TXN_FAILURE", "501", Diagnosis.UNKNOWN_MID),
        ]:
            other.answers(None, resultInfo=result(status, code))
            assert client.diagnose(["http://127.0.0.1:1", other.url]) is found


def test_a_host_under_maintenance_says_nothing_about_another(
    paytm: FakePaytm, client: Client
) -> None:
    """Both of Paytm's hosts may serve a MID: that one takes the keys does not make the other one
    wrong, nor is one that shows web pages the right one."""
    with FakePaytm() as other:
        other.answers(resultInfo=result("NO_RECORD_FOUND", "331"))
        paytm.says(b"<html>", 503)
        assert client.diagnose([other.url]) is Diagnosis.UNREACHABLE
        assert other.requests == []
        paytm.answers(None, resultInfo=result("TXN_FAILURE", "335"))
        for content, status in [(b"<html>", 200), (b"", 302), (b"", 404), (b"", 503)]:
            other.says(content, status)
            assert client.diagnose([other.url]) is Diagnosis.UNKNOWN_MID


def test_diagnosis_asks_about_an_order_that_cannot_exist(paytm: FakePaytm, client: Client) -> None:
    paytm.answers(resultInfo=result("NO_RECORD_FOUND", "331"))
    client.diagnose()
    client.diagnose()
    first, second = (json.loads(request.body)["body"]["orderId"] for request in paytm.requests)
    assert first != second
    assert {request.path for request in paytm.requests} == {"/v3/order/status"}


def test_a_client_is_a_context_manager(paytm: FakePaytm) -> None:
    paytm.does(lambda handler: Handler.reply(handler, envelope("{}").encode()))
    with Client(Credentials(MID, KEY, "WEBSTAGING", paytm.url)) as client:
        client.order_status("ORDER_0001")

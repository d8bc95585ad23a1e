"""Paytm calls, or somebody who says so: every answer has its status and leads on."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client
from django.utils import translation
from django_tenants.utils import tenant_context

from config.clock import now
from dashboard.story import story_of
from merchants.models import PaytmAccount
from payments.asking import ask
from payments.clients import client_for
from payments.models import Message, Payment, Refund
from payments.notices import HINTS, MAX_BYTES
from payments.paytm import generate
from payments.refunding import ask_refund
from tenants.jobs import run_due
from tenants.models import Job, Tenant, User
from tests import make
from tests.conftest import MIDS, SignIn
from tests.forms import Form
from tests.paytm.server import envelope
from tests.wire import Simulator, go_to_paytm, send

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MID, KEY = MIDS["acme"]


@pytest.fixture
def callback(in_acme: Tenant, paytm: Simulator, client: Client) -> Form:
    """What the payer's browser is about to bring back after paying."""
    return paytm.decide(go_to_paytm(client, f"/p/{make.link().token}"), "success")


@pytest.fixture
def address(callback: Form) -> str:
    return urlsplit(callback.action).path


def signed(fields: dict[str, str]) -> dict[str, str]:
    unsigned = {name: value for name, value in fields.items() if name != "CHECKSUMHASH"}
    return unsigned | {"CHECKSUMHASH": generate(unsigned, MIDS["acme"][1])}


def test_a_true_callback_is_answered_with_the_payments_page(
    client: Client, callback: Form, address: str
) -> None:
    answer = send(client, address, callback.fields)
    assert answer.status_code == 303
    assert answer["Location"] == f"/p/return/{Payment.objects.get().token}"
    assert not answer.cookies


def test_news_and_what_is_none_are_answered_in_the_same_words(
    client: Client, callback: Form, address: str
) -> None:
    """The first of them is taken before Django begins, its repeat by the view."""
    first, again = (send(client, address, callback.fields) for _ in range(2))
    assert first.status_code == again.status_code == 303
    own = "X-Request-ID"
    said = {name: value for name, value in first.headers.items() if name != own}
    assert said | {"Content-Language": "en"} == {
        name: value for name, value in again.headers.items() if name != own
    }
    assert first[own] != again[own]
    assert Message.objects.count() == 1


@pytest.mark.parametrize("tampered", ["host", "query", "media type", "body"])
def test_what_is_odd_goes_the_long_way(
    client: Client, callback: Form, address: str, tampered: str
) -> None:
    body, extra = urlencode(callback.fields), {"HTTP_HOST": "evil.example"}
    answer = client.generic(
        "POST",
        address + ("?lang=hi" if tampered == "query" else ""),
        body + ("&x=%00" if tampered == "body" else ""),
        "text/html" if tampered == "media type" else FORM,
        **(extra if tampered == "host" else {}),
    )
    assert answer.status_code == {"host": 400, "body": 400}.get(tampered, 303)
    assert Message.objects.count() == (answer.status_code == 303)


def test_no_session_and_no_other_requests_language_stand_around_it(
    sign_in: SignIn, alice: User, callback: Form, address: str
) -> None:
    browser = sign_in(alice)
    send(browser, address, callback.fields)
    translation.activate("de")
    answer = send(browser, address, callback.fields)  # no news: answered by the view
    assert answer.status_code == 303
    assert (answer.headers.get("Vary"), answer["Content-Length"]) == (None, "0")
    assert not answer.cookies
    assert "Content-Security-Policy" in answer
    assert translation.get_language() == "en"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda f: f | {"CHECKSUMHASH": "x" * 108},
        lambda f: {name: value for name, value in f.items() if name != "CHECKSUMHASH"},
        lambda f: f | {"TXNAMOUNT": "1.00"},
        lambda f: signed(f | {"RESPMSG": "a|b"}),
        lambda f: signed(f | {"MID": MIDS["globex"][0]}),
    ],
    ids=["checksum", "none", "amount", "pipe", "mid"],
)
def test_an_untrue_callback_is_400_with_a_page_that_leads_to_the_payment(
    client: Client, callback: Form, address: str, spoil: Any
) -> None:
    answer = send(client, address, spoil(dict(callback.fields)))
    payment = Payment.objects.get()
    page = answer.content.decode()
    assert answer.status_code == 400
    assert not answer.cookies
    for words in ("TEST MODE", "We could not trust that message", "Do not pay again.",
                  f"/p/return/{payment.token}"):  # fmt: skip
        assert words in page
    assert payment.state == "open"
    assert Message.objects.filter(verdict__startswith="refused:").count() == 1
    run_due()
    assert Payment.objects.get().state == "paid"  # because Paytm itself says so


def test_a_field_sent_twice_is_refused(client: Client, callback: Form, address: str) -> None:
    body = "&".join(f"{name}={value}" for name, value in callback.fields.items())
    assert client.post(address, f"{body}&STATUS=TXN_SUCCESS", FORM).status_code == 400
    assert client.post(address, f"{body}&ORDERID=other", FORM).status_code == 404
    assert Payment.objects.get().state == "open"


def test_an_order_nobody_knows_is_404_and_not_kept(
    client: Client, callback: Form, address: str
) -> None:
    for kind in ("callback", "webhook"):
        path = address.replace("callback", kind)
        stranger = signed(callback.fields | {"ORDERID": "pay_nobody"})
        answer = send(client, path, stranger)
        assert answer.status_code == 404
    assert not Message.objects.exists()
    assert Payment.objects.get().state == "open"


def test_another_merchants_or_worlds_address_does_not_know_the_order(
    client: Client, callback: Form, globex: Tenant
) -> None:
    tokens = [make.paytm_token(live=True)]
    with tenant_context(globex):
        tokens.append(make.paytm_token(live=False))
    for token in tokens:
        assert send(client, f"/paytm/{token}/callback", callback.fields).status_code == 404
        assert send(client, f"/paytm/{token}/webhook", callback.fields).status_code == 404


def left_behind() -> list[dict[str, Any]]:
    """What a message leaves: itself and the job that asks."""
    rows = [
        Message.objects.exclude(source="status").values().latest("id"),
        Job.objects.filter(kind="payments.asking.ask_status", state="ready").values().get(),
    ]
    own = ("id", "received_at", "run_at", "source")
    return [{name: v for name, v in dict(row).items() if name not in own} for row in rows]


def test_a_message_about_an_account_no_longer_in_use_leaves_the_same(
    client: Client, callback: Form, address: str
) -> None:
    """Such a one goes the long way in (`notices`), all others the short one (`news`)."""
    webhook = address.replace("callback", "webhook")
    assert send(client, webhook, callback.fields).status_code == 200
    left = left_behind()
    Job.objects.all().delete()
    PaytmAccount.objects.update(state="retired")
    assert send(client, address, callback.fields).status_code == 303
    assert left_behind() == left


def test_a_message_that_comes_twice_is_kept_once(
    client: Client, callback: Form, address: str
) -> None:
    for _ in range(3):
        assert send(client, address, callback.fields).status_code == 303
    assert [message.verdict for message in Message.objects.all()] == ["verified"]
    order = Payment.objects.get()
    order.timeline.create(kind="callback", message=order.messages.get())  # as was written once
    assert [moment.source for moment in story_of(order)].count("Paytm's callback") == 1


def test_a_wrong_secret_is_404(client: Client, callback: Form, address: str, acme: Tenant) -> None:
    wrong = f"/paytm/{acme.key}{'x' * 22}/"
    for kind in ("callback", "webhook"):
        assert send(client, wrong + kind, callback.fields).status_code == 404
        assert client.post(wrong + kind, b"x" * (MAX_BYTES + 1), FORM).status_code == 404


@pytest.mark.parametrize("kind", ["callback", "webhook"])
def test_only_post_is_answered(client: Client, address: str, kind: str) -> None:
    path = address.replace("callback", kind)
    for method in (client.get, client.head, client.put, client.delete):
        assert method(path).status_code == 405


@pytest.mark.parametrize("kind", ["callback", "webhook"])
def test_a_body_over_the_limit_is_400(
    client: Client, callback: Form, address: str, kind: str
) -> None:
    path = address.replace("callback", kind)
    body = "&".join(f"{name}={value}" for name, value in callback.fields.items()) + "&X="
    padded = body + "x" * (MAX_BYTES - len(body))
    assert client.post(path, padded, FORM).status_code == 400  # the limit: read, not believed
    assert Message.objects.count() == 1
    assert client.post(path, f"{padded}x", FORM).status_code == 400
    assert Message.objects.count() == 1  # one more: not even read


def test_a_foreign_origin_is_paytms_right(client: Client, callback: Form, address: str) -> None:
    for origin in ("https://securestage.paytmpayments.com", "null"):
        answer = client.post(address, urlencode(callback.fields), FORM, headers={"Origin": origin})
        assert answer.status_code == 303


def test_a_true_webhook_is_ok_and_makes_us_ask(
    client: Client, callback: Form, address: str
) -> None:
    answer = send(client, address.replace("callback", "webhook"), callback.fields)
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert Payment.objects.get().state == "open"
    run_due()
    assert Payment.objects.get().state == "paid"


def camel(fields: dict[str, str]) -> str:
    """A payment webhook as Transaction Status words it."""
    names = {"ORDERID": "orderId", "TXNID": "txnId", "TXNAMOUNT": "txnAmount", "MID": "mid"}
    info = {"resultStatus": fields["STATUS"], "resultCode": "01", "resultMsg": "Txn Success"}
    body = {camel: fields[name] for name, camel in names.items()}
    return envelope(json.dumps(body | {"resultInfo": info, "txnType": "SALE"}), KEY)


SHAPES: dict[str, Callable[[dict[str, str]], str]] = {
    "camel": camel,
    "upper": lambda f: envelope(json.dumps(signed(f) | {"CHECKSUMHASH": ""}), KEY),
    "flat": lambda f: json.dumps(signed(f)),
}


@pytest.mark.parametrize(
    "kind", [JSON, "application/json; charset=UTF-8", "text/plain", "text/plain; charset=utf-8", ""]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_payment_webhook_in_json_makes_us_ask(
    client: Client, callback: Form, address: str, shape: str, kind: str
) -> None:
    path, text = address.replace("callback", "webhook"), SHAPES[shape](dict(callback.fields))
    answer = client.post(path, text, kind)
    assert (answer.status_code, answer.content) == (200, b"ok")
    [message] = Message.objects.all()
    assert (message.source, message.verdict) == ("webhook", "verified")
    assert callback.fields["CHECKSUMHASH"] not in message.raw
    assert '"signature": "[blanked]"' in message.raw or shape == "flat"
    assert Payment.objects.get().state == "open"
    run_due()
    assert Payment.objects.get().state == "paid"
    assert client.post(path, text, kind).status_code == 200
    assert Message.objects.filter(source="webhook").count() == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_json_about_an_order_nobody_knows_is_404_and_not_kept(
    client: Client, callback: Form, address: str, shape: str
) -> None:
    text = SHAPES[shape](callback.fields | {"ORDERID": "pay_nobody"})
    assert client.post(address.replace("callback", "webhook"), text, JSON).status_code == 404
    assert not Message.objects.exists()


def test_json_over_the_limit_is_400(client: Client, callback: Form, address: str) -> None:
    path, text = address.replace("callback", "webhook"), SHAPES["camel"](dict(callback.fields))
    for padding, code in ((0, 200), (1, 400), (1000, 400)):
        padded = text + " " * (MAX_BYTES - len(text) + padding)
        assert client.post(path, padded, JSON).status_code == code
    assert Message.objects.count() == 1


def test_json_is_no_callback(client: Client, callback: Form, address: str) -> None:
    """A browser carries a form; JSON is for Paytm's server to send."""
    text = SHAPES["camel"](dict(callback.fields))
    assert client.post(address, text, JSON).status_code in (400, 404)
    assert not Message.objects.filter(verdict="verified").exists()


# --- Refund notices

ARN = {"REFUNDID": "R9", "ARN": "74332745005530900000001", "TXNID": "T1"}


@pytest.fixture
def refund(callback: Form, alice: User) -> Refund:
    """Alice sent money back; Paytm took it, and nothing is to be asked this second."""
    payment = ask(Payment.objects.select_related("account").get())
    refund = ask_refund(payment, 200_00, "", alice, "a-form-key")
    run_due()
    refund.refresh_from_db()
    assert refund.state == "accepted"
    return refund


def notices_of(refund: Refund) -> dict[str, tuple[str, str]]:
    """One notice of the refund in each shape: its content type and text."""
    order_id, ref_id = refund.payment.order_id, refund.ref_id
    flat = signed({"MID": MID, "ORDERID": order_id, "REFID": ref_id} | ARN)
    accept = {"orderId": order_id, "refId": ref_id, "refundId": "R9", "status": "SUCCESS"}
    success = {"mid": MID, "orderId": order_id, "refId": ref_id, "refundId": "R9"}
    return {
        "arn": (FORM, urlencode(flat)),
        "arn in json": (JSON, json.dumps(flat)),
        "accept": (JSON, envelope(json.dumps(accept), KEY)),
        "success": (JSON, envelope(json.dumps(success), KEY)),
    }


@pytest.mark.parametrize("shape", ["arn", "arn in json", "accept", "success"])
def test_a_refund_notice_has_the_refund_asked_about(
    client: Client, paytm: Simulator, address: str, refund: Refund, shape: str
) -> None:
    kind, text = notices_of(refund)[shape]
    paytm.control(f"refunds/{MID}/{refund.ref_id}/finish", outcome="success")
    assert client.post(address.replace("callback", "webhook"), text, kind).status_code == 200
    assert Message.objects.filter(source="refund_webhook", verdict="verified").count() == 1
    refund.refresh_from_db()
    assert refund.state == "accepted"  # a notice is no answer
    run_due()
    refund.refresh_from_db()
    assert refund.state == "done"


def test_the_same_notice_over_and_over_does_not_make_us_ask_over_and_over(
    client: Client, address: str, refund: Refund
) -> None:
    kind, text = notices_of(refund)["accept"]
    asked = []
    for _ in range(HINTS + 3):
        assert client.post(address.replace("callback", "webhook"), text, kind).status_code == 200
        asked.append(Job.objects.filter(kind__endswith="push_refund", run_at__lte=now()).count())
        run_due()
    assert (sum(asked), asked[-1]) == (HINTS + 1, 0)


def test_a_refund_made_at_paytm_is_found_by_its_webhook(
    client: Client, callback: Form, address: str, clock: Any
) -> None:
    """Somebody refunds in Paytm's own dashboard. Its notice names a refund that we do not know,
    which makes us ask what was given back in all."""
    send(client, address, callback.fields)
    run_due()
    payment = Payment.objects.select_related("account").get()
    with client_for(payment.account) as paytms_dashboard:
        paytms_dashboard.refund(
            order_id=payment.order_id, txn_id=payment.paytm_txn_id, ref_id="DASHBOARD-1",
            amount_paise=120_00,
        )  # fmt: skip
    clock(60)
    body = json.dumps({"orderId": payment.order_id, "refId": "DASHBOARD-1", "refundId": "R1"})
    signature = generate(body, KEY)
    notice = f'{{"head":{{"signature":"{signature}"}},"body":{body}}}'
    webhook = address.replace("callback", "webhook")
    assert client.post(webhook, notice, JSON).status_code == 200
    run_due()
    refund = payment.refunds.get()
    assert (refund.origin, refund.state, refund.amount_paise) == ("paytm", "done", 120_00)

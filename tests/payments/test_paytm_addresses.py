"""Paytm calls, or somebody who says so: every answer has its status and leads on."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client
from django_tenants.utils import tenant_context

from payments.models import Message, Payment
from payments.notices import MAX_BYTES
from payments.paytm import generate
from tenants.jobs import run_due
from tenants.models import Tenant
from tests import make
from tests.conftest import MIDS
from tests.forms import Form
from tests.wire import Simulator, go_to_paytm, send

FORM = "application/x-www-form-urlencoded"


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

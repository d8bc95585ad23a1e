"""The team is told by mail, in text and HTML, and test mode cannot be mistaken."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django_tenants.utils import tenant_context

from payments.models import Link, Payment
from payments.refunding import ask_refund
from tenants.jobs import run_due
from tenants.mail import post
from tenants.models import Tenant, User
from tests import make
from tests.wire import Simulator, come_back, go_to_paytm


@pytest.fixture
def link(in_acme: Tenant, paytm: Simulator) -> Link:
    return make.link()


def pay(client: Client, paytm: Simulator, link: Link, outcome: str = "success") -> Payment:
    answer = come_back(client, paytm.decide(go_to_paytm(client, f"/p/{link.token}"), outcome))
    client.get(answer["Location"])
    run_due()
    return Payment.objects.get()


def parts(message: Any) -> tuple[str, str]:
    """Text and HTML of a mail."""
    return message.body, message.alternatives[0][0]


def test_money_is_told_to_those_who_handle_it(client: Client, paytm: Simulator, link: Link) -> None:
    payment = pay(client, paytm, link)
    assert {to for m in mail.outbox for to in m.to} == {"alice@example.com", "bob@example.com"}
    message = mail.outbox[0]
    assert message.subject == "[TEST] ₹500.00 paid: Masala chai"
    for words in parts(message):
        for word in ("TEST MODE", "₹500.00", "Acme", payment.order_id, "IST",
                     f"/m/acme/test/payments/{payment.pk}"):  # fmt: skip
            assert word in words
        assert "None" not in words


def test_the_live_world_is_not_called_a_test(link: Link, in_acme: Tenant) -> None:
    payment = make.payment(link)
    payment.live, payment.state = True, "paid"
    post("a@example.com", "payment_paid", about(payment) | {"paise": 500_00, "live": True})
    run_due()
    assert mail.outbox[0].subject == "₹500.00 paid: Masala chai"
    assert all("TEST" not in words for words in parts(mail.outbox[0]))


def about(payment: Payment) -> dict[str, Any]:
    return {"payment": payment, "merchant_name": "Acme", "url": "http://localhost:8000/"}


def test_a_failed_payment_is_not_worth_a_mail(client: Client, paytm: Simulator, link: Link) -> None:
    pay(client, paytm, link, "failure")
    assert not mail.outbox


def test_surplus_money_asks_for_a_decision(client: Client, paytm: Simulator, link: Link) -> None:
    pay(client, paytm, link, "amount_differs")
    message = mail.outbox[0]
    assert message.subject.startswith("[TEST] Please decide: ₹501.00 arrived")
    for words in parts(message):
        assert "is not the amount that was asked for" in words


@pytest.mark.parametrize(
    ("scenario", "subject", "words"),
    [
        ("success", "[TEST] ₹120.00 refunded: Masala chai", "Alice asked for this refund"),
        ("accepted_then_failed", "[TEST] Refund failed: ₹120.00", "The bank declined it."),
        ("no_balance", "[TEST] Refund waits: ₹120.00", "Your balance at Paytm was too low"),
    ],
)
def test_a_refund_is_told_when_it_is_final(
    client: Client, paytm: Simulator, link: Link, alice: User, clock: Any,
    scenario: str, subject: str, words: str,
) -> None:  # fmt: skip
    payment = pay(client, paytm, link)
    mail.outbox.clear()
    paytm.plant("refund", scenario)
    ask_refund(payment, 120_00, "", alice, "a-form-key-of-alice")
    for ahead in (0, 61, 400):
        clock(ahead)
        run_due()
    assert mail.outbox[0].subject.startswith(subject)
    for part in parts(mail.outbox[0]):
        assert words in part
        assert payment.order_id in part


@pytest.mark.parametrize("template", ["invitation", "live_approved"])
def test_what_the_platform_writes(template: str, acme: Tenant, alice: User) -> None:
    url = "http://localhost:8000/invitations/abc"
    context = {"tenant": acme, "role": "Finance", "inviter": alice, "url": url}
    acme.name = "Acme & Söhne"
    with tenant_context(acme):
        post("new@example.com", template, context)
        run_due()
    message = mail.outbox[0]
    text, html = parts(message)
    assert "Acme & Söhne" in message.subject
    assert "Acme & Söhne" in text
    assert "Acme &amp; Söhne" in html
    assert url in text
    assert f'href="{url}"' in html

"""After Paytm: paid with a receipt, not paid, or being checked, and always the truth."""

import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django_tenants.utils import tenant_context

from config.clock import now
from merchants.models import Profile
from payments.models import Link, Payment, Refund
from tenants.jobs import run_due
from tenants.models import Tenant, User
from tests import make
from tests.forms import read_form
from tests.wire import Simulator, come_back, go_to_paytm

pytestmark = pytest.mark.usefixtures("in_acme", "paytm")


@pytest.fixture
def link() -> Link:
    return make.link(return_url="https://acme.example/thanks")


def journey(client: Client, paytm: Simulator, link: Link, outcome: str, **fields: str) -> str:
    """From the pay page over Paytm's and back; what the payer then sees."""
    start = read_form(client.get(f"/p/{link.token}").content.decode(), "pay")
    hop = go_to_paytm(client, f"/p/{link.token}", **start.fields)
    answer = come_back(client, paytm.decide(hop, outcome, **fields))
    assert answer.status_code == 303
    assert not answer.cookies
    page = client.get(answer["Location"])
    assert "no-store" in page["Cache-Control"]
    return str(page.content.decode())


def seen(client: Client, payment: Payment) -> str:
    return str(client.get(f"/p/return/{payment.token}").content.decode())


def test_paid_shows_a_receipt(client: Client, paytm: Simulator, link: Link) -> None:
    Profile.objects.update(legal_name="Acme Foods Pvt Ltd", gstin="29ABCDE1234F1Z5")
    page = journey(client, paytm, link, "success", method="NB", bank="HDFC")
    payment = Payment.objects.get()
    assert '<main id="main" class="pay-main" tabindex="-1" data-payment-state="paid"' in page
    for words in ("Acme Foods Pvt Ltd", "29ABCDE1234F1Z5", "₹500.00", "Masala chai",
                  "Net banking", payment.order_id, payment.paytm_txn_id, "TEST, no real money",
                  "Back to Acme", "https://acme.example/thanks", "data-print"):  # fmt: skip
        assert words in page
    assert "http-equiv" not in page
    run_due()
    assert "status.js" not in seen(client, payment)  # it has its number, and is final


def test_the_receipts_time_is_the_merchants(client: Client, link: Link) -> None:
    Payment.objects.bulk_create([  # paid as one row, as if long ago
        Payment(live=False, token=f"{link.token[:-1]}-", link=link, description="Chai",
                account=make.payment(link).account, amount_paise=1_00, state="paid",
                received_paise=1_00, decided_at=datetime(2026, 3, 31, 20, 0, tzinfo=UTC))
    ])  # fmt: skip
    assert "1 Apr 2026, 01:30 IST" in seen(client, Payment.objects.get(state="paid"))


def test_refunds_are_on_the_receipt(
    client: Client, paytm: Simulator, link: Link, alice: User
) -> None:
    journey(client, paytm, link, "success")
    payment = Payment.objects.get()
    by = {"asked_by_id": alice.pk, "asked_by_name": "Alice", "live": False, "payment": payment}
    Refund.objects.create(amount_paise=120_00, state="done", decided_at=payment.created_at, **by)
    Refund.objects.create(amount_paise=80_00, state="accepted", **by)
    page = seen(client, payment)
    for words in ("₹120.00", "Refunded", "₹80.00", "On its way"):
        assert words in page


@pytest.mark.parametrize(
    ("outcome", "why", "money"),
    [
        ("failure", "Your bank declined the payment.", "Paytm says that it collected no money."),
        ("cancel", "You left Paytm&#x27;s page", "No money was taken."),
        ("low_balance", "The balance was too low.", "Paytm says that it collected no money."),
        ("wrong_upi_id", "The UPI ID was not right.", "Paytm says that it collected no money."),
    ],
)
def test_failed_says_why_and_leads_to_another_try(
    client: Client, paytm: Simulator, link: Link, outcome: str, why: str, money: str
) -> None:
    page = journey(client, paytm, link, outcome)
    assert 'data-payment-state="failed"' in page
    for words in (why, money, "Try again", f'href="/p/{link.token}"'):
        assert words in page
    first = Payment.objects.get()
    assert 'data-payment-state="paid"' in journey(client, paytm, link, "success")
    assert Payment.objects.exclude(pk=first.pk).get().order_id != first.order_id


def test_pending_says_do_not_pay_again_and_settles_by_itself(
    client: Client, paytm: Simulator, link: Link
) -> None:
    page = journey(client, paytm, link, "pending")
    payment = Payment.objects.get()
    assert 'data-payment-state="checking"' in page
    assert "Do not pay again." in page
    assert "js/status.js" in page
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page
    assert "pay_go" not in page
    assert "/p/go/" not in page
    paytm.control(f"orders/{payment.account.mid}/{payment.order_id}/finish", outcome="success")
    Payment.objects.update(asked_at=None)  # three seconds later
    assert 'data-payment-state="paid"' in seen(client, payment)


def test_who_has_not_paid_yet_can_continue(client: Client, paytm: Simulator, link: Link) -> None:
    hop = go_to_paytm(client, f"/p/{link.token}")
    payment = Payment.objects.get()
    page = seen(client, payment)
    assert 'data-payment-state="checking"' in page
    assert f"/p/go/{payment.token}" in page
    again = read_form(client.get(f"/p/go/{payment.token}").content.decode(), "redirect")
    assert again == hop


def test_on_a_closed_link_nobody_can_continue(client: Client, link: Link) -> None:
    go_to_paytm(client, f"/p/{link.token}")
    payment = Payment.objects.get()
    Link.objects.update(state=Link.State.DISABLED, disabled_at=now())
    assert client.get(f"/p/go/{payment.token}")["Location"] == f"/p/return/{payment.token}"
    page = seen(client, payment)
    assert 'data-payment-state="checking"' in page
    assert "/p/go/" not in page


def test_a_lost_callback_needs_no_callback(client: Client, paytm: Simulator, link: Link) -> None:
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    assert 'data-payment-state="paid"' in seen(client, Payment.objects.get())


def test_the_hop_of_a_decided_payment_leads_to_its_status(
    client: Client, paytm: Simulator, link: Link
) -> None:
    journey(client, paytm, link, "success")
    payment = Payment.objects.get()
    answer = client.get(f"/p/go/{payment.token}")
    assert (answer.status_code, answer["Location"]) == (303, f"/p/return/{payment.token}")


def test_another_amount_is_told_as_it_is(client: Client, paytm: Simulator, link: Link) -> None:
    page = journey(client, paytm, link, "amount_differs")
    for words in ('data-payment-state="checking"', "was not expected", "₹501.00", "₹500.00",
                  "is not the amount that was asked for", "Do not pay again."):  # fmt: skip
        assert words in page


def test_a_second_payment_of_one_obligation_is_told_as_it_is(
    client: Client, paytm: Simulator
) -> None:
    once = make.link(max_payments=1)
    hop = go_to_paytm(client, f"/p/{once.token}")
    make.payment(once, slot=1)
    answer = come_back(client, paytm.decide(hop, "success"))
    page = client.get(answer["Location"]).content.decode()
    assert "was not expected" in page
    assert "after this link had taken the payment it was made for" in page


def test_a_paid_one_time_link_says_so(client: Client, paytm: Simulator) -> None:
    once = make.link(max_payments=1)
    journey(client, paytm, once, "success")
    assert client.get(f"/p/{once.token}").status_code == 410


def nowhere() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_paytm_out_of_reach_charges_nothing_and_keeps_the_attempt(
    client: Client, link: Link, settings: Any
) -> None:
    settings.SIMULATOR_URL = nowhere()
    page = client.post(f"/p/{link.token}", follow=True).content.decode()
    assert Payment.objects.get().state == "failed"
    for words in ('data-payment-state="failed"', "Paytm could not be reached.",
                  "No money was taken.", "Try again"):  # fmt: skip
        assert words in page


def test_silence_of_paytm_charges_nothing_and_can_be_tried_again(
    client: Client, paytm: Simulator
) -> None:
    once = make.link(max_payments=1)
    paytm.plant("initiate", "error_after")
    page = client.post(f"/p/{once.token}", follow=True).content.decode()
    payment = Payment.objects.get()
    assert payment.state == "unknown"
    for words in ('data-payment-state="failed"', "Paytm did not answer.", "No money was taken."):
        assert words in page
    journey(client, paytm, once, "success")
    second = Payment.objects.exclude(pk=payment.pk).get()  # nobody holds a token of the first
    assert 'data-payment-state="paid"' in seen(client, second)


def test_nobody_elses_payment_is_shown(client: Client, acme: Tenant, globex: Tenant) -> None:
    with tenant_context(globex):
        of_globex = make.payment(make.link())
    for token in (acme.key + of_globex.token[10:], make.link().token):
        for page in ("return", "go"):
            assert client.get(f"/p/{page}/{token}").status_code == 404

"""The team decides about money that nobody asked for."""

import pytest
from django.test import Client

from payments import surplus
from payments.models import Link, Payment, Refund
from payments.refunding import ask_refund
from payments.settling import settle
from tenants.models import Membership, User
from tests import make
from tests.conftest import SignIn
from tests.dashboard.conftest import Url, text
from tests.payments.test_settling import answer


@pytest.fixture
def order(at_acme: Client, link: Link) -> Payment:
    """₹600.00 arrived where ₹500.00 were asked for."""
    payment = make.payment(link)
    return settle(payment, answer(payment, amount_paise=600_00))


def test_a_new_merchant_is_told_what_surplus_is(at_acme: Client, url: Url) -> None:
    assert "Nothing to decide" in text(at_acme.get(url("surplus")))


def test_the_facts_stand_side_by_side(at_acme: Client, url: Url, order: Payment) -> None:
    page = text(at_acme.get(url("surplus")))
    for words in (order.order_id, "Another amount than was asked for", "₹500.00", "₹600.00"):
        assert words in page


def test_keeping_it_makes_it_a_sale_once(at_acme: Client, url: Url, order: Payment) -> None:
    assert "Keep ₹600.00 as a sale?" in text(at_acme.get(url("payment", id=order.pk)))
    for _ in range(2):
        page = text(at_acme.post(url("surplus_keep", id=order.pk), follow=True))
        assert "₹600.00 is kept as a sale." in page
    assert order.transfers.filter(credit="sales").count() == 1
    assert "Nothing to decide" in text(at_acme.get(url("surplus")))
    assert "Kept" in text(at_acme.get(url("surplus"), {"all": ""}))


def test_sending_it_back_is_a_refund(at_acme: Client, url: Url, order: Payment) -> None:
    page = text(at_acme.get(url("refund_new", id=order.pk)))
    assert "600.00" in page
    form = {"amount": "600", "key": "the-form-of-alice"}
    at_acme.post(url("refund_new", id=order.pk), form)
    assert Refund.objects.get().amount_paise == 600_00
    assert "Nothing to decide" in text(at_acme.get(url("surplus")))
    answered = at_acme.post(url("surplus_keep", id=order.pk))
    assert answered.status_code == 409
    assert "A refund of it is under way." in text(answered)


def test_what_was_sent_back_cannot_be_kept(
    at_acme: Client, url: Url, order: Payment, alice: User
) -> None:
    ask_refund(order, 600_00, "", alice, "a-form-key")
    Refund.objects.update(state="done")
    Payment.objects.update(refunded_paise=600_00, reserved_paise=0)
    answered = at_acme.post(url("surplus_keep", id=order.pk))
    assert answered.status_code == 409
    assert "Nothing of this payment is left to keep." in text(answered)


def test_a_viewer_sees_but_does_not_decide(
    url: Url, order: Payment, acme, bob: User, sign_in: SignIn
) -> None:
    Membership.objects.filter(user=bob).update(role="viewer")
    client = sign_in(bob)
    assert order.order_id in text(client.get(url("surplus")))
    assert "Keep as a sale" not in text(client.get(url("payment", id=order.pk)))
    assert client.post(url("surplus_keep", id=order.pk)).status_code == 403
    assert surplus.undecided(live=False).exists()


@pytest.fixture
def waits(at_acme: Client, paid: Payment, alice: User) -> Refund:
    """A refund that Paytm refused for lack of balance, and its next try."""
    first = ask_refund(paid, 200_00, "", alice, "a-form-key")
    Refund.objects.filter(pk=first.pk).update(state="failed", result_code="620")
    return Refund.objects.create(
        live=False, payment=paid, amount_paise=200_00, retry_of=first, next_ask_at=paid.created_at
    )


def test_a_refund_that_waits_shows_its_next_try_and_can_be_stopped(
    at_acme: Client, url: Url, paid: Payment, waits: Refund
) -> None:
    assert "for balance; next try:" in text(at_acme.get(url("refunds")))
    home = text(at_acme.get(url("dashboard")))
    assert "1 refund waits for balance at Paytm" in home
    assert "refund failed" not in home
    page = text(at_acme.get(url("payment", id=paid.pk)))
    for words in ("Your balance at Paytm was too low. It is sent again:", "Send it now"):
        assert words in page
    assert "on its way to Paytm again" in text(
        at_acme.post(url("refund_try", id=waits.pk), follow=True)
    )
    page = text(at_acme.post(url("refund_stop", id=waits.pk), follow=True))
    assert "It is not tried again." in page
    assert "Your team stopped trying." in page
    paid.refresh_from_db()
    assert paid.refundable_paise == 500_00


def test_one_that_left_is_not_stopped(
    at_acme: Client, url: Url, paid: Payment, waits: Refund
) -> None:
    Refund.objects.filter(pk=waits.pk).update(state="sent")
    page = text(at_acme.post(url("refund_stop", id=waits.pk), follow=True))
    assert "has left already and cannot be stopped" in page

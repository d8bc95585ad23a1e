"""The team sends money back: in part, then whole; too much, twice, in the wrong role or world."""

from typing import Any

import pytest
from django.test import Client

from payments.models import Link, Payment, Refund
from tenants.jobs import run_due
from tenants.models import Membership, Tenant, User
from tests.conftest import SignIn
from tests.dashboard.conftest import Clock, Pay, Url, text
from tests.forms import read_form
from tests.wire import Simulator


def ask(client: Client, address: str, amount: str, **more: str) -> Any:
    """Fill the refund form of this address and send it; the answer is not followed."""
    form = read_form(client.get(address).content.decode(), "refund")
    return client.post(address, form.fields | {"amount": amount} | more)


def carry_out(clock: Clock, since: int = 0) -> None:
    """Let the workers send what was asked for then, and learn how it ended."""
    for ahead in (0, 16, 61, 301, 901):
        clock(since + ahead)
        run_due()


@pytest.fixture
def new(url: Url, paid: Payment) -> str:
    return url("refund_new", id=paid.pk)


def test_the_form_offers_all_that_is_left(at_acme: Client, new: str) -> None:
    page = at_acme.get(new)
    form = read_form(page.content.decode(), "refund")
    assert form.fields["amount"] == "500.00"
    assert len(form.fields["key"]) > 16
    assert "Refund <span" in text(page)
    assert "₹500.00</span></button>" in text(page)


def test_a_part_then_the_rest_go_back(
    at_acme: Client, url: Url, paid: Payment, new: str, clock: Clock
) -> None:
    answer = ask(at_acme, new, "200", reason="Goods returned", comment="One cup was cold")
    assert answer["Location"] == url("payment", id=paid.pk)
    page = text(at_acme.get(answer["Location"]))
    assert "Refund of ₹200.00 asked for. It is on its way to Paytm." in page
    assert "Goods returned" in page
    assert "One cup was cold" in page
    assert "Refund…" not in page, "one at a time"
    carry_out(clock)
    page = text(at_acme.get(url("payment", id=paid.pk)))
    assert "Paytm answered about the refund of ₹200.00: Refunded" in page
    assert read_form(at_acme.get(new).content.decode(), "refund").fields["amount"] == "300.00"
    ask(at_acme, new, "300.00")
    carry_out(clock, since=901)
    paid.refresh_from_db()
    assert (paid.refunded_paise, paid.reserved_paise) == (500_00, 0)
    assert "Nothing of this payment is left to refund." in text(at_acme.get(new))
    assert "Refund…" not in text(at_acme.get(url("payment", id=paid.pk)))


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "This field is required."),
        ("0", "Paytm refunds at least ₹1.00"),
        ("-1", "plain digits"),
        ("1.005", "plain digits"),
        ("1e2", "plain digits"),
        ("१००", "plain digits"),
        ("1,00", "plain digits"),
        ("NaN", "plain digits"),
        ("9" * 40, "at most 20 characters"),
        ("999999999", "Only ₹500.00 of this payment is left to refund."),
        ("₹1,23,456.50", "Only ₹500.00 of this payment is left to refund."),
        ("1,5", "plain digits"),
        ("500.01", "Only ₹500.00 of this payment is left to refund."),
        ("0.50", "Paytm refunds at least ₹1.00"),
    ],
)
def test_a_bad_amount_is_told_why(
    at_acme: Client, new: str, paid: Payment, amount: str, words: str
) -> None:
    answer = ask(at_acme, new, amount)
    assert answer.status_code == 422
    assert words in text(answer)
    assert not Refund.objects.exists()
    paid.refresh_from_db()
    assert paid.reserved_paise == 0


def test_a_reason_is_one_of_the_merchants(at_acme: Client, new: str) -> None:
    assert "Customer cancelled" in text(at_acme.get(new))
    answer = ask(at_acme, new, "200", reason="Just so")
    assert answer.status_code == 422
    assert not Refund.objects.exists()


def test_the_form_says_when_the_payer_would_have_it(at_acme: Client, new: str) -> None:
    page = text(at_acme.get(new))
    assert "Payer would have it by" in page
    assert "All that is left: ₹500.00" in page


def test_the_same_form_sent_twice_is_one_refund(
    at_acme: Client, url: Url, paid: Payment, new: str
) -> None:
    key = "the-same-form-twice"
    answers = [ask(at_acme, new, "200", key=key) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == [url("payment", id=paid.pk)] * 2
    assert Refund.objects.count() == 1
    other = ask(at_acme, new, "250", key=key)
    assert other.status_code == 422
    assert "sent before with another amount" in text(other)
    assert Refund.objects.count() == 1


def test_a_second_refund_waits_for_the_first(at_acme: Client, new: str) -> None:
    ask(at_acme, new, "200")
    answer = ask(at_acme, new, "100")
    assert answer.status_code == 409
    assert "Another refund of this payment is under way" in text(answer)


def test_what_is_not_paid_is_not_refunded(at_acme: Client, url: Url, link: Link, pay: Pay) -> None:
    failed = url("refund_new", id=pay(link, "failure").pk)
    assert "Only a paid payment can be refunded." in text(at_acme.get(failed))
    answer = at_acme.post(failed, {"amount": "1", "key": "some-form-key"})
    assert answer.status_code == 409
    assert not Refund.objects.exists()


def test_paytm_refuses_and_the_money_can_be_refunded_again(
    at_acme: Client, url: Url, paid: Payment, new: str, paytm: Simulator, clock: Clock
) -> None:
    paytm.plant("refund", "accepted_then_failed")
    ask(at_acme, new, "500")
    carry_out(clock)
    page = text(at_acme.get(url("payment", id=paid.pk)))
    assert "The bank declined it." in page
    assert "Refund…" in page
    assert "1 refund failed" in text(at_acme.get(url("dashboard")))


def test_the_list_shows_refunds_by_state(at_acme: Client, url: Url, new: str, clock: Clock) -> None:
    assert "No refunds" in text(at_acme.get(url("refunds")))
    ask(at_acme, new, "200")
    refund = Refund.objects.get()
    assert refund.ref_id in text(at_acme.get(url("refunds")))
    assert refund.ref_id in text(at_acme.get(url("refunds"), {"status": "requested"}))
    assert refund.ref_id not in text(at_acme.get(url("refunds"), {"status": "done"}))
    carry_out(clock)
    assert refund.ref_id in text(at_acme.get(url("refunds"), {"status": "done"}))
    assert at_acme.get(url("refunds"), {"status": "x"}).status_code == 422


def test_a_refund_wants_a_fresh_proof_of_who_asks(
    acme: Tenant, alice: User, sign_in: SignIn, new: str
) -> None:
    stale = sign_in(alice, ago=301)
    for answer in (stale.get(new), stale.post(new, {"amount": "1", "key": "some-form-key"})):
        assert answer["Location"].startswith("/accounts/reauthenticate/?next=%2Fm%2Facme")
    assert not Refund.objects.exists()


def test_finance_may_refund_and_a_viewer_may_not(
    acme: Tenant, bob: User, charlie: User, sign_in: SignIn, new: str
) -> None:
    Membership.objects.create(tenant=acme, user=charlie, role="viewer")
    viewer = sign_in(charlie)
    assert viewer.get(new).status_code == 403
    assert viewer.post(new, {"amount": "1", "key": "some-form-key"}).status_code == 403
    assert ask(sign_in(bob), new, "1").status_code == 302
    assert Refund.objects.get().asked_by_name == "Bob"


def test_strangers_and_the_other_world_find_nothing(
    acme: Tenant, at_acme: Client, url: Url, charlie: User, sign_in: SignIn, paid: Payment, new: str
) -> None:
    stranger, sent = sign_in(charlie), {"amount": "1", "key": "some-form-key"}
    for address in (new, url("refund_new", slug="globex", id=paid.pk)):
        assert stranger.get(address).status_code == 404
        assert stranger.post(address, sent).status_code == 404
    assert stranger.get(url("refunds")).status_code == 404
    assert not Refund.objects.exists()


def test_live_refunds_want_a_second_factor(
    acme: Tenant, at_acme: Client, url: Url, paid: Payment
) -> None:
    acme.live_state = Tenant.LiveState.APPROVED
    acme.save()
    address = url("refund_new", live=True, id=paid.pk)
    assert at_acme.get(address)["Location"] == "/accounts/2fa/"
    answer = at_acme.post(address, {"amount": "1", "key": "some-form-key"})
    assert answer.status_code == 403
    assert "This needs a second factor" in text(answer)

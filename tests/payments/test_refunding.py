"""Alice sends money back: reserved first, sent once, booked when Paytm says it is done."""

import pytest
from django.test import Client

from payments.asking import ask
from payments.models import Payment, Refund, Transfer
from payments.refunding import NotRefundable, OtherBody, TooMuch, ask_refund
from tenants.jobs import run_due
from tests import make
from tests.wire import Simulator, go_to_paytm

HOUR = 3600


@pytest.fixture
def paid(in_acme, paytm: Simulator, client: Client) -> Payment:
    """₹500.00, paid at the simulator."""
    link = make.link()
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    return ask(Payment.objects.select_related("account").get(link=link))


def run_to(clock, *moments: int) -> None:
    for ahead in moments:
        clock(ahead)
        run_due()


def test_a_refund_in_part_and_then_the_rest(paid: Payment, alice, clock) -> None:
    ask_refund(paid, 200_00, "Broken cup", alice, "first-form")
    run_to(clock, 0, 16, 61, 301)
    paid.refresh_from_db()
    assert (paid.refunded_paise, paid.reserved_paise) == (200_00, 0)
    ask_refund(paid, 300_00, "All of it", alice, "second-form")
    run_to(clock, 302, 320, 380, 700)
    paid.refresh_from_db()
    assert (paid.refunded_paise, paid.refundable_paise) == (500_00, 0)
    assert sorted(t.paise for t in Transfer.objects.filter(debit="refunds")) == [200_00, 300_00]


def test_reserved_money_is_promised_once(paid: Payment, alice) -> None:
    ask_refund(paid, 200_00, "", alice, "first-form")
    with pytest.raises(NotRefundable, match="under_way"):
        ask_refund(paid, 100_00, "", alice, "second-form")


@pytest.mark.parametrize("paise", [500_01, 1_000_000_00])
def test_more_than_was_paid_is_refused(paid: Payment, alice, paise: int) -> None:
    with pytest.raises(TooMuch) as told:
        ask_refund(paid, paise, "", alice, "a-form-key")
    assert told.value.left_paise == 500_00


@pytest.mark.parametrize("paise", [0, -1, 99])
def test_nothing_and_less_than_a_rupee_are_refused(paid: Payment, alice, paise: int) -> None:
    with pytest.raises(NotRefundable, match="too_small"):
        ask_refund(paid, paise, "", alice, "a-form-key")


def test_the_same_form_is_the_same_refund_and_another_amount_is_refused(
    paid: Payment, alice
) -> None:
    first = ask_refund(paid, 200_00, "", alice, "one-form-key")
    assert ask_refund(paid, 200_00, "", alice, "one-form-key") == first
    with pytest.raises(OtherBody):
        ask_refund(paid, 300_00, "", alice, "one-form-key")


def test_what_is_not_paid_is_not_refundable(in_acme, paytm, alice) -> None:
    with pytest.raises(NotRefundable, match="not_paid"):
        ask_refund(make.payment(make.link()), 100_00, "", alice, "a-form-key")


def test_an_order_older_than_a_year_is_not_refundable(paid: Payment, alice, clock) -> None:
    clock(366 * 24 * HOUR)
    with pytest.raises(NotRefundable, match="too_old"):
        ask_refund(paid, 100_00, "", alice, "a-form-key")


def test_one_that_paytm_refuses_comes_back_to_refundable(
    paid: Payment, paytm: Simulator, alice
) -> None:
    paytm.plant("refund", "no_balance")
    ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    paid.refresh_from_db()
    assert Refund.objects.get().state == "failed"
    assert (paid.reserved_paise, paid.refundable_paise) == (0, 500_00)
    assert not Transfer.objects.filter(debit="refunds").exists()


def test_one_that_fails_after_acceptance_comes_back_to_refundable(
    paid: Payment, paytm: Simulator, alice, clock
) -> None:
    paytm.plant("refund", "accepted_then_failed")
    ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_to(clock, 0, 16, 61, 301, 901)
    paid.refresh_from_db()
    assert Refund.objects.get().state == "failed"
    assert paid.refundable_paise == 500_00


@pytest.mark.parametrize(
    "scenario",
    ["timeout_before", "timeout_after", "error_before", "error_after", "truncated", "reset_after"],
)
def test_silence_keeps_the_reference_and_refunds_once(
    paid: Payment, paytm: Simulator, alice, clock, scenario: str
) -> None:
    """Whether the lost request had an effect or not, one refund is all that happens."""
    paytm.plant("refund", scenario, seconds=2)
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_to(clock, 0, 16, 61, 301, 901, 3601)
    refund.refresh_from_db()
    assert refund.state == "done"
    books = paytm.books(paid.account.mid)
    theirs = [r for o in books["orders"] for r in o["refunds"]]
    assert [r["amount_paise"] for r in theirs if r["state"] != "TXN_FAILURE"] == [200_00]

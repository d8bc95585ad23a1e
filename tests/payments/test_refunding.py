"""Alice sends money back: reserved first, sent once, booked when Paytm says it is done."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from config.clock import now
from payments.asking import ask, ask_what_was_given_back
from payments.clients import client_for
from payments.models import Payment, Refund, Transfer
from payments.refunding import NotRefundable, OtherBody, TooMuch, ask_refund, give_up, try_now
from payments.settling import settle
from tenants.jobs import run_due
from tenants.models import Job
from tests import make
from tests.payments.test_settling import answer
from tests.wire import Simulator, go_to_paytm

HOUR, DAY = 3600, 24 * 3600


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


def waiting(payment: Payment) -> Refund:
    """The refund of this payment that is to be tried again."""
    refund = payment.refunds.get(state="requested")
    assert refund.waits_for_balance
    return refund


def test_one_refused_for_balance_waits_and_goes_again_by_itself(
    paid: Payment, paytm: Simulator, alice, clock
) -> None:
    """Under a new reference, for Paytm never took the first; its money stays reserved."""
    paytm.plant("refund", "no_balance", times=2)
    first = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    paid.refresh_from_db()
    assert (paid.reserved_paise, paid.refundable_paise) == (200_00, 300_00)
    assert waiting(paid).retry_of == first
    next_ask_at = waiting(paid).next_ask_at
    assert next_ask_at
    assert next_ask_at - now() > timedelta(minutes=59)
    clock(HOUR - 60)
    run_due()
    assert paid.refunds.count() == 2
    for ahead in (HOUR + 1, 4 * HOUR + 2, 4 * HOUR + 20):
        clock(ahead)
        run_due()
    paid.refresh_from_db()
    assert [*paid.refunds.order_by("created_at").values_list("state", flat=True)] == [
        "failed", "failed", "done",
    ]  # fmt: skip
    assert (paid.reserved_paise, paid.refunded_paise) == (0, 200_00)
    books = paytm.books(paid.account.mid)["orders"]
    assert [order["refunded_paise"] for order in books] == [200_00]


def test_one_that_waits_can_be_sent_now_or_given_up(paid: Payment, paytm: Simulator, alice) -> None:
    paytm.plant("refund", "no_balance", times=2)
    ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    try_now(waiting(paid))
    run_due()
    assert paid.refunds.count() == 3
    given_up = give_up(waiting(paid), alice)
    assert given_up.state == give_up(given_up, alice).state == "failed"
    paid.refresh_from_db()
    assert (paid.reserved_paise, paid.refundable_paise) == (0, 500_00)
    run_due()
    assert not Transfer.objects.filter(debit="refunds").exists()


def test_one_that_left_cannot_be_given_up(paid: Payment, paytm: Simulator, alice) -> None:
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    assert give_up(refund, alice).state == "accepted"
    paid.refresh_from_db()
    assert paid.reserved_paise == 200_00


def test_after_a_week_without_balance_its_money_comes_back(
    paid: Payment, paytm: Simulator, alice, clock
) -> None:
    paytm.plant("refund", "no_balance", times=100)
    ask_refund(paid, 200_00, "", alice, "a-form-key")
    for day in range(9):
        for hour in (0, 1, 4, 12):
            clock(day * DAY + hour * HOUR + 60)
            run_due()
    assert {*paid.refunds.values_list("state", flat=True)} == {"failed"}
    paid.refresh_from_db()
    assert (paid.reserved_paise, paid.refundable_paise) == (0, 500_00)
    [mail_] = [m for m in mail.outbox if "Refund failed" in m.subject and "alice" in m.to[0]]
    assert "Your balance at Paytm was too low" in mail_.body


def test_one_that_paytm_refuses_comes_back_to_refundable(
    paid: Payment, paytm: Simulator, alice
) -> None:
    Payment.objects.filter(pk=paid.pk).update(paytm_txn_id="another")
    ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    paid.refresh_from_db()
    assert Refund.objects.get().state == "failed"
    assert (paid.reserved_paise, paid.refundable_paise) == (0, 500_00)
    assert not Transfer.objects.filter(debit="refunds").exists()


def test_one_made_in_paytms_own_dashboard_is_discovered(
    paid: Payment, paytm: Simulator, alice
) -> None:
    """Paytm's status states what was given back in all; what is not ours is recorded as theirs."""
    for stated in (120_00, 120_00, 200_00):
        settle(paid, answer(paid, refunded_paise=stated))
    paid.refresh_from_db()
    assert (paid.refunded_paise, paid.refundable_paise) == (200_00, 300_00)
    assert [*paid.refunds.order_by("created_at").values_list("amount_paise", "origin")] == [
        (120_00, "paytm"), (80_00, "paytm"),
    ]  # fmt: skip
    refunds = Transfer.objects.filter(debit="refunds").values_list("paise", flat=True)
    assert sum(refunds) == 200_00


def test_ours_is_not_taken_for_theirs(paid: Payment, paytm: Simulator, alice, clock) -> None:
    ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    settle(paid, answer(paid, refunded_paise=200_00))  # before we know that it is done
    clock(60)
    run_due()
    settle(paid, answer(paid, refunded_paise=200_00))
    assert [*paid.refunds.values_list("amount_paise", "origin")] == [(200_00, "person")]
    paid.refresh_from_db()
    assert paid.refunded_paise == 200_00


def test_more_given_back_than_arrived_is_for_a_person(paid: Payment, paytm: Simulator) -> None:
    settle(paid, answer(paid, refunded_paise=500_01))
    assert not paid.refunds.exists()
    assert paid.timeline.filter(kind="refund_conflict").exists()


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


def walk(clock, refund: Refund, hours: float) -> Refund:
    """Let the workers do what is due, moment by moment as they planned it, for so many hours."""
    end = now() + timedelta(hours=hours)
    began = now()
    for _ in range(200):
        refund.refresh_from_db()
        if refund.next_ask_at is None or refund.next_ask_at > end:
            return refund
        clock((refund.next_ask_at - began).total_seconds() + 1)
        run_due()
    raise AssertionError("it loops")


def test_a_refused_repeat_comes_to_an_end(paid: Payment, paytm: Simulator, alice, clock) -> None:
    """The first request never arrived, its repeat is refused for balance. After an hour without a
    record it has failed, and is tried again under a new reference; Paytm is asked a few times."""
    paytm.plant("refund", "error_before")
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    paytm.plant("refund", "no_balance")
    assert walk(clock, refund, hours=8).state == "failed"
    assert refund.result_code == "620"
    assert refund.sends == 2
    assert refund.retry.amount_paise == 200_00


def test_the_refusal_of_a_repeat_does_not_hide_why_the_first_failed(
    paid: Payment, paytm: Simulator, alice, clock
) -> None:
    """The first request arrived though its answer did not; its repeat is refused; then it fails."""
    paytm.plant("refund", "error_after")
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    Refund.objects.filter(pk=refund.pk).update(
        state="accepted", refusal="620", refusal_words="BALANCE_NOT_ENOUGH"
    )
    [row] = paytm.books(paid.account.mid)["orders"]
    ref_id = row["refunds"][0]["ref_id"]
    paytm.control(f"refunds/{paid.account.mid}/{ref_id}/finish", outcome="failure")
    walk(clock, refund, hours=1)
    assert (refund.state, refund.result_code) == ("failed", "602")
    assert not Refund.objects.filter(retry_of=refund).exists()


def test_one_made_at_paytm_stops_ours_that_waits_for_balance(
    paid: Payment, paytm: Simulator, alice, clock
) -> None:
    """The merchant did not wait and refunded in Paytm's dashboard. Ours must not follow."""
    paytm.plant("refund", "no_balance")
    ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    retry = waiting(paid)
    settle(paid, answer(paid, refunded_paise=200_00))
    retry.refresh_from_db()
    assert (retry.state, retry.result_code) == ("failed", "overtaken")
    paid.refresh_from_db()
    assert (paid.refunded_paise, paid.reserved_paise) == (200_00, 0)
    clock(2 * HOUR)
    run_due()
    assert paytm.books(paid.account.mid)["orders"][0]["refunds"] == []


def test_one_made_at_paytm_while_ours_was_on_its_way_is_found_after_it(
    paid: Payment, paytm: Simulator, alice, clock
) -> None:
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    clock(10)  # Paytm takes one at a time: theirs follows ours
    with client_for(paid.account) as dashboard:
        dashboard.refund(
            order_id=paid.order_id, txn_id=paid.paytm_txn_id, ref_id="D1", amount_paise=100_00
        )
    clock(16)
    settle(paid, answer(paid, refunded_paise=300_00))  # ours is not final to us yet
    assert paid.refunds.count() == 1
    run_to(clock, 17, 20, 61, 62)
    refund.refresh_from_db()
    assert refund.state == "done"
    paid.refresh_from_db()
    assert paid.refunded_paise == 300_00


def test_asking_what_was_given_back_is_not_lost_to_one_silence(
    paid: Payment, paytm: Simulator, clock
) -> None:
    Job.objects.all().delete()
    with client_for(paid.account) as dashboard:
        dashboard.refund(
            order_id=paid.order_id, txn_id=paid.paytm_txn_id, ref_id="D1", amount_paise=100_00
        )
    paytm.plant("status", "error_before")
    clock(30)
    ask_what_was_given_back(paid)
    run_to(clock, 31, 600)
    paid.refresh_from_db()
    assert paid.refunded_paise == 100_00

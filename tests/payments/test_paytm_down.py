"""Paytm is down: payers are told at once, and it is taken up again by itself (M10)."""

import time

import pytest
from django.test import Client

from payments.asking import ask
from payments.clients import breaker_of
from payments.janitor import mend
from payments.models import Payment
from payments.paytm.breaker import FAILURES, LONGEST_PAUSE
from payments.refunding import ask_refund
from tenants.jobs import run_due
from tenants.models import Job, User
from tests import make
from tests.conftest import MIDS, browser
from tests.wire import Simulator, go_to_paytm

pytestmark = pytest.mark.usefixtures("in_acme")


def fall(paytm: Simulator, endpoint: str = "status") -> None:
    """Paytm stops answering, and we find out."""
    paytm.plant(endpoint, "error_before", times=1000)
    order = make.payment(make.link())
    for _ in range(FAILURES):
        ask(order)


def rise(paytm: Simulator) -> None:
    """Paytm answers again, and the breaker's pause is over."""
    paytm.forget_scenarios()
    breaker_of(paytm.url)._open_until = 0.0


def test_a_payer_is_told_at_once_and_may_try_again(paytm: Simulator, client: Client) -> None:
    fall(paytm)
    link = make.link()
    page = client.post(f"/p/{link.token}", follow=True).content.decode()
    for words in ('data-payment-state="failed"', "Paytm does not answer at the moment.",
                  "No money was taken.", "Try again"):  # fmt: skip
        assert words in page
    assert not paytm.books(MIDS["acme"][0])["orders"], "Paytm was not asked"
    rise(paytm)
    assert go_to_paytm(browser(), f"/p/{link.token}").fields["txnToken"]


def test_polls_wait_and_lose_no_payment(paytm: Simulator, client: Client, clock) -> None:
    link = make.link()
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    fall(paytm)
    clock(16)
    run_due()
    order = Payment.objects.get(link=link)
    assert order.state == "open"
    assert not order.timeline.filter(kind="no_answer").exists(), "it was not asked"
    rise(paytm)
    clock(16 + 2 * LONGEST_PAUSE)
    run_due()
    order.refresh_from_db()
    assert order.state == "paid"


def test_the_janitor_writes_no_second_job_for_what_waits(
    paytm: Simulator, client: Client, clock
) -> None:
    """A long outage must not end in a flood of questions."""
    for _ in range(3):
        go_to_paytm(client, f"/p/{make.link().token}")
    fall(paytm)
    for minute in range(20, 120, 10):
        breaker_of(paytm.url)._open_until = time.monotonic() + 60
        clock(minute * 60)
        run_due()
        mend()
        assert Job.objects.filter(kind__endswith="ask_status").count() <= 4  # fall's is one


def test_a_refund_waits_without_having_left(
    paytm: Simulator, client: Client, clock, alice: User
) -> None:
    link = make.link()
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    order = ask(Payment.objects.select_related("account").get(link=link))
    fall(paytm)
    refund = ask_refund(order, 100_00, "", alice, "a-form-key")
    run_due()
    refund.refresh_from_db()
    assert (refund.state, refund.sends) == ("requested", 0)
    rise(paytm)
    for ahead in (2 * LONGEST_PAUSE, 2 * LONGEST_PAUSE + 20, 2 * LONGEST_PAUSE + 70):
        clock(ahead)
        run_due()
    refund.refresh_from_db()
    assert (refund.state, refund.sends) == ("done", 1)

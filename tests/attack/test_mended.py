"""Attacks on the mending itself: the janitor, and refunds that are sent again."""

import contextlib
from uuid import UUID

import pytest
from django.db.models import F
from django.test import Client

from payments.asking import ask
from payments.clients import client_for
from payments.models import Payment, Refund
from payments.paytm import RefundOutcome
from payments.refunding import (
    _apply_for,
    _mark_sent,
    _repeat,
    ask_refund,
    ask_refund_soon,
    settle_refund,
)
from tenants.jobs import run_due
from tenants.models import Job, Tenant, User
from tests import make
from tests.wire import Simulator, come_back, go_to_paytm

HOUR = 3600


@pytest.fixture
def paid(in_acme: Tenant, paytm: Simulator, client: Client) -> Payment:
    link = make.link()
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    order = ask(Payment.objects.select_related("account").get(link=link))
    run_due()
    return order


def test_a_paid_payment_is_nothing_to_mend(
    in_acme: Tenant, paytm: Simulator, client: Client, clock
) -> None:
    """The usual way: callback, status page (which asks and settles), then the worker's poll finds
    the payment final and returns without clearing next_ask_at. The janitor takes it for overdue,
    every ten minutes, for ever; and it looks at 500 rows in no order, so that once a merchant
    has had 500 such payments, those that truly are overdue may never be looked at again."""
    link = make.link()
    callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    client.get(come_back(client, callback)["Location"])
    run_due()
    clock(HOUR)
    run_due()
    order = Payment.objects.get(link=link)
    assert order.state == "paid"
    assert order.next_ask_at is None


def test_zombies_do_not_starve_what_is_overdue(
    in_acme: Tenant, paytm: Simulator, client: Client, clock
) -> None:
    """As above, shown by what is lost: an overdue payment behind the zombies of a busy shop."""
    from payments import janitor

    link = make.link()
    settled = make.payment(link)
    overdue = {"state": "paid", "next_ask_at": settled.created_at}
    Payment.objects.filter(pk=settled.pk).update(received_paise=F("amount_paise"), **overdue)
    fields = {"live": False, "link": link, "account": settled.account}
    fields |= {"amount_paise": 100, "received_paise": 100}
    Payment.objects.bulk_create(
        Payment(id=UUID(int=n), token=f"t{n:039}", description="x", **fields, **overdue)
        for n in range(550)
    )
    with contextlib.suppress(KeyError):
        paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "silent")
    lost = Payment.objects.latest("created_at")
    Job.objects.filter(kind__endswith="ask_status").delete()  # buried in the night
    for hour in (1, 2, 3):
        clock(hour * HOUR)
        janitor.mend()
        run_due(5000)
    lost.refresh_from_db()
    assert lost.state == "paid"


def test_nothing_is_on_its_way_when_an_older_repeats_refusal_fails_a_refund(
    paid: Payment, paytm: Simulator, alice: User, clock
) -> None:
    """First request lost; a repeat is refused, which is remembered; another repeat, just before
    the hour, would get no answer and still be on its way when the hour is over and the *old*
    refusal fails the refund. So no repeat follows a refused one.
    Lost: the refund's amount, twice, once the merchant refunds again."""
    paytm.plant("refund", "error_before")
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    paytm.plant("refund", "no_balance")
    clock(20)
    run_due()  # status: no record; the repeat is refused
    for moment in (60, 300, 900, HOUR - 5):
        clock(moment)
        run_due()  # status: no record
    refund.refresh_from_db()
    assert (refund.state, refund.sends) == ("sent", 2)
    clock(HOUR + 60)
    ask_refund_soon(refund)
    run_due()
    refund.refresh_from_db()
    assert (refund.state, refund.result_code) == ("failed", "620")


def test_a_refund_that_has_just_failed_is_not_sent_again(
    paid: Payment, paytm: Simulator, alice: User
) -> None:
    """Worker two has asked status (no record, still SENT) and is about to repeat. At that moment
    worker one settles the refusal of the first request: FAILED. Worker two sends all the same,
    for it counts its request without looking at the state. Paytm takes it.
    Lost: as above. Fix: count and check in one UPDATE … WHERE state = 'sent'."""
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    refund = Refund.objects.select_related("payment__account").get(pk=refund.pk)
    paytm.plant("refund", "no_balance")
    with client_for(refund.payment.account) as client:
        assert _mark_sent(refund)
        late = _apply_for(client, refund)  # worker one holds the refusal
        status = client.refund_status(order_id=refund.payment.order_id, ref_id=refund.ref_id)
        settled = settle_refund(refund, status)
        assert status.outcome is RefundOutcome.NO_RECORD
        assert settled.state == "sent"
        settle_refund(refund, late)  # worker one
        _repeat(client, refund)  # worker two
    refund.refresh_from_db()
    books = paytm.books(paid.account.mid)
    theirs = [r for o in books["orders"] for r in o["refunds"] if r["state"] != "TXN_FAILURE"]
    assert not (refund.state == "failed" and theirs)

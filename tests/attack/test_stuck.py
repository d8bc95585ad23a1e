"""Attacks on 'nothing is ever stuck': jobs that die, refunds that never end, refunds too much."""

import base64
import contextlib
import dataclasses
import secrets

import pytest
from django.db import connection, transaction
from django.test import Client

from payments.asking import ask
from payments.clients import client_for
from payments.models import Message, Payment, Refund
from payments.paytm import RefundAnswer, RefundOutcome
from payments.refunding import _apply_for, _mark_sent, ask_refund, push_refund, settle_refund
from tenants import master_keys
from tenants.jobs import run_due
from tenants.models import DeadJob, Job, Tenant, User
from tests import make
from tests.conftest import browser
from tests.wire import Simulator, come_back, go_to_paytm

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def paid(in_acme: Tenant, paytm: Simulator, client: Client) -> Payment:
    link = make.link()
    paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "success")
    order = ask(Payment.objects.select_related("account").get(link=link))
    run_due()
    return order


def fail_for_a_night(settings, clock) -> None:
    """The worker runs for a night with a master key missing, then the operator mends it."""
    good = settings.MASTER_KEYS
    settings.MASTER_KEYS = ("k9:" + base64.b64encode(secrets.token_bytes(32)).decode(),)
    master_keys._keys.cache_clear()
    for hour in range(1, 16):
        clock(hour * HOUR)
        run_due()
    settings.MASTER_KEYS = good
    master_keys._keys.cache_clear()


def test_a_refund_outlives_a_night_of_failing_jobs(
    paid: Payment, alice: User, settings, clock
) -> None:
    """push_refund fails twelve times (about two hours: a key missing, a schema behind, a crash
    loop) and is buried. Nothing looks at refunds whose next_ask_at is past, so after the cause is
    mended the refund stays REQUESTED for ever: the payer never gets the money, the merchant can
    neither repeat nor cancel ('another refund is under way'), and only platform staff who
    happen to look at 'Dead jobs' can help."""
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    fail_for_a_night(settings, clock)
    for day in range(1, 60):
        clock(day * DAY)
        run_due()
    refund.refresh_from_db()
    assert refund.state == "done"


def test_an_undecided_payment_outlives_a_night_of_failing_jobs(
    in_acme: Tenant, paytm: Simulator, client: Client, settings, clock
) -> None:
    """The same for ask_status: paid at Paytm, callback lost, and our poll job is buried in the
    first two hours. Lost: M5; the payment is never asked about again, the money never shows."""
    link = make.link()
    with contextlib.suppress(KeyError):  # no form leads back
        paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "silent")
    fail_for_a_night(settings, clock)
    for day in range(1, 40):
        clock(day * DAY)
        run_due()
    assert Payment.objects.get(link=link).state == "paid"


def test_a_refund_that_paytm_keeps_refusing_ends(
    paid: Payment, paytm: Simulator, alice: User, clock
) -> None:
    """The first request is lost (nothing happened at Paytm). From then on every request is a
    'repeat' whose refusal is never believed, and refund status says 'no such refund': for ever,
    day after day. The money stays reserved, the merchant is never told that their balance is too
    low, and no other refund of this payment can be asked for."""
    paytm.plant("refund", "error_before")
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    run_due()
    paytm.plant("refund", "no_balance", times=900)
    for day in range(1, 90):
        clock(day * DAY)
        run_due()
    refund.refresh_from_db()
    assert refund.state == "failed"


def test_a_stalled_first_request_is_not_believed_after_another_worker_repeated_it(
    paid: Payment, paytm: Simulator, alice: User, clock
) -> None:
    """A worker sends the first request, Paytm refuses it (no balance), and the worker is stopped
    before it has settled that answer (SIGSTOP, a paused machine, swap) for longer than its lease.
    A second worker finds no record, sends again, and Paytm registers the refund. The first wakes
    and settles its refusal: FAILED, the money is refundable again and may be refunded again.
    Lost: the amount of the refund, twice."""
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    refund = Refund.objects.select_related("payment__account").get(pk=refund.pk)
    paytm.plant("refund", "no_balance")
    with client_for(refund.payment.account) as client:  # worker one, as _speak does
        assert _mark_sent(refund)
        late = _apply_for(client, refund)
    push_refund(refund_id=str(refund.pk))  # worker two, after the lease
    settle_refund(refund, late)  # worker one goes on
    refund.refresh_from_db()
    books = paytm.books(paid.account.mid)
    theirs = [r for o in books["orders"] for r in o["refunds"] if r["state"] != "TXN_FAILURE"]
    assert len(theirs) == 1  # Paytm is sending the money
    assert refund.state != "failed"


def test_refund_status_outweighs_a_late_refusal(paid: Payment, paytm, alice: User) -> None:
    """Refund status has said ACCEPTED. A 'plain refusal' of an apply that arrives later must not
    give the money back to refundable (M6: only refund status says failed by then)."""
    refund = ask_refund(paid, 200_00, "", alice, "a-form-key")
    assert _mark_sent(refund)
    accepted = said(refund, RefundOutcome.ACCEPTED, "601", "1")
    settle_refund(refund, accepted)
    settle_refund(refund, said(refund, RefundOutcome.REFUSED, "620", "2"))
    refund.refresh_from_db()
    assert refund.state == "accepted"


def said(refund: Refund, outcome: RefundOutcome, code: str, raw: str) -> RefundAnswer:
    empty = {field.name: None for field in dataclasses.fields(RefundAnswer)}
    told = {"outcome": outcome, "code": code, "message": "", "raw": raw, "signed": True}
    return RefundAnswer(**empty | told)


def test_a_payer_who_replays_their_callback_is_limited(
    in_acme: Tenant, paytm: Simulator, client: Client
) -> None:
    """The payer holds a true callback of their own pending order. Sent again and again, each copy
    appends a line to the merchant's timeline and makes a worker ask Paytm at once: the limit of
    five an hour is for refused messages alone, and these POSTs are counted nowhere."""
    link = make.link()
    callback = paytm.decide(go_to_paytm(client, f"/p/{link.token}"), "pending")
    order = Payment.objects.get(link=link)
    for _ in range(40):
        come_back(browser(), callback)
        run_due()
    asked = order.messages.filter(source=Message.Source.STATUS).count()
    lines = order.messages.filter(source=Message.Source.CALLBACK).count()
    assert asked <= 10
    assert lines <= 10


def test_the_ledger_cannot_be_emptied(in_acme: Tenant, paid: Payment) -> None:
    """Row triggers do not fire on TRUNCATE: one statement empties ledger, evidence and audit."""
    from django.db import Error

    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE payments_transfer")
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE merchants_auditevent")


def test_a_simulator_taken_away_is_no_500(
    in_acme: Tenant, paytm: Simulator, client: Client, settings
) -> None:
    """The operator unsets SIMULATOR_URL while simulator accounts are in use: the payer's pages and
    Paytm's address answer 500 (ValueError from Credentials), and jobs die."""
    link = make.link()
    go_to_paytm(client, f"/p/{link.token}")
    order = Payment.objects.get(link=link)
    settings.SIMULATOR_URL = ""
    client.raise_request_exception = False
    page = client.get(f"/p/return/{order.token}")
    assert page.status_code < 500
    assert not DeadJob.objects.exists()
    assert Job.objects.exists()

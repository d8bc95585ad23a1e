"""A refund above the merchant's limit: one person asks, another one decides.

Its money is reserved from the beginning, and nothing is sent before somebody else approves. The
first word counts: everybody else finds the refund as that word left it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import QuerySet

from config.clock import now
from merchants import audit
from payments import refunding
from payments.models import Payment, Refund
from payments.outbox import refund_rejected
from payments.refund_limits import check_approver
from payments.states import RefundState
from payments.timeline import note
from tenants.current import current_tenant
from tenants.models import User


class NotTheirs(Exception):
    """Nobody decides about their own request, and nobody but its maker withdraws one."""


def waiting(live: bool) -> QuerySet[Refund]:
    """The refunds of this world that wait for a second person."""
    return Refund.objects.filter(live=live, state=RefundState.HELD)


def approve(refund: Refund, by: User) -> Refund:
    """Let a held refund go to Paytm. One that is held no more is returned as it is.

    Raises NotTheirs, and refund_limits' NoRight and AboveCeiling; then nothing was written.
    """
    with _locked(refund) as (payment, held):
        if held.state == RefundState.HELD:
            _may_decide(held, by)
            _judge(held, by, RefundState.REQUESTED)
            refunding.let_go(held)
            _tell(payment, held, "approved", by)
    return held


def reject(refund: Refund, by: User, words: str) -> Refund:
    """Refuse a held refund with these words: its money is free again. Else as `approve`."""
    with _locked(refund) as (payment, held):
        if held.state == RefundState.HELD:
            _may_decide(held, by)
            _judge(held, by, RefundState.REJECTED, words)
            refunding.release(payment, held)
            _tell(payment, held, "rejected", by, words)
            refund_rejected.enqueue(current_tenant().pk, refund_id=str(held.pk))
    return held


def withdraw(refund: Refund, by: User) -> Refund:
    """Take one's own request back: its money is free again. One that is held no more is returned
    as it is. Raises NotTheirs."""
    with _locked(refund) as (payment, held):
        if held.asked_by_id != by.pk:
            raise NotTheirs
        if held.state == RefundState.HELD:
            held.state = RefundState.WITHDRAWN
            refunding.release(payment, held)
            _tell(payment, held, "withdrawn", by)
    return held


@contextmanager
def _locked(refund: Refund) -> Iterator[tuple[Payment, Refund]]:
    """The payment's row and then the refund's, as everything that speaks of a refund."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=refund.payment_id)
        yield payment, Refund.objects.select_for_update().get(pk=refund.pk)


def _may_decide(held: Refund, by: User) -> None:
    if held.asked_by_id == by.pk:
        raise NotTheirs
    check_approver(held.amount_paise, by)


def _judge(held: Refund, by: User, state: RefundState, words: str = "") -> None:
    held.state, held.judgement = state, words
    held.judged_by_id, held.judged_by_name, held.judged_at = by.pk, str(by)[:80], now()


def _tell(payment: Payment, refund: Refund, what: str, by: User, words: str = "") -> None:
    note(payment, f"refund_{what}", words, refund=refund, by=by)
    facts: audit.Facts = {
        "amount_paise": refund.amount_paise,
        "asked_by": refund.asked_by,
        **({"words": words} if words else {}),
    }
    about = f"{refund.ref_id} {payment.order_id}"
    audit.record(by, f"refund.{what}", about, after=facts, of=refund)

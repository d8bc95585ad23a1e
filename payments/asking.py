"""Asking Paytm for the truth about an order, and asking again until it is final."""

import logging
from datetime import timedelta

from django.db.models import Q

from config import metrics
from config.clock import now
from merchants.sealing import CannotOpen
from payments.clients import client_for
from payments.models import Payment
from payments.paytm import PaytmError
from payments.schedule import next_ask
from payments.settling import settle
from payments.states import UNDECIDED, PaymentState
from payments.timeline import note
from tenants.current import current_tenant
from tenants.jobs import MONEY, job

logger = logging.getLogger(__name__)

# A failed or expired attempt may still become a late success, so only these are final.
FINAL = (PaymentState.PAID, PaymentState.SURPLUS)
BETWEEN_LOOKS = timedelta(seconds=3)


def ask(payment: Payment, *, patience: float | None = None) -> Payment:
    """Ask Paytm now and settle on its answer. No transaction may be open.

    When no answer can be had the payment is returned as it was, and the reason is noted.
    `patience` as in `client_for`.
    """
    try:
        with client_for(payment.account, patience=patience) as client:
            answer = client.order_status(payment.order_id)
    except (PaytmError, CannotOpen) as error:
        _no_answer(payment, error)
        return payment
    metrics.paytm_calls.labels("order_status", answer.outcome.value).inc()
    return settle(payment, answer)


@job(lane=MONEY)
def ask_status(payment_id: str) -> None:
    """One poll, and the next one written. A repeat after a crash asks once more, no harm."""
    payment = Payment.objects.select_related("account").get(pk=payment_id)
    ask_later(payment if payment.state in FINAL else ask(payment))


def ask_on_view(payment: Payment) -> Payment:
    """Ask because somebody is looking, at most once in three seconds for each payment.

    A worker that asks at this moment does not count: who comes back from Paytm would be shown
    what was true before it.
    """
    if payment.state not in UNDECIDED:
        return payment
    due = Q(asked_at=None) | Q(asked_at__lt=now() - BETWEEN_LOOKS)
    if not Payment.objects.filter(due, pk=payment.pk).update(asked_at=now()):
        return payment
    return ask(payment, patience=4)


def ask_soon(payment: Payment) -> None:
    """Have a worker ask now: something hinted that there is news."""
    ask_status.enqueue(current_tenant().pk, payment_id=str(payment.pk), key=f"ask:{payment.pk}")


@job(lane=MONEY)
def ask_whatever_it_is(payment_id: str) -> None:
    """One question about an order that may be final: some of it may have been given back from
    Paytm's own dashboard since."""
    ask(Payment.objects.select_related("account").get(pk=payment_id))


def ask_even_if_final(payment: Payment) -> None:
    """Have a worker ask now, about a paid order too."""
    ask_whatever_it_is.enqueue(
        current_tenant().pk, payment_id=str(payment.pk), key=f"ask_final:{payment.pk}"
    )


def ask_later(payment: Payment) -> None:
    """Write the next poll of the schedule, unless the payment is final or too old."""
    at = None if payment.state in FINAL else next_ask(payment.created_at)
    Payment.objects.filter(pk=payment.pk).update(next_ask_at=at)
    if at:
        ask_status.enqueue(
            current_tenant().pk, at=at, payment_id=str(payment.pk), key=f"ask:{payment.pk}"
        )


def _no_answer(payment: Payment, error: PaytmError | CannotOpen) -> None:
    reason = type(error).__name__.lower()
    metrics.paytm_calls.labels("order_status", reason).inc()
    logger.warning("Paytm gave no answer", extra={"order_id": payment.order_id, "reason": reason})
    note(payment, "no_answer", reason)

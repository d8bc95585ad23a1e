"""Asking Paytm for the truth about an order, and asking again until it is final."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from config import metrics
from config.clock import now
from merchants.sealing import CannotOpen
from payments import inbox
from payments.clients import client_for
from payments.models import Message, Payment
from payments.paytm import Open, PaytmError
from payments.schedule import after_breaker, next_ask
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
        return _ask(payment, patience)
    except (PaytmError, CannotOpen):
        return payment


def _ask(payment: Payment, patience: float | None = None) -> Payment:
    """As `ask`, but raises why there was no answer. Open means that Paytm was not asked at all,
    of which nothing is noted."""
    try:
        with client_for(payment.account, patience=patience) as client:
            answer = client.order_status(payment.order_id)
    except Open:
        metrics.paytm_calls.labels("order_status", "open").inc()
        raise
    except (PaytmError, CannotOpen) as error:
        _no_answer(payment, error)
        raise
    metrics.paytm_calls.labels("order_status", answer.outcome.value).inc()
    return settle(payment, answer)


@job(lane=MONEY)
def ask_status(payment_id: str) -> None:
    """One poll, and the next one written. A repeat after a crash asks once more, no harm."""
    payment = Payment.objects.select_related("account").get(pk=payment_id)
    try:
        ask_later(payment if payment.state in FINAL else _ask(payment))
    except Open as error:
        _ask_at(payment, after_breaker(error))
    except (PaytmError, CannotOpen):
        ask_later(payment)


@job(lane=MONEY)
def ask_again(payment_id: str) -> None:
    """One question about an order whose own fate is final: what was given back of it. Without an
    answer the job fails, and is tried again as any that fails."""
    payment = Payment.objects.select_related("account").get(pk=payment_id)
    try:
        _ask(payment)
    except Open as error:
        ask_what_was_given_back(payment, after_breaker(error))


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


def ask_what_was_given_back(payment: Payment, at: datetime | None = None) -> None:
    """Have a worker ask about refunds that somebody made at Paytm, whatever state it is in."""
    ask_again.enqueue(
        current_tenant().pk, at=at, payment_id=str(payment.pk), key=f"again:{payment.pk}"
    )


def ask_later(payment: Payment) -> None:
    """Write the next poll of the schedule, unless the payment is final or too old."""
    _ask_at(payment, None if payment.state in FINAL else next_ask(payment.created_at))


def _ask_at(payment: Payment, at: datetime | None) -> None:
    Payment.objects.filter(pk=payment.pk).update(next_ask_at=at)
    if at:
        ask_status.enqueue(
            current_tenant().pk, at=at, payment_id=str(payment.pk), key=f"ask:{payment.pk}"
        )


def _no_answer(payment: Payment, error: PaytmError | CannotOpen) -> None:
    reason = type(error).__name__.lower()
    metrics.paytm_calls.labels("order_status", reason).inc()
    logger.warning("Paytm gave no answer", extra={"order_id": payment.order_id, "reason": reason})
    with transaction.atomic():
        Payment.objects.select_for_update().get(pk=payment.pk)
        raw = getattr(error, "raw", "")
        message = inbox.keep_unusable(payment, Message.Source.STATUS, raw, reason)
        note(payment, "no_answer", reason, message=message)

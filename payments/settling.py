"""Making our record of a payment agree with Paytm's Transaction Status answer.

Browser callback, webhook, poll and person all end in `settle`; nothing else moves money into
the books. A callback or webhook is only a reason to ask.
"""

import logging
from datetime import datetime

from django.db import transaction

from config import rows
from config.clock import now
from payments import inbox, ledger
from payments.foreign_refunds import record_foreign
from payments.models import Link, Message, Payment
from payments.models.payment import Surplus
from payments.outbox import payment_changed
from payments.paytm import OrderStatus, Outcome
from payments.schedule import MINUTE
from payments.states import ARRIVED, PAYMENT_RANK, UNDECIDED, PaymentState, may_become
from payments.surplus import follow_policy
from payments.timeline import note
from tenants.current import current_tenant

logger = logging.getLogger(__name__)

# Paytm: a transaction token is valid for 15 minutes; a minute for clocks that differ.
TOKEN_LIFE = 15 * MINUTE
GRACE = MINUTE

MEANING = {
    Outcome.FAILURE: PaymentState.FAILED,
    Outcome.PENDING: PaymentState.PENDING,
    Outcome.UNKNOWN: PaymentState.UNKNOWN,
}

# What no judgement needs; read when it is asked for.
NOT_JUDGED = (
    *("answers", "counted_day", "counted_as"),
    *("link__questions", "link__suggestions", "link__methods"),
)
# The payment under its lock, with what is needed to judge an answer about it.
LOCKED = rows.OneRow(
    Payment.objects.select_for_update(of=("self",))
    .select_related("account", "link")
    .defer(*NOT_JUDGED),
    by="pk",
)
# What a status answer decides of a payment; nothing else of the row is written.
DECIDED = (
    *("state", "slot", "paytm_txn_id", "bank_txn_id", "method", "gateway", "bank", "result_code"),
    *("result_message", "received_paise", "paid_at", "surplus", "decided_at"),
)


def settle(payment: Payment, answer: OrderStatus) -> Payment:
    """Apply one status answer, or nothing. Safe to repeat, in any order, from anywhere.

    Takes the row's lock, so no other settlement or refund of this payment runs meanwhile.
    The payment, its timeline, its transfer and the job that tells people are one transaction.
    """
    with transaction.atomic():
        verdict, gist = answer.outcome.value, _gist(answer)
        locked, message = inbox.lock_and_keep(
            LOCKED, payment.pk, Message.Source.STATUS, answer.raw, verdict, gist
        )
        claimed = _claimed_state(locked, answer)
        if claimed and may_become(locked.state, claimed, PAYMENT_RANK):
            _apply(locked, claimed, answer, message)
        if claimed in ARRIVED:
            record_foreign(locked, answer.refunded_paise or 0, message)
    return locked


def _gist(answer: OrderStatus) -> str:
    """What makes an answer the same as an earlier one, although its time stamp differs."""
    return f"{answer.code} {answer.txn_id} {answer.amount_paise} {answer.refunded_paise}"


def _claimed_state(payment: Payment, answer: OrderStatus) -> PaymentState | None:
    """What the answer says this payment is; None when it says nothing yet."""
    if not _is_about(payment, answer):
        logger.error(
            "status answer about something else",
            extra={"order_id": payment.order_id, "payment_id": str(payment.pk)},
        )
        return PaymentState.UNKNOWN
    if answer.outcome is Outcome.SUCCESS:
        return _kind_of_success(payment, answer)
    if answer.outcome is Outcome.NO_RECORD:
        return PaymentState.EXPIRED if _token_is_dead(payment) else None
    return MEANING[answer.outcome]


def _is_about(payment: Payment, answer: OrderStatus) -> bool:
    """A success must name MID, order and INR where stated; a failure may name nothing."""
    names = (answer.mid, answer.order_id)
    ours = (payment.account.mid, payment.order_id)
    if answer.currency not in (None, "INR"):
        return False
    if answer.outcome is Outcome.SUCCESS:
        return names == ours
    return all(name in (None, own) for name, own in zip(names, ours, strict=True))


def _kind_of_success(payment: Payment, answer: OrderStatus) -> PaymentState:
    """Paid, or surplus and why. What it was called once, it stays."""
    if payment.state in ARRIVED:
        return PaymentState(payment.state)
    payment.paid_at = answer.paid_at or now()
    payment.surplus = _why_surplus(payment, answer)
    return PaymentState.SURPLUS if payment.surplus else PaymentState.PAID


def _why_surplus(payment: Payment, answer: OrderStatus) -> Surplus:
    """Why nobody asked for this money; NONE where it is good, which takes a slot of the link."""
    link, moment = payment.link, payment.paid_at
    if answer.amount_paise != payment.amount_paise:
        return Surplus.AMOUNT
    if _is_later(moment, link.expires_at):
        return Surplus.EXPIRED
    if _is_later(moment, link.disabled_at):
        return Surplus.DISABLED
    if link.max_payments is not None and not _take_slot(payment):
        return Surplus.TAKEN
    return Surplus.NONE


def _is_later(moment: datetime | None, end: datetime | None) -> bool:
    """A minute's grace: Paytm's clock and ours are two."""
    return moment is not None and end is not None and moment > end + GRACE


def _take_slot(payment: Payment) -> bool:
    # Payment before link is the one order of locks. No key share: attempts may be inserted.
    link = Link.objects.select_for_update(no_key=True).get(pk=payment.link_id)
    of = link.max_payments  # as it is now: somebody may have changed it this moment
    if of is None:
        return True
    attempts = Payment.objects.filter(link=payment.link_id)
    taken = set(attempts.exclude(slot=None).values_list("slot", flat=True))
    payment.slot = next((n for n in range(1, of + 1) if n not in taken), None)
    return payment.slot is not None


def _token_is_dead(payment: Payment) -> bool:
    until = payment.paytm_token_until or payment.created_at + TOKEN_LIFE
    return until + GRACE < now()


def _apply(payment: Payment, state: PaymentState, answer: OrderStatus, message: Message) -> None:
    payment.state = state
    payment.result_code, payment.result_message = answer.code[:64], answer.message[:500]
    payment.paytm_txn_id = (answer.txn_id or "")[:64]
    payment.bank_txn_id = (answer.bank_txn_id or "")[:64]
    payment.method = answer.method or ""
    payment.gateway = (answer.gateway or "")[:40]
    payment.bank = (answer.bank or "")[:60]
    payment.decided_at = None if state in UNDECIDED else now()
    payment.received_paise = (answer.amount_paise or 0) if state in ARRIVED else 0
    with rows.one_trip():
        rows.update(payment, *DECIDED)
        _book(payment, state)
        note(payment, "status", f"{answer.code} {answer.message}".strip(), message=message)
        _tell(payment, state)


def _book(payment: Payment, state: PaymentState) -> None:
    if state == PaymentState.PAID:
        ledger.book_sale(payment, payment.received_paise)
    if state == PaymentState.SURPLUS:
        ledger.book_surplus(payment, payment.received_paise)


def _tell(payment: Payment, state: PaymentState) -> None:
    if state in (*ARRIVED, PaymentState.FAILED):
        payment_changed.enqueue(current_tenant().pk, payment_id=str(payment.pk), state=state)
    if state == PaymentState.SURPLUS and payment.link.surplus_policy != Link.SurplusPolicy.ASK:
        follow_policy.enqueue(current_tenant().pk, payment_id=str(payment.pk))

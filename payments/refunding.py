"""Sending money back: reserved under a lock first, then asked of Paytm until it is final.

A refund keeps its reference id for ever, so asking again cannot refund twice. Once a request
may have reached Paytm only refund status can say that it failed (Paytm: refunds). One above the
merchant's limit is reserved as any other, and is not sent before payments.approving lets it go.
"""

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from config import metrics
from config.clock import now
from merchants import audit
from merchants.sealing import CannotOpen
from payments import inbox, ledger
from payments.clients import client_for
from payments.crediting import named_day
from payments.models import Message, Payment, Refund
from payments.money import MIN_PAISE
from payments.outbox import refund_changed, refund_given_up, refund_held
from payments.paytm import Client, Open, PaytmError, RefundAnswer, RefundOutcome, RefundStatus
from payments.refund_limits import held_above
from payments.schedule import after_breaker, next_ask, next_try
from payments.states import (
    REFUND_MAY_LEAVE,
    REFUND_RANK,
    REFUND_UNDECIDED,
    RefundState,
    may_become,
)
from payments.timeline import note
from tenants.current import current_tenant
from tenants.jobs import MONEY, job
from tenants.models import User

logger = logging.getLogger(__name__)

# Paytm: an order older than one year cannot be refunded.
OLDEST = timedelta(days=365)
NO_BALANCE = "620"
GIVEN_UP, OVERTAKEN = "given_up", "overtaken"
# What was said of a refund holds for its retry: who approved it is not asked again.
KEPT_BY_A_RETRY = (
    *("reason", "comment", "asked_by_id", "asked_by_name", "held_above_paise"),
    *("judged_by_id", "judged_by_name", "judged_at", "judgement"),
)
# A request that has not arrived after this long never will.
REQUEST_LIFE = timedelta(hours=1)

MEANING = {
    RefundOutcome.ACCEPTED: RefundState.ACCEPTED,
    RefundOutcome.DONE: RefundState.DONE,
    RefundOutcome.FAILED: RefundState.FAILED,
}


class NotRefundable(Exception):
    """This payment cannot be refunded (now). `reason` is a word for the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooMuch(Exception):
    """More than what is left. `left_paise` is what may still be refunded."""

    def __init__(self, left_paise: int) -> None:
        super().__init__(left_paise)
        self.left_paise = left_paise


class OtherBody(Exception):
    """The same form key came with another amount (422)."""


def ask_refund(
    payment: Payment,
    amount_paise: int,
    reason: str,
    by: User | None,
    request_key: str,
    comment: str = "",
) -> Refund:
    """Reserve the money and have it sent back; above the merchant's limit a second person must
    approve first, and the refund is *held*. The same form sent twice is one refund.

    `by` None: the link's rule for surplus asks, which no limit of a person's holds.

    Raises NotRefundable, TooMuch and OtherBody, and refund_limits' AboveCeiling, NoRight and
    NobodyToAsk; then nothing was written.
    """
    try:
        with transaction.atomic():
            locked = Payment.objects.select_for_update().get(pk=payment.pk)
            earlier = locked.refunds.filter(request_key=request_key).first()
            if earlier:
                return _same_form(earlier, amount_paise)
            _check(locked, amount_paise)
            limit = held_above(locked, amount_paise, by) if by else None
            return _reserve(locked, amount_paise, reason, by, request_key, comment, limit)
    except IntegrityError as error:
        raise NotRefundable("under_way") from error


def _same_form(earlier: Refund, amount_paise: int) -> Refund:
    if earlier.amount_paise != amount_paise:
        raise OtherBody
    return earlier


def _check(payment: Payment, amount_paise: int) -> None:
    if not payment.has_arrived:
        raise NotRefundable("not_paid")
    if payment.refunds.filter(state__in=REFUND_UNDECIDED).exists():
        raise NotRefundable("under_way")
    if payment.created_at < now() - OLDEST:
        raise NotRefundable("too_old")
    left = payment.refundable_paise
    if amount_paise > left:
        raise TooMuch(left)
    # Paytm: a partial refund is at least one rupee (635); so must be what is left for another.
    if 0 < left - amount_paise < MIN_PAISE:
        raise NotRefundable("rest_too_small")
    if amount_paise <= 0 or (amount_paise < MIN_PAISE and amount_paise != payment.received_paise):
        raise NotRefundable("too_small")


def _reserve(
    payment: Payment,
    amount_paise: int,
    reason: str,
    by: User | None,
    request_key: str,
    comment: str = "",
    limit: int | None = None,
) -> Refund:
    refund = Refund(
        amount_paise=amount_paise,
        state=RefundState.REQUESTED if limit is None else RefundState.HELD,
        held_above_paise=limit,
        reason=reason,
        comment=comment,
        request_key=request_key,
        origin=Refund.Origin.PERSON if by else Refund.Origin.POLICY,
        asked_by_id=by.pk if by else None,
        asked_by_name=str(by)[:80] if by else "",
    )
    _hold(payment, refund, now() if limit is None else None)
    words = " · ".join(filter(None, (reason, comment)))
    note(payment, "refund_requested" if limit is None else "refund_held", words,
         refund=refund, by=by)  # fmt: skip
    if by:
        _record(refund, by)
    if limit is not None:
        refund_held.enqueue(current_tenant().pk, refund_id=str(refund.pk))
    return refund


def _record(refund: Refund, by: User) -> None:
    act = "refund.held" if refund.state == RefundState.HELD else "refund.asked"
    facts: audit.Facts = {"amount_paise": refund.amount_paise, "reason": refund.reason}
    audit.record(by, act, f"{refund.ref_id} {refund.payment.order_id}", after=facts, of=refund)


def _hold(payment: Payment, refund: Refund, at: datetime | None) -> None:
    """Reserve a new refund's money, under the payment's lock, and have it sent at this time; None:
    not before somebody approves."""
    payment.reserved_paise += refund.amount_paise
    payment.save(update_fields=["reserved_paise"])
    refund.live, refund.payment, refund.next_ask_at = payment.live, payment, at
    refund.save(force_insert=True)
    if at:
        _push_at(refund, at)


def let_go(refund: Refund) -> None:
    """Have a refund that was held, and is not any more, sent now: under the payment's lock."""
    refund.next_ask_at = now()
    refund.save()
    _push_at(refund, refund.next_ask_at)


def release(payment: Payment, refund: Refund) -> None:
    """Free the money of a refund that never left and never will, under the payment's lock. Its
    state says why."""
    refund.decided_at, refund.next_ask_at = now(), None
    refund.save()
    payment.reserved_paise -= refund.amount_paise
    payment.save(update_fields=["reserved_paise"])


def ask_refund_soon(refund: Refund) -> None:
    """Have a worker carry the refund one step on now."""
    push_refund.enqueue(current_tenant().pk, refund_id=str(refund.pk), key=f"refund:{refund.pk}")


@job(lane=MONEY)
def push_refund(refund_id: str) -> None:
    """One step of a refund: send it, or ask what became of it; then write the next step."""
    refund = Refund.objects.select_related("payment__account").get(pk=refund_id)
    if refund.state in REFUND_MAY_LEAVE:
        try:
            _speak(refund)
        except Open as error:
            _ask_at(refund, after_breaker(error))
            return
        except (PaytmError, CannotOpen) as error:
            _no_answer(refund, error)
    _ask_later(refund)


def _speak(refund: Refund) -> None:
    """Send what never left; else ask status, and send again only what Paytm has no record of."""
    with client_for(refund.payment.account) as client:
        client.breaker.check()  # before it counts as sent
        if _mark_sent(refund):
            settle_refund(refund, _apply_for(client, refund))
            return
        status = client.refund_status(order_id=refund.payment.order_id, ref_id=refund.ref_id)
        settled = settle_refund(refund, status)
        # Once a repeat was refused it is not sent again: an hour without a record decides.
        unknown = status.outcome is RefundOutcome.NO_RECORD and not settled.refusal
        if unknown and settled.state == RefundState.SENT:
            _repeat(client, refund)


def _mark_sent(refund: Refund) -> bool:
    """Commit that a request may be on its way, before it is. True for the first to do so."""
    waiting = Refund.objects.filter(pk=refund.pk, state=RefundState.REQUESTED)
    moment = now()
    return bool(
        waiting.update(state=RefundState.SENT, sends=1, sent_at=moment, first_sent_at=moment)
    )


def _repeat(client: Client, refund: Refund) -> None:
    """Send again under the same reference. The answer to a repeat is never final (Paytm:
    "already raised", 617), so a refusal is only remembered, for status to confirm.

    Counted before it is sent, and not sent when a refusal was settled meanwhile: the row lock
    makes one of the two come first.
    """
    sent = Refund.objects.filter(pk=refund.pk, state=RefundState.SENT)
    if not sent.update(sends=F("sends") + 1, sent_at=now(), refusal="", refusal_words=""):
        return
    refund.refresh_from_db(fields=["sends"])
    answer = _apply_for(client, refund)
    inbox.keep(refund.payment, Message.Source.REFUND, answer.raw, "repeat")
    if answer.outcome is RefundOutcome.REFUSED:
        # Of this very request; one that was sent meanwhile has an answer of its own.
        sent.filter(sends=refund.sends).update(
            refusal=answer.code[:64], refusal_words=answer.message[:500]
        )


def _apply_for(client: Client, refund: Refund) -> RefundAnswer:
    return client.refund(
        order_id=refund.payment.order_id,
        txn_id=refund.payment.paytm_txn_id,
        ref_id=refund.ref_id,
        amount_paise=refund.amount_paise,
    )


def settle_refund(refund: Refund, answer: RefundAnswer | RefundStatus) -> Refund:
    """Apply one refund answer, or nothing. Safe to repeat, in any order.

    A failure gives the money back to refundable; success books it, once.
    """
    metrics.paytm_calls.labels("refund", answer.outcome.value).inc()
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=refund.payment_id)
        locked = Refund.objects.select_for_update().get(pk=refund.pk)
        locked.payment = payment
        message, _ = inbox.keep(payment, Message.Source.REFUND, answer.raw, answer.outcome.value)
        state = _claimed_state(locked, answer)
        if state and may_become(locked.state, state, REFUND_RANK):
            _apply(locked, state, answer, message)
    return locked


def _claimed_state(refund: Refund, answer: RefundAnswer | RefundStatus) -> str | None:
    """What the answer says this refund is; None when it says nothing, or may not say it."""
    if not _is_about(refund, answer):
        return None
    if answer.outcome is RefundOutcome.REFUSED:
        # Of the one request there ever was; after a repeat Paytm may have taken the other.
        only_one = refund.sends == 1 and refund.state == RefundState.SENT
        return RefundState.FAILED if only_one else None
    if answer.outcome is RefundOutcome.NO_RECORD:
        return RefundState.FAILED if _was_never_taken(refund) else None
    return MEANING.get(answer.outcome)


def _was_never_taken(refund: Refund) -> bool:
    """Whether the last request was refused, and none can arrive any more."""
    old = refund.sent_at is not None and refund.sent_at < now() - REQUEST_LIFE
    return bool(refund.refusal) and old


def _is_about(refund: Refund, answer: RefundAnswer | RefundStatus) -> bool:
    """Nothing in the answer contradicts what we asked, and a success names all of it."""
    said = (answer.order_id, answer.ref_id, answer.amount_paise)
    ours = (refund.payment.order_id, refund.ref_id, refund.amount_paise)
    if answer.outcome is RefundOutcome.DONE:
        right = said == ours
    else:
        right = all(one in (None, own) for one, own in zip(said, ours, strict=True))
    if not right:
        logger.error("refund answer about something else", extra={"refund_id": str(refund.pk)})
    return right


def _apply(
    refund: Refund, state: str, answer: RefundAnswer | RefundStatus, message: Message
) -> None:
    payment = refund.payment
    refund.state = state
    _remember_why(refund, answer)
    refund.paytm_refund_id = (answer.refund_id or refund.paytm_refund_id)[:64]
    if state in (RefundState.DONE, RefundState.FAILED):
        refund.decided_at = now()
        payment.reserved_paise -= refund.amount_paise
    if state == RefundState.DONE:
        payment.refunded_paise += refund.amount_paise
        refund.bank_reference = (answer.rrn or "")[:64]
        refund.arn = (answer.arn or "")[:64]
        refund.credit_on = named_day(answer.credit_expected)
        ledger.book_refund(refund)
    payment.save(update_fields=["reserved_paise", "refunded_paise"])
    refund.save()
    note(payment, "refund", f"{answer.code} {answer.message}", message=message, refund=refund)
    if state == RefundState.FAILED and refund.result_code == NO_BALANCE:
        _try_later(refund)
    if refund.decided_at:
        refund_changed.enqueue(current_tenant().pk, refund_id=str(refund.pk))


def _remember_why(refund: Refund, answer: RefundAnswer | RefundStatus) -> None:
    """The refusal of a repeat is the reason only where Paytm then has no record of any."""
    refund.result_code, refund.result_message = answer.code[:64], answer.message[:500]
    if answer.outcome is RefundOutcome.NO_RECORD:
        refund.result_code, refund.result_message = refund.refusal, refund.refusal_words
    else:
        refund.refusal = refund.refusal_words = ""


def _try_later(refund: Refund) -> None:
    """Hold the money once more when Paytm had too little of the merchant's to send it back.

    A new request under a new reference, for Paytm never took the refused one (Paytm: refunds).
    """
    at = next_try(_tries_before(refund))
    if at is None:
        return
    retry = Refund(
        retry_of=refund,
        amount_paise=refund.amount_paise,
        origin=refund.origin,
        **{name: getattr(refund, name) for name in KEPT_BY_A_RETRY},
    )
    _hold(refund.payment, retry, at)
    note(refund.payment, "refund_waits", refund=retry)


def _tries_before(refund: Refund) -> int:
    tries = 0
    while refund.retry_of is not None:
        refund, tries = refund.retry_of, tries + 1
    return tries


def try_now(refund: Refund) -> None:
    """Send a refund that waits for balance at once, whenever it was to be tried again."""
    waiting = Refund.objects.filter(pk=refund.pk, state=RefundState.REQUESTED)
    if waiting.update(next_ask_at=now()):
        ask_refund_soon(refund)


def give_up(refund: Refund, by: User) -> Refund:
    """Stop trying a refund that waits for balance: its money is free to refund again.

    Only one that has not left can be stopped; another is returned as it is.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=refund.payment_id)
        locked = Refund.objects.select_for_update().get(pk=refund.pk)
        if locked.waits_for_balance:
            _stop(payment, locked, GIVEN_UP)
            note(payment, "refund_given_up", refund=locked, by=by)
            refund_given_up.enqueue(current_tenant().pk, refund_id=str(locked.pk))
    return locked


def stop_waiting(payment: Payment) -> None:
    """Stop what waits for balance or for a second person, under the payment's lock: Paytm gave
    money back without us, and whether ours is still wanted is for a person to say."""
    waits = Q(state=RefundState.REQUESTED, retry_of__isnull=False) | Q(state=RefundState.HELD)
    for refund in payment.refunds.select_for_update(of=("self",)).filter(waits):
        was_held = refund.state == RefundState.HELD
        _stop(payment, refund, OVERTAKEN, RefundState.WITHDRAWN if was_held else RefundState.FAILED)
        note(payment, "refund_overtaken", refund=refund)
        if not was_held:  # nobody outside the team was told of a held one
            refund_changed.enqueue(current_tenant().pk, refund_id=str(refund.pk))


def _stop(
    payment: Payment, refund: Refund, why: str, state: RefundState = RefundState.FAILED
) -> None:
    refund.state, refund.result_code = state, why
    release(payment, refund)


def _no_answer(refund: Refund, error: PaytmError | CannotOpen) -> None:
    """Nothing is known to have happened. The next step asks refund status first, which costs
    one call where the request never left, and cannot refund twice where it did."""
    reason = type(error).__name__.lower()
    metrics.paytm_calls.labels("refund", reason).inc()
    logger.warning("no refund answer", extra={"refund_id": str(refund.pk), "reason": reason})
    refund.refresh_from_db(fields=["state"])
    payment, raw = refund.payment, getattr(error, "raw", "")
    with transaction.atomic():
        Payment.objects.select_for_update().get(pk=payment.pk)
        message = inbox.keep_unusable(payment, Message.Source.REFUND, raw, reason)
        note(payment, "refund_no_answer", reason, message=message, refund=refund)


def _ask_later(refund: Refund) -> None:
    refund.refresh_from_db(fields=["state", "first_sent_at", "judged_at"])
    undecided = refund.state in REFUND_MAY_LEAVE
    # A refund is never given up on: after the schedule it is asked about daily.
    begun = refund.first_sent_at or refund.judged_at or refund.created_at
    at = (next_ask(begun) or now() + timedelta(days=1)) if undecided else None
    _ask_at(refund, at)


def _ask_at(refund: Refund, at: datetime | None) -> None:
    Refund.objects.filter(pk=refund.pk).update(next_ask_at=at)
    if at:
        _push_at(refund, at)


def _push_at(refund: Refund, at: datetime) -> None:
    push_refund.enqueue(
        current_tenant().pk, at=at, refund_id=str(refund.pk), key=f"refund:{refund.pk}"
    )

"""Refunds that somebody made in Paytm's own dashboard: discovered from order status.

Paytm states how much of an order was given back in all. What is more than our own refunds is
recorded as one of theirs, so that the books and what may still be refunded stay true.
"""

import logging

from config.clock import now
from payments import ledger
from payments.models import Message, Payment, Refund
from payments.models.payment import unguessable
from payments.outbox import refund_changed
from payments.refunding import stop_waiting
from payments.states import RefundState
from payments.timeline import note
from tenants.current import current_tenant

logger = logging.getLogger(__name__)

ON_ITS_WAY = (RefundState.SENT, RefundState.ACCEPTED)


def record_foreign(payment: Payment, stated_paise: int, message: Message) -> Refund | None:
    """Record what Paytm gave back beyond our own refunds, under the payment's lock.

    While one of ours is on its way its money may or may not be in Paytm's sum: then nothing is
    recorded; Paytm is asked again once ours is final. One that only waits for balance never left,
    and is stopped: somebody was quicker. More than there is to give back is no refund that we can
    book: it is logged and noted for a person.
    """
    extra = stated_paise - payment.refunded_paise
    if extra <= 0 or payment.refunds.filter(state__in=ON_ITS_WAY).exists():
        return None
    stop_waiting(payment)
    if extra > payment.refundable_paise:
        logger.error("Paytm gave back more than arrived", extra={"order_id": payment.order_id})
        note(payment, "refund_conflict", str(extra), message=message)
        return None
    return _record(payment, extra, message)


def _record(payment: Payment, paise: int, message: Message) -> Refund:
    payment.refunded_paise += paise
    payment.save(update_fields=["refunded_paise"])
    refund = Refund.objects.create(
        live=payment.live,
        ref_id=unguessable("paytm_"),
        payment=payment,
        amount_paise=paise,
        state=RefundState.DONE,
        origin=Refund.Origin.PAYTM,
        decided_at=now(),
    )
    ledger.book_refund(refund)
    note(payment, "refund_discovered", message=message, refund=refund)
    refund_changed.enqueue(current_tenant().pk, refund_id=str(refund.pk))
    return refund

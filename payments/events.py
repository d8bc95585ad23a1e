"""What merchants' systems are told: events in JSON, each written once with its deliveries.

`payments.outbox` calls this from the job that every change of money leaves in its own commit.
docs/events.md describes every field; what is there may be added to, never taken away.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from config.clock import now
from merchants.models import Endpoint
from payments import ledger
from payments.delivering import deliver_soon
from payments.models import Delivery, Event, Payment, Refund, Settlement
from payments.models.event import Kind
from payments.states import ARRIVED, PaymentState, RefundState

Facts = Mapping[str, Any]

PAYMENT_KINDS: Final = {
    PaymentState.PAID: Kind.PAYMENT_PAID,
    PaymentState.FAILED: Kind.PAYMENT_FAILED,
    PaymentState.SURPLUS: Kind.PAYMENT_SURPLUS,
}
REFUND_KINDS: Final = {
    RefundState.DONE: Kind.REFUND_DONE,
    RefundState.FAILED: Kind.REFUND_FAILED,
}


def of_payment(payment: Payment, state: str) -> None:
    """It became paid, failed or surplus: in a transaction, and once however often called."""
    data = payment_facts(payment, state)
    _write(PAYMENT_KINDS[PaymentState(state)], str(payment.pk), data, payment)


def of_kept_surplus(payment: Payment) -> None:
    """Its surplus was kept as a sale."""
    _write(Kind.PAYMENT_ACCEPTED, str(payment.pk), payment_facts(payment, payment.state), payment)


def of_refund(refund: Refund) -> None:
    """It is done, or failed for good: one that is tried again has not failed yet."""
    if Refund.objects.filter(retry_of=refund).exists():
        return
    kind = REFUND_KINDS[RefundState(refund.state)]
    _write(kind, str(refund.pk), refund_facts(refund), refund.payment, refund)


def of_settlement(settlement: Settlement) -> None:
    """Paytm's payout came."""
    data = settlement_facts(settlement)
    _write(Kind.SETTLEMENT_RECEIVED, str(settlement.pk), data, live=settlement.live)


def send_test(endpoint: Endpoint) -> Delivery:
    """Send a made-up event to this endpoint alone. In a transaction."""
    event = _new(Kind.TEST, str(uuid.uuid4()), {"message": "It works."}, endpoint.live)
    event.save(force_insert=True)
    return _send([endpoint], event)[0]


def payment_facts(payment: Payment, state: str) -> Facts:
    """A payment as events hold it, when it was in this state."""
    arrived = state in ARRIVED
    return {
        "payment_id": str(payment.pk),
        "order_id": payment.order_id,
        "state": state,
        "amount_paise": payment.amount_paise,
        "received_paise": payment.received_paise if arrived else 0,
        "refunded_paise": payment.refunded_paise if arrived else 0,
        "currency": "INR",
        "surplus": payment.surplus if arrived else "",
        "method": payment.method,
        "paytm_txn_id": payment.paytm_txn_id,
        "bank_txn_id": payment.bank_txn_id,
        "result_code": payment.result_code,
        "link": {
            "link_id": str(payment.link_id),
            "description": payment.link.description,
            "reference": payment.link.reference,
        },
        "payer": {
            "name": payment.payer_name,
            "email": payment.payer_email,
            "phone": payment.payer_phone,
        },
        "answers": [[label, "Yes" if each is True else each] for label, each in payment.answers],
        "created_at": moment(payment.created_at),
        "paid_at": moment(payment.paid_at) if arrived else None,
    }


def refund_facts(refund: Refund) -> Facts:
    """A refund as events hold it, with its payment."""
    payment = refund.payment
    return {
        "refund_id": str(refund.pk),
        "ref_id": refund.ref_id,
        "state": refund.state,
        "amount_paise": refund.amount_paise,
        "currency": "INR",
        "origin": refund.origin,
        "paytm_refund_id": refund.paytm_refund_id,
        "bank_reference": refund.bank_reference,
        "arn": refund.arn,
        "reason": refund.reason,
        "result_code": refund.result_code,
        "created_at": moment(refund.created_at),
        "decided_at": moment(refund.decided_at),
        "payment": payment_facts(payment, payment.state),
    }


def settlement_facts(settlement: Settlement) -> Facts:
    """A payout as events hold it: what the books knew of it then."""
    sums = ledger.of_settlement(settlement)
    return {
        "settlement_id": str(settlement.pk),
        "utr": settlement.utr,
        "paid_on": settlement.paid_on.isoformat(),
        "currency": "INR",
        "paid_paise": sums.paid_paise,
        "fees_paise": sums.fees_paise,
        "gst_paise": sums.gst_paise,
        "adjustments_paise": sums.adjustments_paise,
    }


def moment(at: datetime | None) -> str | None:
    """A time as events write it: ISO 8601 in UTC, to the millisecond."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(
    kind: Kind,
    subject: str,
    data: Facts,
    payment: Payment | None = None,
    refund: Refund | None = None,
    live: bool | None = None,
) -> None:
    """The event and its deliveries, unless it is there: the constraint lets in one of a race."""
    world = payment.live if payment else bool(live)
    event = _new(kind, subject, data, world)
    event.payment, event.refund = payment, refund
    Event.objects.bulk_create([event], ignore_conflicts=True)
    if Event.objects.filter(pk=event.pk).exists():
        enabled = Endpoint.objects.filter(live=world, state=Endpoint.State.ENABLED)
        # In one order everywhere: each enqueues a job by a key, which two transactions share.
        _send([each for each in enabled.order_by("pk") if each.wants(kind)], event)


def _new(kind: Kind, subject: str, data: Facts, live: bool) -> Event:
    event = Event(live=live, kind=kind, subject=subject, created_at=now())
    whole = {
        "id": event.message_id,
        "type": str(kind),
        "timestamp": moment(event.created_at),
        "live": live,
        "data": data,
    }
    event.body = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return event


def _send(endpoints: Iterable[Endpoint], event: Event) -> list[Delivery]:
    written = [Delivery(live=event.live, event=event, endpoint=endpoint) for endpoint in endpoints]
    Delivery.objects.bulk_create(written)
    for delivery in written:
        deliver_soon(delivery.endpoint)
    return written

"""Money that nobody asked for: kept as a sale, or sent back as any refund is.

A person decides, or the link's rule does. Until then it is nobody's sale, and all of it that is
neither kept nor on its way back waits in a list.
"""

from django.db import transaction
from django.db.models import F, Q, QuerySet

from config.clock import now
from merchants import audit
from payments import ledger
from payments.folding import fold_soon
from payments.models import Link, Payment
from payments.outbox import surplus_kept
from payments.refunding import NotRefundable, OtherBody, TooMuch, ask_refund
from payments.states import REFUND_UNDECIDED, PaymentState
from payments.timeline import note
from tenants.current import current_tenant
from tenants.jobs import MONEY, job
from tenants.models import User

OPEN = Q(state=PaymentState.SURPLUS, accepted_at=None) & Q(
    received_paise__gt=F("refunded_paise") + F("reserved_paise")
)


class NothingToKeep(Exception):
    """No surplus of this payment is left to decide about."""


class RefundUnderWay(Exception):
    """Some of it is on its way back: whether that was a sale must not change meanwhile."""


def undecided(live: bool) -> QuerySet[Payment]:
    """Payments of this world with surplus that is neither kept nor on its way back."""
    return Payment.objects.filter(OPEN, live=live)


def keep(payment: Payment, by: User | None) -> Payment:
    """Keep what is left of a surplus as a sale; again changes nothing. `by` None: by rule.

    Raises NothingToKeep and RefundUnderWay; then nothing was written.
    """
    with transaction.atomic():
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        if locked.accepted_at:
            return locked
        if locked.refunds.filter(state__in=REFUND_UNDECIDED).exists():
            raise RefundUnderWay
        left = ledger.surplus_of(locked)
        if not locked.wants_decision or left <= 0:
            raise NothingToKeep
        _keep(locked, left, by)
    return locked


def _keep(payment: Payment, paise: int, by: User | None) -> None:
    payment.accepted_at, payment.accepted_by_name = now(), str(by)[:80] if by else ""
    payment.save(update_fields=["accepted_at", "accepted_by_name"])
    ledger.book_accepted(payment, paise)
    fold_soon()
    note(payment, "surplus_kept", by=by)
    surplus_kept.enqueue(current_tenant().pk, payment_id=str(payment.pk))
    if by:
        told = {"amount_paise": paise}
        audit.record(by, "surplus.kept", payment.order_id, after=told, of=payment)


@job(lane=MONEY)
def follow_policy(payment_id: str) -> None:
    """Do with a new surplus what its link's rule says. Where that cannot be done it waits in the
    list, as it does where the rule is to ask."""
    payment = Payment.objects.select_related("link").get(pk=payment_id)
    try:
        if payment.link.surplus_policy == Link.SurplusPolicy.ACCEPT:
            keep(payment, None)
        elif payment.link.surplus_policy == Link.SurplusPolicy.SEND_BACK:
            ask_refund(payment, payment.refundable_paise, "", None, "policy")
    except (NothingToKeep, RefundUnderWay, NotRefundable, TooMuch, OtherBody):
        return  # OtherBody: it was asked for before a crash

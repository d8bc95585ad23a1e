"""Which of our payments and refunds a payout's lines are about: by order id, in the same world
and under the same MID; refunds by Paytm's refund id, else by amount."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db import transaction

from payments import ledger
from payments.discrepancies import review
from payments.folding import fold_soon
from payments.models import Payment, Refund, Settlement, SettlementLine
from payments.states import REFUND_INSIDE, RefundState
from tenants.current import current_tenant
from tenants.jobs import BULK, job

Kind, Match = SettlementLine.Kind, SettlementLine.Match
MARKED = 2_000  # in one go


def match(settlement: Settlement, lines: Iterable[SettlementLine]) -> None:
    """Set match, payment and refund of lines, saved or not, that are not matched yet.

    Under the payout's lock; takes the payments' too, so that of two payouts that name one the
    second sees the first. Payout before payment is the order of these locks.
    """
    lines = [line for line in lines if line.match == Match.NONE]
    payments = {
        payment.order_id: payment
        for payment in Payment.objects.select_for_update(no_key=True, of=("self",))
        .filter(
            live=settlement.live,
            account__mid=settlement.mid,
            account__environment=settlement.account.environment,
            order_id__in={line.order_id for line in lines},
        )
        .order_by("pk")
    }
    settled = _settled([payment.pk for payment in payments.values()])
    refunds = [*_refunds([payment.pk for payment in payments.values()])]
    for line in lines:
        line.payment = payments.get(line.order_id)
        if line.payment and line.kind == Kind.SALE:
            line.match = Match.TWICE if line.payment.pk in settled else Match.MATCHED
            settled.add(line.payment.pk)
        elif line.payment and line.kind == Kind.REFUND:
            line.refund = _take_refund(line, refunds)
            line.match = Match.MATCHED if line.refund else Match.NONE
    _settle(settlement, lines)


def _settle(settlement: Settlement, lines: list[SettlementLine]) -> None:
    """Write the payout's day beside the payments that it settles, for those who look for it."""
    matched = [line for line in lines if line.match == Match.MATCHED and line.kind == Kind.SALE]
    sales = [line.payment_id for line in matched if line.payment_id]
    Payment.objects.filter(pk__in=sales).update(settled_on=settlement.paid_on)


@job(lane=BULK, atomic=True)
def mark_settled(after: int = 0) -> None:
    """Do so for the lines of before that was written down, some at a time."""
    lines = SettlementLine.objects.filter(pk__gt=after, kind=Kind.SALE, match=Match.MATCHED)
    some = [*lines.order_by("pk").values_list("pk", "payment_id", "settlement__paid_on")[:MARKED]]
    days = defaultdict(list)
    for _, payment_id, day in some:
        days[day].append(payment_id)
    own = Payment.objects.filter(pk__in=[payment_id for _, payment_id, _ in some])
    list(own.select_for_update(no_key=True).order_by("pk").values_list("pk"))  # the order of locks
    for day, payments in days.items():
        Payment.objects.filter(pk__in=payments, settled_on=None).update(settled_on=day)
    if some:
        mark_settled.enqueue(current_tenant().pk, after=some[-1][0])


def rematch(payment: Payment) -> None:
    """Look again at payouts that have a question about this payment, for it or a refund of it has
    changed."""
    unknown = SettlementLine.objects.filter(
        order_id=payment.order_id, settlement__live=payment.live, match=Match.NONE
    )
    asked = payment.discrepancies.filter(settlement__isnull=False, resolved_at=None)
    payouts = {
        *unknown.values_list("settlement_id", flat=True),
        *asked.values_list("settlement_id", flat=True),
    }
    for pk in sorted(payouts, key=str):
        with transaction.atomic():
            settlement = (
                Settlement.objects.select_for_update(no_key=True, of=("self",))
                .select_related("account")
                .get(pk=pk)
            )
            _match_later(settlement, payment.order_id)
            review(settlement)
    if payouts:
        fold_soon()


def _match_later(settlement: Settlement, order_id: str) -> None:
    unknown = settlement.lines.filter(order_id=order_id, match=Match.NONE)
    lines = [*unknown.select_related("settlement").order_by("id")]
    match(settlement, lines)
    for line in lines:
        line.save(update_fields=["match", "payment", "refund"])
        if line.match == Match.MATCHED:
            ledger.book_matched_later(line)


def _settled(payments: list[UUID]) -> set[UUID | None]:
    """Payments that a line settles already."""
    lines = SettlementLine.objects.filter(payment__in=payments, kind=Kind.SALE, match=Match.MATCHED)
    return set(lines.values_list("payment_id", flat=True))


class _Room:
    """A refund, and how much of it no line has told of yet."""

    def __init__(self, refund: Refund) -> None:
        self.refund = refund
        told = refund.settled_lines.all()
        self.paise = refund.amount_paise + sum(line.gross_paise for line in told)
        self.ids = {refund.paytm_refund_id, refund.ref_id} - {""}


def _refunds(payments: list[UUID]) -> Iterator[_Room]:
    never_left = (RefundState.FAILED, *REFUND_INSIDE)
    refunds = Refund.objects.filter(payment__in=payments).exclude(state__in=never_left)
    for refund in refunds.prefetch_related("settled_lines").order_by("created_at", "pk"):
        yield _Room(refund)


def _take_refund(line: SettlementLine, rooms: list[_Room]) -> Refund | None:
    """The refund of this id with room; else one whose id at Paytm we do not know, by amount."""
    own = [room for room in rooms if room.refund.payment_id == line.payment_id and room.paise > 0]
    asked = -line.gross_paise
    fitting = (
        *(room for room in own if line.txn_id in room.ids),
        *(room for room in own if _is_anonymous(room, line) and room.paise == asked),
        *(room for room in own if _is_discovered(room) and room.paise > asked),
    )
    for room in fitting[:1]:
        room.paise -= asked
        return room.refund
    return None


def _is_anonymous(room: _Room, line: SettlementLine) -> bool:
    return not line.txn_id or not room.refund.paytm_refund_id


def _is_discovered(room: _Room) -> bool:
    """Paytm tells order status only the sum, so several of its refunds may be one of ours."""
    return room.refund.origin == Refund.Origin.PAYTM

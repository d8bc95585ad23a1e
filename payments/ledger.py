"""Booking money: every transfer is written here, inside the caller's transaction."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce

from config import rows
from payments.models import Payment, Refund, Settlement, SettlementLine, Transfer
from payments.models.ledger import Account
from payments.states import RefundState
from tenants.current import today


@dataclass(frozen=True)
class SettlementSums:
    """What the books hold of one payout, in signed paise. `paid_paise` arrived at the bank."""

    fees_paise: int
    gst_paise: int
    adjustments_paise: int
    paid_paise: int


def book_sale(payment: Payment, paise: int) -> None:
    """The payer's money counts as the merchant's sale; Paytm owes it."""
    _book(payment, debit=Account.RECEIVABLE, credit=Account.SALES, paise=paise)


def book_surplus(payment: Payment, paise: int) -> None:
    """Money arrived that nobody asked for: Paytm owes it, the merchant must decide."""
    _book(payment, debit=Account.RECEIVABLE, credit=Account.SURPLUS, paise=paise)


def book_accepted(payment: Payment, paise: int) -> None:
    """The merchant keeps what is left of a surplus: it is a sale from now on."""
    _book(payment, debit=Account.SURPLUS, credit=Account.SALES, paise=paise)


def book_refund(refund: Refund) -> None:
    """The money is on its way back, and Paytm owes that much less. What never was a sale goes
    back out of the surplus."""
    payment = refund.payment
    _book(
        payment,
        debit=Account.REFUNDS if payment.counts_as_sale else Account.SURPLUS,
        credit=Account.RECEIVABLE,
        paise=refund.amount_paise,
        refund=refund,
    )


def received(payment: Payment) -> int:
    """Paise of this payment that arrived, as the books hold it; what was asked before that."""
    return received_of([payment.pk]).get(payment.pk, payment.amount_paise)


def received_of(payments: Collection[UUID]) -> dict[UUID, int]:
    """Paise that arrived of each of these payments that brought money, by id, in one query.

    Whatever stands on sales or surplus but for refunds; that a surplus became a sale moves
    nothing.
    """
    arrived = (Account.SALES, Account.SURPLUS)
    credited = Case(When(credit__in=arrived, then="paise"), default=0)
    debited = Case(When(debit__in=arrived, then="paise"), default=0)
    own = Transfer.objects.filter(payment__in=payments, refund=None)
    own = own.filter(Q(credit__in=arrived) | Q(debit__in=arrived))
    return dict(own.values_list("payment").annotate(paise=Sum(credited - debited)))


def given_back(refunds: QuerySet[Refund]) -> int:
    """Paise that the books hold as given back by these refunds: what is done was booked, and what
    reverses a booking stands in an index of its own."""
    booked = refunds.filter(state=RefundState.DONE).aggregate(paise=Sum("amount_paise", default=0))
    later = Transfer.objects.filter(reverses__isnull=False, refund__in=refunds.values("pk"))
    return int(booked["paise"] - later.aggregate(paise=_net(Account.RECEIVABLE))["paise"])


def given_back_of_each() -> Any:
    """The same of each refund of a query that is annotated with it."""
    booked = Transfer.objects.filter(refund=OuterRef("pk")).order_by().values("refund")
    held = booked.annotate(held=_net(Account.RECEIVABLE)).values("held")
    return -Coalesce(Subquery(held), 0)


def surplus_of(payment: Payment) -> int:
    """Paise of this payment that stand on surplus: neither kept nor given back."""
    own = payment.transfers.all()
    gone = own.filter(debit=Account.SURPLUS).aggregate(paise=Sum("paise", default=0))["paise"]
    came = own.filter(credit=Account.SURPLUS).aggregate(paise=Sum("paise", default=0))["paise"]
    return int(came - gone)


def book_lines(lines: Iterable[SettlementLine]) -> None:
    """Book a payout's new lines: of a matched one Paytm's fee and the GST on it, which Paytm owes
    no more; every other as an adjustment, for its money is part of the payout."""
    transfers = (t for line in lines for t in (_fees(line) if _is_known(line) else _other(line)))
    Transfer.objects.bulk_create(transfers)


def book_matched_later(line: SettlementLine) -> None:
    """A line turned out to be known after all: its adjustment is reversed, its fees are booked."""
    for transfer in Transfer.objects.filter(settlement_line=line, reverses=None):
        _reverse(transfer)
    book_lines([line])


def book_paid_out(settlement: Settlement, paise: int) -> None:
    """The payout arrived at the bank, and Paytm owes that much less; less than nothing goes the
    other way. The same amount again books nothing, another reverses what was booked before."""
    booked = settlement.transfers.filter(settlement_line=None, reverses=None)
    last = booked.order_by("-turn").first()
    if last is not None:
        if paise == (last.paise if last.debit == Account.BANK else -last.paise):
            return
        if not Transfer.objects.filter(reverses=last).exists():
            _reverse(last)
    for transfer in _signed(settlement, Account.BANK, Account.RECEIVABLE, paise):
        transfer.turn = last.turn + 1 if last else 0
        transfer.save()


def of_settlement(settlement: Settlement) -> SettlementSums:
    """What the books hold of this payout."""
    sums = settlement.transfers.aggregate(
        fees_paise=_net(Account.FEES),
        gst_paise=_net(Account.GST),
        adjustments_paise=-_net(Account.ADJUSTMENTS),
        paid_paise=_net(Account.BANK),
    )
    return SettlementSums(**sums)


def paid_out(settlements: Collection[UUID]) -> dict[UUID, int]:
    """Paise that arrived at the bank of each of these payouts, by id, in one query."""
    own = Transfer.objects.filter(_OF_PAYOUTS, settlement__in=settlements)
    return dict(own.values_list("settlement").annotate(paise=_net(Account.BANK)))


def paid_out_in_all(settlements: QuerySet[Settlement]) -> int:
    """Paise that arrived at the bank of all these payouts together."""
    own = Transfer.objects.filter(_OF_PAYOUTS, settlement__in=settlements)
    return int(own.aggregate(paise=_net(Account.BANK))["paise"])


# A payout's own transfers, in the words of two indexes: its lines have ten thousand times as many.
_IS_OF_PAYOUT = Q(settlement__isnull=False, settlement_line=None)
_OF_PAYOUTS = _IS_OF_PAYOUT & Q(reverses=None) | _IS_OF_PAYOUT & Q(reverses__isnull=False)


def fees_of(payment: Payment) -> tuple[int, int]:
    """Paytm's fee for this payment and the GST on it, in paise."""
    sums = payment.transfers.aggregate(fee=_net(Account.FEES), gst=_net(Account.GST))
    return sums["fee"], sums["gst"]


def _book(
    payment: Payment, *, debit: Account, credit: Account, paise: int, refund: Refund | None = None
) -> None:
    transfer = Transfer(
        live=payment.live,
        day=today(),
        payment=payment,
        refund=refund,
        debit=debit,
        credit=credit,
        paise=paise,
        method=payment.method,
    )
    rows.insert(transfer)


def _net(account: Account) -> Any:
    """What stands on an account in all: debits less credits."""
    debited, credited = Case(When(debit=account, then="paise")), When(credit=account, then="paise")
    return Coalesce(Sum(debited), 0) - Coalesce(Sum(Case(credited)), 0)


def _is_known(line: SettlementLine) -> bool:
    return line.match == SettlementLine.Match.MATCHED


def _fees(line: SettlementLine) -> Iterator[Transfer]:
    yield from _signed(
        line.settlement, Account.FEES, Account.RECEIVABLE, line.commission_paise, line
    )
    yield from _signed(line.settlement, Account.GST, Account.RECEIVABLE, line.gst_paise, line)


def _other(line: SettlementLine) -> Iterator[Transfer]:
    yield from _signed(
        line.settlement, Account.RECEIVABLE, Account.ADJUSTMENTS, line.settled_paise, line
    )


def _signed(
    settlement: Settlement,
    debit: Account,
    credit: Account,
    paise: int,
    line: SettlementLine | None = None,
) -> Iterator[Transfer]:
    """The transfer of so many paise, the other way round where they are less than nothing."""
    if paise < 0:
        debit, credit = credit, debit
    payment = line.payment if line else None
    if paise:
        yield Transfer(
            live=settlement.live,
            day=today(),
            payment=payment,
            settlement=settlement,
            settlement_line=line,
            debit=debit,
            credit=credit,
            paise=abs(paise),
            method=payment.method if payment else "",
        )


def _reverse(transfer: Transfer) -> None:
    Transfer.objects.create(
        live=transfer.live,
        day=today(),
        payment_id=transfer.payment_id,
        settlement_id=transfer.settlement_id,
        settlement_line_id=transfer.settlement_line_id,
        debit=transfer.credit,
        credit=transfer.debit,
        paise=transfer.paise,
        method=transfer.method,
        reverses=transfer,
    )

"""Booking money: every transfer is written here, inside the caller's transaction."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Case, Q, Sum, When

from payments.models import Payment, Refund, Transfer
from payments.models.ledger import Account
from tenants.current import today


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


def surplus_of(payment: Payment) -> int:
    """Paise of this payment that stand on surplus: neither kept nor given back."""
    own = payment.transfers.all()
    gone = own.filter(debit=Account.SURPLUS).aggregate(paise=Sum("paise", default=0))["paise"]
    came = own.filter(credit=Account.SURPLUS).aggregate(paise=Sum("paise", default=0))["paise"]
    return int(came - gone)


def _book(
    payment: Payment, *, debit: Account, credit: Account, paise: int, refund: Refund | None = None
) -> None:
    Transfer.objects.create(
        live=payment.live,
        day=today(),
        payment=payment,
        refund=refund,
        debit=debit,
        credit=credit,
        paise=paise,
        method=payment.method,
    )

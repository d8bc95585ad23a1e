"""Booking money: every transfer is written here, inside the caller's transaction."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Case, F, Q, Sum, When

from payments.models import Payment, Refund, Transfer
from payments.models.ledger import Account
from payments.states import PaymentState
from tenants.current import today


def book_sale(payment: Payment, paise: int) -> None:
    """The payer's money counts as the merchant's sale; Paytm owes it."""
    _book(payment, None, debit=Account.RECEIVABLE, credit=Account.SALES, paise=paise)


def book_surplus(payment: Payment, paise: int) -> None:
    """Money arrived that nobody asked for: Paytm owes it, the merchant must decide."""
    _book(payment, None, debit=Account.RECEIVABLE, credit=Account.SURPLUS, paise=paise)


def book_refund(refund: Refund) -> None:
    """The money is on its way back, and Paytm owes that much less."""
    _book(
        refund.payment,
        refund,
        debit=Account.REFUNDS,
        credit=Account.RECEIVABLE,
        paise=refund.amount_paise,
    )


def received(payment: Payment) -> int:
    """Paise that arrived: the amount asked, or what the books hold of a surplus payment."""
    if payment.state != PaymentState.SURPLUS:
        return payment.amount_paise
    return surplus_of([payment.pk]).get(payment.pk, 0)


def surplus_of(payments: Collection[UUID]) -> dict[UUID, int]:
    """Paise of surplus that the books hold of each of these payments, by id, in one query."""
    held = (
        Transfer.objects.filter(payment__in=payments)
        .filter(Q(credit=Account.SURPLUS) | Q(debit=Account.SURPLUS))
        .values_list("payment")
        .annotate(paise=Sum(Case(When(credit=Account.SURPLUS, then="paise"), default=-F("paise"))))
    )
    return dict(held)


def _book(
    payment: Payment, refund: Refund | None, *, debit: Account, credit: Account, paise: int
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

"""What follows a change of money: one job, written in its commit, fans out from here.

The commit itself appends that one row and touches nothing that two payments share. So this row
is the outbox entry of the event that the merchant's systems are sent.
"""

from payments import events, receipting, searching
from payments.folding import fold_soon
from payments.models import Payment, Refund, Settlement
from payments.settlement_matching import rematch
from payments.states import ARRIVED
from payments.telling import tell_approvers, tell_of_rejection, tell_payment, tell_refund
from payments.telling_payers import mail_receipt, tell_payer_of_refund
from tenants.jobs import MAIL, job


@job(lane=MAIL, atomic=True)
def payment_changed(payment_id: str, state: str) -> None:
    """A payment became `state`: write down what it is found by, fold the figures, tell the team
    and the merchant's systems, and once it has arrived number its receipt and mail it to the
    payer; once for each state."""
    payment = _payment(payment_id)
    searching.write(payment.pk)
    events.of_payment(payment, state)
    tell_payment(payment, state)
    rematch(payment)
    fold_soon()
    if state in ARRIVED:
        mail_receipt(payment, receipting.number(payment))  # last: others wait for the numbering


@job(lane=MAIL, atomic=True)
def surplus_kept(payment_id: str) -> None:
    """A surplus was kept as a sale: tell the merchant's systems, once."""
    events.of_kept_surplus(_payment(payment_id))


@job(lane=MAIL, atomic=True)
def refund_changed(refund_id: str) -> None:
    """A refund became done or failed: fold the figures, tell the team, the merchant's systems and
    of a done one the payer, and ask what Paytm says was given back in all, now that ours is no
    longer in doubt; once."""
    from payments.asking import ask_what_was_given_back  # late: asking stands on this module

    refund = _refund(refund_id)
    events.of_refund(refund)
    tell_refund(refund)
    tell_payer_of_refund(refund)
    rematch(refund.payment)
    fold_soon()
    if refund.origin != Refund.Origin.PAYTM:
        ask_what_was_given_back(refund.payment)


@job(lane=MAIL, atomic=True)
def settlement_received(settlement_id: str, is_new: bool) -> None:
    """A payout came, or more of its lines did: fold the figures, and once for each payout tell
    the merchant's systems."""
    if is_new:
        events.of_settlement(Settlement.objects.get(pk=settlement_id))
    fold_soon()


@job(lane=MAIL, atomic=True)
def refund_given_up(refund_id: str) -> None:
    """Somebody stopped a refund that waited for balance: tell the merchant's systems, once."""
    events.of_refund(_refund(refund_id))


@job(lane=MAIL, atomic=True)
def refund_held(refund_id: str) -> None:
    """A refund waits for a second person: tell those who may be that, if it still does."""
    tell_approvers(_refund(refund_id))


@job(lane=MAIL, atomic=True)
def refund_rejected(refund_id: str) -> None:
    """Somebody refused a refund: tell who had asked for it."""
    tell_of_rejection(_refund(refund_id))


def _payment(payment_id: str) -> Payment:
    return Payment.objects.select_related("link").get(pk=payment_id)


def _refund(refund_id: str) -> Refund:
    return Refund.objects.select_related("payment__link").get(pk=refund_id)

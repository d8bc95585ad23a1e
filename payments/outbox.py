"""What follows a change of money: one job, written in its commit, fans out from here.

The commit itself appends that one row and touches nothing that two payments share.
"""

from payments.folding import fold_soon
from payments.models import Payment, Refund
from payments.settlement_matching import rematch
from payments.telling import tell_payment, tell_refund
from tenants.jobs import MAIL, job


@job(lane=MAIL, atomic=True)
def payment_changed(payment_id: str, state: str) -> None:
    """A payment became `state`: fold the figures and tell the team, once for each state."""
    payment = Payment.objects.get(pk=payment_id)
    tell_payment(payment, state)
    rematch(payment)
    fold_soon()


@job(lane=MAIL, atomic=True)
def refund_changed(refund_id: str) -> None:
    """A refund became done or failed: fold the figures, tell the team, and ask what Paytm says
    was given back in all, now that ours is no longer in doubt; once."""
    from payments.asking import ask_what_was_given_back  # late: asking stands on this module

    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    tell_refund(refund)
    rematch(refund.payment)
    fold_soon()
    if refund.origin != Refund.Origin.PAYTM:
        ask_what_was_given_back(refund.payment)


@job(lane=MAIL, atomic=True)
def settlement_received(settlement_id: str, is_new: bool) -> None:
    """A payout came, or more of its lines did: fold the figures. Events to merchants start here:
    `is_new` once for each payout."""
    fold_soon()

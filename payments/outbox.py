"""What follows a change of money: one job, written in its commit, fans out from here.

The commit itself appends that one row and touches nothing that two payments share.
"""

from payments.folding import fold_soon
from payments.models import Payment, Refund
from payments.telling import tell_payment, tell_refund
from tenants.jobs import MAIL, job


@job(lane=MAIL, atomic=True)
def payment_changed(payment_id: str, state: str) -> None:
    """A payment became `state`: fold the figures and tell the team, once for each state."""
    tell_payment(Payment.objects.get(pk=payment_id), state)
    fold_soon()


@job(lane=MAIL, atomic=True)
def refund_changed(refund_id: str) -> None:
    """A refund became done or failed: fold the figures and tell the team, once."""
    tell_refund(Refund.objects.select_related("payment").get(pk=refund_id))
    fold_soon()

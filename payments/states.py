"""The states of payments and refunds, and every legal step between them.

Both tables are ranks: a claim may only move a row up. That makes the end independent of the
order in which claims arrive, and a success can never be downgraded. A refund that waits for a
second person stands outside: people alone move it. The database enforces the same steps with a
trigger fed from here.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PaymentState(models.TextChoices):
    CREATED = "created", _("Started")
    OPEN = "open", _("At Paytm")
    UNKNOWN = "unknown", _("Unknown")
    EXPIRED = "expired", _("Not completed")
    PENDING = "pending", _("Pending")
    FAILED = "failed", _("Failed")
    PAID = "paid", _("Paid")
    SURPLUS = "surplus", _("Surplus")


class RefundState(models.TextChoices):
    HELD = "held", _("Waits for approval")
    REQUESTED = "requested", _("Requested")
    SENT = "sent", _("Sent to Paytm")
    ACCEPTED = "accepted", _("Accepted")
    DONE = "done", _("Refunded")
    FAILED = "failed", _("Failed")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


P, R = PaymentState, RefundState

PAYMENT_RANK: dict[str, int] = {
    P.CREATED: 0,
    P.OPEN: 1,
    P.UNKNOWN: 2,
    P.EXPIRED: 3,
    P.PENDING: 4,
    P.FAILED: 5,
    P.PAID: 6,
    P.SURPLUS: 6,
}
REFUND_RANK: dict[str, int] = {
    R.HELD: 0,
    R.REQUESTED: 1,
    R.SENT: 2,
    R.ACCEPTED: 3,
    R.DONE: 4,
    R.FAILED: 4,
    R.REJECTED: 4,
    R.WITHDRAWN: 4,
}
# What people make of a held refund. Nothing else becomes rejected or withdrawn, and a held one
# is not sent without having been requested.
VERDICTS: dict[str, tuple[str, ...]] = {R.HELD: (R.REQUESTED, R.REJECTED, R.WITHDRAWN)}

ARRIVED = (P.PAID, P.SURPLUS)
UNDECIDED = (P.CREATED, P.OPEN, P.UNKNOWN, P.PENDING)
REFUND_UNDECIDED = (R.HELD, R.REQUESTED, R.SENT, R.ACCEPTED)
REFUND_MAY_LEAVE = (R.REQUESTED, R.SENT, R.ACCEPTED)
# Between the people of a merchant: Paytm and the payer never hear of these.
REFUND_INSIDE = (R.HELD, R.REJECTED, R.WITHDRAWN)
REFUND_CAME_TO_NOTHING = (R.FAILED, R.REJECTED, R.WITHDRAWN)


def steps(ranks: dict[str, int]) -> list[str]:
    """Every legal step as `from>to`, as the database's trigger takes them."""
    return [f"{a}>{b}" for a in ranks for b in ranks if may_become(a, b, ranks)]


def may_become(state: str, new: str, ranks: dict[str, int]) -> bool:
    if state in VERDICTS:
        return new in VERDICTS[state]
    return ranks[state] < ranks[new] and new not in (R.REJECTED, R.WITHDRAWN)

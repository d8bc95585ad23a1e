"""The states of payments and refunds, and every legal step between them.

Both tables are ranks: a claim may only move a row up. That makes the end independent of the
order in which claims arrive, and a success can never be downgraded. The database enforces
the same steps with a trigger fed from here.
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
    REQUESTED = "requested", _("Requested")
    SENT = "sent", _("Sent to Paytm")
    ACCEPTED = "accepted", _("Accepted")
    DONE = "done", _("Refunded")
    FAILED = "failed", _("Failed")


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
    R.REQUESTED: 0,
    R.SENT: 1,
    R.ACCEPTED: 2,
    R.DONE: 3,
    R.FAILED: 3,
}

ARRIVED = (P.PAID, P.SURPLUS)
UNDECIDED = (P.CREATED, P.OPEN, P.UNKNOWN, P.PENDING)
REFUND_UNDECIDED = (R.REQUESTED, R.SENT, R.ACCEPTED)


def steps(ranks: dict[str, int]) -> list[str]:
    """Every legal step as `from>to`, as the database's trigger takes them."""
    return [f"{a}>{b}" for a in ranks for b in ranks if ranks[a] < ranks[b]]


def may_become(state: str, new: str, ranks: dict[str, int]) -> bool:
    return ranks[state] < ranks[new]

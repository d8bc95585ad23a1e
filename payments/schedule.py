"""When an undecided order is asked about again.

15 s, 1 m, 5 m, 15 m, 1 h and 6 h after its start, then daily to 72 h, while Paytm itself
asks the bank (Paytm: late notification); after that weekly for five weeks, then never by
itself: a person or a message from Paytm still can.
"""

import random
from datetime import datetime, timedelta

from config.clock import now
from payments.paytm import Open

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

OFFSETS = (
    timedelta(seconds=15),
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    *(week * 7 * DAY for week in range(1, 6)),
)

# After Paytm had too little of the merchant's money to send a refund: until a week has passed.
TRIES = (HOUR, 3 * HOUR, 8 * HOUR, 12 * HOUR, *(6 * [DAY]))


def next_try(tries: int) -> datetime | None:
    """When to send a refund again that was refused for balance, after so many tries again."""
    return now() + TRIES[tries] if tries < len(TRIES) else None


def next_ask(started_at: datetime) -> datetime | None:
    """The next moment to ask about an order that began at `started_at`, or None."""
    moments = (started_at + offset for offset in OFFSETS)
    return next((moment for moment in moments if moment > now()), None)


def after_breaker(error: Open) -> datetime:
    """When to ask again what an open breaker kept from being asked: not all at one moment."""
    return now() + timedelta(seconds=error.seconds * random.uniform(1, 2))  # noqa: S311

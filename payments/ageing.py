"""What Paytm owes, by how long it has owed it: in working days, on which alone it pays out."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from payments import reporting
from tenants.current import current_tenant, today

# The last working day of each bucket; what is older has one of its own, and what belongs to no
# payment that waits has the last.
BUCKETS = (0, 1, 2, 5, 10)
OLDER, NOT_OF_PAYMENTS = len(BUCKETS), len(BUCKETS) + 1

# Each that waits is looked up among the lines: for NOT EXISTS the planner reads all lines.
UNSETTLED = """
    SELECT (p.paid_at AT TIME ZONE %(zone)s)::date, count(*),
        sum(p.received_paise - p.refunded_paise)::bigint
    FROM payments_payment p
    WHERE p.live = %(live)s AND num_nonnulls(p.settled_on) = 0 AND p.state IN ('paid', 'surplus')
    AND (
        SELECT true FROM payments_settlementline l
        WHERE l.payment_id = p.id AND l.kind = 'sale' AND l.match = 'matched' LIMIT 1) IS NULL
    GROUP BY 1
"""


@dataclass(frozen=True)
class Owed:
    """What is in one bucket, in paise, and the days on which its payments were paid."""

    bucket: int
    count: int
    paise: int
    first: date | None = None
    last: date | None = None


def owed(live: bool) -> list[Owed]:
    """What Paytm owes now, by age; together what stands on the ledger's receivable.

    What is not of payments that wait (refunds to be taken off, differences of payouts) is the
    last one. Reads the payments that wait.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNSETTLED, {"live": live, "zone": current_tenant().time_zone})
        days = cursor.fetchall()
    buckets = _in_buckets(days, today())
    rest = reporting.ever(live).owed_paise - sum(each.paise for each in buckets)
    return [*buckets, Owed(NOT_OF_PAYMENTS, 0, rest)]


def working_days(after: date, until: date) -> int:
    """Days from Monday to Friday after one day, up to and with another. Holidays are not known."""
    weeks, rest = divmod(max(0, (until - after).days), 7)
    more = (after + timedelta(days=n) for n in range(1, rest + 1))
    return weeks * 5 + sum(day.weekday() < 5 for day in more)


def _in_buckets(days: list[tuple[Any, ...]], end: date) -> list[Owed]:
    found = defaultdict(list)
    for day, count, paise in days:
        found[_bucket(working_days(day, end))].append((day, count, paise))
    return [_sum(bucket, found[bucket]) for bucket in range(OLDER + 1)]


def _bucket(age: int) -> int:
    return next((n for n, most in enumerate(BUCKETS) if age <= most), OLDER)


def _sum(bucket: int, days: list[tuple[date, int, int]]) -> Owed:
    return Owed(
        bucket,
        sum(count for _, count, _ in days),
        sum(paise for _, _, paise in days),
        min((day for day, _, _ in days), default=None),
        max((day for day, _, _ in days), default=None),
    )

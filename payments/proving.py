"""Proving a merchant's books: every account, every payment and every roll-up, from the transfers.

What each check says is a law. A row that breaks one is named, whatever wrote it.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, Sum

from config import metrics
from payments.attempts import PARTS
from payments.folding import FIGURES, MOVEMENT, PUBLISHED
from payments.models import DailyFigure
from tenants.current import current_tenant
from tenants.jobs import BULK, job, periodic
from tenants.models import Tenant, TenantDay

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Breach:
    """A law that does not hold: its name, the row that breaks it, and both sides."""

    law: str
    row: str
    facts: dict[str, Any]

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.law}: {self.row} ({facts})"


# A payment's columns and what its transfers say they must be.
PAYMENTS = """
    WITH booked AS (
        SELECT payment_id,
            sum(CASE WHEN refund_id IS NULL AND credit IN ('sales', 'surplus') THEN paise
                     ELSE 0 END)
            - sum(CASE WHEN refund_id IS NULL AND debit IN ('sales', 'surplus') THEN paise
                       ELSE 0 END) AS received,
            sum(CASE WHEN refund_id IS NULL THEN 0 WHEN credit = 'receivable' THEN paise
                     ELSE -paise END) AS refunded
        FROM payments_transfer GROUP BY payment_id
    ), asked AS (
        SELECT payment_id,
            coalesce(sum(amount_paise) FILTER (WHERE state = 'done'), 0) AS done,
            coalesce(sum(amount_paise) FILTER (
                WHERE state IN ('held', 'requested', 'sent', 'accepted')), 0) AS reserved
        FROM payments_refund GROUP BY payment_id
    )
    SELECT p.order_id, p.received_paise, coalesce(b.received, 0) AS booked_received,
        p.refunded_paise, coalesce(b.refunded, 0) AS booked_refunded,
        coalesce(a.done, 0) AS refunds_done,
        p.reserved_paise, coalesce(a.reserved, 0) AS refunds_under_way
    FROM payments_payment p
    LEFT JOIN booked b ON b.payment_id = p.id LEFT JOIN asked a ON a.payment_id = p.id
    WHERE p.received_paise <> coalesce(b.received, 0)
        OR p.refunded_paise <> coalesce(b.refunded, 0)
        OR p.refunded_paise <> coalesce(a.done, 0)
        OR p.reserved_paise <> coalesce(a.reserved, 0)
    ORDER BY p.order_id
"""
# A folded figure and the folded transfers of its day and method.
FOLDS = f"""
    WITH summed AS (
        SELECT live, day, method, {", ".join(f"sum({name}) AS {name}" for name in FIGURES)}
        FROM (SELECT live, day, method, {MOVEMENT} FROM payments_transfer WHERE folded) rows
        GROUP BY live, day, method
    )
    SELECT concat_ws(' ', live, day, method) AS figure,
        {", ".join(f"coalesce(f.{name}, 0) AS {name}" for name in FIGURES)},
        {", ".join(f"coalesce(s.{name}, 0) AS booked_{name}" for name in FIGURES)}
    FROM payments_dailyfigure f FULL JOIN summed s USING (live, day, method)
    WHERE {" OR ".join(f"coalesce(f.{name}, 0) <> coalesce(s.{name}, 0)" for name in FIGURES)}
    ORDER BY 1
"""  # noqa: S608  (constants of our own modules)
# Attempts as they were counted, and the attempts themselves.
ATTEMPTS = f"""
    WITH counted AS (
        SELECT live, counted_day AS day, {PARTS}, count(*) AS count, sum(amount_paise) AS paise
        FROM payments_payment WHERE counted_as IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    )
    SELECT concat_ws(' ', live, day, state, method, result_code) AS figure,
        coalesce(f.count, 0) AS count, coalesce(c.count, 0) AS attempts,
        coalesce(f.paise, 0) AS paise, coalesce(c.paise, 0) AS attempts_paise
    FROM payments_attemptfigure f
    FULL JOIN counted c USING (live, day, state, method, result_code)
    WHERE coalesce(f.count, 0) <> coalesce(c.count, 0)
        OR coalesce(f.paise, 0) <> coalesce(c.paise, 0)
    ORDER BY 1
"""  # noqa: S608  (constants of our own modules)
# A transfer and the one it says it reverses.
REVERSALS = """
    SELECT r.id::text, r.paise, o.paise AS original_paise, r.debit, o.credit AS original_credit
    FROM payments_transfer r JOIN payments_transfer o ON o.id = r.reverses_id
    WHERE (r.live, r.debit, r.credit, r.paise) <> (o.live, o.credit, o.debit, o.paise)
        OR r.payment_id IS DISTINCT FROM o.payment_id OR r.refund_id IS DISTINCT FROM o.refund_id
    ORDER BY r.id
"""
# A payment and a transfer of it in the other world.
WORLDS = """
    SELECT p.order_id, p.live, t.live AS booked_live FROM payments_transfer t
    JOIN payments_payment p ON p.id = t.payment_id WHERE p.live <> t.live ORDER BY 1
"""
LAWS = {
    "a payment is what its transfers say": PAYMENTS,
    "a folded figure is the sum of its transfers": FOLDS,
    "a counted attempt is in its figure once": ATTEMPTS,
    "a reversal mirrors what it reverses": REVERSALS,
    "test money and live money stay apart": WORLDS,
}


def breaches() -> Iterator[Breach]:
    """Every breach in the books of the tenant we are in, while it goes on working. Each law is
    one statement, so it sees one moment. Changes nothing."""
    for law, sql in LAWS.items():
        yield from (Breach(law, str(row.pop(0)[1]), dict(row)) for row in _rows(sql))
    yield from _platform_breaches()


def balances(live: bool) -> dict[str, int]:
    """Paise on each account of this world: what was debited less what was credited. They add up
    to nothing, for every transfer debits what it credits."""
    sides = """
        SELECT account, sum(paise)::bigint AS paise FROM (
            SELECT debit AS account, paise FROM payments_transfer WHERE live = %(live)s
            UNION ALL SELECT credit, -paise FROM payments_transfer WHERE live = %(live)s
        ) sides GROUP BY account ORDER BY account
    """
    return {str(row[0][1]): int(row[1][1]) for row in _rows(sides, {"live": live})}


def _platform_breaches() -> Iterator[Breach]:
    """Days that were published whole, and what schema public holds of them. A day that changes
    while we look is nobody's breach."""
    before = _published_days()
    days = TenantDay.objects.filter(tenant=current_tenant())
    held = {(live, day): sums for live, day, *sums in days.values_list("live", "day", *PUBLISHED)}
    after = _published_days()
    for place, mine in before.items():
        theirs = held.get(place, [])
        if mine != theirs and after.get(place) == mine:
            facts = {"merchant": mine, "platform": theirs}
            yield Breach("the platform holds the merchant's day", str(place[1]), facts)


def _published_days() -> dict[tuple[bool, date], list[int]]:
    """The published sums of each day all of whose changes are published."""
    sums = [Sum(name) for name in PUBLISHED]
    whole = (
        DailyFigure.objects.values("live", "day")
        .annotate(news=Count("pk", filter=Q(revision__gt=F("published"))))
        .filter(news=0)
        .values_list("live", "day", *sums)
    )
    return {(live, day): figures for live, day, *figures in whole}


def _rows(sql: str, params: dict[str, bool] | None = None) -> list[list[tuple[str, Any]]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description or ()]
        return [[*zip(names, row, strict=True)] for row in cursor.fetchall()]


@periodic(every=24 * 3600, lane=BULK)
def prove_all() -> None:
    """Have the books of every merchant proved, once a day."""
    claimed = Tenant.objects.exclude(state=Tenant.State.READY)
    for tenant_id in claimed.values_list("pk", flat=True).iterator():
        prove.enqueue(tenant_id, key=f"prove:{tenant_id}")


@job(lane=BULK)
def prove() -> None:
    """Prove this merchant's books; a breach is logged with its row and counted."""
    for breach in breaches():
        metrics.books_breaches.labels(breach.law).inc()
        logger.error("the books do not add up", extra={"law": breach.law, "row": breach.row})

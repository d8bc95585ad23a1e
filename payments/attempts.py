"""Attempts to pay, by how they ended: how many succeeded, and why the others did not.

An attempt is counted on the merchant's day on which it began, under its state, method and result
code. Folding moves it to the group that it has come to since; a figure read here is what is
folded, less what has left its group, plus what is not counted yet: always that of the rows.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from config.clock import now
from payments.states import ARRIVED, UNDECIDED, PaymentState
from tenants.current import current_tenant

AT_ONCE, TURNS = 500, 40
# An undecided attempt will move again soon: it is counted once it has been there for so long.
WAIT_FOR_END = timedelta(days=1)

# Word for word the condition of the index payment_uncounted, which is found by it. As a number, for
# of an equation the planner expects few rows, and of IS DISTINCT FROM nearly all of the table.
UNCOUNTED = "(counted_as IS DISTINCT FROM (state || '/' || method || '/' || result_code))::int = 1"
DAY = "coalesce(counted_day, (created_at AT TIME ZONE %(zone)s)::date)"
# A group as it was written down, in parts. A result code is Paytm's and may hold anything.
PARTS = """
    split_part(counted_as, '/', 1) AS state, split_part(counted_as, '/', 2) AS method,
    regexp_replace(counted_as, '^[^/]*/[^/]*/', '') AS result_code
"""

FOLD = f"""
    WITH late AS (
        SELECT id, live, {DAY} AS day, amount_paise, counted_as AS was,
            state || '/' || method || '/' || result_code AS becomes
        FROM payments_payment
        WHERE {UNCOUNTED} AND (state <> ALL (%(undecided)s) OR created_at < %(waited)s)
        ORDER BY created_at LIMIT %(at_once)s FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE payments_payment AS p SET counted_day = late.day, counted_as = late.becomes
        FROM late WHERE p.id = late.id RETURNING late.*
    ), moved AS (
        SELECT live, day, was AS counted_as, -1 AS count, -amount_paise AS paise
        FROM taken WHERE was IS NOT NULL
        UNION ALL SELECT live, day, becomes, 1, amount_paise FROM taken
    ), summed AS (
        SELECT live, day, {PARTS}, sum(count) AS count, sum(paise) AS paise
        FROM moved GROUP BY 1, 2, 3, 4, 5
    ), added AS (
        INSERT INTO payments_attemptfigure AS f
            (live, day, state, method, result_code, count, paise)
        SELECT * FROM summed ORDER BY live, day, state, method, result_code
        ON CONFLICT (live, day, state, method, result_code)
        DO UPDATE SET count = f.count + excluded.count, paise = f.paise + excluded.paise
    )
    SELECT count(*) FROM taken
"""  # noqa: S608  (constants of this module only)

ROWS = f"""
    SELECT day, state, method, result_code, count, paise FROM payments_attemptfigure
    WHERE live = %(live)s AND day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT counted_day, {PARTS}, -1, -amount_paise FROM payments_payment
    WHERE {UNCOUNTED} AND live = %(live)s AND counted_day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT {DAY}, state, method, result_code, 1, amount_paise FROM payments_payment
    WHERE {UNCOUNTED} AND live = %(live)s AND {DAY} BETWEEN %(first)s AND %(last)s
"""  # noqa: S608  (constants of this module only)


@dataclass
class Outcomes:
    """How the attempts of one group ended, and what those that failed would have brought."""

    arrived: int = 0
    failed: int = 0
    abandoned: int = 0  # Paytm never saw the payer pay
    undecided: int = 0
    failed_paise: int = 0

    @property
    def success_permille(self) -> int | None:
        """Of a thousand that were paid or failed so many were paid; None where there was none.
        Who left Paytm's page without trying to pay says nothing about success."""
        tried = self.arrived + self.failed
        return (self.arrived * 2000 + tried) // (2 * tried) if tried else None

    def add(self, state: str, count: int, paise: int) -> None:
        """Take in so many attempts in this state."""
        if state in ARRIVED:
            self.arrived += count
        elif state == PaymentState.FAILED:
            self.failed += count
            self.failed_paise += paise
        elif state == PaymentState.EXPIRED:
            self.abandoned += count
        else:
            self.undecided += count


@dataclass(frozen=True)
class Failure:
    """So many attempts failed with this result code of Paytm's."""

    result_code: str
    count: int
    paise: int


def fold() -> bool:
    """Count what is not counted yet, some thousands at a time; whether there may be more."""
    return all(_fold_some() == AT_ONCE for _ in range(TURNS))


def by_day(live: bool, first: date, last: date) -> dict[date, Outcomes]:
    """How attempts ended, for each day on which some began, oldest first."""
    return _outcomes("day", live, first, last)


def by_method(live: bool, first: date, last: date) -> dict[str, Outcomes]:
    """The same for each method of payment; "" where Paytm told none."""
    return _outcomes("method", live, first, last)


def total(live: bool, first: date, last: date) -> Outcomes:
    """The same for all of them together."""
    return _outcomes("''", live, first, last).get("", Outcomes())


def failures(live: bool, first: date, last: date) -> list[Failure]:
    """Failed attempts by result code, the most frequent first."""
    rows = _ask("result_code", live, first, last)
    found = [Failure(code, n, paise) for code, state, n, paise in rows
             if state == PaymentState.FAILED]  # fmt: skip
    return sorted(found, key=lambda failure: (-failure.count, failure.result_code))


def _outcomes(column: str, live: bool, first: date, last: date) -> dict[Any, Outcomes]:
    found: dict[Any, Outcomes] = defaultdict(Outcomes)
    for group, state, count, paise in _ask(column, live, first, last):
        found[group].add(state, count, paise)
    return dict(found)


def _ask(column: str, live: bool, first: date, last: date) -> list[tuple[Any, ...]]:
    sql = f"""
        SELECT {column}, state, sum(count)::bigint, sum(paise)::bigint FROM ({ROWS}) rows
        GROUP BY 1, 2 HAVING sum(count) <> 0 ORDER BY 1, 2
    """  # noqa: S608  (constants of this module only)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"live": live, "first": first, "last": last, "zone": _zone()})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _fold_some() -> int:
    values: dict[str, Any] = {
        "zone": _zone(),
        "undecided": [*map(str, UNDECIDED)],
        "waited": now() - WAIT_FOR_END,
        "at_once": AT_ONCE,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FOLD, values)
        return int(cursor.fetchone()[0])


def _zone() -> str:
    return current_tenant().time_zone

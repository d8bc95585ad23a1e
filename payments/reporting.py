"""Figures about money: folded days plus the transfers not yet folded, in one statement.

Every total on a screen, in a report or in an export comes from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from payments.folding import FIGURES, MOVEMENT


@dataclass(frozen=True)
class Figure:
    """Sums of one group: a day, a method, or everything. Money in paise."""

    day: date | None
    method: str | None
    sales_count: int = 0
    sales_paise: int = 0
    refunds_count: int = 0
    refunds_paise: int = 0
    surplus_paise: int = 0
    fees_paise: int = 0
    gst_paise: int = 0
    settled_paise: int = 0
    adjustments_paise: int = 0

    @property
    def is_of_payouts_alone(self) -> bool:
        """Whether nothing moved here but what Paytm owed: no payer's money."""
        trade = (self.sales_count, self.sales_paise, self.refunds_count, self.refunds_paise)
        payouts = (self.fees_paise, self.gst_paise, self.settled_paise, self.adjustments_paise)
        return any(payouts) and not any((*trade, self.surplus_paise))

    @property
    def net_paise(self) -> int:
        return self.sales_paise - self.refunds_paise

    @property
    def cost_paise(self) -> int:
        """What Paytm took, tax included."""
        return self.fees_paise + self.gst_paise

    @property
    def owed_paise(self) -> int:
        """What Paytm owes for all this: the other side of every movement."""
        came = self.sales_paise + self.surplus_paise + self.adjustments_paise
        return came - self.refunds_paise - self.cost_paise - self.settled_paise


_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in FIGURES)
_FOLDED_AND_NOT = f"""
    SELECT live, day, method, {", ".join(FIGURES)} FROM payments_dailyfigure
    WHERE live = %(live)s AND day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT live, day, method, {MOVEMENT} FROM payments_transfer
    WHERE NOT folded AND live = %(live)s AND day BETWEEN %(first)s AND %(last)s
"""  # noqa: S608  (constants only)


# The first day of what a day belongs to. Weeks begin on Monday, financial years on 1 April.
SPANS = {
    "day": "day",
    "week": "date_trunc('week', day)::date",
    "month": "date_trunc('month', day)::date",
    "year": "(date_trunc('year', day - interval '3 months') + interval '3 months')::date",
}

# For what has no roll-up: every movement of sales, and what it adds.
_SOLD = f"""
    SELECT payment_id, refund_id, {MOVEMENT} FROM payments_transfer
    WHERE live = %(live)s AND day BETWEEN %(first)s AND %(last)s
        AND (debit IN ('sales', 'refunds') OR credit IN ('sales', 'refunds'))
"""  # noqa: S608  (constants only)

_FIGURES_SOLD = FIGURES[:4]
_SUMS_SOLD = ", ".join(f"sum({name})::bigint" for name in _FIGURES_SOLD)


@dataclass(frozen=True)
class Sold:
    """What was sold and given back by one link, or under one tag; in paise."""

    name: str
    link_id: UUID | None
    sales_count: int
    sales_paise: int
    refunds_count: int
    refunds_paise: int

    @property
    def net_paise(self) -> int:
        return self.sales_paise - self.refunds_paise


@dataclass(frozen=True)
class OfReason:
    """What was refunded for one reason, in the words of whoever asked."""

    reason: str
    refunds_count: int
    refunds_paise: int


def by_span(span: str, live: bool, first: date, last: date) -> list[Figure]:
    """A figure for each "day", "week", "month" or "year" that saw money, oldest first. Its day is
    the span's first, which may lie before `first`: what is counted begins there all the same."""
    return [Figure(day, None, *sums) for day, *sums in _grouped(SPANS[span], live, first, last)]


def by_day(live: bool, first: date, last: date) -> list[Figure]:
    """A figure for each day that saw money, oldest first."""
    return [Figure(day, None, *sums) for day, *sums in _grouped("day", live, first, last)]


def by_method(live: bool, first: date, last: date) -> list[Figure]:
    """A figure for each method of payment that saw money, largest sales first."""
    rows = _grouped("method", live, first, last)
    figures = [Figure(None, method, *sums) for method, *sums in rows]
    return sorted(figures, key=lambda figure: -figure.sales_paise)


def until(live: bool, day: date, moment: datetime) -> Figure:
    """What was booked for this day before this moment: for days of which there is a part only."""
    sums = f"""
        SELECT {_SUMS} FROM (
            SELECT {MOVEMENT} FROM payments_transfer
            WHERE live = %(live)s AND day = %(day)s AND at < %(moment)s
        ) rows
    """  # noqa: S608  (constants only)
    [row] = _rows(sums, {"live": live, "day": day, "moment": moment})
    return Figure(None, None, *row)


def ever(live: bool) -> Figure:
    """Everything that ever moved in this world."""
    return total(by_method(live, date.min, date.max))


def by_link(live: bool, first: date, last: date) -> list[Sold]:
    """What each link sold and gave back, largest sales first. Reads every transfer of the days."""
    sql = f"""
        SELECT concat_ws(' · ', l.description, nullif(l.reference, '')), l.id, {_SUMS_SOLD}
        FROM ({_SOLD}) t JOIN payments_payment p ON p.id = t.payment_id
        JOIN payments_link l ON l.id = p.link_id
        GROUP BY 1, 2 ORDER BY sum(sales_paise) DESC, 1, 2
    """  # noqa: S608  (constants only)
    return [Sold(*row) for row in _rows(sql, {"live": live, "first": first, "last": last})]


def by_tag(live: bool, first: date, last: date) -> list[Sold]:
    """The same by tag, "" for payments without one; what has several is in each of them. Reads the
    transfers of those with one: what the others sold is all there is without them."""
    figures, taken_off = ", ".join(_FIGURES_SOLD), ", ".join(f"-{n}" for n in _FIGURES_SOLD)
    sql = f"""
        WITH tagged AS (
            SELECT * FROM ({_SOLD}) t WHERE payment_id IN
                (SELECT g.payment_id FROM payments_paymenttag g WHERE g.live = %(live)s)
        )
        SELECT name, NULL::uuid, {_SUMS_SOLD} FROM (
            SELECT g.name, {figures} FROM tagged JOIN payments_paymenttag g USING (payment_id)
            UNION ALL SELECT '', {figures} FROM ({_FOLDED_AND_NOT}) every
            UNION ALL SELECT '', {taken_off} FROM tagged
        ) rows (name, {figures})
        GROUP BY 1 HAVING name <> '' OR ({_SUMS_SOLD}) <> (0, 0, 0, 0)
        ORDER BY sum(sales_paise) DESC, 1
    """  # noqa: S608  (constants only)
    return [Sold(*row) for row in _rows(sql, {"live": live, "first": first, "last": last})]


def by_reason(live: bool, first: date, last: date) -> list[OfReason]:
    """What was refunded by the reason given, largest first. Reads the refunds of the days."""
    sql = f"""
        SELECT trim(coalesce(r.reason, '')), sum(refunds_count)::bigint,
            sum(refunds_paise)::bigint
        FROM ({_SOLD}) t LEFT JOIN payments_refund r ON r.id = t.refund_id
        GROUP BY 1 HAVING sum(refunds_count) <> 0 OR sum(refunds_paise) <> 0 ORDER BY 3 DESC, 1
    """  # noqa: S608  (constants only)
    rows = _rows(sql, {"live": live, "first": first, "last": last})
    return [OfReason(*row) for row in rows]


def total(figures: Iterable[Figure]) -> Figure:
    """The sum of figures, with neither day nor method."""
    sums = zip(*([getattr(f, name) for name in FIGURES] for f in figures), strict=True)
    return Figure(None, None, *(sum(column) for column in sums))


def _grouped(column: str, live: bool, first: date, last: date) -> list[tuple[Any, ...]]:
    sql = f"SELECT {column}, {_SUMS} FROM ({_FOLDED_AND_NOT}) rows GROUP BY 1 ORDER BY 1"  # noqa: S608
    return _rows(sql, {"live": live, "first": first, "last": last})


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

"""Figures about money: folded days plus the transfers not yet folded, in one statement.

Every total on a screen, in a report or in an export comes from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

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


_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in FIGURES)
_ROWS = f"""
    SELECT live, day, method, {", ".join(FIGURES)} FROM payments_dailyfigure
    WHERE live = %(live)s AND day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT live, day, method, {MOVEMENT} FROM payments_transfer
    WHERE NOT folded AND live = %(live)s AND day BETWEEN %(first)s AND %(last)s
"""  # noqa: S608  (constants only)


def by_day(live: bool, first: date, last: date) -> list[Figure]:
    """A figure for each day that saw money, oldest first."""
    return [Figure(day, None, *sums) for day, *sums in _grouped("day", live, first, last)]


def by_method(live: bool, first: date, last: date) -> list[Figure]:
    """A figure for each method of payment that saw money, largest sales first."""
    rows = _grouped("method", live, first, last)
    figures = [Figure(None, method, *sums) for method, *sums in rows]
    return sorted(figures, key=lambda figure: -figure.sales_paise)


def total(figures: Iterable[Figure]) -> Figure:
    """The sum of figures, with neither day nor method."""
    sums = zip(*([getattr(f, name) for name in FIGURES] for f in figures), strict=True)
    return Figure(None, None, *(sum(column) for column in sums))


def _grouped(column: str, live: bool, first: date, last: date) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, {_SUMS} FROM ({_ROWS}) rows GROUP BY 1 ORDER BY 1",  # noqa: S608
            {"live": live, "first": first, "last": last},
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

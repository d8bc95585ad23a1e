"""Days, weeks, months and financial years: where they begin, and how they are called.

Weeks begin on Monday and financial years on 1 April; payments.reporting.SPANS is the same in SQL.
"""

from calendar import monthrange
from datetime import date, timedelta

from django.utils.dateformat import format as format_date

DAY = timedelta(days=1)
APRIL = 4


def start_of(span: str, day: date) -> date:
    """The first day of the "day", "week", "month" or "year" that this day is part of."""
    if span == "week":
        return date.fromordinal(max(1, day.toordinal() - day.weekday()))
    if span == "month":
        return day.replace(day=1)
    if span == "year":
        year = day.year if day.month >= APRIL else max(1, day.year - 1)
        return date(year, APRIL, 1)
    return day


def end_of(span: str, start: date) -> date:
    """The last day of the span that begins here; where the calendar ends, that day."""
    if span == "week":
        return date.fromordinal(min(date.max.toordinal(), start.toordinal() + 6))
    if span == "month":
        return start.replace(day=monthrange(start.year, start.month)[1])
    if span == "year":
        return date(start.year + 1, APRIL, 1) - DAY if start.year < date.max.year else date.max
    return start


def name_of(span: str, start: date, first: date, last: date) -> str:
    """What the span is called within a period, whose days alone count of it."""
    begin, end = max(start, first), min(end_of(span, start), last)
    if span == "day":
        return format_date(start, "D j M Y")
    whole = (begin, end) == (start, end_of(span, start))
    if whole and span == "month":
        return format_date(start, "F Y")
    if whole and span == "year":
        return f"{start.year}–{(start.year + 1) % 100:02}"
    return f"{_day(begin, end)} – {format_date(end, 'j M Y')}"


def key_of(span: str, start: date, first: date) -> str:
    """The same for machines: the day on which what is counted of it begins, as YYYY-MM-DD."""
    return max(start, first).isoformat()


def _day(begin: date, end: date) -> str:
    return format_date(begin, "j M" if begin.year == end.year else "j M Y")

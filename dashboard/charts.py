"""Figures as bars: over time for ui/bar_chart.html, by name for ui/named_bars.html."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from dashboard.spans import DAY, end_of, start_of

MOST_BARS = 62  # as many as can be told apart on a phone
TICKS = {"day": "j M", "week": "j M", "month": "M Y", "year": "Y"}

Bar = dict[str, Any]
Chart = dict[str, Any]
Slot = tuple[date, date]


def slots(span: str, first: date, last: date) -> tuple[str, list[Slot]]:
    """The span that a bar is for, and the first and last day of each bar. Many days are drawn in
    sevens."""
    if span == "day" and (last - first).days >= MOST_BARS:
        begins = [first + timedelta(n) for n in range(0, (last - first).days + 1, 7)]
        return "week", [(begin, min(begin + timedelta(6), last)) for begin in begins]
    found = [(start_of(span, first), end_of(span, start_of(span, first)))]
    while found[-1][1] < last:
        start = found[-1][1] + DAY
        found.append((start, end_of(span, start)))
    return span, found


def over_time(what: object, span: str, values: list[tuple[date, Bar]]) -> Chart:
    """Bars by the day each begins with, oldest first."""
    words = {
        "day": _("%(what)s by day"),
        "week": _("%(what)s by week"),
        "month": _("%(what)s by month"),
        "year": _("%(what)s by financial year"),
    }
    bars = [each | {"label": format_date(begin, TICKS[span])} for begin, each in values]
    return {"title": words[span] % {"what": what}, "bars": bars}


def bar(value: int | None, text: Callable[[int | None], str], label: str = "") -> Bar:
    """One bar; less than nothing is drawn as nothing, and told as it is."""
    return {"label": label, "value": max(0, value or 0), "text": text(value)}

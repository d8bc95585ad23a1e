"""Figures by day as the bars of ui/bar_chart.html."""

from datetime import date, timedelta
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from payments.money import format_inr
from payments.reporting import Figure

MOST_BARS = 62  # as many as can be told apart on a phone


def sales_chart(days: list[Figure], first: date, last: date) -> dict[str, Any]:
    """`title` and `bars`: one for every day from first to last, or every week if many."""
    step = 1 if (last - first).days < MOST_BARS else 7
    sums = dict.fromkeys(range((last - first).days // step + 1), 0)
    for figure in days:
        if figure.day:
            sums[(figure.day - first).days // step] += figure.sales_paise
    title = _("Sales by day") if step == 1 else _("Sales by week")
    return {"title": title, "bars": [_bar(first, step * n, paise) for n, paise in sums.items()]}


def _bar(first: date, offset: int, paise: int) -> dict[str, Any]:
    label = format_date(first + timedelta(days=offset), "j M")
    return {"label": label, "value": max(0, paise), "text": format_inr(paise)}

"""Today in figures, each held against the same day last week."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from config.clock import now
from dashboard.charts import Chart
from dashboard.report_form import address
from dashboard.reports import ARRIVED, BY_NAME, COUNT, SHARE, Asked, shown
from payments import attempts, reporting
from payments.attempts import Outcomes
from payments.models import Settlement
from payments.money import format_inr
from payments.reporting import Figure
from tenants.current import today, zone

Url = Callable[[str], str]
Stat = dict[str, Any]

WEEK = timedelta(days=7)
DRAWN = timedelta(days=13)


@dataclass(frozen=True)
class Today:
    """What happened so far, and a week ago by this time of the day; rates are of whole days."""

    moment: datetime
    figure: Figure
    then: Figure
    outcomes: Outcomes
    outcomes_then: Outcomes
    owed_paise: int
    paid_out_on: Any
    chart: Chart


def look(live: bool) -> Today:
    """Six queries, of which one reads rows: the bookings of one day."""
    day, moment = today(), now()
    asked = Asked(live, day - DRAWN, day)
    lines = BY_NAME["day"].lines(asked)
    days = attempts.by_day(live, day - WEEK, day)
    payouts = Settlement.objects.filter(live=live).order_by("-paid_out_at", "id")
    return Today(
        moment=moment.astimezone(zone()),
        figure=reporting.total(reporting.by_day(live, day, day)),
        then=reporting.until(live, day - WEEK, moment - WEEK),
        outcomes=days.get(day, Outcomes()),
        outcomes_then=days.get(day - WEEK, Outcomes()),
        owed_paise=reporting.ever(live).owed_paise,
        paid_out_on=payouts.values_list("paid_on", flat=True).first(),
        chart=BY_NAME["day"].chart(asked, lines),
    )


def chart(seen: Today, url: Url) -> Chart:
    """The last fortnight; each bar leads to its day's payments."""
    first = seen.moment.date() - DRAWN
    bars = [
        bar | {"url": f"{url('payments')}?{_payments(first + timedelta(n))}"}
        for n, bar in enumerate(seen.chart["bars"])
    ]
    return seen.chart | {"bars": bars}


def _payments(day: Any) -> str:
    return Asked(False, day, day).payments(states=ARRIVED).query


def stats(seen: Today, live: bool, url: Url) -> list[Stat]:
    """The figures above everything else, each a link to the rows behind it."""
    day = seen.moment.date()
    report = f"{url('reports')}?"
    return [
        _compared(
            seen, _("Sales today"), seen.figure.sales_paise, seen.then.sales_paise, format_inr
        ) | {"url": report + address(BY_NAME["method"], day, day)},
        _compared(
            seen, _("Payments"), seen.figure.sales_count, seen.then.sales_count, _count
        ) | {"url": f"{url('payments')}?{_payments(day)}"},
        _rate(seen) | {"url": report + address(BY_NAME["failures"], day, day)},
        _refunds(seen) | {"url": f"{url('refunds')}?{Asked(live, day, day).query}"},
        _owed(seen) | {"url": report + address(BY_NAME["ageing"], day, day)},
    ]  # fmt: skip


def _count(n: int) -> str:
    return shown(COUNT, n)


def _weekday(seen: Today) -> dict[str, str]:
    return {"weekday": format_date(seen.moment, "l"), "time": f"{seen.moment:%H:%M}"}


def _compared(seen: Today, label: str, value: int, then: int, text: Callable[[int], str]) -> Stat:
    """Held against what there was at this time of the day; by how much, in per cent."""
    where = _weekday(seen) | {"value": text(then)}
    note = _("%(value)s by %(time)s last %(weekday)s") % where
    if then <= 0 or value == then:
        return {"label": label, "value": text(value), "note": note}
    more = (value - then) * 100 // then if value > then else -((then - value) * 100 // then)
    sign = f"{more:+} %".replace("-", "−")
    tone = "success" if value > then else "error"
    return {"label": label, "value": text(value), "note": f"{sign} · {note}", "tone": tone}


def _rate(seen: Today) -> Stat:
    then = seen.outcomes_then.success_permille
    note = _("nobody paid last %(weekday)s") % _weekday(seen)
    if then is not None:
        value = {"value": shown(SHARE, then)}
        note = _("%(value)s on all of last %(weekday)s") % (_weekday(seen) | value)
    rate = shown(SHARE, seen.outcomes.success_permille)
    return {"label": _("Success rate"), "value": rate, "note": note}


def _refunds(seen: Today) -> Stat:
    where = _weekday(seen) | {"value": format_inr(seen.then.refunds_paise)}
    note = _("%(value)s by %(time)s last %(weekday)s") % where
    return {"label": _("Refunds"), "value": format_inr(seen.figure.refunds_paise), "note": note}


def _owed(seen: Today) -> Stat:
    note = _("nothing paid out yet")
    if seen.paid_out_on:
        note = _("last paid out on %(day)s") % {"day": format_date(seen.paid_out_on, "j M")}
    return {"label": _("Paytm owes you"), "value": format_inr(seen.owed_paise), "note": note}

"""The reports: one table of them, at the end. A new report is one entry.

Page, CSV, XLSX and mail are made of the same lines; every line knows where the rows behind it are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from dashboard import charts
from dashboard.exports import Amount
from dashboard.spans import end_of, key_of, name_of
from payments import ageing, attempts, failures, reporting
from payments.attempts import Outcomes
from payments.methods import Method
from payments.money import format_inr, plain_inr
from payments.reporting import Figure
from payments.selecting import Selection
from payments.states import PaymentState

Text = str | Promise
Cell = int | None
Lines = list["Line"]
Chart = dict[str, Any]

COUNT, MONEY, SHARE = "count", "money", "share"
# What a column's amounts are in, where a file has no sign for it.
UNITS = {COUNT: "", MONEY: " (INR)", SHARE: " (%)"}
MOST_NAMED = 12  # bars with names of their own in a chart
ARRIVED = ("paid", "surplus")


class Column(NamedTuple):
    """A column of figures. On a phone a wide one is left out."""

    head: Text
    kind: str = MONEY
    wide: bool = False


@dataclass(frozen=True)
class Asked:
    """What a report is asked for: a world, and some of the merchant's days, both included."""

    live: bool
    first: date
    last: date

    def payments(self, **more: Any) -> "Behind":
        """The list of payments of these days."""
        chosen = Selection(self.live, first=self.first, last=self.last)
        return Behind("payments", replace(chosen, **more).query)

    def of(self, span: str, start: date) -> "Asked":
        """The same for one span, as far as it is asked for."""
        first, last = max(start, self.first), min(end_of(span, start), self.last)
        return replace(self, first=first, last=last)

    @property
    def query(self) -> str:
        return f"from={self.first}&to={self.last}"


class Behind(NamedTuple):
    """Where the rows behind a line are: a page of the dashboard by name, and its query."""

    page: str
    query: str


@dataclass(frozen=True)
class Line:
    """A line of a report: its name for people and for files, and its figures."""

    name: str
    key: str
    cells: tuple[Cell, ...]
    behind: Behind | None = None
    note: Text = ""
    start: date | None = None  # where it is a span of time


Total = tuple[Cell, ...] | None


def summed(lines: Lines) -> Total:
    """Every column added up."""
    columns = zip(*(line.cells for line in lines), strict=True)
    return tuple(sum(cell or 0 for cell in column) for column in columns)


def not_summed(lines: Lines) -> Total:
    """For lines that may speak of the same money twice."""
    return None


@dataclass(frozen=True)
class Report:
    """One report. `head` is that of the names; `longest` in days; `dated`: whether it is of a
    period at all. `charted` is the column that is drawn, over time where `span` says so."""

    name: str
    group: Text
    title: Text
    intro: Text
    head: Text
    columns: tuple[Column, ...]
    lines: Callable[[Asked], Lines]
    total: Callable[[Lines], Total] = summed
    charted: int = 0
    span: str = ""
    usual: int = 30
    longest: int = 366
    dated: bool = True

    def chart(self, asked: Asked, lines: Lines) -> Chart:
        """What stands above the table: `title` and `bars`, which are `named` or over time."""
        column = self.columns[self.charted]
        text = partial(shown, column.kind)
        if not self.span:
            some = lines[:MOST_NAMED]
            bars = [charts.bar(line.cells[self.charted], text, line.name) for line in some]
            return {"title": column.head, "bars": bars, "named": True}
        span, slots = charts.slots(self.span, asked.first, asked.last)
        sums = [(begin, self._sum_of(lines, begin, end)) for begin, end in slots]
        return charts.over_time(
            column.head, span, [(begin, charts.bar(value, text)) for begin, value in sums]
        )

    def _sum_of(self, lines: Lines, first: date, last: date) -> Cell:
        """What is drawn for these days: as the total has it."""
        own = [line for line in lines if line.start and first <= line.start <= last]
        total = self.total(own) if own else None
        if total is None:
            return None if self.columns[self.charted].kind == SHARE else 0
        return total[self.charted]


def shown(kind: str, value: Cell) -> str:
    """A figure as people read it."""
    if value is None:
        return "—"
    if kind == MONEY:
        return format_inr(value)
    if kind == SHARE:
        return f"{value // 10}.{value % 10} %"
    return format_inr(value * 100).replace("₹", "")[:-3]


def cell(kind: str, value: Cell) -> str | int:
    """The same as a file holds it."""
    if value is None:
        return ""
    if kind == COUNT:
        return value
    return Amount(plain_inr(value if kind == MONEY else value * 10))


def table(report: Report, lines: Lines) -> tuple[list[str], Iterator[list[str | int]]]:
    """Head and rows as a file holds them, without the total: whoever reads it adds up."""
    head = [str(report.head), *(f"{c.head}{UNITS[c.kind]}" for c in report.columns)]
    kinds = [column.kind for column in report.columns]
    rows = ([line.key, *map(cell, kinds, line.cells)] for line in lines)
    return head, rows


def report_of(name: str) -> Report:
    """The report of this name. Raises KeyError."""
    return BY_NAME[name]


# --- Sales

SALES = (
    Column(gettext_lazy("Payments"), COUNT, wide=True),
    Column(gettext_lazy("Sales")),
    Column(gettext_lazy("Refunds"), COUNT, wide=True),
    Column(gettext_lazy("Refunded")),
    Column(gettext_lazy("Net")),
)


def _sales(figure: Any) -> tuple[Cell, ...]:
    return (
        *(figure.sales_count, figure.sales_paise),
        *(figure.refunds_count, figure.refunds_paise, figure.net_paise),
    )


def _sales_by(span: str) -> Callable[[Asked], Lines]:
    def lines(asked: Asked) -> Lines:
        figures = reporting.by_span(span, asked.live, asked.first, asked.last)
        return [_of_span(span, figure, asked, _sales(figure))
                for figure in figures if not figure.is_of_payouts_alone]  # fmt: skip

    return lines


def _of_span(span: str, figure: Figure, asked: Asked, cells: tuple[Cell, ...]) -> Line:
    """A day leads to its payments, anything longer to its days."""
    start = figure.day or asked.first
    own = asked.of(span, start)
    behind = Behind("reports", f"report=day&{own.query}")
    if span == "day":
        behind = own.payments(states=ARRIVED)
    name = name_of(span, start, asked.first, asked.last)
    return Line(name, key_of(span, start, asked.first), cells, behind, start=start)


def _sales_by_method(asked: Asked) -> Lines:
    figures = reporting.by_method(asked.live, asked.first, asked.last)
    return [_of_method(figure.method or "", asked, _sales(figure), states=ARRIVED)
            for figure in figures if not figure.is_of_payouts_alone]  # fmt: skip


def _of_method(method: str, asked: Asked, cells: tuple[Cell, ...], **chosen: Any) -> Line:
    name = str(Method(method).label)
    behind = asked.payments(methods=(method,), **chosen) if method else None
    return Line(name, name, cells, behind)


def _sales_by_link(asked: Asked) -> Lines:
    links = reporting.by_link(asked.live, asked.first, asked.last)
    return [
        Line(
            link.name,
            link.name,
            _sales(link),
            asked.payments(link_id=link.link_id, states=ARRIVED),
        )
        for link in links
    ]


def _sales_by_tag(asked: Asked) -> Lines:
    tags = reporting.by_tag(asked.live, asked.first, asked.last)
    return [
        Line(
            tag.name or _("No tag"),
            tag.name or _("No tag"),
            _sales(tag),
            asked.payments(tag=tag.name, states=ARRIVED) if tag.name else None,
        )
        for tag in tags
    ]


# --- Success

SUCCESS = (
    Column(pgettext_lazy("payments", "Arrived"), COUNT),
    Column(gettext_lazy("Failed"), COUNT),
    Column(gettext_lazy("Not completed"), COUNT, wide=True),
    Column(gettext_lazy("Success rate"), SHARE),
)


def _success(outcomes: Outcomes) -> tuple[Cell, ...]:
    rate = outcomes.success_permille
    return outcomes.arrived, outcomes.failed, outcomes.abandoned, rate


def _success_total(lines: Lines) -> Total:
    arrived, failed, abandoned = (sum(line.cells[n] or 0 for line in lines) for n in range(3))
    return _success(Outcomes(arrived, failed, abandoned))


def _success_by_day(asked: Asked) -> Lines:
    days = attempts.by_day(asked.live, asked.first, asked.last)
    return [
        Line(
            name_of("day", day, asked.first, asked.last),
            day.isoformat(),
            _success(outcomes),
            asked.of("day", day).payments(),
            start=day,
        )
        for day, outcomes in days.items()
    ]


def _success_by_method(asked: Asked) -> Lines:
    methods = attempts.by_method(asked.live, asked.first, asked.last)
    return [_of_method(method, asked, _success(outcomes)) for method, outcomes in methods.items()]


FAILURES = (
    Column(gettext_lazy("Payments"), COUNT),
    Column(gettext_lazy("Of all failures"), SHARE),
    Column(gettext_lazy("Amount")),
)


def _failures(asked: Asked) -> Lines:
    """Codes that mean the same are one line."""
    found = attempts.failures(asked.live, asked.first, asked.last)
    causes: dict[failures.Cause, list[int]] = {}
    for failure in found:
        sums = causes.setdefault(failures.cause(failure.result_code), [0, 0])
        sums[0], sums[1] = sums[0] + failure.count, sums[1] + failure.paise
    every = sum(failure.count for failure in found)
    behind = asked.payments(states=(PaymentState.FAILED.value,))
    ordered = sorted(causes.items(), key=lambda item: -item[1][0])
    return [
        Line(str(why.why), str(why.why), (n, permille(n, every), paise), behind, note=why.advice)
        for why, (n, paise) in ordered
    ]


def _failures_total(lines: Lines) -> Total:
    count = sum(line.cells[0] or 0 for line in lines)
    return count, permille(count, count), sum(line.cells[2] or 0 for line in lines)


def permille(part: int, whole: int) -> int | None:
    """How many of a thousand, rounded half up; None of nothing."""
    return (part * 2000 + whole) // (2 * whole) if whole else None


# --- Refunds

REFUNDS = (
    Column(gettext_lazy("Refunds"), COUNT),
    Column(gettext_lazy("Refunded")),
)


def _refunds(figure: Any) -> tuple[Cell, ...]:
    return figure.refunds_count, figure.refunds_paise


def _refunds_by_day(asked: Asked) -> Lines:
    figures = reporting.by_day(asked.live, asked.first, asked.last)
    return [
        replace(
            _of_span("day", figure, asked, _refunds(figure)),
            behind=Behind("refunds", asked.of("day", figure.day or asked.first).query),
        )
        for figure in figures
        if any(_refunds(figure))
    ]


def _refunds_by_reason(asked: Asked) -> Lines:
    reasons = reporting.by_reason(asked.live, asked.first, asked.last)
    behind = Behind("refunds", asked.query)
    return [
        Line(name, name, _refunds(reason), behind)
        for reason in reasons
        for name in [reason.reason or _("No reason given")]
    ]


# --- What Paytm takes and owes

FEES = (
    Column(gettext_lazy("Commission")),
    Column(gettext_lazy("GST on commission")),
    Column(gettext_lazy("Both")),
    Column(gettext_lazy("Paid out"), wide=True),
)


def _fees(figure: Figure) -> tuple[Cell, ...]:
    return figure.fees_paise, figure.gst_paise, figure.cost_paise, figure.settled_paise


def _fees_by_month(asked: Asked) -> Lines:
    figures = reporting.by_span("month", asked.live, asked.first, asked.last)
    return [
        replace(
            _of_span("month", figure, asked, _fees(figure)),
            behind=Behind("settlements", asked.of("month", figure.day or asked.first).query),
        )
        for figure in figures
        if any(_fees(figure))
    ]


def _fees_by_method(asked: Asked) -> Lines:
    figures = reporting.by_method(asked.live, asked.first, asked.last)
    return [
        _of_method(figure.method or "", asked, _fees(figure)[:3], settled="yes")
        for figure in sorted(figures, key=lambda figure: -figure.cost_paise)
        if figure.fees_paise or figure.gst_paise
    ]


OWED = (
    Column(gettext_lazy("Payments"), COUNT),
    Column(gettext_lazy("Owed by Paytm")),
)
AGES: tuple[Text, ...] = (
    gettext_lazy("Paid today, or since the last working day"),
    gettext_lazy("1 working day"),
    gettext_lazy("2 working days"),
    gettext_lazy("3 to 5 working days"),
    gettext_lazy("6 to 10 working days"),
    gettext_lazy("More than 10 working days"),
    gettext_lazy("Refunds and differences not settled yet"),
)
LATE = gettext_lazy("Paytm pays out on the next working day: ask it about these.")


def _ageing(asked: Asked) -> Lines:
    return [
        Line(
            str(AGES[owed.bucket]),
            str(AGES[owed.bucket]),
            (owed.count, owed.paise),
            _waiting(asked, owed),
            note=LATE if owed.count and 3 <= owed.bucket <= ageing.OLDER else "",
        )
        for owed in ageing.owed(asked.live)
    ]


def _waiting(asked: Asked, owed: ageing.Owed) -> Behind | None:
    if owed.bucket == ageing.NOT_OF_PAYMENTS:
        return Behind("exceptions", "")
    if not owed.count:
        return None
    return Behind("payments", Selection(asked.live, settled="no").query)


# --- The table

SALES_GROUP, SUCCESS_GROUP = gettext_lazy("Sales"), gettext_lazy("Success")
REFUNDS_GROUP, FEES_GROUP = gettext_lazy("Refunds"), gettext_lazy("Paytm's fees and payouts")
BOOKED = gettext_lazy("Counted on the day Paytm confirmed it, in your time zone.")
BEGUN = gettext_lazy("Counted on the day the payer began. The rate is of those paid or failed.")
YEARS = 20 * 366

REPORTS: Sequence[Report] = (
    Report("day", SALES_GROUP, gettext_lazy("Sales by day"), BOOKED, gettext_lazy("Day"), SALES,
           _sales_by("day"), charted=1, span="day"),
    Report("week", SALES_GROUP, gettext_lazy("Sales by week"),
           gettext_lazy("Weeks begin on Monday. Only the days you chose are counted."),
           gettext_lazy("Week"), SALES, _sales_by("week"), charted=1, span="week", usual=91,
           longest=5 * 366),
    Report("month", SALES_GROUP, gettext_lazy("Sales by month"),
           gettext_lazy("Only the days you chose are counted."),
           gettext_lazy("Month"), SALES, _sales_by("month"), charted=1, span="month", usual=365,
           longest=YEARS),
    Report("year", SALES_GROUP, gettext_lazy("Sales by financial year"),
           gettext_lazy("From 1 April to 31 March. Only the days you chose are counted."),
           gettext_lazy("Financial year"), SALES, _sales_by("year"), charted=1, span="year",
           usual=3 * 365, longest=YEARS),
    Report("method", SALES_GROUP, gettext_lazy("Sales by method"), BOOKED, gettext_lazy("Method"),
           SALES, _sales_by_method, charted=1, longest=YEARS),
    Report("link", SALES_GROUP, gettext_lazy("Sales by link"), BOOKED, gettext_lazy("Link"),
           SALES, _sales_by_link, charted=1),
    Report("tag", SALES_GROUP, gettext_lazy("Sales by tag"),
           gettext_lazy("A payment with several tags is in several lines."),
           gettext_lazy("Tag"), SALES, _sales_by_tag, not_summed, charted=1),
    Report("success", SUCCESS_GROUP, gettext_lazy("Success rate by day"), BEGUN,
           gettext_lazy("Day"), SUCCESS, _success_by_day, _success_total, charted=3, span="day"),
    Report("success-method", SUCCESS_GROUP, gettext_lazy("Success rate by method"), BEGUN,
           gettext_lazy("Method"), SUCCESS, _success_by_method, _success_total, charted=3,
           longest=YEARS),
    Report("failures", SUCCESS_GROUP, gettext_lazy("Why payments failed"),
           gettext_lazy("What Paytm and the banks said, and what helps."),
           gettext_lazy("Reason"), FAILURES, _failures, _failures_total, longest=YEARS),
    Report("refunds", REFUNDS_GROUP, gettext_lazy("Refunds by day"),
           gettext_lazy("Counted on the day they were done."), gettext_lazy("Day"), REFUNDS,
           _refunds_by_day, charted=1, span="day"),
    Report("refund-reasons", REFUNDS_GROUP, gettext_lazy("Refunds by reason"),
           gettext_lazy("Counted on the day they were done."), gettext_lazy("Reason"), REFUNDS,
           _refunds_by_reason, charted=1),
    Report("fees", FEES_GROUP, gettext_lazy("Fees and GST by month"),
           gettext_lazy("Counted on the day the payout came into your books."),
           gettext_lazy("Month"), FEES, _fees_by_month, charted=2, span="month", usual=365,
           longest=YEARS),
    Report("fees-method", FEES_GROUP, gettext_lazy("Fees and GST by method"),
           gettext_lazy("Counted on the day the payout came into your books."),
           gettext_lazy("Method"), FEES[:3], _fees_by_method, charted=2, longest=YEARS),
    Report("ageing", FEES_GROUP, gettext_lazy("What Paytm owes, by age"),
           gettext_lazy("As it stands now, in days from Monday to Friday. Holidays are not known."),
           gettext_lazy("Paid"), OWED, _ageing, charted=1, dated=False),
)  # fmt: skip
BY_NAME: Mapping[str, Report] = {report.name: report for report in REPORTS}

"""Which report of which days: as it stands in the address bar."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.filters import DayField
from dashboard.reports import BY_NAME, REPORTS, Asked, Report
from dashboard.spans import DAY, start_of
from tenants.current import today

USUAL = "day"


def choices() -> list[tuple[Any, Any]]:
    """The reports in their groups, as a choice field takes them."""
    groups: dict[Any, list[tuple[str, Any]]] = {}
    for report in REPORTS:
        groups.setdefault(report.group, []).append((report.name, report.title))
    return list(groups.items())


class ReportForm(forms.Form):
    """A report and some of the merchant's days: `from` to `to`, both included."""

    report = forms.ChoiceField(label=gettext_lazy("Report"), choices=choices)

    def __init__(self, data: Mapping[str, str]) -> None:
        given = {name: data[name] for name in data if data[name]}
        report = BY_NAME.get(given.get("report", USUAL), BY_NAME[USUAL])
        usual = {"to": today(), "from": today() - timedelta(days=report.usual - 1)}
        super().__init__({"report": USUAL} | usual | given)
        self.fields["from"] = DayField(label=gettext_lazy("From"))
        self.fields["to"] = DayField(label=gettext_lazy("To"))
        if not report.dated:
            for name in ("from", "to"):
                self.fields[name].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if not {"from", "to", "report"} <= cleaned.keys():
            return cleaned
        days = (cleaned["to"] - cleaned["from"]).days + 1
        longest = self.chosen.longest
        if days < 1:
            self.add_error("to", _("Choose a day that is not before the first."))
        if days > longest:
            words = _("This report covers at most %(days)s days.")
            self.add_error("to", words % {"days": longest})
        return cleaned

    @property
    def chosen(self) -> Report:
        return BY_NAME[self.cleaned_data["report"]]

    @property
    def first(self) -> date:
        day: date = self.cleaned_data["from"]
        return day

    @property
    def last(self) -> date:
        day: date = self.cleaned_data["to"]
        return day

    def asked(self, live: bool) -> Asked:
        """What the report is asked for."""
        return Asked(live, self.first, self.last)

    @property
    def query(self) -> str:
        """The address of exactly this, without "?"."""
        return address(self.chosen, self.first, self.last)

    def presets(self) -> Iterator[dict[str, Any]]:
        """Periods that accountants ask for, as tabs of this report."""
        now = (self.first, self.last)
        for label, first, last in _periods(today()):
            if (last - first).days < self.chosen.longest:
                url = f"?{address(self.chosen, first, last)}"
                yield {"url": url, "label": label, "active": (first, last) == now}


def address(report: Report, first: date, last: date) -> str:
    """The query of a report's page."""
    return urlencode({"report": report.name, "from": first, "to": last})


def _periods(day: date) -> Iterator[tuple[str, date, date]]:
    month, year = start_of("month", day), start_of("year", day)
    yield _("Today"), day, day
    yield _("30 days"), day - 29 * DAY, day
    yield _("This month"), month, day
    yield _("Last month"), start_of("month", month - DAY), month - DAY
    yield _("This financial year"), year, day
    yield _("Last financial year"), start_of("year", year - DAY), year - DAY

"""Sales and refunds of a period, by day and by method; on screen and as CSV, the same rows."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard.charts import sales_chart
from dashboard.exports import Amount, csv_file
from dashboard.filters import Period
from payments import reporting
from payments.methods import Method
from payments.money import plain_inr
from payments.reporting import Figure
from tenants.access import WorldRequest, member

GROUPS = {"day": reporting.by_day, "method": reporting.by_method}


@member("reports.view")
@require_safe
def page(request: WorldRequest) -> HttpResponse:
    """The period's totals, a chart and the table."""
    period = Period(request.GET)
    if not period.is_valid():
        return render(request, "dashboard/reports/page.html", {"form": period}, status=422)
    by = period.cleaned_data["by"]
    days = reporting.by_day(request.live, period.first, period.last)
    figures = _figures(request, period)
    context = {
        "form": period,
        "by": by,
        "rows": [{"name": _name(figure), "figure": figure} for figure in figures],
        "total": reporting.total(figures),
        "chart": sales_chart(days, period.first, period.last),
        "query": _query(period, by),
        "tabs": _tabs(period, by),
    }
    return render(request, "dashboard/reports/page.html", context)


@member("reports.view")
@require_safe
def csv(request: WorldRequest) -> HttpResponse:
    """The table of the same address on screen."""
    period = Period(request.GET)
    if not period.is_valid():
        return render(request, "dashboard/reports/page.html", {"form": period}, status=422)
    by = period.cleaned_data["by"]
    head = [
        _("Day") if by == "day" else _("Method"),
        _("Sales"), _("Sales (INR)"), _("Refunds"), _("Refunds (INR)"), _("Net (INR)"),
    ]  # fmt: skip
    world = "live" if request.live else "test"
    name = f"{request.tenant.slug}-{world}-{by}-{period.first}-{period.last}"
    return csv_file(name, head, (_cells(figure) for figure in _figures(request, period)))


def _figures(request: WorldRequest, period: Period) -> list[Figure]:
    group = GROUPS[period.cleaned_data["by"]]
    figures = group(request.live, period.first, period.last)
    return [figure for figure in figures if not figure.is_of_payouts_alone]


def _cells(figure: Figure) -> list[str | int]:
    return [
        figure.day.isoformat() if figure.day else str(_name(figure)),
        figure.sales_count,
        Amount(plain_inr(figure.sales_paise)),
        figure.refunds_count,
        Amount(plain_inr(figure.refunds_paise)),
        Amount(plain_inr(figure.net_paise)),
    ]


def _name(figure: Figure) -> Any:
    return figure.day or Method(figure.method or "").label


def _query(period: Period, by: str) -> str:
    return urlencode({"from": period.first, "to": period.last, "by": by})


def _tabs(period: Period, by: str) -> list[dict[str, Any]]:
    return [
        {"url": f"?{_query(period, choice)}", "label": label, "active": choice == by}
        for choice, label in period.fields["by"].choices  # type: ignore[attr-defined]
    ]

"""Reports on screen and as files: the same lines, see dashboard.reports."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import exports
from dashboard.report_form import ReportForm
from dashboard.reports import SALES_GROUP, Asked, Line, Report, shown, table
from payments import reporting
from tenants.access import WorldRequest, member

SHOWN = 500  # lines of a page; the files have all


@member("reports.view")
@require_safe
def page(request: WorldRequest) -> HttpResponse:
    """The report's totals, a chart and the table."""
    form = ReportForm(request.GET)
    if not form.is_valid():
        return _refused(request, form)
    report, asked = form.chosen, form.asked(request.live)
    lines = report.lines(asked)
    context = {
        "form": form,
        "report": report,
        "rows": [_row(request, report, line) for line in lines[:SHOWN]],
        "count": len(lines),
        "total": _cells(report, report.total(lines)) if lines else None,
        "chart": report.chart(asked, lines),
        "surplus_paise": _surplus(report, asked),
        "query": form.query,
        "tabs": [*form.presets()] if report.dated else [],
    }
    return render(request, "dashboard/reports/page.html", context)


@member("reports.view")
@require_safe
def csv(request: WorldRequest) -> HttpResponse:
    """The table of the same address on screen, all of it."""
    return _file(request, "csv")


@member("reports.view")
@require_safe
def xlsx(request: WorldRequest) -> HttpResponse:
    """The same for Excel."""
    return _file(request, "xlsx")


def _file(request: WorldRequest, kind: str) -> HttpResponse:
    form = ReportForm(request.GET)
    if not form.is_valid():
        return _refused(request, form)
    report = form.chosen
    head, rows = table(report, report.lines(form.asked(request.live)))
    name = file_name(request.tenant.slug or "", request.live, form)
    return exports.table_file(kind, name, head, rows)


def file_name(slug: str, live: bool, form: ReportForm) -> str:
    """What a report's file is called, without its ending."""
    world = "live" if live else "test"
    return f"{slug}-{world}-{form.chosen.name}-{form.first}-{form.last}"


def _refused(request: WorldRequest, form: ReportForm) -> HttpResponse:
    return render(request, "dashboard/reports/page.html", {"form": form}, status=422)


def _surplus(report: Report, asked: Asked) -> int:
    """What arrived beside the sales, where a report is of sales."""
    if report.group is not SALES_GROUP:
        return 0
    figures = reporting.by_method(asked.live, asked.first, asked.last)
    return reporting.total(figures).surplus_paise


def _row(request: WorldRequest, report: Report, line: Line) -> dict[str, Any]:
    where = {"slug": request.tenant.slug, "live": request.live}
    url = f"{reverse(line.behind.page, kwargs=where)}?{line.behind.query}" if line.behind else ""
    cells = _cells(report, line.cells)
    return {"name": line.name, "url": url, "note": line.note, "cells": cells}


def _cells(report: Report, cells: Any) -> list[dict[str, Any]] | None:
    """Figures as the table shows them; None where they do not add up to anything."""
    if cells is None:
        return None
    return [
        {"text": shown(column.kind, value), "head": column.head, "wide": column.wide}
        for column, value in zip(report.columns, cells, strict=True)
    ]

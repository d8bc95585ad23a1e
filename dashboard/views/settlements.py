"""Payouts: the list, why each is what it is, asking Paytm for them, and uploading its report."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.exports import Amount, csv_file
from dashboard.paging import page_of
from dashboard.settlements import (
    LINES,
    PayoutFilter,
    UploadForm,
    less_than_sales,
    open_discrepancies,
    settlement_rows,
    waterfall,
    with_paid,
    words_of_file,
    words_of_row,
)
from merchants import roles
from payments import ledger, settlement_import
from payments.models import Settlement, SettlementImport
from payments.money import plain_inr
from payments.payouts import breakdown
from payments.paytm import BadFile, BadRow, read_file, read_rows
from payments.settlement_import import NotOpen, upload_of
from tenants import limits
from tenants.access import WorldRequest, member

ASKS, MINUTES_15 = 3, 900
SHOWN_LINES = 500
# By id, but not by its index: in that the planner walks the lines of all other payouts first.
IN_TURN = F("id") + 0
SHOWN_ROWS = 50
SHOWN_ERRORS = 100


@member("settlements.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first, each with its UTR, what arrived and what is odd about it; and all of them
    together."""
    form = PayoutFilter(request.GET)
    if not form.is_valid():
        return render(request, "dashboard/settlements/list.html", {"form": form}, status=422)
    return _list(request, form)


def _list(request: WorldRequest, form: PayoutFilter, status: int = 200) -> HttpResponse:
    payouts = form.narrow(Settlement.objects.filter(live=request.live))
    page = page_of(settlement_rows(payouts), request)
    context = {
        "form": form,
        "narrowed": any(form.cleaned_data.values()),
        "count": payouts.count(),
        "paid_paise": ledger.paid_out_in_all(payouts),
        "page": page,
        "rows": with_paid(page.rows),
        "last": SettlementImport.objects.filter(live=request.live)
        .exclude(state=SettlementImport.State.PREVIEW)
        .order_by("-created_at")
        .first(),
        "open_count": open_discrepancies(request.live).count(),
        "may_manage": roles.may(request.membership.role, "settlements.manage"),
    }
    return render(request, "dashboard/settlements/list.html", context, status=status)


@member("settlements.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """Why a payout is what it is, and its lines; those of one step, if the address says so."""
    settlement = _settlement(request, id)
    lines = settlement.lines.select_related("payment", "refund").order_by(IN_TURN)
    step, why = LINES.get(request.GET.get("lines", "")), breakdown(settlement)
    if step:
        lines = lines.filter(step[1])
    context = {
        "settlement": settlement,
        "question": less_than_sales(why),
        "falls": waterfall(why),
        "step": step and step[0],
        "lines": lines[:SHOWN_LINES],
        "lines_count": lines.count(),
        "shown_lines": SHOWN_LINES,
        "odd": settlement.discrepancies.filter(resolved_at=None).order_by("created_at"),
    }
    return render(request, "dashboard/settlements/detail.html", context)


@member("settlements.view")
@require_safe
def csv(request: WorldRequest, id: UUID) -> HttpResponse:
    """All lines of a payout, as on its page."""
    settlement = _settlement(request, id)
    head = [
        _("Kind"), _("Order ID"), _("Transaction ID"), _("Matched"), _("Gross (INR)"),
        _("Commission (INR)"), _("GST (INR)"), _("Settled (INR)"), _("UTR"), _("Paid out on"),
    ]  # fmt: skip
    lines = settlement.lines.order_by(IN_TURN)
    rows = (_cells(settlement, line) for line in lines.iterator())
    return csv_file(quote(f"{request.tenant.slug}-{settlement}", safe=""), head, rows)


def _cells(settlement: Settlement, line: Any) -> Any:
    figures = ("gross_paise", "commission_paise", "gst_paise", "settled_paise")
    return [
        str(line.get_kind_display()),
        line.order_id,
        line.txn_id,
        str(line.get_match_display()),
        *(Amount(plain_inr(getattr(line, name))) for name in figures),
        settlement.utr,
        settlement.paid_on.isoformat(),
    ]


@member("settlements.manage")
@require_POST
def import_now(request: WorldRequest) -> HttpResponse:
    """Ask Paytm for today's payouts and the last days'."""
    bucket = f"settlements:{request.tenant.pk}:{request.live}"
    if not limits.hit(bucket, ASKS, MINUTES_15):
        messages.warning(request, _("Paytm was asked several times just now. Wait a little."))
        everything = PayoutFilter({})
        everything.is_valid()
        return limits.until_next(_list(request, everything, 429), MINUTES_15)
    if settlement_import.ask_now(request.live, request.user):
        messages.success(request, _("Paytm is being asked. New payouts show here in a moment."))
    else:
        messages.warning(request, _("No Paytm account here has payouts. Staging has none."))
    return redirect("settlements", slug=request.tenant.slug, live=request.live)


@member("settlements.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: WorldRequest) -> HttpResponse:
    """Read a report of Paytm's dashboard; nothing is taken in before somebody has looked."""
    if request.method != "POST":
        return _upload_page(request, UploadForm(live=request.live))
    form = UploadForm(request.POST, request.FILES, live=request.live)
    if not form.is_valid():
        return _upload_page(request, form, status=422)
    sent = form.cleaned_data
    try:
        found = read_file(sent["file"].read())
    except BadFile as error:
        form.add_error("file", words_of_file(error))
        return _upload_page(request, form, status=422)
    if found.errors:
        return _upload_page(request, form, found.errors, 422)
    kept = settlement_import.preview(sent["account"], sent["file"].name, found.rows, request.user)
    return redirect("settlement_preview", slug=request.tenant.slug, live=request.live, id=kept.pk)


def _upload_page(
    request: WorldRequest, form: UploadForm, errors: Any = (), status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "errors": [(error.row, words_of_row(error)) for error in errors[:SHOWN_ERRORS]],
        "errors_count": len(errors),
        "has_account": form.fields["account"].queryset.exists(),  # type: ignore[attr-defined]
    }
    return render(request, "dashboard/settlements/upload.html", context, status=status)


@member("settlements.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: WorldRequest, id: UUID) -> HttpResponse:
    """What a file would bring; pressing Import takes it in, once."""
    kept = get_object_or_404(upload_of(id, request.live).select_related("account"))
    if request.method == "POST":
        try:
            settlement_import.confirm(kept, request.user)
            messages.success(request, _("The file is being imported. Payouts show here shortly."))
        except NotOpen:
            messages.info(request, _("This file was imported before; nothing was added."))
        return redirect("settlements", slug=request.tenant.slug, live=request.live)
    try:
        rows = read_rows(kept.rows)
    except BadRow:  # its rows were read before they were kept
        rows = []
    context = {
        "kept": kept,
        "rows": rows[:SHOWN_ROWS],
        "rows_count": len(rows),
        "payouts": len({row.utr for row in rows}),
        "total_paise": sum(row.settled_paise for row in rows),
    }
    return render(request, "dashboard/settlements/preview.html", context)


def _settlement(request: WorldRequest, id: UUID) -> Settlement:
    return get_object_or_404(Settlement, live=request.live, id=id)

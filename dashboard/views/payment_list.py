"""The list of payments: narrowed, searched, paged, added up, and as each person likes it."""

from collections.abc import Sequence
from functools import lru_cache, partial

from django.core.exceptions import BadRequest
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from dashboard import live, payment_rows, saved_views
from dashboard.lists import PAYMENTS
from dashboard.paging import Page, page_found
from dashboard.payment_filter import PaymentFilter
from dashboard.templatetags.remembering import Part
from merchants import roles
from payments.totalling import exact_totals, totals
from tenants import unchanged
from tenants.access import WorldRequest, member

LIST = "dashboard/payments/list.html"


@member("payments.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first, of all or of what the address narrows it to."""
    views = saved_views.views_of(request, PAYMENTS.of)
    if not request.GET and views.default:
        return redirect(f"{request.path}?{views.default.address}")
    asked = PaymentFilter.asked_in(request.GET)
    form = _asked(get_language(), asked)
    columns = saved_views.columns_of(PAYMENTS, request.GET, views)
    if not form.is_valid():
        context = {"form": form, "controls": _drawn(form)}
        return render(request, LIST, context, status=422)
    selection, query = form.selection(request.live), form.query
    may_tag, narrowed = _may_annotate(request), not selection.is_everything
    page = page_found(partial(payment_rows.found, selection, columns), request)
    address = payment_rows.addresses(request.tenant.slug, request.live, query)
    table = payment_rows.table(page.rows, columns, address, pick=may_tag)
    context = {
        "form": form,
        "controls": _controls(get_language(), asked),
        "page": page,
        "table": table,
        "narrowed": narrowed,
        "tabs": views.tabs(query),
        "may_tag": may_tag,
        "beside": _beside(page),
        "around": _around(request, narrowed, query, columns),
    }
    unchanged.may_be(request)
    return live.answer(request, LIST, context, shows=f"{table}{page.newer} {page.older}")


@member("payments.view")
@require_safe
def sums(request: WorldRequest) -> HttpResponse:
    """What the narrowed payments come to; with `exact` in the address whatever that costs."""
    form = PaymentFilter(request.GET)
    if not form.is_valid():
        raise BadRequest("no such selection")
    add_up = exact_totals if "exact" in request.GET else totals
    context = {"totals": add_up(form.selection(request.live)), "query": form.query}
    part = "#sums" if request.htmx else ""
    return render(request, f"dashboard/payments/sums.html{part}", context)


def _around(request: WorldRequest, narrowed: bool, query: str, columns: Sequence[str]) -> Part:
    """What stands above and below the rows."""
    kind = {
        "live": request.live,
        "narrowed": narrowed,
        "may_export": roles.may(request.membership.role, "exports.make"),
    }
    own = {
        "query": escape(query),
        "looks_query": escape(PAYMENTS.looks_query(query, columns)),
        "file_query": escape(PAYMENTS.file_query(query, columns)),
        "slug": request.tenant.slug,
    }
    return Part(tuple(kind.values()), lambda: kind, own)


def _beside(page: Page) -> Part:
    """The pages beside this one."""
    own = {name: escape(url) for name in ("newer", "older") if (url := getattr(page, name))}
    return Part(tuple(own), own=own)


@lru_cache(maxsize=500)
def _asked(language: str, query: str) -> PaymentFilter:
    """The form as it stands in the address, its errors in this language. Not to be changed."""
    form = PaymentFilter(QueryDict(query))
    form.is_valid()
    return form


@lru_cache(maxsize=500)
def _controls(language: str, query: str) -> SafeString:
    """The fields as they stand in the address: the same for everybody who asks for the same."""
    return _drawn(_asked(language, query))


def _drawn(form: PaymentFilter) -> SafeString:
    context = {"form": form, "columns": form.data.get("columns", "")}
    return render_to_string("dashboard/_finder.html", context)


def _may_annotate(request: WorldRequest) -> bool:
    return roles.may(request.membership.role, "payments.annotate")

"""Who did what: the record of the merchant's acts, to read and to take away."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.queries import changed
from dashboard.activity import ActivityFilter, page_of, table_of
from dashboard.exports import csv_stream
from merchants.models import AuditEvent
from tenants.access import MerchantRequest, member

TEMPLATE = "dashboard/activity/list.html"


@member("activity.view")
@require_safe
def list(request: MerchantRequest) -> HttpResponse:
    """Newest first, narrowed by person, kind of act and days."""
    form = ActivityFilter(request.GET, request.tenant)
    if not form.is_valid():
        return render(request, TEMPLATE, {"form": form}, status=422)
    page = page_of(form.narrow(AuditEvent.objects.all()), request, str(request.tenant.slug))
    query = changed(request.GET, before="", after="")
    narrowed = any(form.cleaned_data.values())
    context = {"form": form, "page": page, "narrowed": narrowed, "query": query}
    return render(request, TEMPLATE, context)


@member("activity.view")
@require_safe
def csv(request: MerchantRequest) -> HttpResponse:
    """All that the filters leave, as a file."""
    form = ActivityFilter(request.GET, request.tenant)
    if not form.is_valid():
        return render(request, TEMPLATE, {"form": form}, status=422)
    head, rows = table_of(form.narrow(AuditEvent.objects.all()), request.tenant)
    # Django counts a stream as no HttpResponse; whoever passes it on does not mind.
    return csv_stream(f"{request.tenant.slug}-activity", head, rows)  # type: ignore[return-value]

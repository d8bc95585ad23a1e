"""What this person is told in this merchant's dashboard: the list behind the bell."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from dashboard.paging import page_of
from merchants import noticing
from merchants.models import Notice
from tenants.access import MerchantRequest, member

ROW = ["id", "created_at", "kind", "args", "read_at"]


@member("home.view")
@require_safe
def list(request: MerchantRequest) -> HttpResponse:
    """Newest first; each leads to what it speaks of."""
    mine = Notice.objects.filter(user_id=request.user.pk)
    page = page_of(mine.values(*ROW), request)
    for row in page.rows:
        row["icon"], row["words"] = noticing.told(row["kind"], row["args"])
    return render(request, "dashboard/notices/list.html", {"page": page})


@member("home.view")
@require_POST
def open(request: MerchantRequest, id: UUID) -> HttpResponse:
    """Mark one as read, and go where it leads."""
    notice = get_object_or_404(Notice, pk=id, user_id=request.user.pk)
    return redirect(noticing.open_notice(notice))


@member("home.view")
@require_POST
def read_all(request: MerchantRequest) -> HttpResponse:
    """Mark all as read."""
    noticing.read_all(request.user.pk)
    return redirect("notices", slug=request.tenant.slug)

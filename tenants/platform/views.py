"""The platform staff's screens. Support looks; admins act, and say why."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants import dead_letters, provisioning
from tenants.access import PersonRequest, staff
from tenants.models import DeadJob, PageReport, Tenant, User
from tenants.platform import figures, supervising
from tenants.platform.forms import (
    SLUG_WORDS,
    HandleForm,
    NewMerchantForm,
    ReasonForm,
    SearchForm,
)

SUPPORT, ADMIN = User.StaffRole.SUPPORT, User.StaffRole.ADMIN
PAGE = 50

DEEDS = {
    "approve": supervising.approve,
    "suspend": supervising.suspend,
    "resume": supervising.resume,
}


@staff(SUPPORT)
@require_GET
def home(request: PersonRequest) -> HttpResponse:
    asked = figures.merchants().filter(live_state=Tenant.LiveState.ASKED)
    context = {"overview": figures.overview(), "asked": asked, "newest": figures.merchants()[:10]}
    return render(request, "platform/home.html", context)


@staff(SUPPORT)
@require_GET
def merchants(request: PersonRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    found = figures.merchants()
    if form.is_valid():
        found = _search(found, **form.cleaned_data)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return render(request, "platform/merchants.html", {"form": form, "page": page})


def _search(found, q: str, state: str):  # type: ignore[no-untyped-def]
    if q:
        found = found.filter(Q(name__icontains=q) | Q(slug__icontains=q))
    if state == Tenant.LiveState.ASKED:
        return found.filter(live_state=state)
    return found.filter(state=state) if state else found


@staff(SUPPORT)
@require_GET
def merchant(request: PersonRequest, id: UUID) -> HttpResponse:
    tenant = _tenant(id)
    context = {
        "tenant": tenant,
        "volume": figures.merchants().get(pk=tenant.pk),
        "team": tenant.memberships.select_related("user").order_by("created_at"),
        "acts": tenant.staff_acts.select_related("by").order_by("-id")[:50],
        "reports": tenant.page_reports.order_by("-created_at")[:20],
        "forms": {deed: ReasonForm(auto_id=f"{deed}_%s") for deed in DEEDS},
        "may_act": request.user.staff_role == ADMIN,
    }
    return render(request, "platform/merchant.html", context)


@staff(ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    form = NewMerchantForm(request.POST or None)
    if request.method != "POST":
        return render(request, "platform/new.html", {"form": form})
    if form.is_valid():
        try:
            tenant = supervising.create(by=request.user, **form.cleaned_data)
        except provisioning.BadSlug as error:
            form.add_error("slug", SLUG_WORDS[str(error)])
        else:
            messages.success(request, _("%s was created.") % tenant.name)
            return redirect("platform_merchant", id=tenant.pk)
    return render(request, "platform/new.html", {"form": form}, status=422)


def _deed(request: PersonRequest, id: UUID, name: str) -> HttpResponse:
    tenant, form = _tenant(id), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why: a reason is kept with every such act."))
        return redirect("platform_merchant", id=id)
    try:
        DEEDS[name](tenant, request.user, form.cleaned_data["words"])
        messages.success(request, _("Done."))
    except supervising.NotNow:
        messages.error(request, _("The merchant is not in a state for this."))
    return redirect("platform_merchant", id=id)


@staff(ADMIN)
@require_POST
def approve(request: PersonRequest, id: UUID) -> HttpResponse:
    return _deed(request, id, "approve")


@staff(ADMIN)
@require_POST
def suspend(request: PersonRequest, id: UUID) -> HttpResponse:
    return _deed(request, id, "suspend")


@staff(ADMIN)
@require_POST
def resume(request: PersonRequest, id: UUID) -> HttpResponse:
    return _deed(request, id, "resume")


@staff(SUPPORT)
@require_GET
def reports(request: PersonRequest) -> HttpResponse:
    found = PageReport.objects.select_related("tenant", "handled_by").order_by("-created_at")
    open_first = sorted(found[:200], key=lambda report: report.state != PageReport.State.OPEN)
    context = {"reports": open_first, "may_act": request.user.staff_role == ADMIN}
    return render(request, "platform/reports.html", context)


@staff(ADMIN)
@require_POST
def handle_report(request: PersonRequest, id: UUID) -> HttpResponse:
    report = get_object_or_404(PageReport.objects.select_related("tenant"), pk=id)
    form = HandleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say what you found."))
        return redirect("platform_reports")
    try:
        supervising.handle(report, request.user, **form.cleaned_data)
        messages.success(request, _("The report is closed."))
    except supervising.NotNow:
        messages.error(request, _("Somebody else closed it."))
    return redirect("platform_reports")


@staff(SUPPORT)
@require_GET
def jobs(request: PersonRequest) -> HttpResponse:
    context = {
        "dead": DeadJob.objects.order_by("-id")[:200],
        "may_act": request.user.staff_role == ADMIN,
    }
    return render(request, "platform/jobs.html", context)


@staff(ADMIN)
@require_POST
def retry_job(request: PersonRequest, id: int) -> HttpResponse:
    dead_letters.revive(get_object_or_404(DeadJob, pk=id))
    messages.success(request, _("The job will run again."))
    return redirect("platform_jobs")


def _tenant(id: UUID) -> Tenant:
    claimed = Tenant.objects.exclude(state=Tenant.State.READY)
    tenant: Tenant = get_object_or_404(claimed, pk=id)
    return tenant

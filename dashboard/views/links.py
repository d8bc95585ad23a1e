"""Payment links: the list, a new one, one with its QR code, opening and closing it."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.clock import now
from dashboard import live
from dashboard.links import LinkForm
from dashboard.paging import Row, page_of
from dashboard.payment_rows import ROW as PAYMENT_ROW
from dashboard.payment_rows import with_arrived
from merchants import roles
from payments.collecting import active_accounts, why_closed
from payments.linking import OtherBody, make_link, set_state
from payments.models import Link, Payment
from tenants.access import WorldRequest, member

SHOWN_PAYMENTS = 20

ROW = ["id", "created_at", "token", "description", "state", "expires_at", "max_payments", "used"]
ROW += ["amount_paise", "min_paise", "max_paise"]


@member("links.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first, each with what it still takes."""
    # The last slot is taken only after all others are.
    last_slot = Q(link=OuterRef("pk"), slot=OuterRef("max_payments"))
    links = Link.objects.filter(live=request.live).annotate(
        used=Exists(Payment.objects.filter(last_slot))
    )
    page = page_of(links.values(*ROW), request)
    for row in page.rows:
        row |= {"url": pay_url(row["token"]), "closed": _closed(row)}
    context = {"page": page, "may_manage": roles.may(request.membership.role, "links.manage")}
    return live.answer(request, "dashboard/links/list.html", context, shows=page)


@member("links.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorldRequest) -> HttpResponse:
    """Make a link. The same form sent twice is one link."""
    form = LinkForm(request.POST) if request.method == "POST" else LinkForm.empty()
    status = 422 if request.method == "POST" else 200
    if form.is_valid():
        try:
            link = make_link(
                form.terms, id=form.cleaned_data["key"], live=request.live, by=request.user
            )
        except OtherBody:
            form.renew_key()
            words = _("This form has made a link with other terms. Send it again for this one too.")
            form.add_error(None, words)
        else:
            messages.success(request, _("The link is ready to share."))
            return _see(request, link)
    context = {"form": form, "connected": active_accounts(request.live).exists()}
    return render(request, "dashboard/links/new.html", context, status=status)


@member("links.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """A link to copy, show and share, with its newest payments."""
    link = get_object_or_404(Link, live=request.live, id=id)
    payments = link.payments.order_by("-created_at", "id").values(*PAYMENT_ROW)
    rows = with_arrived(payments[:SHOWN_PAYMENTS])
    closed = why_closed(link)
    context = {
        "link": link,
        "url": pay_url(link.token),
        "closed": closed,
        "rows": rows,
        "shown_payments": SHOWN_PAYMENTS,
        "may_manage": roles.may(request.membership.role, "links.manage"),
    }
    return live.answer(
        request, "dashboard/links/detail.html", context, shows=(rows, closed, link.state)
    )


@member("links.manage")
@require_POST
def state(request: WorldRequest, id: UUID) -> HttpResponse:
    """Disable a link, or enable it again."""
    link = get_object_or_404(Link, live=request.live, id=id)
    wanted = request.POST.get("state")
    if wanted not in Link.State.values:
        raise BadRequest("no state of a link")
    link = set_state(link, Link.State(wanted), request.user)
    enabled = link.state == Link.State.ACTIVE
    words = _("The link takes payments again.") if enabled else _("The link is disabled.")
    messages.success(request, words)
    return _see(request, link)


def pay_url(token: str) -> str:
    """The address to share: the link's page on the platform's public origin."""
    return f"{settings.BASE_URL}{reverse('pay', kwargs={'token': token})}"


def _closed(row: Row) -> str:
    """Why a row's link takes no money, as payments.collecting.Closed says; or nothing."""
    if row["state"] != Link.State.ACTIVE:
        return "disabled"
    if row["expires_at"] and row["expires_at"] <= now():
        return "expired"
    return "used" if row["used"] else ""


def _see(request: WorldRequest, link: Link) -> HttpResponse:
    return redirect("link", slug=request.tenant.slug, live=link.live, id=link.pk)

"""Payment links: the list, making and changing one, sharing it, opening and closing it."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.clock import now
from dashboard import live
from dashboard.exports import csv_file
from dashboard.link_figures import funnel_of, payments_table
from dashboard.link_preview import preview_of
from dashboard.link_sharing import pay_url, ways_to_share
from dashboard.links import ClosingForm, EditLinkForm, LinkForm, told_terms
from dashboard.paging import Row, page_of
from dashboard.payment_rows import ROW as PAYMENT_ROW
from dashboard.payment_rows import with_arrived
from merchants import branding, roles
from merchants.models import Profile
from payments import questions
from payments.collecting import active_accounts, why_closed
from payments.linking import (
    ChangedMeanwhile,
    OtherBody,
    TooFew,
    change_link,
    last_change,
    make_link,
    set_state,
    terms_of,
)
from payments.methods import Method
from payments.models import Link, Payment
from tenants.access import WorldRequest, member

SHOWN_PAYMENTS = 20

ROW = ["id", "created_at", "token", "description", "reference", "state", "starts_at", "expires_at"]
ROW += ["max_payments", "used", "amount_paise", "min_paise", "max_paise"]


@member("links.view")
@require_safe
def list(request: WorldRequest) -> HttpResponse:
    """Newest first, each with what it still takes; those put away are a list of their own."""
    of_world = Link.objects.filter(live=request.live)
    put_away = of_world.filter(state=Link.State.ARCHIVED)
    archived = request.GET.get("archived") == "1"
    # The last slot is taken only after all others are.
    last_slot = Q(link=OuterRef("pk"), slot=OuterRef("max_payments"))
    links = put_away if archived else of_world.exclude(state=Link.State.ARCHIVED)
    links = links.annotate(used=Exists(Payment.objects.filter(last_slot)))
    page = page_of(links.values(*ROW), request)
    for row in page.rows:
        row |= {"url": pay_url(row["token"]), "closed": _closed(row)}
    context = {
        "page": page,
        "archived": archived,
        "tabs": _tabs(archived) if archived or put_away.exists() else (),
        "may_manage": roles.may(request.membership.role, "links.manage"),
    }
    return live.answer(request, "dashboard/links/list.html", context, shows=page)


@member("links.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorldRequest) -> HttpResponse:
    """Make a link, perhaps `from` another one's terms. The same form sent twice is one link."""
    if request.method != "POST":
        return _form_page(request, _new_form(request))
    form = LinkForm(request.POST)
    if "preview" in request.POST:
        return _form_page(request, form)
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
    return _form_page(request, form, status=422)


def _new_form(request: WorldRequest) -> LinkForm:
    if "from" not in request.GET:
        return LinkForm.empty()
    try:
        id = UUID(request.GET["from"])
    except ValueError:
        raise Http404 from None
    return LinkForm.copy_of(_link(request, id))


@member("links.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorldRequest, id: UUID) -> HttpResponse:
    """Change what a link offers; its address and its payments stay."""
    link = _link(request, id)
    if request.method != "POST":
        return _form_page(request, EditLinkForm.of(link), link)
    form = EditLinkForm.of(link, request.POST)
    if "preview" in request.POST:
        return _form_page(request, form, link)
    if form.is_valid():
        try:
            change_link(link, form.terms, request.user, form.cleaned_data["opened"])
        except ChangedMeanwhile as error:
            return _tell_what_changed(request, form, id, error.names)
        except TooFew as error:
            _tell_too_few(form, error.taken)
        else:
            messages.success(request, _("Saved. Payers see it from now on."))
            return _see(request, link)
    return _form_page(request, form, link, status=422)


@member("links.manage")
@require_POST
def preview(request: WorldRequest) -> HttpResponse:
    """A part of the form's page: what a payer would see of what it says now, right or wrong."""
    context = {"preview": preview_of(LinkForm(request.POST))}
    return render(request, "dashboard/links/_preview.html", context)


@member("links.manage")
@require_safe
def preview_colour(request: WorldRequest) -> HttpResponse:
    """The merchant's colour for the preview, as a style sheet; an empty one where it has none."""
    colour = Profile.objects.values_list("colour", flat=True).get()
    sheet = branding.style_sheet(colour, ".preview") if colour else ""
    return HttpResponse(sheet, content_type="text/css")


@member("links.view")
@require_safe
def detail(request: WorldRequest, id: UUID) -> HttpResponse:
    """A link to copy, show and share, how it does, and its newest payments."""
    link = _link(request, id)
    return _page(request, link, ClosingForm(initial={"closed_words": link.closed_words}))


@member("links.view")
@require_safe
def print(request: WorldRequest, id: UUID) -> HttpResponse:
    """A sheet for the counter or the wall, with a code that leads to the pay page."""
    link = _link(request, id)
    context = {"link": link, "url": pay_url(link.token), "profile": Profile.objects.get()}
    return render(request, "dashboard/links/print.html", context)


@member("payments.view")
@require_safe
def payments_csv(request: WorldRequest, id: UUID) -> HttpResponse:
    """All payments of a link, with what payers told and answered."""
    link = _link(request, id)
    world = "live" if request.live else "test"
    head, rows = payments_table(link)
    return csv_file(f"{request.tenant.slug}-{world}-link-{link.pk}", head, rows)


@member("links.manage")
@require_POST
def state(request: WorldRequest, id: UUID) -> HttpResponse:
    """Disable a link, enable it again, or put it away."""
    link, wanted = _link(request, id), request.POST.get("state")
    if wanted not in Link.State.values:
        raise BadRequest("no state of a link")
    form = ClosingForm(request.POST)
    if not form.is_valid():
        return _page(request, link, form, status=422)
    words = form.cleaned_data["closed_words"] if "closed_words" in request.POST else None
    changed = set_state(link, Link.State(wanted), request.user, words)
    messages.success(request, _what_was_done(link.state, changed.state))
    return _see(request, link)


def _what_was_done(before: str, after: str) -> str:
    if after == Link.State.ACTIVE:
        return _("The link takes payments again.")
    if after == Link.State.ARCHIVED:
        return _("The link is archived. It takes no payments.")
    if before == Link.State.ARCHIVED:
        return _("The link is back in the list. It takes no payments until you enable it.")
    return _("Saved.") if before == after else _("The link is disabled.")


def _link(request: WorldRequest, id: UUID) -> Link:
    return get_object_or_404(Link, live=request.live, id=id)


def _form_page(
    request: WorldRequest,
    form: LinkForm,
    link: Link | None = None,
    status: int = 200,
    changed: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The form as it was sent or is to be filled in; `changed` is what somebody else did to the
    link meanwhile: the `terms` now, and the record of the `last` change, if there is one."""
    profile = Profile.objects.get()
    context = {
        "form": form,
        "link": link,
        "changed": changed,
        "preview": preview_of(form),
        "profile": profile,
        "logo": _as_data(profile.logo_png),
        "connected": active_accounts(request.live).exists(),
    }
    return render(request, "dashboard/links/form.html", context, status=status)


def _as_data(logo: bytes | memoryview | None) -> str:
    """As a data: address takes it; a new link has no address to fetch it from."""
    return base64.b64encode(logo).decode() if logo else ""


def _tell_what_changed(
    request: WorldRequest, form: EditLinkForm, id: UUID, names: Iterable[str]
) -> HttpResponse:
    link = _link(request, id)
    form.open_anew(link)
    changed = {"terms": told_terms(link, names), "last": last_change(link)}
    return _form_page(request, form, link, 409, changed)


def _tell_too_few(form: LinkForm, taken: int) -> None:
    """Beside the number where one was typed, else beside the choice of one."""
    where = "times" if form.cleaned_data["payments"] == "some" else "payments"
    words = _("It has taken %(taken)s payments already: allow at least as many.")
    form.add_error(where, words % {"taken": taken})


def _page(request: WorldRequest, link: Link, form: ClosingForm, status: int = 200) -> HttpResponse:
    payments = link.payments.order_by("-created_at", "id").values(*PAYMENT_ROW)
    rows = with_arrived(payments[:SHOWN_PAYMENTS])
    closed, funnel = _state_word(link), funnel_of(link)
    context: dict[str, Any] = {
        "link": link,
        "url": pay_url(link.token),
        "share": ways_to_share(link, request.tenant.name),
        "closed": closed,
        "rows": rows,
        "funnel": funnel,
        "asked": questions.read(link.questions),
        "methods": [Method(word).label for word in link.methods],
        "closing_form": form,
        "shown_payments": SHOWN_PAYMENTS,
        "may_manage": roles.may(request.membership.role, "links.manage"),
    }
    if status != 200:
        return render(request, "dashboard/links/detail.html", context, status=status)
    shows = (rows, closed, funnel, terms_of(link), link.state, link.closed_words)
    return live.answer(request, "dashboard/links/detail.html", context, shows=shows)


def _state_word(link: Link) -> str:
    """Why a link takes no money, as `_state.html` knows it; or nothing."""
    if link.state == Link.State.ARCHIVED:
        return "archived"
    closed = why_closed(link)
    return "soon" if link.not_yet_open and closed not in ("suspended", "disabled") else closed


def _closed(row: Row) -> str:
    """The same of a row, without asking whether the merchant can take money at all."""
    if row["state"] != Link.State.ACTIVE:
        return str(row["state"])
    if row["expires_at"] and row["expires_at"] <= now():
        return "expired"
    if row["used"]:
        return "used" if row["max_payments"] == 1 else "full"
    return "soon" if row["starts_at"] and row["starts_at"] > now() else ""


def _tabs(archived: bool) -> tuple[dict[str, Any], ...]:
    return (
        {"url": "?", "label": _("In use"), "active": not archived},
        {"url": "?archived=1", "label": _("Archived"), "active": archived},
    )


def _see(request: WorldRequest, link: Link) -> HttpResponse:
    return redirect("link", slug=request.tenant.slug, live=link.live, id=link.pk)

"""What stands around every page of a merchant's dashboard: menus, bell, the person's corner."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from config import rows
from config.queries import changed
from dashboard.templatetags.remembering import Part, hole
from dashboard.templatetags.ui import icon
from merchants import noticing, roles
from tenants import schema
from tenants.access import MerchantRequest
from tenants.models import Role, User

HERE, NOT_HERE = mark_safe(' aria-current="page"'), mark_safe("")
THIS = mark_safe(' aria-current="true"')

_MINE: Final = """
    SELECT t.name, t.slug FROM membership AS m JOIN tenant AS t ON t.id = m.tenant_id
    WHERE m.user_id = %s ORDER BY t.name
"""


class Place(NamedTuple):
    """An entry of the navigation, and the names of the pages that lie beneath it."""

    label: Any
    icon: str
    permission: str
    pages: tuple[str, ...]


WORLD = (
    Place(_("Home"), "house", "home.view", ("dashboard",)),
    Place(
        _("Payments"),
        "credit-card",
        "payments.view",
        ("payments", "payment", "payment_ask", "payments_tags", "payments_looks"),
    ),
    Place(
        _("Links"),
        "link",
        "links.view",
        (
            *("links", "link_new", "link", "link_state", "link_edit", "link_print"),
            *("link_preview", "link_batches", "link_batch"),
        ),
    ),
    Place(
        _("Refunds"),
        "undo-2",
        "payments.view",
        (
            *("refunds", "refund", "refund_new", "refund_approve", "refund_reject"),
            *("refund_withdraw", "refunds_looks"),
        ),
    ),
    Place(_("Surplus"), "layers-plus", "payments.view", ("surplus", "surplus_keep")),
    Place(
        _("Settlements"),
        "landmark",
        "settlements.view",
        (
            *("settlements", "settlement", "settlement_upload", "settlement_preview"),
            *("settlements_import", "exceptions", "exception", "exception_act"),
        ),
    ),
    Place(_("Reports"), "chart-column", "reports.view", ("reports", "report_mails")),
    Place(
        _("Exports"),
        "file-down",
        "exports.make",
        ("exports", "refunds_exports", "export", "export_cancel"),
    ),
    Place(
        _("Events"),
        "webhook",
        "events.view",
        ("events", "event", "delivery", "endpoints", "endpoint", "endpoint_new", "endpoint_edit"),
    ),
    Place(
        _("Paytm"),
        "plug",
        "credentials.view",
        ("paytm", "paytm_simulator", "paytm_keys", "paytm_check"),
    ),
)
MERCHANT = (
    Place(_("Team"), "users", "team.view", ("team", "team_invite", "team_role", "team_remove")),
    Place(_("Activity"), "history", "activity.view", ("activity",)),
    Place(
        _("Settings"),
        "settings",
        "settings.view",
        ("settings", "settings_live", "settings_refunds"),
    ),
)


def unread_of(request: MerchantRequest) -> int:
    """What the bell counts, asked once for a request; nothing on a page that is refused before its
    merchant is entered."""
    if schema.tenant() != request.tenant:
        return 0
    known: int | None = getattr(request, "unread", None)
    if known is None:
        known = request.unread = noticing.unread(request.user.pk)  # type: ignore[attr-defined]
    return known


def frame_of(request: MerchantRequest, unread: int) -> Part:
    """All that stands around a page of a merchant's: it looks the same for everybody in a role,
    but for whose it is."""
    tenant, live = request.tenant, getattr(request, "live", None)
    kind = (request.membership.role, live, tenant.live_open, bool(request.user.staff_role))
    own: dict[str, object] = {
        "slug": tenant.slug or "",
        "name": escape(tenant.name),
        "initial": escape(tenant.name[:1].upper()),
        "email": escape(request.user.email),
        "bell": bell_of(unread),
        "merchants": _merchant_links(my_merchants(request.user, tenant.slug)),
        "other_language": escape(_in_other_language(request)),
    }
    own |= {_at(place): current_mark(request, place) for place in (*WORLD, *MERCHANT)}
    return Part(kind, partial(_drawn_of, *kind), own)


def _drawn_of(role: str, live: bool | None, live_open: bool, is_staff: bool) -> dict[str, Any]:
    """From a page outside both worlds, the places lead to the open one."""
    world = live_open if live is None else live
    return {
        "live": live,
        "live_open": live_open,
        "world": world,
        "role": Role(role).label,
        "user": {"email": hole("email"), "staff_role": is_staff},
        "nav": [*_nav(role, world)],
    }


def _nav(role: str, world: bool) -> Iterator[dict[str, Any]]:
    """The places this role may see."""
    for places, where in ((WORLD, {"live": world}), (MERCHANT, {})):
        for place in places:
            if roles.may(role, place.permission):
                yield item_of(place, hole(_at(place)), slug=hole("slug"), **where)


def item_of(place: Place, current: str, **where: Any) -> dict[str, Any]:
    """An entry of a navigation; `current` marks the place that one is in."""
    url = reverse(place.pages[0], kwargs=where)
    return {"label": place.label, "icon": place.icon, "url": url, "current": current}


def _at(place: Place) -> str:
    return f"at_{place.pages[0]}"


def current_mark(request: HttpRequest, place: Place) -> SafeString:
    """What marks the place, if the request is in it."""
    match = request.resolver_match
    is_here = match is not None and match.url_name in place.pages
    return HERE if is_here else NOT_HERE


def bell_of(unread: int) -> str:
    """What stands beside the bell."""
    if not unread:
        return ""
    html = '<span class="count">{}<span class="sr-only"> {}</span></span>'
    return format_html(html, "99+" if unread > 99 else unread, _("new"))


def _merchant_links(mine: list[dict[str, Any]]) -> str:
    drawing = icon("store", "size-4")
    links = ((each["url"], THIS if each["active"] else "", drawing, each["name"]) for each in mine)
    return format_html_join("", '<a href="{}"{}>{}{}</a>', links)


def _in_other_language(request: MerchantRequest) -> str:
    """This page, or the first place where it cannot be asked for again."""
    other = "en" if get_language() == "hi" else "hi"
    if request.method == "GET":
        return f"?{changed(request.GET, lang=other)}"
    world = getattr(request, "live", None)
    where = {
        "slug": request.tenant.slug,
        "live": request.tenant.live_open if world is None else world,
    }
    return f"{reverse('dashboard', kwargs=where)}?lang={other}"


def my_merchants(user: User, slug: str | None) -> list[dict[str, Any]]:
    """The merchants this person is a member of; `slug` is the one they are in."""
    return [
        {"name": name, "url": reverse("merchant", kwargs={"slug": other}), "active": other == slug}
        for name, other in rows.ask_all(_MINE, [user.pk])
    ]

"""What every page may show around its content. Cheap: a payer or a stranger costs no query."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from merchants import noticing, roles
from tenants import schema
from tenants.access import MerchantRequest
from tenants.models import Membership, User


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
        ("refunds", "refund", "refund_new", "refund_approve", "refund_reject", "refund_withdraw"),
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
    Place(_("Exports"), "file-down", "exports.make", ("exports", "export", "export_cancel")),
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
PLATFORM = (
    Place(_("Overview"), "house", "", ("platform",)),
    Place(
        _("Merchants"), "store", "",
        ("platform_merchants", "platform_merchant", "platform_merchant_new"),
    ),
    Place(_("Page reports"), "flag", "", ("platform_reports",)),
    Place(_("Jobs"), "layers-plus", "", ("platform_jobs",)),
)  # fmt: skip


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """The product's name, and the navigation of the place the request is in, if any."""
    context: dict[str, Any] = {
        "product_name": settings.PRODUCT_NAME,
        "demo": settings.MODE == "demo",
    }
    if hasattr(request, "membership"):
        context |= _merchant(request)  # type: ignore[arg-type]
    elif request.path.startswith("/platform/"):
        context["nav"] = [_item(request, place, {}) for place in PLATFORM]
    return context


def _merchant(request: MerchantRequest) -> dict[str, Any]:
    tenant, slug = request.tenant, request.tenant.slug
    return {
        "nav": list(_nav(request)),
        "worlds": {
            "test_url": reverse("dashboard", kwargs={"slug": slug, "live": False}),
            "live_url": reverse("dashboard", kwargs={"slug": slug, "live": True}),
            "live_open": tenant.live_open,
        },
        "go_url": reverse("go", kwargs={"slug": slug, "live": _world_of(request)}),
        # Asked only by a page that draws the header.
        "unread": SimpleLazyObject(lambda: _unread(request)),
        "my_merchants": SimpleLazyObject(lambda: my_merchants(request.user, slug)),
        "new_merchant_url": reverse("new_merchant"),
    }


def _unread(request: MerchantRequest) -> int:
    """What the bell counts; nothing on a page that is refused before its merchant is entered."""
    return noticing.unread(request.user.pk) if schema.tenant() == request.tenant else 0


def _world_of(request: MerchantRequest) -> bool:
    live: bool | None = getattr(request, "live", None)
    return request.tenant.live_open if live is None else live


def _nav(request: MerchantRequest) -> Iterator[dict[str, Any]]:
    """The places this role may see; from a page outside both worlds, those of the open one."""
    live = _world_of(request)
    for places, where in ((WORLD, {"live": live}), (MERCHANT, {})):
        for place in places:
            if roles.may(request.membership.role, place.permission):
                yield _item(request, place, {"slug": request.tenant.slug, **where})


def _item(request: HttpRequest, place: Place, where: dict[str, Any]) -> dict[str, Any]:
    match = request.resolver_match
    return {
        "label": place.label,
        "icon": place.icon,
        "url": _address(place.pages[0], **where),
        "active": match is not None and match.url_name in place.pages,
    }


@lru_cache(maxsize=10_000)
def _address(name: str, **where: Any) -> str:
    return reverse(name, kwargs=where)


def my_merchants(user: User, slug: str | None) -> list[dict[str, Any]]:
    """The merchants this person is a member of; `slug` is the one they are in."""
    mine = Membership.objects.filter(user=user).order_by("tenant__name")
    return [
        {"name": name, "url": reverse("merchant", kwargs={"slug": other}), "active": other == slug}
        for name, other in mine.values_list("tenant__name", "tenant__slug")
    ]

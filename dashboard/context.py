"""What every page may show around its content. Cheap: a payer or a stranger costs no query."""

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from dashboard.frame import Place, current_mark, frame_of, item_of, unread_of
from tenants.access import MerchantRequest

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
        context["nav"] = [item_of(place, current_mark(request, place)) for place in PLATFORM]
    return context


def _merchant(request: MerchantRequest) -> dict[str, Any]:
    """Asked only by what is drawn of them."""
    unread = partial(unread_of, request)
    return {"unread": unread, "frame": cache(lambda: frame_of(request, unread()))}

"""Pages that change while somebody looks, without anything moving when nothing did."""

import hashlib
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html

from config.queries import changed
from dashboard.frame import bell_of, unread_of
from tenants.access import MerchantRequest

BELL = '<div hx-swap-oob="innerHTML:.bell-count">{}</div>'


def answer(
    request: MerchantRequest, template: str, context: dict[str, Any], *, shows: object
) -> HttpResponse:
    """The whole page; for HTMX its partial `live` and the bell's count, or 204 when both would look
    the same.

    `shows` is everything the partial depends on. The partial polls `live_url` with `seen`.
    """
    shown = repr((shows, unread_of(request)))
    seen = hashlib.blake2b(shown.encode(), digest_size=8).hexdigest()
    query = changed(request.GET, seen="")
    address = f"{request.path}?{query}" if query else request.path
    context |= {"seen": seen, "live_url": address}
    if not request.headers.get("HX-Request"):
        response = render(request, template, context)
    elif request.GET.get("seen") == seen:
        response = HttpResponse(status=204)
    else:
        response = render(request, f"{template}#live", context)
        response.write(format_html(BELL, bell_of(unread_of(request))))
    patch_vary_headers(response, ["HX-Request"])
    return response

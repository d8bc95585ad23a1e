"""Pages that change while somebody looks, without anything moving when nothing did."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from config.queries import changed


def answer(
    request: HttpRequest, template: str, context: dict[str, Any], *, shows: object
) -> HttpResponse:
    """The whole page; for HTMX its partial `live`, or 204 when that would look the same.

    `shows` is everything the partial depends on. The partial polls `live_url` with `seen`.
    """
    seen = hashlib.blake2b(repr(shows).encode(), digest_size=8).hexdigest()
    query = changed(request.GET, seen="")
    address = f"{request.path}?{query}" if query else request.path
    context |= {"seen": seen, "live_url": address}
    if not request.headers.get("HX-Request"):
        response = render(request, template, context)
    elif request.GET.get("seen") == seen:
        response = HttpResponse(status=204)
    else:
        response = render(request, f"{template}#live", context)
    patch_vary_headers(response, ["HX-Request"])
    return response

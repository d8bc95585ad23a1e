"""Go anywhere: a page of its own, and what the Ctrl-K dialog shows of it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from dashboard import palette
from tenants.access import WorldRequest, member


@member("home.view")
@require_safe
def go(request: WorldRequest) -> HttpResponse:
    """What of this merchant fits `q`; for HTMX the list alone."""
    text = request.GET.get("q", "")
    context = {"q": text[: palette.LONGEST], "groups": palette.find(request, text)}
    part = "#found" if request.headers.get("HX-Request") else ""
    response = render(request, f"dashboard/go.html{part}", context)
    patch_vary_headers(response, ["HX-Request"])
    return response

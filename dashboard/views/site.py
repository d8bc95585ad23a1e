"""The front door."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tenants.access import public


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the product is, and the way in: to sign up, or to one's merchants."""
    return render(request, "site/home.html")

"""Stub: being written."""

from django.http import HttpRequest, HttpResponse

from tenants.access import public


@public
def home(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def door(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")

"""Stub: being written."""

from django.http import HttpRequest, HttpResponse

from tenants.access import public


@public
def new(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def list(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")

"""Stub: being written."""

from django.http import HttpRequest, HttpResponse

from tenants.access import public


@public
def mine(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def new(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def invitation(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")

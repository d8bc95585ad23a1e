"""Stub: being written."""

from django.http import HttpRequest, HttpResponse

from tenants.access import public


@public
def page(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def simulator(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def keys(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def check(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")

"""Stub: being written."""

from django.http import HttpRequest, HttpResponse

from tenants.access import public


@public
def list(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def new(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def detail(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def state(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")

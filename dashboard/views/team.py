"""Stub: being written."""

from django.http import HttpRequest, HttpResponse

from tenants.access import public


@public
def page(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def invite(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def revoke(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def role(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def remove(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")

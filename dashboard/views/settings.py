"""Stub: being written."""

from django.http import HttpRequest, HttpResponse

from tenants.access import public


@public
def page(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")


@public
def live(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("stub")

"""The limit of pages over HTTP: Django with one view, and nothing else that a product needs."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

PAGE = b"<!doctype html><title>Bare</title><p>Bare"


def bare(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse(PAGE, headers={"Content-Length": str(len(PAGE))})


urlpatterns = [path("p/<str:token>", bare)]

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="bare", MIDDLEWARE=[])  # noqa: S106
    django.setup()
application = get_wsgi_application()

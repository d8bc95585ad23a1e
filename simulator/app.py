"""The WSGI application: addresses, headers, errors in words."""

import argparse
import mimetypes
import secrets
from collections.abc import Callable
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, include, path, re_path

from simulator.api import Api
from simulator.control import Control
from simulator.pages import CONTENT_SECURITY_POLICY, Pages
from simulator.protocol import Malformed
from simulator.world import World, open_world

HERE = Path(__file__).parent
STATIC = {file.name: file.read_bytes() for file in (HERE / "static").iterdir()}
MAX_BODY = 1024 * 1024
PAGES = ("/theia/api/v1/showPaymentPage", "/theia/outcome/")

View = Callable[[HttpRequest], HttpResponse]


def application(options: argparse.Namespace) -> WSGIHandler:
    """A simulator with these command-line options, its heart beating, ready to serve."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATA_UPLOAD_MAX_MEMORY_SIZE=MAX_BODY,
        MIDDLEWARE=["simulator.app.courtesy"],
        ROOT_URLCONF=tuple(addresses(open_world(options))),
        SECRET_KEY=secrets.token_hex(),
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [HERE / "templates"],
            }
        ],
        USE_I18N=False,
    )
    django.setup()
    return WSGIHandler()


def addresses(world: World) -> list[URLPattern | URLResolver]:
    """Paytm's addresses, and the simulator's own."""
    api, pages, control = Api(world), Pages(world), Control(world)
    return [
        path("theia/api/v1/initiateTransaction", api.initiate),
        path("order/initiate", api.initiate),
        path("theia/api/v1/showPaymentPage", pages.show),
        path("theia/outcome/<str:token>", pages.outcome),
        path("v3/order/status", api.status),
        path("order/status", api.flat_status),
        path("refund/apply", api.refund),
        path("v2/refund/status", api.refund_status),
        path("merchant-settlement-service/settlement/list", api.settlements),
        path("_control/", include(control.urls())),
        path("_static/<str:name>", static),
        path("healthz", healthz),
        re_path("", nothing_here),
    ]


def courtesy(get_response: View) -> "Courtesy":
    """The one middleware."""
    return Courtesy(get_response)


class Courtesy:
    """Refuses what is too large, puts errors in words, and sets the headers of every answer."""

    def __init__(self, get_response: View) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            response = explain(request, "The request is larger than 1 MiB", 413)
        else:
            response = self._get_response(request)
        if not response.streaming:
            response["Content-Length"] = str(len(response.content))
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response["X-Content-Type-Options"] = "nosniff"
        response["Referrer-Policy"] = "strict-origin-when-cross-origin"
        return response

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse | None:
        """A request we cannot read is the caller's fault and is told so; all else is ours."""
        if isinstance(fault, Malformed):
            return explain(request, fault.message, fault.status)
        if isinstance(
            fault, SuspiciousOperation | BadRequest | MultiPartParserError | RecursionError
        ):
            return explain(request, "The request cannot be read", 400)
        return None


def explain(request: HttpRequest, message: str, status: int) -> HttpResponse:
    """An error: a page for a payer, and Paytm's gateway-level JSON for everyone else."""
    if request.path.startswith(PAGES):
        return render(request, "message.html", {"message": message}, status=status)
    return JsonResponse({"errorCode": str(status), "errorMessage": message}, status=status)


def static(request: HttpRequest, name: str) -> HttpResponse:
    """The pages' own style sheet and scripts."""
    if name not in STATIC:
        raise Malformed("There is no such file", 404)
    return HttpResponse(STATIC[name], content_type=mimetypes.guess_type(name)[0])


def healthz(request: HttpRequest) -> HttpResponse:
    """The simulator serves."""
    return HttpResponse("ok", content_type="text/plain")


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Every other address."""
    raise Malformed("There is nothing at this address", 404)

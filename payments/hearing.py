"""A payer comes back from Paytm: nearly always with true news, which is taken before Django begins.

Whatever is odd about a callback, or cannot be done at once, goes on to Django and its view as it
came. Nothing was written of it then; and what was, is known there and not news.
"""

import io
import re
import time
from collections.abc import Iterable
from functools import cache
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpResponse
from django.middleware.security import SecurityMiddleware
from django_tenants.utils import tenant_context

from config import access_log, logs
from config.middleware import unshared
from payments import notices
from payments.paytm_addresses import world_of
from tenants import provisioning, tallies
from tenants.routing import TOKEN, recent_tenant_of_token

ADDRESS: Final = re.compile(rf"/paytm/({TOKEN})/callback")
ROUTE: Final = "/paytm/<token:token>/callback"
LENGTH: Final = re.compile("[0-9]{1,9}")
FORM: Final = "application/x-www-form-urlencoded"


def first(application: WSGIApplication) -> WSGIApplication:
    """Take the news of a callback and lead its payer on; all else goes on to `application`."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, token = time.perf_counter(), _token(environ)
        if not token:
            return application(environ, start_response)
        with access_log.answering(environ):
            payment = _taken(environ, token)
            if not payment:
                return application(environ, start_response)
            _lead_on(payment, start_response)
            access_log.write("POST", ROUTE, 303, time.perf_counter() - began)
            tallies.write_due()
            return []

    return answer


def _token(environ: WSGIEnvironment) -> str:
    """The token in a callback's address, "" for what is not plainly a callback."""
    if environ["REQUEST_METHOD"] != "POST" or environ.get("QUERY_STRING"):
        return ""
    address = ADDRESS.fullmatch(environ["PATH_INFO"])
    is_ours = environ.get("HTTP_HOST") in settings.EXACT_HOSTS
    is_form = environ.get("CONTENT_TYPE", "").lower().startswith(FORM)
    return address[1] if address and is_ours and is_form else ""


def _taken(environ: WSGIEnvironment, token: str) -> str:
    """The token of the payment whose news was taken, or ""."""
    body = _body(environ)
    pairs = notices.pairs_of(body)
    if pairs is None:
        return ""
    try:
        tenant = recent_tenant_of_token(token)
        logs.tenant_key.set(tenant.key)
        if tenant.schema_version != provisioning.schema_version():
            return ""
        with tenant_context(tenant):
            return notices.take_callback(pairs, world_of(token))
    except (Http404, DatabaseError, InterfaceError):
        return ""


def _body(environ: WSGIEnvironment) -> bytes | None:
    """The body, to be read again by whoever comes next; None for one that is not small."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not (LENGTH.fullmatch(length) and int(length) <= notices.MAX_BYTES):
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _lead_on(payment: str, start_response: StartResponse) -> None:
    own = ("Location", f"/p/return/{payment}"), ("X-Request-ID", logs.request_id.get())
    start_response("303 See Other", [*_headers(), *own])


@cache
def _headers() -> tuple[tuple[str, str], ...]:
    """What Django would say around an empty answer of ours."""
    scheme = "https" if settings.SECURE else "http"
    request = WSGIRequest(
        {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": scheme}
    )
    within = unshared(lambda _: HttpResponse(headers={"Content-Length": "0"}))
    answer: Any = SecurityMiddleware(CSPMiddleware(within))(request)
    return tuple(answer.headers.items())

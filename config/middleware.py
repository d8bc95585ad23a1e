"""What stands around every request, from the outside in. settings.MIDDLEWARE has the order."""

import logging
import re
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import resolve
from django.utils.translation import gettext as _

from config import access_log, errors, logs
from tenants import schema, tallies

logger = logging.getLogger("config.requests")

Answer = Callable[[HttpRequest], HttpResponse]

# Paytm's notices are verified byte for byte: their views read the body themselves.
RAW_BODIES = ("/paytm/",)
# Payers and Paytm have no session here.
SESSIONLESS = ("/p/", "/paytm/")
UNREADABLE = re.compile("[\x00\ufffd\ud800-\udfff]")
NOT_FORMS = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError)


def logged(get_response: Answer) -> Answer:
    """One log line and one count per request, and an id that ties the request's lines together."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with access_log.answering(request.META):
            response = get_response(request)
            response["X-Request-ID"] = logs.request_id.get()
            seconds, route = time.perf_counter() - began, logs.route_of(request)
            user_id = _user_id(request)
            access_log.write(request.method or "", route, response.status_code, seconds, user_id)
            return response

    return middleware


def _user_id(request: HttpRequest) -> str | None:
    """Whose session this is, where that was read: it is never worth a query."""
    session = getattr(request, "session", None)
    loaded: dict[str, str] = getattr(session, "_session_cache", {})
    return loaded.get(SESSION_KEY)


def exact_host(get_response: Answer) -> Answer:
    """Answer only under our own host names, letter for letter, port included.

    X-Forwarded-Host and the like are never read. The scheme is BASE_URL's, so that a proxy may
    speak plain http to us.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.META.get("HTTP_HOST") in settings.EXACT_HOSTS:
            request.META["wsgi.url_scheme"] = "https" if settings.SECURE else "http"
            return get_response(request)
        words = _("This host is not served here.")
        return HttpResponse(words, status=400, content_type="text/plain; charset=utf-8")

    return middleware


def unshared(get_response: Answer) -> Answer:
    """What a view makes is for one reader: no cache keeps it unless the view says so."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Cache-Control", "no-store, private")
        return response

    return middleware


def public_schema(get_response: Answer) -> Answer:
    """Every request begins and ends in schema public, whatever the last one left behind."""

    def middleware(request: HttpRequest) -> HttpResponse:
        schema.leave()
        try:
            return get_response(request)
        finally:
            schema.leave()

    return middleware


def tallied(get_response: Answer) -> Answer:
    """What is counted in memory is written by the first request that finds it due."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            return get_response(request)
        finally:
            tallies.write_due()

    return middleware


def readable(get_response: Answer) -> Answer:
    """Refuse early, in words, what no view could read: 413 for too much, 400 for the rest."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            refusal = _refusal(request)
        except RequestDataTooBig:
            refusal = _too_large(request)
        except NOT_FORMS as error:
            logger.warning("unreadable request", extra={"error": logs.describe(error)})
            refusal = errors.bad_request(request)
        return refusal or get_response(request)

    return middleware


def _refusal(request: HttpRequest) -> HttpResponse | None:
    raw_body = request.path.startswith(RAW_BODIES)
    if not raw_body and _length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return _too_large(request)
    if any(UNREADABLE.search(text) for text in _texts(request, raw_body)):
        return errors.page(request, 400, _("What was sent holds characters that are no text."))
    return None


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else 0


def _too_large(request: HttpRequest) -> HttpResponse:
    return errors.page(request, 413, _("That is larger than we accept."))


def _texts(request: HttpRequest, raw_body: bool) -> Iterator[str]:
    """Everything in the request that a view may take as text."""
    yield request.path
    yield from request.COOKIES.values()
    fields = [request.GET] if raw_body else [request.GET, request.POST]
    for name, values in (pair for form in fields for pair in form.lists()):
        yield name
        yield from (str(value) for value in values)
    if not raw_body:
        for name, files in request.FILES.lists():
            yield name
            yield from (str(file) for file in files)


def sessionless(get_response: Answer) -> Answer:
    """Payers and Paytm's messages go straight to their view: no session and no user stands around
    them, so that none is loaded and none of its cookies set, whatever a view does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(SESSIONLESS):
            return get_response(request)
        request.resolver_match = match = resolve(request.path_info)
        try:
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
            # CommonMiddleware is passed by; without this an empty answer would go in chunks.
            response.headers.setdefault("Content-Length", str(len(response.content)))
        except (DatabaseError, InterfaceError) as error:
            answer = errors.for_database_error(request, error)
            if answer is None:
                raise
            return answer
        return response

    return middleware


def database_errors(get_response: Answer) -> Answer:
    """Answer what the database cannot do as what it is; bugs stay bugs."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    middleware.process_exception = errors.for_database_error  # type: ignore[attr-defined]
    return middleware

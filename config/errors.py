"""Pages for what went wrong. Each has its right status, whatever state the product is in."""

import logging
import sys

import psycopg2.errors
from django.db import DataError, InterfaceError, OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.translation import gettext as _

from config.language import is_of_payers
from config.logs import describe

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
NOT_MIGRATED = (
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.UndefinedColumn,
    psycopg2.errors.InvalidSchemaName,
)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 400, _("We could not read what was sent."))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 403, _("You are not allowed to do this."))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return page(request, 403, _("This form has expired. Go back, reload the page and try again."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 404, _("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug is a 500; a database that is away is not a bug."""
    error = sys.exc_info()[1]
    answer = for_database_error(request, error) if isinstance(error, Exception) else None
    return answer or page(request, 500, _("Something went wrong on our side."))


def unavailable(request: HttpRequest) -> HttpResponse:
    answer = page(request, 503, _("We will be back in a moment."))
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def for_database_error(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The answer to an error of the database; None for one that is a bug of ours.

    A missing table or column is a schema behind its migrations: it must say so, and never
    go on with another schema's rows.
    """
    match error:
        case OperationalError() | InterfaceError():
            logger.error("database away", extra={"error": describe(error)})
            return unavailable(request)
        case ProgrammingError(__cause__=cause) if isinstance(cause, NOT_MIGRATED):
            logger.error("schema not migrated", extra={"error": describe(error)})
            return unavailable(request)
        case DataError():
            logger.warning("value refused by the database", extra={"error": describe(error)})
            return page(request, 400, _("A value is out of range."))
    return None


def page(request: HttpRequest, status: int, words: str) -> HttpResponse:
    """The template named after the status, or, if even that fails, the bare words."""
    template = f"{status if status in TEMPLATES else 400}.html"
    try:
        context = {"message": words, "of_payers": is_of_payers(request)}
        return render(request, template, context, status=status)
    except Exception:  # the page's own context may be what is broken
        logger.exception("error page failed", extra={"status": status})
        title = escape(words)
        return HttpResponse(f"<!doctype html><title>{title}</title><h1>{title}</h1>", status=status)


TEMPLATES = frozenset({400, 403, 404, 500, 503})

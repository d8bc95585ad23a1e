"""Structured logs: one JSON line per record on standard output, and no secrets.

A record's `extra` is written only where FIELDS names it. Tracebacks carry no variables, and
of an exception's words only the first line: PostgreSQL puts whole rows into the others. What
still looks like a secret is blanked, and so is every secret this process knows.
"""

import json
import logging
import logging.config
import re
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from django.conf import settings

request_id: ContextVar[str] = ContextVar("request_id", default="")
tenant_key: ContextVar[str] = ContextVar("tenant_key", default="")

# fmt: off
FIELDS: Final = (
    "kind", "job_id", "attempts", "worker", "payment_id", "order_id", "refund_id", "link_id",
    "route", "method", "status", "ms", "user_id", "code", "reason", "outcome", "count", "error",
)
# fmt: on
PLAIN: Final = (int, float, type(None))
BLANK: Final = "[blanked]"
LONGEST_WORDS: Final = 300
SHORTEST_SECRET: Final = 8  # a shorter "secret" would blank ordinary words

_SHAPES: Final = [
    re.compile(r"(?i)\b(bearer\s+)[^\s\"',]+"),
    re.compile(
        r"(?i)((?:checksumhash|signature|txn_?token|token|password|passwd|secret|authorization"
        r"|cookie|(?:merchant|secret|master|api)_?keys?)[\"']?\s*[=:]\s*[\"']?)[^\s\"',&}]+"
    ),
    re.compile(r"(?i)(key[\"']?\s*[=:]\s*[\"']?)\S{16}(?!\S)"),
    re.compile(r"()\bwhsec_[A-Za-z0-9+/=_-]+"),
    re.compile(r"()(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{100,}={0,2}"),
    re.compile(r"(/(?:p/return|p|paytm)/)[A-Za-z0-9_-]{20,}"),
]
_own_secrets: list[str] = []
_json = json.JSONEncoder(ensure_ascii=False, default=str)


def configure(config: dict[str, str]) -> None:
    """Send every logger's records, the libraries' too, through one JSON line on stdout."""
    _own_secrets[:] = own_secrets()
    scrub.cache_clear()
    # A line says none of these, and finding them out is a good part of its price (logging HOWTO).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    quiet: dict[str, Any] = {"handlers": [], "propagate": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {
                "out": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stdout",
                    "formatter": "json",
                }
            },
            "root": {"handlers": ["out"], "level": config["level"]},
            "loggers": {
                "django": quiet,
                "django.server": quiet,
                "py.warnings": quiet,
                # They spell out what a receipt says, letter by letter.
                "fontTools": {"level": "ERROR"},
                "fpdf": {"level": "ERROR"},
            },
        }
    )
    logging.captureWarnings(True)


def own_secrets() -> list[str]:
    """The secrets this process was started with, longest first."""
    master_keys = [text.rpartition(":")[2] for text in settings.MASTER_KEYS]
    candidates = [
        settings.SECRET_KEY,
        settings.METRICS_TOKEN,
        settings.SIMULATOR_TOKEN,
        settings.EMAIL_HOST_PASSWORD,
        str(settings.DATABASES["default"]["PASSWORD"]),
        *master_keys,
    ]
    return sorted({text for text in candidates if len(text) >= SHORTEST_SECRET}, key=len)[::-1]


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": scrub(message_of(record)),
            "request_id": request_id.get(),
            "tenant": tenant_key.get(),
        }
        given = record.__dict__
        line |= {name: known(given[name]) for name in FIELDS if name in given}
        if "route" in given:
            line["route"] = given["route"]  # "<token:token>" is no secret
        if record.exc_info and record.exc_info[1]:
            line["traceback"] = "\n".join(story(record.exc_info[1]))
        return _json.encode(line)


def message_of(record: logging.LogRecord) -> str:
    """The record's words. Django ends its own about a request with the path; paths hold tokens."""
    request = getattr(record, "request", None)
    if request is None or not isinstance(record.args, tuple) or not record.args:
        return record.getMessage()
    return str(record.msg) % (*record.args[:-1], route_of(request))


def known(value: Any) -> Any:
    return value if isinstance(value, PLAIN) else scrub(str(value))


def route_of(request: Any) -> str:
    """The pattern a request was answered by. Never its path: that may hold a token."""
    match = getattr(request, "resolver_match", None)
    if match is not None:
        return f"/{match.route}"
    return "static" if request.path.startswith(settings.STATIC_URL) else "unmatched"


def story(error: BaseException) -> Iterator[str]:
    """A traceback, oldest cause first, without variables or data."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from story(earlier)
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} {frame.name}: {frame.line}"
    yield describe(error)


def describe(error: BaseException) -> str:
    """An exception in words fit for logs and rows: its class and the first line it says."""
    words = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {scrub(words)[:LONGEST_WORDS]}"


@lru_cache(maxsize=1024)  # routes, methods, kinds: a request's own line is made of few words
def scrub(text: str) -> str:
    """The text with everything blanked that is or looks like a secret."""
    for secret in _own_secrets:
        text = text.replace(secret, BLANK)
    for shape in _SHAPES:
        text = shape.sub(rf"\1{BLANK}", text)
    return text

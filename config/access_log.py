"""One log line and one count per request, whoever answers it."""

import logging
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from config import logs, metrics
from config.client_ip import from_trusted_proxy

logger = logging.getLogger("config.requests")

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def new_id(environ: Mapping[str, Any]) -> str:
    """The id that ties a request's lines together: our own proxy's, or a new one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    if given and REQUEST_ID.fullmatch(given) and from_trusted_proxy(environ):
        return given
    return f"{random.getrandbits(128):032x}"


@contextmanager
def answering(environ: Mapping[str, Any]) -> Iterator[None]:
    """Tie together the lines that are written inside: they are about this request."""
    id_token, tenant_token = logs.request_id.set(new_id(environ)), logs.tenant_key.set("")
    try:
        yield
    finally:
        logs.request_id.reset(id_token)
        logs.tenant_key.reset(tenant_token)


def write(method: str, route: str, status: int, seconds: float, user_id: Any = None) -> None:
    """Note an answer. `route` is a pattern, never a path: that may hold a token."""
    method = method if method in METHODS else "OTHER"
    answers, times = _meters(route, method, status // 100)
    answers.inc()
    times.observe(seconds)
    logger.info(
        "request",
        extra={
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "user_id": user_id,
        },
    )


@cache  # as many as there are routes, methods and kinds of answers
def _meters(route: str, method: str, hundreds: int) -> tuple[Any, Any]:
    """What counts these answers, and what their time."""
    answers = metrics.http_requests.labels(route, method, f"{hundreds}xx")
    return answers, metrics.http_seconds.labels(route)

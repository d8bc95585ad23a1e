"""Pay pages that were shown a moment ago, from this process's memory.

A GET of a link that is known here asks the database nothing (see `page_memory`). Posting the form
asks everything anew.
"""

import re
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.http import HttpRequest, HttpResponse, parse_cookie
from django_tenants.utils import tenant_context

from config import access_log, logs, rows
from config.client_ip import client_network
from config.clock import now
from config.language import language_of
from payments import page_memory
from payments.models import Link
from payments.page_memory import Mark, Page, Place
from tenants import tallies
from tenants.models import Tenant
from tenants.routing import TOKEN

LOOKS: Final = 600  # a minute, address and link
# Stands in a remembered page for the key that each showing of the form has of its own.
KEY: Final = "key-of-this-form-----"
LONGEST: Final = 1_000  # characters of headers that tell the reader's language and theme
ADDRESS: Final = re.compile(rf"/p/({TOKEN})")

SEEN: Final = """
    INSERT INTO payments_linkviews AS kept (link_id, seen)
    SELECT id, n FROM unnest(%s::uuid[], %s::int[]) AS new (link, n)
    JOIN payments_link ON id = link ORDER BY id
    ON CONFLICT (link_id) DO UPDATE SET seen = kept.seen + EXCLUDED.seen
"""

Answer = Callable[[HttpRequest], HttpResponse]


_looks = tallies.Looks("look", LOOKS, 60)
_counting = threading.Lock()
_seen = dict[Page, int]()


def again(application: WSGIApplication) -> WSGIApplication:
    """Answer with a page that is remembered and still true before Django begins: most of what it
    does for a request would be for nothing. All else goes on to `application`."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        page = _to_show(environ)
        if page is None:
            return application(environ, start_response)
        with access_log.answering(environ):
            logs.tenant_key.set(page.tenant.key)
            content = _showing(page, start_response)
            access_log.write("GET", page.route, page.status, time.perf_counter() - began)
            tallies.write_due()
            return [content]

    return answer


def kept(get_response: Answer) -> Answer:
    """Middleware that remembers what the view offers with `offer`, as it leaves."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        page: Page | None = getattr(response, "shown_again", None)
        return _first(request, response, page) if page else response

    return middleware


def new_key() -> str:
    """A key for one showing of the form."""
    return secrets.token_urlsafe(16)


def look(environ: Mapping[str, Any], token: str) -> bool:
    """Count that this address looks at a link; False when it does so too often. Only of links
    that there are: a row is kept of each."""
    return _looks.hit(f"{client_network(environ)}:{token}")


def offer(
    response: HttpResponse, tenant: Tenant, link: Link, true_of: Mark, until: datetime | None = None
) -> None:
    """Let a page that was made with KEY be shown again, to anybody, and at most `until` then."""
    ends = [at for at in (link.starts_at, link.expires_at, until) if at and at > now()]
    page = Page(tenant, link.pk, *true_of, until=min(ends, default=None))
    response.shown_again = page  # type: ignore[attr-defined]


def forget() -> None:
    """Show what is true now: something was changed here."""
    page_memory.forget()


def forget_all() -> None:
    """As after a start."""
    forget()
    _seen.clear()
    _looks.forget()


def _to_show(environ: WSGIEnvironment) -> Page | None:
    """The page that answers this request, which counts as a look at it."""
    place = _place(environ)
    page = page_memory.known(place) if place else None
    if place is None or page is None or not look(environ, place[0]):
        return None
    page.used = time.monotonic()
    _count(page)
    return page


def _showing(page: Page, start_response: StartResponse) -> bytes:
    content = new_key().encode().join(page.parts)
    own = ("X-Request-ID", logs.request_id.get()), ("Content-Length", str(len(content)))
    start_response(f"{page.status} {page.reason}", [*page.headers, *own])
    return content


def _place(environ: Mapping[str, Any]) -> Place | None:
    """Where this request's page would be remembered; None for what is not for anybody."""
    if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
        return None
    address = ADDRESS.fullmatch(environ["PATH_INFO"])
    if address is None or environ.get("HTTP_HOST") not in settings.EXACT_HOSTS:
        return None
    told = environ.get("HTTP_COOKIE", ""), environ.get("HTTP_ACCEPT_LANGUAGE", "")
    reader = _reader(*told) if sum(map(len, told)) <= LONGEST else None
    return (address[1], *reader) if reader else None


@lru_cache(maxsize=4096)
def _reader(cookies: str, accepts: str) -> tuple[str, str] | None:
    """Language and theme that these headers ask for; None where the page is this reader's own."""
    request = HttpRequest()
    request.path_info, request.COOKIES = "/p/", parse_cookie(cookies)
    request.META = {"HTTP_ACCEPT_LANGUAGE": accepts}
    if settings.ATTEMPTS_COOKIE_NAME in request.COOKIES:
        return None
    return language_of(request), request.COOKIES.get("theme", "")[:8]


def _first(request: HttpRequest, response: HttpResponse, page: Page) -> HttpResponse:
    """A new page with a key of its own, remembered if it is for anybody."""
    page.status, page.reason = response.status_code, response.reason_phrase
    page.route, page.parts = logs.route_of(request), tuple(response.content.split(KEY.encode()))
    page.headers = tuple((n, v) for n, v in response.headers.items() if n not in OWN)
    page.used = time.monotonic()
    place = _place(request.META)
    if place and not response.cookies:
        page_memory.remember(place, page)
    if request.method == "GET":
        _count(page)
    response.content = new_key().encode().join(page.parts)
    response.headers["Content-Length"] = str(len(response.content))
    return response


OWN: Final = frozenset({"X-Request-ID", "Content-Length"})  # of each answer


def _count(page: Page) -> None:
    if page.status == 200:
        with _counting:
            _seen[page] = _seen.get(page, 0) + 1


@tallies.writer
def write_seen() -> None:
    """Add to each link how often it was seen since the last time."""
    global _seen
    with _counting:
        seen, _seen = _seen, {}
    of_tenants = defaultdict[Tenant, Counter[UUID]](Counter)
    for page, n in seen.items():
        of_tenants[page.tenant][page.link_id] += n
    for tenant, of_links in of_tenants.items():
        with tenant_context(tenant):
            rows.run(SEEN, [list(of_links), list(of_links.values())])

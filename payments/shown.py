"""Pay pages that were shown a moment ago, from this process's memory.

A GET of a link that is known here asks the database nothing: once a second and merchant one
question finds out which of its pages are still true. Posting the form asks everything anew.
"""

import re
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, parse_cookie
from django_tenants.utils import tenant_context

from config import access_log, logs, rows
from config.client_ip import client_network
from config.clock import now
from config.language import language_of
from payments.models import Link
from tenants import tallies
from tenants.models import KEY_LENGTH, Tenant
from tenants.routing import TOKEN

LOOKS: Final = 600  # a minute, address and link
TRUE_FOR: Final = 1.0  # seconds
ASK_AFTER: Final = 0.7  # seconds in which nobody asks; then one does, and nobody waits for it
MOST: Final = 20_000  # pages; one is some kilobytes
IN_USE: Final = 600.0  # seconds after its last showing in which a page is remembered
# Stands in a remembered page for the key that each showing of the form has of its own.
KEY: Final = "key-of-this-form-----"
LONGEST: Final = 1_000  # characters of headers that tell the reader's language and theme
ADDRESS: Final = re.compile(rf"/p/({TOKEN})")

# What pages depend on, and since when that holds: under no token what is their merchant's (nothing
# at all when the merchant is not what we think); of each link that takes so many payments the
# places that are taken or held; and without words the links that were written since.
FACTS: Final = """
    SELECT '', (
        (SELECT array_agg((xmin, ctid) ORDER BY id) FROM merchants_profile),
        (SELECT array_agg((id, state) ORDER BY id) FROM merchants_paytmaccount))::text,
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    FROM tenant WHERE id = %s AND state = %s AND name = %s
        AND time_zone = %s AND schema_version = %s
    UNION ALL SELECT token, (
        (SELECT count(slot) FROM payments_payment WHERE link_id = link.id),
        (SELECT array_agg((id, state, paytm_token <> '') ORDER BY id) FROM payments_payment
            WHERE live = link.live AND link_id = link.id
            AND state IN ('created', 'open', 'unknown', 'pending')))::text, 0
    FROM payments_link AS link WHERE token = ANY(%s) AND max_payments IS NOT NULL
    UNION ALL SELECT token, NULL, 0 FROM payments_link WHERE changed_by >= %s
"""
NEVER: Final = 2**63 - 1  # no transaction is as late as that

SEEN: Final = """
    INSERT INTO payments_linkviews AS kept (link_id, seen)
    SELECT id, n FROM unnest(%s::uuid[], %s::int[]) AS new (link, n)
    JOIN payments_link ON id = link ORDER BY id
    ON CONFLICT (link_id) DO UPDATE SET seen = kept.seen + EXCLUDED.seen
"""

Answer = Callable[[HttpRequest], HttpResponse]
Place = tuple[str, str, str]  # token, language, theme


class Mark(NamedTuple):
    """What a page was true of, and the first transaction that it may know nothing of."""

    of_merchant: tuple[str, ...]
    places: str
    since: int


@dataclass(slots=True, eq=False)
class Page:
    """A page as it was made, all but the form's key, and what it was true of."""

    tenant: Tenant
    link_id: UUID
    mark: Mark
    until: datetime | None
    status: int = 200
    reason: str = ""
    route: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[bytes, ...] = ()
    checked: float = 0.0
    used: float = 0.0

    def is_true(self) -> bool:
        return time.monotonic() - self.checked <= TRUE_FOR and not self.is_over()

    def is_fresh(self) -> bool:
        """Whether it is true, and early to ask again."""
        return time.monotonic() - self.checked <= ASK_AFTER and self.is_true()

    def is_over(self) -> bool:
        """Whether the link has opened or expired since, or a place may be free."""
        return self.until is not None and self.until <= now()


_pages = dict[str, dict[Place, Page]]()  # by the merchant's key
_asking, _counting = threading.Lock(), threading.Lock()
_looks = tallies.Looks("look", LOOKS, 60)
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


def mark(tenant: Tenant, token: str) -> Mark | None:
    """What a page of this link is true of, to be asked before the page is made.

    None when the merchant is not what `tenant` says any more: the page is made with `tenant`,
    which may be a second old, and would be taken for true for good.
    """
    facts = _facts(tenant, [token], NEVER)
    return facts.mark(token) if facts else None


def offer(
    response: HttpResponse, tenant: Tenant, link: Link, true_of: Mark, until: datetime | None = None
) -> None:
    """Let a page that was made with KEY be shown again, to anybody, and at most `until` then."""
    ends = [at for at in (link.starts_at, link.expires_at, until) if at and at > now()]
    page = Page(tenant, link.pk, true_of, min(ends, default=None), checked=time.monotonic())
    response.shown_again = page  # type: ignore[attr-defined]


def forget() -> None:
    """Show what is true now: something was changed here."""
    _pages.clear()


def forget_all() -> None:
    """As after a start."""
    forget()
    _seen.clear()
    _looks.forget()


def _to_show(environ: WSGIEnvironment) -> Page | None:
    """The page that answers this request, which counts as a look at it."""
    place = _place(environ)
    page = _known(place) if place else None
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


def _known(place: Place) -> Page | None:
    key = place[0][:KEY_LENGTH]
    page = _pages.get(key, {}).get(place)
    if page is None or page.is_fresh():
        return page
    if not _asking.acquire(blocking=not page.is_true()):
        return page  # another thread is asking
    try:
        _ask(key, page)
    except (DatabaseError, InterfaceError):
        return None  # whoever makes the page anew tells what is wrong
    finally:
        _asking.release()
    return _pages.get(key, {}).get(place)


def _ask(key: str, wanted: Page) -> None:
    """Find out which pages of this merchant are still true and in use, and forget the others."""
    if wanted.is_fresh():
        return  # another thread asked meanwhile
    began, pages = time.monotonic(), _pages.get(key, {})
    held = list(pages.items())
    limited = {token for (token, _, _), page in held if page.mark.places}
    since = min((page.mark.since for _, page in held), default=NEVER)
    facts = _facts(wanted.tenant, limited, since)
    for place, page in held:
        unused = began - page.used > IN_USE and page is not wanted
        if facts is None or unused or page.is_over() or not facts.agree(place[0], page.mark):
            pages.pop(place, None)
        else:
            page.mark = facts.mark(place[0])
        page.checked = began


@dataclass(frozen=True)
class Facts:
    """What is true of a merchant's pages."""

    of_merchant: tuple[str, ...]
    since: int
    places: dict[str, str]
    changed: frozenset[str]

    def mark(self, token: str) -> Mark:
        return Mark(self.of_merchant, self.places.get(token, ""), self.since)

    def agree(self, token: str, mark: Mark) -> bool:
        """Whether a page that was true of this mark still is."""
        same = self.of_merchant == mark.of_merchant
        return same and token not in self.changed and self.places.get(token, "") == mark.places


def _facts(tenant: Tenant, limited: Iterable[str], since: int) -> Facts | None:
    """None when the merchant is not what `tenant` says."""
    known = tenant.state, tenant.name, tenant.time_zone, tenant.schema_version
    with tenant_context(tenant):
        found = rows.ask_all(FACTS, [tenant.pk, *known, list(limited), since])
    changed = frozenset(token for token, words, _ in found if words is None)
    places = {token: words for token, words, _ in found if token and words is not None}
    for token, words, first in found:
        if not token:
            return Facts((words, *known), first, places, changed)
    return None


def _first(request: HttpRequest, response: HttpResponse, page: Page) -> HttpResponse:
    """A new page with a key of its own, remembered if it is for anybody."""
    page.status, page.reason = response.status_code, response.reason_phrase
    page.route, page.parts = logs.route_of(request), tuple(response.content.split(KEY.encode()))
    page.headers = tuple((n, v) for n, v in response.headers.items() if n not in OWN)
    page.used = time.monotonic()
    place = _place(request.META)
    if place and not response.cookies:
        _remember(place, page)
    if request.method == "GET":
        _count(page)
    response.content = new_key().encode().join(page.parts)
    response.headers["Content-Length"] = str(len(response.content))
    return response


def _remember(place: Place, page: Page) -> None:
    pages = _pages.setdefault(place[0][:KEY_LENGTH], {})
    if pages and sum(map(len, _pages.values())) >= MOST:
        pages.pop(next(iter(pages)), None)
    pages[place] = page


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

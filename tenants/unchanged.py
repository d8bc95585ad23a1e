"""A page is given again while everything that it was made of is unchanged.

Lists that stand open ask for themselves every few seconds, and mostly nothing is new. What a page
is made of are the request and the answers to some questions to the database: whose the session is,
whether they may enter, what there is to see. The same questions are asked again, all of them in
one statement; where each answer is what it was, the page is what it was. So no rule stands here a
second time, nobody who changes anything has anybody to tell, and nothing that is shown is old.

A page is kept at the second look, when the questions are known: they are asked before it is made
and once more after it, and the answers must be the same.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from sys import getsizeof
from typing import Any, Final, NamedTuple
from uuid import UUID
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from django_tenants.utils import get_public_schema_name, tenant_context

from config import access_log, logs, rows
from config.clock import now
from config.rows import Reads
from tenants import tallies
from tenants.access import WorldRequest
from tenants.models import Tenant

MOST: Final = 32_000_000  # bytes: some hundred whole lists, or thousands of polls of them
OVERHEAD: Final = 3_000  # bytes of what is kept with each answer
QUARTER: Final = 900  # seconds; each day of each time zone begins with one, and so may look new
OFFER: Final = "unchanged.offer"
TOLD: Final = ("HTTP_", "CONTENT_")  # its type may say how the address is to be read
ITS_OWN: Final = "HTTP_X_REQUEST_ID"  # tells one request from all others
FACTS: Final = "(SELECT string_agg((a.*)::text, '|') FROM ({}\n) AS a)"

Facts = tuple[str | None, ...]


class Offer(NamedTuple):
    """Whose page it is, as the log tells it."""

    tenant: Tenant
    user_id: UUID
    route: str


class Question(NamedTuple):
    """All that a page asked, in one statement."""

    sql: str
    values: tuple[Any, ...]


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    content: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What a request asked the database. With an `answer`, that is what was answered while the
    question's answer was `facts`."""

    offer: Offer
    question: Question
    facts: Facts | None = None
    answer: Answer | None = None

    @property
    def size(self) -> int:
        """Bytes, about."""
        content = len(self.answer.content) if self.answer else 0
        told = (self.question.sql, *map(str, self.question.values), *filter(None, self.facts or ()))
        return OVERHEAD + content + sum(map(getsizeof, told))

    def asks_as(self, other: "Known") -> bool:
        """Whether both ask the same, in the same place."""
        return (self.offer.tenant, self.question) == (other.offer.tenant, other.question)

    def asked(self) -> Facts | None:
        """What is true now; None where that cannot be asked any more."""
        try:
            with tenant_context(self.offer.tenant):
                return rows.ask(*self.question)
        except (DatabaseError, InterfaceError):
            return None  # whoever makes the page anew tells what is wrong

    def answer_to(self, facts: Facts | None) -> Answer | None:
        """What is to be answered while this is true, if that is known."""
        is_so = facts is not None and facts == self.facts
        return self.answer if is_so else None


class Memory:
    """What was asked lately, by place; what was learnt first is forgotten first."""

    def __init__(self) -> None:
        self._known = dict[bytes, Known]()
        self._size = 0
        self._changing = threading.Lock()

    def get(self, place: bytes) -> Known | None:
        return self._known.get(place)

    def keep(self, place: bytes, known: Known) -> None:
        with self._changing:
            self._drop(place)
            self._known[place] = known
            self._size += known.size
            while self._size > MOST:
                self._drop(next(iter(self._known)))

    def forget_all(self) -> None:
        with self._changing:
            self._known, self._size = {}, 0

    def _drop(self, place: bytes) -> None:
        known = self._known.pop(place, None)
        self._size -= known.size if known else 0


_memory = Memory()


def may_be(request: WorldRequest) -> None:
    """Let this request's page be given again to the same request.

    For a page that is made of nothing but the request, what Django's cursors or `config.rows` read
    of the database with SELECT (COPY and procedures are not heard), and what day it is.
    """
    route = logs.route_of(request)
    request.META[OFFER] = Offer(request.tenant, request.user.pk, route)


def again(application: WSGIApplication) -> WSGIApplication:
    """Answer as before what would be answered as before; all else goes on to `application`."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, place = time.perf_counter(), _place(environ)
        if place is None:
            return application(environ, start_response)
        known = _memory.get(place)
        facts = known.asked() if known else None
        kept = known.answer_to(facts) if known else None
        if known and kept:
            return [_given_again(environ, start_response, known.offer, kept, began)]
        return _made(application, environ, start_response, place, known, facts)

    return answer


def forget_all() -> None:
    """As after a start."""
    _memory.forget_all()


def _place(environ: WSGIEnvironment) -> bytes | None:
    """What tells this request from those that may get something else; None where nothing is kept.
    Hashed, so that nobody's cookie is."""
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] != "GET" or not path.startswith("/m/"):
        return None
    told = [pair for pair in environ.items() if pair[0].startswith(TOLD) and pair[0] != ITS_OWN]
    whole = repr((path, environ.get("QUERY_STRING"), environ.get("REMOTE_ADDR"), _quarter(), told))
    return blake2b(whole.encode(errors="surrogatepass")).digest()


def _given_again(
    environ: WSGIEnvironment, start: StartResponse, offer: Offer, answer: Answer, began: float
) -> bytes:
    with access_log.answering(environ):
        logs.tenant_key.set(offer.tenant.key)
        start(answer.status, [*answer.headers, ("X-Request-ID", logs.request_id.get())])
        status, seconds = int(answer.status[:3]), time.perf_counter() - began
        access_log.write("GET", offer.route, status, seconds, str(offer.user_id))
        tallies.write_due()
    return answer.content


def _made(
    application: WSGIApplication,
    environ: WSGIEnvironment,
    start_response: StartResponse,
    place: bytes,
    before: Known | None,
    facts: Facts | None,
) -> Iterable[bytes]:
    """The answer of `application`, kept if it may be given again: when this was asked `before`,
    with these `facts` for its answer."""
    said = list[Any]()

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        said[:] = status, headers
        return start_response(status, headers, *more)

    with rows.reading() as reads:
        body = application(environ, start)
    offer: Offer | None = environ.get(OFFER)
    question = _question(reads, offer.tenant) if offer else None
    if offer and question:
        known = Known(offer, question)
        was_asked = before is not None and facts is not None and before.asks_as(known)
        answer = _to_keep(environ, said[0], said[1], body) if was_asked else None
        if answer and known.asked() == facts:  # what changed meanwhile might change back
            known = replace(known, facts=facts, answer=answer)
        _memory.keep(place, known)
    return body


def _question(reads: Reads, tenant: Tenant) -> Question | None:
    """All in the merchant's schema, from where the tables of public have the same names. None
    where more was done than to ask, or elsewhere."""
    homes = {home for home, _ in reads.questions}
    is_here = homes <= {get_public_schema_name(), str(tenant.schema_name)}
    if not (reads.questions and reads.are_all and is_here):
        return None
    facts = ", ".join([FACTS.format(said.sql) for _, said in reads.questions])
    values = tuple([_plain(value) for _, said in reads.questions for value in said.values])
    return Question(f"SELECT {facts}", values)


def _plain(value: Any) -> Any:
    """What the driver writes in a tenth of the time."""
    return str(value) if isinstance(value, UUID) else value


def _to_keep(
    environ: WSGIEnvironment, status: str, headers: Sequence[tuple[str, str]], body: Any
) -> Answer | None:
    """The answer but for its own id; None where it tells the browser a cookie that it has not."""
    has = {cookie.strip() for cookie in environ.get("HTTP_COOKIE", "").split(";")}
    told = {value.partition(";")[0].strip() for name, value in headers if name == "Set-Cookie"}
    if told - has or not status.startswith("20") or not isinstance(body, HttpResponse):
        return None
    kept = [(name, value) for name, value in headers if name != "X-Request-ID"]
    return Answer(status, kept, body.content)


def _quarter() -> int:
    """Which quarter of an hour it is: a page begun in one is not found in the next."""
    return int(now().timestamp() // QUARTER)

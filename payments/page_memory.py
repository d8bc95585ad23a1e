"""Pay pages in this process's memory, and whether they are still true.

Once a second and merchant one question finds that out: which links were written since the last one,
what became of the places of links that have so many, and whether anything of the merchant's own
changed. Its price does not grow with the pages that are remembered.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django_tenants.utils import tenant_context

from config import rows
from config.clock import now
from tenants.models import KEY_LENGTH, Tenant

TRUE_FOR: Final = 1.0  # seconds
ASK_AFTER: Final = 0.7  # seconds in which nobody asks; then one does, and nobody waits for it
MOST: Final = 20_000  # pages; one is some kilobytes
IN_USE: Final = 600.0  # seconds after its last showing in which a page is remembered

# What pages depend on, and since when that holds: under no token what is their merchant's (nothing
# at all when the merchant is not what we think); of each link that takes so many payments the
# places that are taken or held; and without words the links that were written since.
FACTS: Final = """
    SELECT '', (
        (SELECT array_agg((xmin, ctid) ORDER BY id) FROM merchants_profile),
        (SELECT array_agg((id, state) ORDER BY id) FROM merchants_paytmaccount))::text,
        pg_current_snapshot()::text
    FROM tenant WHERE id = %s AND state = %s AND name = %s
        AND time_zone = %s AND schema_version = %s
    UNION ALL SELECT token, (
        (SELECT count(slot) FROM payments_payment WHERE link_id = link.id),
        (SELECT array_agg((id, state, paytm_token <> '') ORDER BY id) FROM payments_payment
            WHERE live = link.live AND link_id = link.id
            AND state IN ('created', 'open', 'unknown', 'pending')))::text, ''
    FROM payments_link AS link WHERE token = ANY(%s) AND max_payments IS NOT NULL
    UNION ALL SELECT token, NULL, '' FROM payments_link
    WHERE changed_by >= pg_snapshot_xmin(%s::pg_snapshot)::text::bigint
        AND NOT pg_visible_in_snapshot(changed_by::text::xid8, %s::pg_snapshot)
"""

Place = tuple[str, str, str]  # token, language, theme


@dataclass(slots=True)
class Asked:
    """When it was asked, and the snapshot that the answer was of: what that does not show was
    written since. None before anything was asked."""

    at: float
    snapshot: str | None


class Mark(NamedTuple):
    """What a page is true of."""

    of_merchant: tuple[str, ...]
    places: str
    asked: Asked


@dataclass(slots=True, eq=False)
class Page:
    """A page as it was made, in the parts between which each showing's own key stands. `until` is
    when its link opens or ends, or a place may be free."""

    tenant: Tenant
    link_id: UUID
    of_merchant: tuple[str, ...]
    places: str
    asked: Asked
    until: datetime | None
    status: int = 200
    reason: str = ""
    route: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[bytes, ...] = ()
    used: float = 0.0

    def is_true(self) -> bool:
        return time.monotonic() - self.asked.at <= TRUE_FOR and not self.is_over()

    def is_fresh(self) -> bool:
        """Whether it is true, and early to ask again."""
        return time.monotonic() - self.asked.at <= ASK_AFTER and self.is_true()

    def is_over(self) -> bool:
        return self.until is not None and self.until <= now()


@dataclass(slots=True)
class Held:
    """A merchant's pages. Those that were asked about share one `asked`, the new have their own."""

    of_merchant: tuple[str, ...]
    asked: Asked
    pages: dict[Place, Page] = field(default_factory=dict)
    new: set[Place] = field(default_factory=set)
    limited: set[Place] = field(default_factory=set)
    swept: float = field(default_factory=time.monotonic)

    def add(self, place: Place, page: Page) -> None:
        self.drop(place)
        self.pages[place] = page
        self.new.add(place)
        if page.places:
            self.limited.add(place)

    def drop(self, place: Place) -> None:
        self.pages.pop(place, None)
        self.limited.discard(place)

    def clear(self) -> None:
        self.pages.clear()
        self.limited.clear()


_held = dict[str, Held]()  # by the merchant's key
_asking = threading.Lock()
# A page and its being limited come and go together: one that stood in no `limited` would be taken
# for true whatever becomes of its places. Never held while the database is asked.
_changing = threading.Lock()


def mark(tenant: Tenant, token: str) -> Mark | None:
    """What a page of this link is true of, to be asked before the page is made.

    None when the merchant is not what `tenant` says any more: the page is made with `tenant`,
    which may be a second old, and would be taken for true for good.
    """
    asked_at = time.monotonic()
    facts = _facts(tenant, [token], None)
    if facts is None:
        return None
    places = facts.places.get(token, "")
    return Mark(facts.of_merchant, places, Asked(asked_at, facts.snapshot))


def known(place: Place) -> Page | None:
    """The page of this place, if it is remembered and true."""
    held = _held.get(place[0][:KEY_LENGTH])
    page = held.pages.get(place) if held else None
    if held is None or page is None or page.is_fresh():
        return page
    if not _asking.acquire(blocking=not page.is_true()):
        return page  # another thread is asking
    try:
        _ask(held, place, page)
    except (DatabaseError, InterfaceError):
        return None  # whoever makes the page anew tells what is wrong
    finally:
        _asking.release()
    return held.pages.get(place)


def remember(place: Place, page: Page) -> None:
    """Keep a page for whoever comes next."""
    with _changing:
        key = place[0][:KEY_LENGTH]
        held = _held.get(key)
        if held is None or held.of_merchant != page.of_merchant:
            held = _held[key] = Held(page.of_merchant, Asked(0.0, None))
        if held.pages and sum(len(each.pages) for each in _held.values()) >= MOST:
            held.drop(next(iter(held.pages)))
        held.add(place, page)


def forget() -> None:
    _held.clear()


def _ask(held: Held, wanted: Place, page: Page) -> None:
    """Forget what is not true any more, and take the rest for true for another second."""
    if page.is_fresh():
        return  # another thread asked meanwhile
    began = time.monotonic()
    with _changing:
        new, held.new = held.new, set()
        unasked = [held.pages[place] for place in {*new, wanted} if place in held.pages]
        limited = {token for token, _, _ in held.limited}
    asked = [held.asked, page.asked, *(each.asked for each in unasked)]
    earliest = min((each.snapshot for each in asked if each.snapshot), key=_shown)
    facts = _facts(page.tenant, limited, earliest)
    with _changing:
        if facts is None or facts.of_merchant != held.of_merchant:
            held.clear()
            return
        _drop_what_changed(held, facts)
        if page.is_over():
            held.drop(wanted)
        _sweep(held, began)
    held.asked.at, held.asked.snapshot = began, facts.snapshot
    for each in unasked:
        each.asked = held.asked


def _shown(snapshot: str) -> int:
    """How many transactions a snapshot shows, of all that there were: the earlier, the fewer."""
    _first, last, running = snapshot.split(":")
    return int(last) - len(running.split(",") if running else [])


def _drop_what_changed(held: Held, facts: "Facts") -> None:
    if facts.changed:
        for place in [place for place in held.pages if place[0] in facts.changed]:
            held.drop(place)
    for place in [*held.limited]:
        if held.pages[place].places != facts.places.get(place[0], ""):
            held.drop(place)


def _sweep(held: Held, at: float) -> None:
    """Now and then forget what nobody wants to see any more."""
    if at - held.swept < IN_USE / 10:
        return
    held.swept = at
    for place, page in [*held.pages.items()]:
        if at - page.used > IN_USE or page.is_over():
            held.drop(place)


class Facts(NamedTuple):
    """What is true of a merchant's pages now."""

    of_merchant: tuple[str, ...]
    snapshot: str
    places: dict[str, str]
    changed: set[str]


def _facts(tenant: Tenant, limited: Iterable[str], since: str | None) -> Facts | None:
    """None when the merchant is not what `tenant` says."""
    told = tenant.state, tenant.name, tenant.time_zone, tenant.schema_version
    with tenant_context(tenant):
        found = rows.ask_all(FACTS, [tenant.pk, *told, list(limited), since, since])
    changed = {token for token, words, _ in found if words is None}
    places = {token: words for token, words, _ in found if token and words is not None}
    for token, words, snapshot in found:
        if not token:
            return Facts((words, *told), snapshot, places, changed)
    return None

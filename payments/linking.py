"""Making payment links, changing them, and opening and closing them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from config.clock import now
from merchants import audit
from merchants.models import AuditEvent
from payments import shown
from payments.models import Link, Payment
from payments.money import MAX_PAISE, MIN_PAISE
from payments.states import PaymentState
from tenants.current import current_tenant
from tenants.models import User
from tenants.routing import new_token

# Outside production a merchant may try with a site of its own machine.
RETURN_SCHEMES = ("https",) if settings.PRODUCTION else ("https", "http")
LONGEST_LIFE = timedelta(days=3652)


class OtherBody(Exception):
    """The same form came with other terms (422)."""


class TooFew(Exception):
    """The link took more payments already than it is to take at all (422)."""

    def __init__(self, taken: int) -> None:
        super().__init__(taken)
        self.taken = taken


class ChangedMeanwhile(Exception):
    """Terms that are to be replaced are not those that the form was opened with (409). `names`
    are theirs; nothing was written."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names)
        self.names = names


@dataclass(frozen=True)
class Terms:
    """What a link offers. `amount_paise` None: the payer enters one within the two limits;
    `max_payments` None: any number of payments; `questions` as payments.questions stores them;
    `ask_…` words of Link.Asked; `methods` words of payments.methods, none for all."""

    description: str
    amount_paise: int | None = None
    min_paise: int = MIN_PAISE
    max_paise: int = MAX_PAISE
    suggestions: list[int] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    ask_name: str = Link.Asked.NO
    ask_email: str = Link.Asked.NO
    ask_phone: str = Link.Asked.NO
    methods: list[str] = field(default_factory=list)
    reference: str = ""
    notes: str = ""
    thanks: str = ""
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    max_payments: int | None = None
    return_url: str = ""
    surplus_policy: str = Link.SurplusPolicy.ASK


def terms_of(link: Link) -> Terms:
    """What a link offers now."""
    return Terms(**{each.name: getattr(link, each.name) for each in fields(Terms)})


def marks_of(terms: Terms) -> dict[str, str]:
    """A short word for each term, another one once the term is another: for a form to remember
    what it was opened with."""
    return {name: hashlib.sha256(repr(value).encode()).hexdigest()[:8]
            for name, value in vars(terms).items()}  # fmt: skip


def make_link(terms: Terms, *, id: UUID, live: bool, by: User) -> Link:
    """A new link, under an id that its form was given: the same form sent twice is one link.

    Raises OtherBody when that id is taken by other terms; then nothing was written.
    """
    offer = {"live": live, **asdict(terms)}
    made_by = {"created_by_id": by.pk, "created_by_name": str(by)[:80]}
    with transaction.atomic():
        link, created = Link.objects.get_or_create(
            id=id, defaults={"token": new_token(current_tenant()), **offer, **made_by}
        )
        if created:
            audit.record(by, "link.created", str(link), after=_facts(link), of=link)
    if any(getattr(link, name) != value for name, value in offer.items()):
        raise OtherBody
    return link


def change_link(link: Link, terms: Terms, by: User, opened: Mapping[str, str]) -> Link:
    """Give a link other terms. Attempts under way keep the amount they were begun with.

    `opened` are the marks of the terms that the person saw. Raises ChangedMeanwhile when what
    they would replace is something else by now, TooFew when the link took more payments than the
    new terms allow; then nothing was written.
    """
    with transaction.atomic():
        # Payment before link is the one order of locks.
        uncounted = _paid_without_a_place(link) if terms.max_payments else []
        locked = Link.objects.select_for_update(no_key=True).get(pk=link.pk)
        changed = _changed(terms_of(locked), terms)
        _refuse_unseen(terms_of(locked), changed, opened)
        if "max_payments" in changed and terms.max_payments:
            _give_places(locked, uncounted, terms.max_payments)
        if changed:
            before = _told(terms_of(locked), changed)
            for name in changed:
                setattr(locked, name, getattr(terms, name))
            locked.save(update_fields=changed)
            after = _told(terms, changed)
            audit.record(by, "link.changed", str(locked), before, after, of=locked)
    shown.forget()
    return locked


def last_change(link: Link) -> AuditEvent | None:
    """Who last gave the link other terms, and when."""
    changes = AuditEvent.objects.filter(act="link.changed", subject_id=link.pk)
    return changes.order_by("-id").first()


def _changed(before: Terms, after: Terms) -> list[str]:
    names = [each.name for each in fields(Terms)]
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _refuse_unseen(before: Terms, changed: list[str], opened: Mapping[str, str]) -> None:
    marks = marks_of(before)
    unseen = [name for name in changed if marks[name] != opened.get(name)]
    if unseen:
        raise ChangedMeanwhile(unseen)


def _paid_without_a_place(link: Link) -> list[Payment]:
    """Locked: what was paid while any number was taken, and so was never counted."""
    paid = Payment.objects.select_for_update(no_key=True).only("id", "link_id", "slot")
    paid = paid.filter(link=link, slot=None, state=PaymentState.PAID)
    return [*paid.order_by("created_at", "id")]


def _give_places(link: Link, uncounted: list[Payment], of: int) -> None:
    """Count what was paid before there was a limit. Places are numbered without gaps.

    What settles at this very moment under the old terms is good and takes no place.
    """
    taken = link.payments.exclude(slot=None).count()
    if taken + len(uncounted) > of:
        raise TooFew(taken + len(uncounted))
    for place, payment in enumerate(uncounted, taken + 1):
        payment.slot = place
    Payment.objects.bulk_update(uncounted, ["slot"], batch_size=500)


def set_state(link: Link, state: Link.State, by: User, words: str | None = None) -> Link:
    """Open a link to new payments, close it or put it away; those under way are recorded in any
    case. `words` are what payers read while it is closed, None to leave them; opening drops them.
    """
    with transaction.atomic():
        locked = Link.objects.select_for_update(no_key=True).get(pk=link.pk)
        opened = state == Link.State.ACTIVE
        words = "" if opened else locked.closed_words if words is None else words
        before, after = _change_of_state(locked, state, words)
        if after:
            # From disabled to archived it stays closed since when it was: money between is surplus.
            locked.disabled_at = None if opened else locked.disabled_at or now()
            locked.state, locked.closed_words = state, words
            locked.save(update_fields=["state", "closed_words", "disabled_at"])
            audit.record(by, f"link.{state}", str(locked), before, after, of=locked)
    shown.forget()
    return locked


def _change_of_state(
    link: Link, state: Link.State, words: str
) -> tuple[dict[str, str], dict[str, str]]:
    """What of state and words changes: as it is, and as it is to be."""
    is_now = {"state": link.state, "closed_words": link.closed_words}
    to_be = {"state": str(state), "closed_words": words}
    names = [name for name, value in to_be.items() if is_now[name] != value]
    return {n: is_now[n] for n in names}, {n: to_be[n] for n in names}


def _facts(link: Link) -> dict[str, str | int | bool | None]:
    return {
        "id": str(link.pk),
        "live": link.live,
        "amount_paise": link.amount_paise,
        "max_payments": link.max_payments,
    }


def _told(terms: Terms, names: list[str]) -> dict[str, str | int | bool | None]:
    """These terms as the audit keeps them: times and lists as text."""
    return {name: _plain(getattr(terms, name)) for name in names}


def _plain(value: Any) -> str | int | bool | None:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    plain: str | int | bool | None = value
    return plain

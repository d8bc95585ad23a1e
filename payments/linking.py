"""Making payment links, and opening and closing them."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from config.clock import now
from merchants import audit
from payments.models import Link
from payments.money import MAX_PAISE, MIN_PAISE
from tenants.current import current_tenant
from tenants.models import User
from tenants.routing import new_token


class OtherBody(Exception):
    """The same form came with other terms (422)."""


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
            audit.record(by, "link.created", str(link), after=_facts(link))
    if any(getattr(link, name) != value for name, value in offer.items()):
        raise OtherBody
    return link


def set_state(link: Link, state: Link.State, by: User) -> Link:
    """Open or close a link to new payments; those under way are recorded in any case."""
    with transaction.atomic():
        locked = Link.objects.select_for_update(no_key=True).get(pk=link.pk)
        before = {"state": locked.state}
        if locked.state != state:
            locked.state = state
            locked.disabled_at = now() if state == Link.State.DISABLED else None
            locked.save(update_fields=["state", "disabled_at"])
            audit.record(by, f"link.{state}", str(locked), before, {"state": state})
    return locked


def _facts(link: Link) -> dict[str, str | int | bool | None]:
    return {
        "id": str(link.pk),
        "live": link.live,
        "amount_paise": link.amount_paise,
        "max_payments": link.max_payments,
    }

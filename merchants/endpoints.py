"""The addresses that a merchant wants told of events: made, changed, switched off and on.

Test and live have their own. None is ever removed, for deliveries name theirs.
"""

from dataclasses import asdict, dataclass, field
from typing import Final
from uuid import UUID

from django.db import transaction

from config.clock import now
from merchants.audit import Facts, record
from merchants.models import Endpoint, Profile, ReturnKey
from merchants.signing import give_secret, replace_secret
from tenants.models import User

MOST: Final = 5  # enabled ones of a world

State, Why = Endpoint.State, Endpoint.Why


class TooMany(Exception):
    """This world has all the enabled endpoints it may have."""


class MadeBefore(Exception):
    """The same form came again: its endpoint is there, and its secret was shown."""


@dataclass(frozen=True)
class Terms:
    """What a person says of an endpoint. `kinds` empty: events of every kind."""

    url: str
    description: str = ""
    kinds: list[str] = field(default_factory=list)


def make_endpoint(terms: Terms, *, id: UUID, live: bool, by: User) -> tuple[Endpoint, str]:
    """A new endpoint under an id that its form was given, and its secret, for once to be shown.

    Raises TooMany and MadeBefore; then nothing was written.
    """
    with transaction.atomic():
        _one_at_a_time()
        if Endpoint.objects.filter(pk=id).exists():
            raise MadeBefore
        _refuse_too_many(live)
        endpoint = Endpoint(id=id, live=live, **asdict(terms))
        endpoint.created_by_id, endpoint.created_by_name = by.pk, str(by)[:80]
        secret = give_secret(endpoint)
        endpoint.save(force_insert=True)
        record(by, "endpoint.created", endpoint.url, after=_facts(endpoint), of=endpoint)
    return endpoint, secret


def change_endpoint(endpoint: Endpoint, terms: Terms, by: User) -> None:
    """Say other things of an endpoint. What is still to be delivered goes where it is then."""
    with transaction.atomic():
        locked = _locked(endpoint)
        before = _facts(locked)
        for name, value in asdict(terms).items():
            setattr(locked, name, value)
        if _facts(locked) != before:
            locked.save(update_fields=["url", "description", "kinds"])
            record(by, "endpoint.changed", locked.url, before, _facts(locked), of=locked)


def switch(endpoint: Endpoint, state: str, by: User) -> Endpoint:
    """Enable an endpoint, which forgets how it failed before, or disable it. Raises TooMany."""
    with transaction.atomic():
        _one_at_a_time()
        locked = _locked(endpoint)
        if locked.state == state:
            return locked
        if state == State.ENABLED:
            _refuse_too_many(locked.live)
            locked.failing_since, locked.unanswered, locked.resting_until = None, 0, None
        _put(locked, state, Why.NONE, by)
    return locked


def stop(endpoint: Endpoint, why: str) -> None:
    """Send nothing more to it, for this reason. Inside the caller's lock of the row."""
    _put(endpoint, State.STOPPED, why, None)


def rotate(endpoint: Endpoint, by: User) -> str:
    """Give it another secret, and return that; for a day both sign."""
    with transaction.atomic():
        locked = _locked(endpoint)
        secret = replace_secret(locked)
        told = {"last4": locked.secret_last4}
        record(by, "endpoint.secret_rotated", locked.url, after=told, of=locked)
    return secret


def return_key(live: bool) -> ReturnKey:
    """The key that signs this world's return addresses; made when it is first needed."""
    found = ReturnKey.objects.filter(live=live).first()
    if found is None:
        fresh = ReturnKey(live=live)
        give_secret(fresh)
        ReturnKey.objects.bulk_create([fresh], ignore_conflicts=True)  # of two, the first stays
        found = ReturnKey.objects.get(live=live)
    return found


def rotate_return_key(live: bool, by: User) -> str:
    """Replace the key that signs return addresses, and return the new one; for a day both sign."""
    with transaction.atomic():
        key = ReturnKey.objects.select_for_update().get(pk=return_key(live).pk)
        secret = replace_secret(key)
        world = "live" if live else "test"
        record(by, "return_key.rotated", world, after={"last4": key.secret_last4}, of=key)
    return secret


def _one_at_a_time() -> None:
    Profile.objects.select_for_update().only("id").get()


def _locked(endpoint: Endpoint) -> Endpoint:
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def _refuse_too_many(live: bool) -> None:
    if Endpoint.objects.filter(live=live, state=State.ENABLED).count() >= MOST:
        raise TooMany


def _put(endpoint: Endpoint, state: str, why: str, by: User | None) -> None:
    before = {"state": endpoint.state}
    endpoint.state, endpoint.stopped_why, endpoint.changed_at = state, why, now()
    endpoint.save(
        update_fields=[
            "state",
            "stopped_why",
            "changed_at",
            "failing_since",
            "unanswered",
            "resting_until",
        ]
    )
    after = {"state": state, "why": why}
    record(by, f"endpoint.{state}", endpoint.url, before, after, of=endpoint)


def _facts(endpoint: Endpoint) -> Facts:
    return {
        "live": endpoint.live,
        "url": endpoint.url,
        "description": endpoint.description,
        "kinds": " ".join(endpoint.kinds),
    }

"""On which day each person of the team was last here. Written once a day, read by the team page."""

from datetime import date
from typing import Final
from uuid import UUID

from merchants.models import Seen
from tenants.current import current_tenant, today

MOST_KNOWN: Final = 10_000

# What this process has written already, so that only a day's first request costs a query.
_written: dict[tuple[UUID, UUID], date] = {}


def note(user_id: UUID) -> None:
    """This person is here today, in the merchant we are in."""
    who, day = (current_tenant().pk, user_id), today()
    if _written.get(who) == day:
        return
    Seen.objects.bulk_create(
        [Seen(user_id=user_id, on=day)],
        update_conflicts=True,
        unique_fields=["user_id"],
        update_fields=["on"],
    )
    if len(_written) >= MOST_KNOWN:
        _written.clear()
    _written[who] = day


def last_days() -> dict[UUID, date]:
    """The day on which each person was last here, as far as they were."""
    return dict(Seen.objects.values_list("user_id", "on"))

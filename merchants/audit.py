"""The merchant's record of who changed what."""

from collections.abc import Mapping
from uuid import UUID

from django.db import models

from merchants.models import AuditEvent
from tenants.models import User

Facts = Mapping[str, str | int | bool | None]


def record(
    by: User | None,
    act: str,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
    of: models.Model | None = None,
) -> AuditEvent:
    """Write down a change, inside the caller's transaction and the merchant's schema.

    `by` None: the platform did it by itself. `act` is a word such as "link.disabled", with words
    for people in merchants.acts; `subject` names the thing as people know it, and `of` is that
    thing, for its id and its world. `before` and `after` hold only what changed, and never a
    secret.
    """
    return AuditEvent.objects.create(
        by_id=by.pk if by else None,
        by_name=str(by)[:80] if by else "",
        act=act,
        subject=subject[:120],
        subject_id=of.pk if of and isinstance(of.pk, UUID) else None,
        live=getattr(of, "live", None),
        before=dict(before or {}),
        after=dict(after or {}),
    )

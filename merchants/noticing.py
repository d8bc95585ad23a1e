"""What one person of the team is told in the dashboard: the bell, and the list behind it.

Kept as a kind and what fills its words in, so that it is read in the reader's language.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from config import rows
from config.clock import now
from merchants.models import Notice
from tenants.jobs import BULK, job, periodic
from tenants.models import Tenant

KEPT: Final = timedelta(days=90)
MOST_COUNTED: Final = 100  # the bell says 99+ from here on

_UNREAD: Final = f"""SELECT count(*) FROM (
    SELECT FROM merchants_notice WHERE user_id = %s AND read_at IS NULL LIMIT {MOST_COUNTED}
) AS few"""  # noqa: S608

# Icon and words of every kind; the words name what `args` must hold.
KINDS: Final[dict[str, tuple[str, Any]]] = {
    "batch.done": ("link", _("“%(name)s” is done: links made: %(made)s of %(total)s")),
    "export.done": ("file-down", _("Your export “%(name)s” is ready to download")),
    "export.failed": ("triangle-alert", _("Your export “%(name)s” could not be made")),
    "team.joined": ("user-plus", _("%(person)s has joined the team")),
}


def notify(user_id: UUID, kind: str, args: Mapping[str, str | int], url: str) -> Notice:
    """Tell a person something, inside the caller's transaction and the merchant's schema.

    `url` is a path of ours where it is to be seen. Raises KeyError for a kind that is none or
    args that do not fill its words, and ValueError for another address: bugs, all three.
    """
    if not url.startswith("/") or url.startswith("//"):
        raise ValueError(url)
    _words(kind, args)
    return Notice.objects.create(user_id=user_id, kind=kind, args=dict(args), url=url)


def unread(user_id: UUID) -> int:
    """How many notices this person has not opened, at most MOST_COUNTED. One small query."""
    [(count,)] = rows.ask_all(_UNREAD, [user_id])
    return int(count)


def open_notice(notice: Notice) -> str:
    """Mark it as read, once, and return where it leads."""
    Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=now())
    return notice.url


def read_all(user_id: UUID) -> None:
    """Mark all that this person has as read."""
    Notice.objects.filter(user_id=user_id, read_at=None).update(read_at=now())


def told(kind: str, args: Mapping[str, Any]) -> tuple[str, str]:
    """A notice's icon, and its words in the language that is spoken now."""
    if kind not in KINDS:  # written by newer code
        return "bell", kind
    return KINDS[kind][0], _words(kind, args)


def _words(kind: str, args: Mapping[str, Any]) -> str:
    return str(KINDS[kind][1]) % args


@periodic(every=24 * 3600, lane=BULK)
def sweep() -> None:
    """Have every merchant's old notices forgotten, once a day."""
    claimed = Tenant.objects.exclude(state=Tenant.State.READY)
    for tenant_id in claimed.values_list("pk", flat=True).iterator():
        forget_old.enqueue(tenant_id, key=f"notices:{tenant_id}")


@job(lane=BULK)
def forget_old() -> None:
    """Drop what was told 90 days ago, read or not."""
    Notice.objects.filter(created_at__lt=now() - KEPT).delete()

"""Periodic work of the platform itself."""

from datetime import timedelta
from typing import Final

from config.clock import now
from tenants import mail, provisioning
from tenants.jobs import BULK, periodic
from tenants.models import DeadJob

DEAD_MAILS_KEPT: Final = timedelta(days=7)


@periodic(every=20, lane=BULK)
def keep_schemas_ready() -> None:
    """A sign-up finds a migrated schema waiting."""
    provisioning.keep_ready()


@periodic(every=3600, lane=BULK)
def forget_dead_mails() -> None:
    """Drop mails that failed for good a week ago: they hold their text, sign-in codes too.

    Every other dead job stays until a person runs it again.
    """
    long_ago = now() - DEAD_MAILS_KEPT
    DeadJob.objects.filter(kind=mail.deliver.kind, died_at__lt=long_ago).delete()

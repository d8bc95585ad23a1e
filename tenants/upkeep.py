"""Periodic work of the platform itself."""

from datetime import timedelta

from config.clock import now
from tenants import provisioning
from tenants.jobs import BULK, periodic
from tenants.mail import deliver
from tenants.models import DeadJob

UNSENT_MAIL_KEPT = timedelta(days=7)


@periodic(every=20, lane=BULK)
def keep_schemas_ready() -> None:
    """A sign-up finds a migrated schema waiting."""
    provisioning.keep_ready()


@periodic(every=3600, lane=BULK)
def forget_dead_mails() -> None:
    """A mail that nobody revived in a week is of no use, and may hold a sign-in code."""
    DeadJob.objects.filter(kind=deliver.kind, died_at__lt=now() - UNSENT_MAIL_KEPT).delete()

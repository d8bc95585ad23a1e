"""Periodic work of the platform itself."""

from tenants import provisioning
from tenants.jobs import BULK, periodic


@periodic(every=20, lane=BULK)
def keep_schemas_ready() -> None:
    """A sign-up finds a migrated schema waiting."""
    provisioning.keep_ready()

"""The tenant whose schema the connection is in."""

from datetime import date
from zoneinfo import ZoneInfo

from config.clock import now
from tenants import schema
from tenants.models import Tenant


def current_tenant() -> Tenant:
    """Raises RuntimeError in schema public: such code forgot to enter its tenant."""
    tenant = schema.tenant()
    if tenant is None:
        raise RuntimeError("no tenant is entered")
    return tenant


def zone() -> ZoneInfo:
    """The merchant's time zone: its days begin and end there."""
    return ZoneInfo(current_tenant().time_zone)


def today() -> date:
    """The merchant's calendar day by business time."""
    return now().astimezone(zone()).date()

"""Which schema this thread's connection works in: the one module that asks it or resets it.

To enter a tenant, say `with tenant_context(tenant):`, made fresh each time. django-tenants'
`with tenant:` shares one stack between threads, and its decorators restore the wrong schema.
"""

from typing import Any, Final

import django.db
from django_tenants.utils import get_public_schema_name

from tenants.models import Tenant

connection: Final[Any] = django.db.connection  # django-tenants' own, which has no types


def name() -> str:
    """The schema that the next query reads first."""
    return str(connection.schema_name)


def tenant() -> Tenant | None:
    """The tenant we are in; None in schema public, and in a schema entered by its bare name."""
    current = connection.tenant
    return current if isinstance(current, Tenant) else None


def is_public() -> bool:
    return bool(name() == get_public_schema_name())


def leave() -> None:
    """Go back to schema public, whatever was entered."""
    connection.set_schema_to_public()

"""Which schema this thread's connection works in: the one module that asks it or resets it.

To enter a tenant, say `with tenant_context(tenant):`, made fresh each time. django-tenants'
`with tenant:` shares one stack between threads, and its decorators restore the wrong schema.
"""

from collections.abc import Callable
from typing import Any, Final

import django.db
import psycopg2
from django_tenants.utils import get_public_schema_name
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.sql import SQL, Identifier

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


def connector() -> Callable[[], Any]:
    """What opens connections to the schema that we are in, from any thread, for whoever reads on
    when this one serves somebody else. Bare psycopg2, read-only, one snapshot from the first
    statement on; to be closed.

    Nothing that happens to the thread's own connection reaches them. A reader who asks for nothing
    for a minute loses it, for an open snapshot keeps dead rows.
    """
    parameters = connection.get_connection_params()
    path = SQL(", ").join([Identifier(name()), Identifier(get_public_schema_name())])

    def opened() -> Any:
        own = psycopg2.connect(**parameters)
        own.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with own.cursor() as cursor:
            cursor.execute(SQL("SET search_path = {}").format(path))
            cursor.execute("SET idle_in_transaction_session_timeout = '60s'")
            cursor.execute("SET jit = off")  # takes longer than the first rows
        own.commit()
        return own

    return opened

"""Whether the database is one in which merchants are kept apart."""

from contextlib import closing
from typing import Any, Final

import psycopg2
from django.db import connection
from psycopg2 import extensions

from config.logs import scrub
from tenants.checks import the_driver_is_psycopg2

CONNECT_SECONDS: Final = 10
ROUNDS: Final = 20
NEEDS: Final = {
    "SELECT current_setting('server_version_num')::int >= 150000": (
        "PostgreSQL 15 or newer is needed"
    ),
    "SELECT current_setting('server_encoding') = 'UTF8'": "the database must be in UTF8",
    "SELECT has_database_privilege(current_database(), 'CREATE')": (
        "the role may not create schemas in the database"
    ),
}
POOLER: Final = (
    "a pooler before the database shares its connections between clients, which would hand one"
    " merchant's rows to another: connect directly, or through its session mode"
)


def faults() -> list[str]:
    """What is wrong with the database of DATABASE_URL, in words; empty when it can be used."""
    found = [message.msg for message in the_driver_is_psycopg2()]
    try:
        with closing(_connect()) as one, closing(_connect()) as other:
            found += [words for question, words in NEEDS.items() if not _row(one, question)[0]]
            found += [POOLER] if shares_backends(one, other) else []
    except psycopg2.OperationalError as error:
        first_line = str(error).strip().partition("\n")[0]
        found.append(f"the database cannot be reached: {scrub(first_line)}")
    return [f"DATABASE_URL: {words}" for words in found]


def server_version() -> str:
    """The server's version, like "18.1". Raises psycopg2.OperationalError."""
    with closing(_connect()) as server:
        return str(_row(server, "SHOW server_version")[0]).split()[0]


def shares_backends(one: extensions.connection, other: extensions.connection) -> bool:
    """Whether a query of one connection, both in autocommit, can land in the other's session.

    Each marks its session; then they ask in turn where they are. A pooler in transaction or
    statement mode passes sessions around, and with them the search_path that names a merchant.
    """
    home = {client: (mark, _mark(client, mark)) for client, mark in ((one, "1"), (other, "2"))}
    here = "SELECT current_setting('doctor.mark', true), pg_backend_pid()"
    return any(_row(client, here) != home[client] for _ in range(ROUNDS) for client in home)


def _mark(client: extensions.connection, mark: str) -> int:
    """Leave a mark in the session; the id of the server's process that holds it."""
    _, pid = _row(client, "SELECT set_config('doctor.mark', %s, false), pg_backend_pid()", mark)
    return int(pid)


def _connect() -> extensions.connection:
    parameters = connection.get_connection_params() | {"connect_timeout": CONNECT_SECONDS}
    fresh: extensions.connection = psycopg2.connect(**parameters)
    fresh.autocommit = True
    return fresh


def _row(client: extensions.connection, question: str, *values: str) -> tuple[Any, ...]:
    with client.cursor() as cursor:
        cursor.execute(question, values)
        row: tuple[Any, ...] = cursor.fetchone()
        return row

"""The database that is refused: out of reach, too little, or behind a pooler that mixes clients."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from tenants.doctor import shares_backends
from tests import production
from tests.pooler import pooler_before


@pytest.fixture(scope="module")
def pooled() -> Iterator[str]:
    """The tests' server behind a pooler in transaction mode."""
    url = os.environ["DATABASE_URL"]
    with pooler_before(production.url_of("postgres")) as port:
        parts = urlsplit(url)
        signed_in_as = parts.netloc.rpartition("@")[0]
        address = f"{signed_in_as}@127.0.0.1:{port}"
        yield urlunsplit(("postgresql", address, "/postgres", "", ""))


def connect(url: str) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def test_direct_connections_share_nothing() -> None:
    url = production.url_of("postgres")
    assert not shares_backends(connect(url), connect(url))


def test_a_pooler_in_transaction_mode_does(pooled: str) -> None:
    assert shares_backends(connect(pooled), connect(pooled))


def test_what_a_pooler_mixes_is_the_search_path(pooled: str) -> None:
    """The danger itself, so that the pooler above is known to be a real one."""
    acme, globex = connect(pooled), connect(pooled)
    with acme.cursor() as one, globex.cursor() as other:
        one.execute("SET search_path TO acme")
        other.execute("SET search_path TO globex")
        one.execute("SHOW search_path")
        assert one.fetchone() == ("globex",)

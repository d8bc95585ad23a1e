"""Seeing that a pooler hands one client's session to another."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest
from psycopg2 import extensions

from tenants.doctor import shares_backends
from tests import production
from tests.pooler import pooler_before


@pytest.fixture(scope="module")
def pooled() -> Iterator[str]:
    """The tests' server behind a pooler in transaction mode."""
    url = production.url_of("postgres")
    with pooler_before(url) as port:
        yield production.through(url, port)


@contextmanager
def two_clients(url: str) -> Iterator[tuple[extensions.connection, extensions.connection]]:
    with closing(psycopg2.connect(url)) as one, closing(psycopg2.connect(url)) as other:
        one.autocommit = other.autocommit = True
        yield one, other


def test_direct_connections_share_nothing() -> None:
    with two_clients(production.url_of("postgres")) as (one, other):
        assert not shares_backends(one, other)


def test_a_pooler_in_transaction_mode_does(pooled: str) -> None:
    with two_clients(pooled) as (one, other):
        assert shares_backends(one, other)


def test_what_such_a_pooler_mixes_is_the_search_path(pooled: str) -> None:
    """The danger itself: the pooler of these tests is a real one."""
    with two_clients(pooled) as (acme, globex), acme.cursor() as one, globex.cursor() as other:
        one.execute("SET search_path TO acme")
        other.execute("SET search_path TO globex")
        one.execute("SHOW search_path")
        assert one.fetchone() == ("globex",)

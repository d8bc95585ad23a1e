"""Large files through the real web server: whole, of one merchant, and loud when they break."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
import requests

from tests.browser.stack import Stack, own_database, running
from tests.plugin import new_data_dir
from tests.proof import size

pytestmark = [pytest.mark.slow, pytest.mark.proof]

ROWS = size(60_000, 1_000_000)
FILE = "/m/big-bazaar/test/payments.csv"
PART = 65_536


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The product, with a merchant of many payments beside the demo's own."""
    with own_database() as database, running(new_data_dir(), environment=database) as stack:
        stack.run("manage.py", "seed", str(ROWS))
        yield stack


@pytest.fixture
def owner(stack: Stack) -> Iterator[requests.Session]:
    """The owner of both merchants, signed in."""
    with requests.Session() as session:
        form = session.get(f"{stack.base_url}/accounts/login/", timeout=20)
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)[0]
        said = {"login": stack.demo["owner"]["email"], "password": stack.demo["owner"]["password"]}
        session.post(form.url, data=said | {"csrfmiddlewaretoken": token}, timeout=20)
        yield session


def begun(stack: Stack, owner: requests.Session, path: str = FILE) -> requests.Response:
    answer = owner.get(f"{stack.base_url}{path}", stream=True, timeout=60)
    assert answer.status_code == 200
    return answer


def test_it_is_whole_and_other_pages_are_served_meanwhile(
    stack: Stack, owner: requests.Session
) -> None:
    demo = f"/m/{stack.demo['merchant']}/test/payments.csv"
    with begun(stack, owner) as answer:
        parts = answer.iter_content(PART)
        text = next(parts)
        others = [begun(stack, owner, demo).text for _ in range(3)]
        text += b"".join(parts)
    rows = [*csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""))]
    assert len({row["Order ID"] for row in rows}) == len(rows) == ROWS
    theirs = {row["Order ID"] for other in others for row in csv.DictReader(io.StringIO(other))}
    assert theirs
    assert not theirs & {row["Order ID"] for row in rows}


def test_one_that_breaks_is_seen_as_broken(stack: Stack, owner: requests.Session) -> None:
    with begun(stack, owner) as answer:
        parts = answer.iter_content(PART)
        next(parts)
        with closing(psycopg2.connect(stack.database_url)) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^COPY'"
                " AND pid <> pg_backend_pid() AND datname = current_database()"
            )
            assert {*cursor.fetchall()} == {(True,)}
        assert b"INCOMPLETE" in b"".join(parts)[-100:]
    assert begun(stack, owner).status_code == 200

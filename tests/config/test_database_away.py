"""What is answered when the database is not there."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.test import Client

from tests.config.test_middleware import browser

pytestmark = pytest.mark.urls("tests.config.urls")


@pytest.fixture(autouse=True)
def unwrapped(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """No transaction around the test: its connection may be lost."""
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture
def client() -> Client:
    return browser()


@pytest.fixture
def nowhere(settings: Any) -> Iterator[None]:
    """The database is at an address where nobody listens."""
    connection.close()
    known = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    connection.settings_dict.update(HOST="127.0.0.1", PORT="1")
    yield
    connection.settings_dict.update(known)


def test_a_connection_lost_in_the_middle_is_503_and_the_next_request_works(client: Client) -> None:
    assert client.get("/lost_database").status_code == 503
    close_old_connections()  # as every request of a real server begins
    assert client.get("/sql?statement=SELECT+1").status_code == 200


@pytest.mark.usefixtures("nowhere")
def test_views_and_middleware_answer_503(client: Client) -> None:
    client.cookies["session"] = "x" * 32
    answer = client.get("/sql?statement=SELECT+1")
    assert answer.status_code == 503
    assert "Back in a moment" in answer.content.decode()


@pytest.mark.usefixtures("nowhere")
def test_health_tells_it(client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the database cannot be reached"]
    metrics = client.get("/metrics")
    assert metrics.status_code == 200
    assert "http_requests_total" in metrics.content.decode()
    assert "job_queue_rows" not in metrics.content.decode()

"""Alive, ready and measured."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from config import health
from tenants import jobs
from tenants.jobs import NO_TENANT
from tenants.models import Tenant
from tests.tenants.job_handlers import fail

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.config.urls")]

STRANGER = "203.0.113.9"
BEARER = {"authorization": f"Bearer {settings.METRICS_TOKEN}"}


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def a_worker_was_seen(ago: str = "0 seconds") -> None:
    execute(f"INSERT INTO worker_seen VALUES ('w', statement_timestamp() - interval '{ago}')")


def reasons(client: Client) -> list[str]:
    answer = client.get("/readyz")
    told: list[str] = answer.json()["reasons"]
    assert answer.status_code == (503 if told else 200)
    assert answer.json()["ready"] is not bool(told)
    return told


def test_alive_needs_no_database(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_ready_once_a_worker_is_seen(client: Client) -> None:
    assert reasons(client) == ["no worker is running"]
    a_worker_was_seen(ago="31 seconds")
    assert reasons(client) == ["no worker is running"]
    execute("DELETE FROM worker_seen")
    a_worker_was_seen(ago="20 seconds")
    assert reasons(client) == []


def test_not_ready_before_the_migrations(client: Client) -> None:
    a_worker_was_seen()
    execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    assert reasons(client) == ["1 migrations are to be applied"]


def test_not_ready_on_an_empty_database(client: Client) -> None:
    execute("ALTER TABLE django_migrations RENAME TO elsewhere")
    assert reasons(client) == ["the database is empty"]


def test_not_ready_while_a_tenants_table_stands_in_public(client: Client) -> None:
    a_worker_was_seen()
    execute(f'CREATE TABLE "{health.tenant_tables()[0]}" (id integer)')
    assert reasons(client) == ["tables of tenants stand in schema public"]


def test_only_reading_methods_are_taken(client: Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.post(path).status_code == 405


# --- Metrics ------------------------------------------------------------------------------
def test_metrics_are_for_the_token_alone(client: Client, settings: Any) -> None:
    """Whoever comes through a proxy on this machine that forwards no header looks like us."""
    settings.PRODUCTION = True
    for address in ("127.0.0.1", "::1", STRANGER):
        assert client.get("/metrics", REMOTE_ADDR=address).status_code == 404
        assert client.get("/metrics", headers=BEARER, REMOTE_ADDR=address).status_code == 200


def test_metrics_of_the_demo_are_for_its_machine_too(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR=STRANGER).status_code == 404
    assert client.get("/metrics", headers=BEARER, REMOTE_ADDR=STRANGER).status_code == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
def test_a_proxy_on_this_machine_is_not_this_machine(client: Client, header: str) -> None:
    assert client.get("/metrics", headers={header: "1.2.3.4"}).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", "bearer é", "Basic x"])
def test_a_wrong_token_finds_nothing(client: Client, given: str) -> None:
    headers = {"authorization": given, "x-forwarded-for": "1.2.3.4"}
    assert client.get("/metrics", headers=headers).status_code == 404


def test_an_unset_token_opens_to_nobody(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN, settings.PRODUCTION = "", True
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": ""}):
        for address in ("127.0.0.1", STRANGER):
            assert client.get("/metrics", headers=headers, REMOTE_ADDR=address).status_code == 404


def test_metrics_tell_of_requests_jobs_and_tenants(client: Client, acme: Tenant) -> None:
    client.get("/p/secrettoken")
    fail.enqueue(NO_TENANT, message="live")
    fail.enqueue(NO_TENANT, message="die")
    execute('UPDATE job SET attempts = 2 WHERE args @> \'{"message": "die"}\'')
    jobs.run_due()
    text = client.get("/metrics").content.decode()
    lines = text.splitlines()
    assert any(
        line.startswith("http_requests_total{")
        and 'route="/p/<str:token>"' in line
        and 'status="2xx"' in line
        for line in lines
    )
    assert "http_seconds_bucket" in text
    assert f'jobs_total{{kind="{fail.kind}",outcome="retry"}}' in text
    assert f'jobs_dead_total{{kind="{fail.kind}"}}' in text
    assert 'job_queue_rows{lane="0",state="waiting"} 1.0' in text
    assert "dead_job_rows 1.0" in text
    assert 'tenant_rows{state="active"} 1.0' in text
    assert "secrettoken" not in text

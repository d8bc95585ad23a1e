"""`make run` as a whole: it comes up, serves, survives, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import requests

from tenants.demo import STORY
from tests.browser.stack import (
    Stack,
    own_database,
    running,
    start,
    told,
    wait_until_ready,
)
from tests.plugin import new_data_dir
from tests.ports import free_ports

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kept_dir() -> Path:
    """For those who start on what is there already: the second start on it takes half the time."""
    return new_data_dir()


@pytest.fixture(scope="module")
def database() -> Iterator[dict[str, str]]:
    with own_database() as database:
        yield database


def test_it_starts_twice_keeps_its_data_and_leaves_nothing(
    kept_dir: Path, database: dict[str, str]
) -> None:
    with running(kept_dir, environment=database) as first:
        demo = first.demo
        assert requests.get(first.base_url, timeout=10).status_code == 200
        assert requests.get(f"{first.base_url}/healthz", timeout=10).status_code == 200
        wait_for(lambda: story(first)["refunds"] == ["done", "failed", "held"], first)
        before = story(first)
    with running(kept_dir, first.port, database) as second:
        assert second.demo == demo
        assert requests.get(demo["pay_url"], timeout=10).status_code == 200
        assert story(second) == before
    assert before["payments"] == before["links"] == len(STORY)
    assert before["payers"] == 10
    assert before["days"] >= 7
    assert before["endpoints"] == ["stopped failing"]
    assert before["notes"] == 2
    assert before["tags"] == ["business", "wedding", "wedding"]
    assert before["team"] == ["finance", "owner"]
    assert before["deliveries"] == ["dead"]


def story(stack: Stack) -> dict[str, Any]:
    """What the demo's merchant has to show, read from the database."""
    with closing(psycopg2.connect(stack.database_url)) as connection, connection.cursor() as cursor:
        slug = stack.demo["merchant"]
        cursor.execute("SELECT schema_name, id FROM tenant WHERE slug = %s", [slug])
        schema, tenant = cursor.fetchone()
        cursor.execute(f'SET search_path = "{schema}", public')
        cursor.execute(TOLD, {"tenant": tenant})
        names = [column.name for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))


TOLD = """
    SELECT (SELECT count(*) FROM payments_payment) AS payments,
        (SELECT count(*) FROM payments_link WHERE max_payments = 1) AS links,
        (SELECT count(DISTINCT (payer_name, payer_email, payer_phone)) FROM payments_payment
            WHERE payer_email LIKE '%%@example.com') AS payers,
        (SELECT count(DISTINCT date_trunc('day', created_at)) FROM payments_payment) AS days,
        (SELECT array_agg(state ORDER BY state) FROM payments_refund) AS refunds,
        (SELECT array_agg(state || ' ' || stopped_why) FROM merchants_endpoint) AS endpoints,
        (SELECT array_agg(state) FROM payments_delivery) AS deliveries,
        (SELECT count(*) FROM payments_timelineentry WHERE kind = 'note') AS notes,
        (SELECT array_agg(name ORDER BY name) FROM payments_paymenttag) AS tags,
        (SELECT count(*) FROM merchants_auditevent) AS acts,
        (SELECT array_agg(role ORDER BY role) FROM membership WHERE tenant_id = %(tenant)s) AS team
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with own_database() as database, running(new_data_dir(), environment=database) as stack:
        yield stack


@pytest.mark.parametrize("words", ["manage.py work", "-m simulator", "-m granian"])
def test_a_killed_child_is_started_again(stack: Stack, words: str) -> None:
    [victim, *_] = named(stack, words)
    victim.kill()
    psutil.wait_procs([victim])
    wait_for(partial(named, stack, words), stack)
    wait_for(stack.is_ready, stack)
    assert "ended with code -9; starting it again in 1 s" in stack.console


def named(stack: Stack, words: str) -> list[psutil.Process]:
    """The stack's processes with those words in their command line, oldest first."""
    found = [p for p in stack.processes() if words in " ".join(p.info["cmdline"] or ())]
    return sorted(found, key=lambda process: process.create_time())


def wait_for(happened: Callable[[], object], stack: Stack) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, stack.console
        time.sleep(0.1)


def test_kill_9_of_the_supervisor_ends_everything_and_it_starts_again(
    kept_dir: Path, database: dict[str, str]
) -> None:
    stack = start(kept_dir, environment=database)
    wait_until_ready(stack)
    everything = stack.processes()
    stack.stop(by=signal.SIGKILL)
    with running(kept_dir, stack.port, database):
        _, alive = psutil.wait_procs(everything, timeout=30)
        assert not alive


def test_a_data_directory_has_one_user(stack: Stack) -> None:
    refused = start(stack.data_dir, stack.port)
    assert refused.ended() == 1
    assert "is in use by process" in refused.console


def test_a_port_in_use_is_said_at_once(data_dir: Path) -> None:
    port = free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        refused = start(data_dir, port)
        assert refused.ended() == 1
    assert f"port {port + 1} is in use" in refused.console


def test_an_odd_variable_is_named(data_dir: Path) -> None:
    refused = start(data_dir, environment={"PORT": "eighty"})
    assert refused.ended() == 1
    assert "PORT must be a whole number" in refused.console


@pytest.mark.parametrize(
    "interrupt",
    [
        pytest.param(lambda make: make.terminate(), id="SIGTERM to make"),
        pytest.param(lambda make: os.killpg(make.pid, signal.SIGINT), id="Ctrl-C"),
    ],
)
def test_when_make_has_returned_nothing_runs(
    data_dir: Path, tmp_path: Path, interrupt: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    command = ["make", "run", f"PORT={free_ports()}", f"DATA_DIR={data_dir}"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (tmp_path / "make.log").open("w+") as console:
        make = subprocess.Popen(
            command, env=environment, stdout=console, stderr=console, process_group=0
        )
        deadline = time.monotonic() + 180
        while "Stop " not in (tmp_path / "make.log").read_text():
            assert make.poll() is None, (tmp_path / "make.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        interrupt(make)
        make.wait(60)
    assert not told(data_dir)

"""Real worker processes: killed, stopped, woken, cut off from the database, kept busy."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from config import clock
from tenants import job_queue
from tenants.jobs import BULK, MAIL, MONEY, NO_TENANT
from tenants.models import DeadJob, Job, Tenant, WorkerSeen
from tenants.worker import Bell, lanes_of
from tests.tenants.conftest import effects
from tests.tenants.job_handlers import (
    LONG_PERIOD,
    exactly_once,
    kill_the_thread,
    note_down,
    note_down_in_bulk,
    take_time,
    take_time_in_bulk,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("committed")]

PATIENCE = 30.0  # seconds: far more than anything here needs
NEVER = "600"


@pytest.fixture(autouse=True)
def own_clock(tmp_path: Path) -> Iterator[Path]:
    """Workers of these tests share a data directory of their own, and its clock, with the test."""
    file = tmp_path / "clock"
    with override_settings(CLOCK_FILE=file):
        yield file


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


@contextmanager
def worker(own_clock: Path, threads: int = 1, turn: str = "0.2") -> Iterator[subprocess.Popen[str]]:
    """A worker that has shown its first sign of life."""
    known = set(WorkerSeen.objects.values_list("name", flat=True))
    database = connection.settings_dict["NAME"]
    environment = os.environ | {
        "DATABASE_URL": re.sub(
            r"//([^/]*)/[^?]*", rf"//\1/{database}", os.environ["DATABASE_URL"], count=1
        ),
        "DATA_DIR": str(own_clock.parent),
        "WORKER_THREADS": str(threads),
    }
    with (own_clock.parent / "worker.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.tenants.worker_process", turn],
            cwd=settings.ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        until(lambda: WorkerSeen.objects.exclude(name__in=known).exists(), "a sign of life")
        yield process
    finally:
        process.kill()
        process.wait()


def notes() -> list[str]:
    return [note for note, _ in effects() if note != "tick"]


def ticks_exceed(count: int) -> bool:
    return sum(note == "tick" for note, _ in effects()) > count


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def end_leases() -> None:
    """As if LEASE_SECONDS had passed on the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE job SET leased_until = leased_until - interval '1 hour'")


def running() -> int:
    return Job.objects.filter(state="running").count()


# --- Ends of workers ----------------------------------------------------------------------
def test_killed_in_the_middle_another_worker_makes_it_happen_once(own_clock: Path) -> None:
    tenant = Tenant.objects.all()[0]
    exactly_once.enqueue(tenant.pk, note="paid", seconds=60)
    with worker(own_clock) as process:
        until(running, "the job begins")
        process.kill()
        process.wait()
    assert notes() == []
    Job.objects.filter(kind=exactly_once.kind).update(args={"note": "paid"})
    end_leases()
    with worker(own_clock):
        until(lambda: not Job.objects.exists(), "the job ends")
    assert [effect for effect in effects() if effect[0] == "paid"] == [("paid", tenant.schema_name)]


def test_asked_to_stop_it_finishes_what_it_does_and_takes_no_more(own_clock: Path) -> None:
    take_time.enqueue(NO_TENANT, note="first", seconds=1)
    with worker(own_clock) as process:
        until(lambda: "first begins" in notes(), "the job begins")
        note_down.enqueue(NO_TENANT, note="second")
        assert stop(process) == 0
    assert notes() == ["first begins", "first ends"]
    assert Job.objects.get(kind=note_down.kind).state == "ready"
    assert not WorkerSeen.objects.exists()


def test_a_worker_whose_thread_died_ends_and_says_so(own_clock: Path) -> None:
    with worker(own_clock) as process:
        kill_the_thread.enqueue(NO_TENANT)
        assert process.wait(PATIENCE) == 1


# --- Waking -------------------------------------------------------------------------------
def test_notify_wakes_it_long_before_the_next_poll(own_clock: Path) -> None:
    with worker(own_clock, turn=NEVER):
        until_listening()
        with transaction.atomic():
            note_down.enqueue(NO_TENANT, note="woken")
        until(lambda: notes() == ["woken"], "the wake-up")


def until_listening() -> None:
    def listens() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND query = %s AND state = 'idle'",
                [f"LISTEN {job_queue.CHANNEL}"],
            )
            return bool(cursor.fetchone()[0])

    until(listens, "LISTEN")


def test_without_notify_it_polls(own_clock: Path) -> None:
    with worker(own_clock), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO job (lane, kind, tenant_id, args, state, run_at, attempts, last_error)"
            " VALUES (%s, %s, %s, %s, 'ready', now(), 0, '')",
            [MONEY, note_down.kind, NO_TENANT, '{"note": "polled"}'],
        )
        until(lambda: notes() == ["polled"], "the poll")


def test_a_clock_moved_forward_runs_what_is_then_due(own_clock: Path) -> None:
    note_down.enqueue(NO_TENANT, note="day 3", at=clock.now() + timedelta(hours=72))
    with worker(own_clock):
        note_down.enqueue(NO_TENANT, note="now")
        until(lambda: notes() == ["now"], "the immediate job")
        own_clock.write_text(str(72 * 3600))
        until(lambda: notes() == ["now", "day 3"], "the job of day 3")


def test_two_workers_write_a_periodic_job_once(own_clock: Path) -> None:
    with worker(own_clock) as one, worker(own_clock) as other:
        for period in range(4):
            own_clock.write_text(str(period * LONG_PERIOD))
            until(partial(ticks_exceed, period), f"tick {period}")
        assert (stop(one), stop(other)) == (0, 0)
    assert ticks_exceed(3)
    assert not ticks_exceed(4)
    assert not Job.objects.exists()


# --- Faults of the database -----------------------------------------------------------------
def test_it_outlives_a_database_that_goes_away(own_clock: Path) -> None:
    with worker(own_clock, threads=2) as process:
        with database_closed():
            until(
                lambda: "database fault" in (own_clock.parent / "worker.log").read_text(), "fault"
            )
        note_down.enqueue(NO_TENANT, note="after")
        until(lambda: notes() == ["after"], "a job after the fault")
        until_listening()
        assert stop(process) == 0


@contextmanager
def database_closed() -> Iterator[None]:
    """Everybody is thrown out and nobody gets in."""
    name = connection.settings_dict["NAME"]
    connection.close()
    outside = psycopg2.connect(**connection.get_connection_params() | {"dbname": "postgres"})
    outside.autocommit = True
    with contextlib.closing(outside), outside.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_job_cut_off_from_the_database_is_tried_again(own_clock: Path) -> None:
    exactly_once.enqueue(NO_TENANT, note="cut", seconds=1)
    with worker(own_clock):
        until(running, "the job begins")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
        until(lambda: notes() == ["cut"], "the second attempt")
    assert not DeadJob.objects.exists()


# --- Fairness -----------------------------------------------------------------------------
def test_one_tenants_thousands_do_not_delay_another(own_clock: Path) -> None:
    busy, calm = Tenant.objects.all()[:2]
    with transaction.atomic():
        for number in range(2000):
            note_down_in_bulk.enqueue(busy.pk, note=f"busy {number}")
    note_down_in_bulk.enqueue(calm.pk, note="calm")
    with worker(own_clock):
        until(lambda: "calm" in notes(), "the other tenant's job")
    assert notes().index("calm") <= 1


def test_slow_bulk_does_not_hold_up_money(own_clock: Path) -> None:
    for _ in range(3):
        take_time_in_bulk.enqueue(NO_TENANT, note="bulk", seconds=600)
    with worker(own_clock, threads=3):
        until(lambda: notes().count("bulk begins") == 2, "bulk fills its threads")
        note_down.enqueue(NO_TENANT, note="money")
        until(lambda: "money" in notes(), "money")


def test_every_lane_has_a_thread_and_money_has_one_alone() -> None:
    for threads in range(1, 9):
        served = [lanes_of(number, threads) for number in range(threads)]
        assert {lane for lanes in served for lane in lanes} == {MONEY, MAIL, BULK}
        assert threads == 1 or served[0] == (MONEY,)
        assert threads == 1 or served[1][0] == MAIL


def test_a_bell_rung_before_the_wait_is_heard() -> None:
    bell = Bell()
    heard = bell.rings
    bell.ring()
    began = time.monotonic()
    bell.wait(heard, PATIENCE)
    assert time.monotonic() - began < PATIENCE

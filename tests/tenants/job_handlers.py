"""Handlers for tests, known to the test process and to the workers it starts."""

import os
import time
from datetime import timedelta

from django.db import connection

from config import clock
from tenants.jobs import BULK, MONEY, Later, job, periodic

LONG_PERIOD = 1_000_000_000  # seconds: no test crosses the seam of two by chance


class Refused(Exception):
    """What a failing handler raises."""


def record(note: str) -> None:
    """Leave a row that says what ran, in which schema and in which process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO job_effect (note, home, pid) VALUES (%s, current_schema(), %s)",
            [note, os.getpid()],
        )


@job(lane=MONEY)
def note_down(note: str) -> None:
    record(note)


@job(lane=BULK)
def note_down_in_bulk(note: str) -> None:
    record(note)


@job(lane=MONEY)
def take_time(note: str, seconds: float) -> None:
    record(f"{note} begins")
    time.sleep(seconds)
    record(f"{note} ends")


@job(lane=BULK)
def take_time_in_bulk(note: str, seconds: float) -> None:
    take_time(note=note, seconds=seconds)


@job(lane=MONEY, atomic=True)
def exactly_once(note: str, seconds: float = 0) -> None:
    record(note)
    time.sleep(seconds)


@job(lane=MONEY, attempts=3)
def fail(message: str) -> None:
    raise Refused(message)


@job(lane=MONEY, atomic=True)
def fail_after_effect(note: str) -> None:
    record(note)
    raise Refused("after the effect")


@job(lane=MONEY)
def come_back(note: str, hours: int) -> Later:
    record(note)
    return Later(clock.now() + timedelta(hours=hours))


@job(lane=MONEY)
def end_elsewhere() -> None:
    connection.set_schema_to_public()  # type: ignore[attr-defined]


@job(lane=MONEY, atomic=True)
def lose_the_lease(note: str) -> None:
    record(note)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE job SET lease_token = gen_random_uuid() WHERE state = 'running'")


@job(lane=MONEY)
def kill_the_thread() -> None:
    raise SystemExit


@periodic(every=LONG_PERIOD)
def once_a_generation() -> None:
    record("tick")

"""Where handlers of the tests leave their effects, and a clock that a test may move."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tenants import provisioning
from tests.conftest import READY

MoveClock = Callable[[timedelta], None]

EFFECTS = """
    CREATE TABLE job_effect (
        id bigint GENERATED ALWAYS AS IDENTITY, note text, home text, pid integer,
        at timestamptz DEFAULT clock_timestamp())
"""


def effects() -> list[tuple[str, str]]:
    """What the handlers did, in order: note and schema."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT note, home FROM job_effect ORDER BY id")
        return list(cursor.fetchall())


@pytest.fixture
def effect_table(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EFFECTS)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The real thing, for other processes and threads to see: no transaction around the test."""
    with django_db_blocker.unblock():
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        provisioning.keep_ready(READY)  # a transactional test before this one emptied public
        with connection.cursor() as cursor:
            cursor.execute(EFFECTS)
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE job_effect")
                cursor.execute("TRUNCATE job, dead_job, tick, worker_seen, rate_limit")
            connection.close()


@pytest.fixture
def move_clock() -> Iterator[MoveClock]:
    """Business time, so far from real time; back to real time at the end."""
    file = Path(settings.DATA_DIR, "clock")

    def move(distance: timedelta) -> None:
        file.write_text(str(distance.total_seconds()))

    yield move
    file.unlink(missing_ok=True)

"""The rows beneath `tenants.jobs`: insert, promote, claim, end. Plain SQL, one statement each.

A job is `waiting` (for its time), `ready` or `running`. Whoever claims it gets a lease with a
token; every end of a job names that token, so a worker that lost its lease changes nothing.
Leases follow the database's clock, everything else the business clock, passed as a parameter.
`statement_timestamp()` and not `clock_timestamp()`: Citus refuses volatile functions in UPDATE.
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from config import rows

LEASE_SECONDS: Final = 120
PROMOTE_AT_ONCE: Final = 1000
CHANNEL: Final = "job"
QUIET_SECONDS: Final = 0.005
FIRST: Final = uuid.UUID(int=0)

INSERT: Final = (
    "INSERT INTO job (lane, kind, tenant_id, args, key, state, run_at, attempts, last_error)"
)
# With a key, the earlier of two times wins. On a conflict the row stays locked until our commit,
# and a claim skips locked rows: so the job that absorbed this one starts after our commit and
# sees what we wrote.
ONCE: Final = (
    "ON CONFLICT (key) DO UPDATE SET run_at = EXCLUDED.run_at, state = EXCLUDED.state"
    " WHERE job.run_at > EXCLUDED.run_at"
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that is ours until its lease runs out. `attempts` counts this one."""

    id: int
    lane: int
    kind: str
    tenant_id: uuid.UUID
    args: dict[str, Any]
    attempts: int
    lease_token: uuid.UUID


def insert(
    *,
    lane: int,
    kind: str,
    tenant_id: uuid.UUID,
    args: Mapping[str, object],
    key: str | None,
    run_at: datetime,
    now: datetime,
) -> None:
    """Write a job into the current transaction, in which it wakes a worker once it is due."""
    state = "waiting" if run_at > now else "ready"
    rows.run(
        f"{INSERT} VALUES (%s, %s, %s, %s, %s, %s, %s, 0, '') {ONCE}",
        [lane, kind, tenant_id, json.dumps(args, allow_nan=False), key, state, run_at],
    )
    if state == "ready":
        _wake_after_commit()


def _wake_after_commit() -> None:
    """Once per transaction: NOTIFY inside it would take a lock that all commits share."""
    if not any(hook[1] is notify for hook in connection.run_on_commit):
        transaction.on_commit(notify, robust=True)


class Crier:
    """Wakes every worker after commits, with at most one NOTIFY in QUIET_SECONDS.

    Whoever commits in the quiet after one leaves it at that: a worker that heard looks a second
    time, later than the quiet can end (`tenants.worker`).
    """

    quiet_until = 0.0

    def cry(self) -> None:
        if time.monotonic() < self.quiet_until:
            return
        self.quiet_until = time.monotonic() + QUIET_SECONDS  # before the NOTIFY, never after it
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


_crier = Crier()


def notify() -> None:
    """Wake every worker. Only a hint: they poll as well."""
    _crier.cry()


def promote(now: datetime) -> int:
    """Make ready what is due by the business clock, and what a dead worker left behind.

    Returns how many rows became ready; there may be more until it is none.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE job SET state = 'ready' WHERE id IN (
                SELECT id FROM job WHERE state = 'waiting' AND run_at <= %s
                ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED)
            """,
            [now, PROMOTE_AT_ONCE],
        )
        due: int = cursor.rowcount
        cursor.execute(
            """
            UPDATE job SET state = 'ready', lease_token = NULL, leased_until = NULL WHERE id IN (
                SELECT id FROM job WHERE state = 'running' AND leased_until < statement_timestamp()
                ORDER BY leased_until LIMIT %s FOR UPDATE SKIP LOCKED)
            """,
            [PROMOTE_AT_ONCE],
        )
        return due + int(cursor.rowcount)


_NEXT = """(SELECT id FROM job WHERE state = 'ready' AND lane = %s AND tenant_id {} %s
            ORDER BY tenant_id, id LIMIT 1 FOR UPDATE SKIP LOCKED)"""
_CLAIM = """
    UPDATE job SET state = 'running', key = NULL, attempts = attempts + 1,
        lease_token = %s, leased_until = statement_timestamp() + %s * interval '1 second'
    WHERE id = COALESCE({})
    RETURNING id, lane, kind, tenant_id, args, attempts
"""


def claim(lanes: Sequence[int], served: dict[int, uuid.UUID]) -> Claimed | None:
    """Take the next ready job of the first lane that has one; None when all are empty.

    `served` holds per lane the tenant served last and is moved on. The next job is the oldest
    of the next tenant, going round: a tenant with 50,000 rows gets one turn like any other.
    COALESCE looks no further than the first hit, so all lanes cost one round trip.
    """
    places = [_NEXT.format(">"), _NEXT.format("<=")] * len(lanes)
    values: list[int | uuid.UUID] = []
    for lane in lanes:
        values += [lane, served.get(lane, FIRST)] * 2
    token = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM.format(", ".join(places)),
            [token, LEASE_SECONDS, *values],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    job_id, lane, kind, tenant_id, args, attempts = row
    served[lane] = tenant_id
    return Claimed(job_id, lane, kind, tenant_id, json.loads(args), attempts, token)


def extend(job: Claimed) -> bool:
    """Begin the lease anew. False when it was lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE job SET leased_until = statement_timestamp() + %s * interval '1 second'"
            " WHERE id = %s AND lease_token = %s",
            [LEASE_SECONDS, job.id, job.lease_token],
        )
        return bool(cursor.rowcount)


def finish(job: Claimed) -> bool:
    """Remove a done job. False when the lease was lost: somebody else has it now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM job WHERE id = %s AND lease_token = %s", [job.id, job.lease_token]
        )
        return bool(cursor.rowcount)


def postpone(job: Claimed, run_at: datetime, *, attempts: int, error: str = "") -> bool:
    """Let the same row run again at `run_at`. False when the lease was lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE job SET state = 'waiting', run_at = %s, attempts = %s, last_error = %s,
                lease_token = NULL, leased_until = NULL
            WHERE id = %s AND lease_token = %s
            """,
            [run_at, attempts, error, job.id, job.lease_token],
        )
        return bool(cursor.rowcount)


def bury(job: Claimed, error: str, now: datetime) -> bool:
    """Move a job that failed for good to `dead_job`. False when the lease was lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (DELETE FROM job WHERE id = %s AND lease_token = %s RETURNING *)
            INSERT INTO dead_job (kind, lane, tenant_id, args, attempts, error, died_at)
            SELECT kind, lane, tenant_id, args, attempts, %s, %s FROM gone
            """,
            [job.id, job.lease_token, error, now],
        )
        return bool(cursor.rowcount)


def take_tick(kind: str, tick: int) -> bool:
    """True for the one caller that may write this period's job, in the same transaction.

    A tick far ahead of ours means that the clock was moved back; one ahead is only a race.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO tick (kind, last) VALUES (%s, %s)
            ON CONFLICT (kind) DO UPDATE SET last = EXCLUDED.last
            WHERE tick.last < EXCLUDED.last OR tick.last > EXCLUDED.last + 1
            """,
            [kind, tick],
        )
        return bool(cursor.rowcount)

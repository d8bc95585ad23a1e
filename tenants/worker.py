"""A worker: threads that run jobs, and a main thread that keeps the queue and its own pulse.

Any number of workers may run on any number of machines. One may be killed at any moment: its
leases run out and its jobs are taken by others. It outlives every fault of the database.
"""

import logging
import os
import select
import socket
import threading
import time
import uuid
from collections.abc import Callable
from typing import Final

import django.db
import psycopg2
from django.db import close_old_connections, connection

from config import clock
from config.logs import describe
from tenants import job_queue, jobs

logger = logging.getLogger(__name__)

TURN_SECONDS: Final = 1.0  # between two looks at the clock; NOTIFY wakes earlier
ECHO_SECONDS: Final = 2 * job_queue.QUIET_SECONDS  # from a NOTIFY to the second look
PULSE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 1.0  # after a fault of the database
STOP_SECONDS: Final = 15.0  # for the jobs under way when asked to stop
FORGET: Final = "1 hour"  # after which a silent worker's pulse is removed


def lanes_of(number: int, threads: int) -> tuple[int, ...]:
    """The lanes a thread serves, in its order.

    The first thread is for money alone, so that bulk never holds it up. The second looks to
    mail and bulk first, so that sign-in codes leave while money waits for a slow Paytm.
    """
    if threads == 1:
        return jobs.OUR_LANES
    if number == 0:
        return (jobs.MONEY,)
    if number == 1:
        return (jobs.MAIL, jobs.BULK, jobs.MONEY)
    return jobs.OUR_LANES


class Bell:
    """Wakes waiting threads. A ring is never missed: it counts."""

    def __init__(self) -> None:
        self.rings = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        with self._changed:
            self.rings += 1
            self._changed.notify_all()

    def wait(self, heard: int, seconds: float) -> None:
        """Return once there were more than `heard` rings, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.rings != heard, seconds)


class Ear:
    """Hears the NOTIFY of enqueued jobs, on a connection of its own."""

    def __init__(self) -> None:
        self._connection: psycopg2.extensions.connection | None = None

    def listen(self, seconds: float) -> bool:
        """Wait for a notification. Raises psycopg2.Error when the connection is gone.

        True at once on a new connection: what was sent before it nobody heard.
        """
        if self._connection is None:
            self._connection = self._connect()
            return True
        readable, _, _ = select.select([self._connection], [], [], seconds)
        if readable:
            self._hear(self._connection)
        return bool(readable)

    def _hear(self, listening: psycopg2.extensions.connection) -> None:
        try:
            listening.poll()
        except psycopg2.Error:
            self.close()
            raise
        listening.notifies.clear()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg2.extensions.connection:
        fresh = psycopg2.connect(**connection.get_connection_params())
        fresh.autocommit = True
        with fresh.cursor() as cursor:
            cursor.execute(f"LISTEN {job_queue.CHANNEL}")
        return fresh


class Worker:
    """Threads for our own work, as many as told, and beside them `hooks` for merchants' systems:
    so however many of these are slow, nothing else waits for them."""

    def __init__(self, threads: int, hooks: int = 1) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.threads = [
            threading.Thread(
                target=self._serve, args=(lanes,), daemon=True,
                name=f"jobs-{number}",
            )
            for number, lanes in enumerate(
                [lanes_of(number, threads) for number in range(threads)] + [(jobs.HOOKS,)] * hooks
            )
        ]  # fmt: skip
        self.bell = Bell()
        self.ear = Ear()
        self.stopping = False
        self.heard = False  # a NOTIFY, a moment ago
        self.next_pulse = 0.0
        self.periods: dict[str, int] = {}

    def run(self) -> bool:
        """Work until asked to stop. False when a thread died or a job outlasted the stop."""
        logger.info("worker begins", extra={"worker": self.name, "count": len(self.threads)})
        for thread in self.threads:
            thread.start()
        while not self.stopping and all(thread.is_alive() for thread in self.threads):
            self._surviving(self._turn)
        whole = self.stopping
        self.stop()
        finished = self._join()
        self.ear.close()
        self._surviving(self._forget_pulse)
        logger.info("worker ends", extra={"worker": self.name})
        return whole and finished

    def stop(self) -> None:
        """Take no more jobs. Safe to call from a signal handler: it takes no lock."""
        self.stopping = True

    def _join(self) -> bool:
        self.bell.ring()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = [thread.name for thread in self.threads if thread.is_alive()]
        if late:
            logger.error("jobs outlasted the stop", extra={"count": len(late)})
        return not late

    # --- The threads -----------------------------------------------------------------------
    def _serve(self, lanes: tuple[int, ...]) -> None:
        served: dict[int, uuid.UUID] = {}

        def take_one() -> None:
            heard = self.bell.rings
            claimed = job_queue.claim(lanes, served)
            if claimed is None:
                self.bell.wait(heard, TURN_SECONDS)
            else:
                jobs.execute(claimed)

        while not self.stopping:
            self._surviving(take_one)
        connection.close()

    # --- The main thread -------------------------------------------------------------------
    def _turn(self) -> None:
        jobs.enqueue_periodics(self.periods)
        while job_queue.promote(clock.now()):
            self.bell.ring()
        if time.monotonic() >= self.next_pulse:
            self._pulse()
        heard = self.ear.listen(ECHO_SECONDS if self.heard else TURN_SECONDS)
        if heard or self.heard:
            self.bell.ring()
        self.heard = heard

    def _pulse(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO worker_seen (name, seen_at) VALUES (%s, statement_timestamp())
                ON CONFLICT (name) DO UPDATE SET seen_at = EXCLUDED.seen_at
                """,
                [self.name],
            )
            cursor.execute(
                "DELETE FROM worker_seen WHERE seen_at < statement_timestamp() - %s::interval",
                [FORGET],
            )
        self.next_pulse = time.monotonic() + PULSE_SECONDS

    def _forget_pulse(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM worker_seen WHERE name = %s", [self.name])

    def _surviving(self, step: Callable[[], None]) -> None:
        """Take a step; after a fault of the database drop the connection and wait a little."""
        close_old_connections()
        try:
            step()
        except (django.db.Error, psycopg2.Error) as error:
            logger.error("database fault", extra={"error": describe(error), "worker": self.name})
            connection.close()
            time.sleep(RETRY_SECONDS)

"""What is counted in this process's memory and written about once a second, never per request.

A process that is killed loses the counts of its last second: for what may be a little less than
it was, and for limits on what only looks.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, InterfaceError

from config.logs import describe
from tenants import limits

logger = logging.getLogger(__name__)

EVERY: Final = 1.0  # seconds
QUIET: Final = 5  # looks in a window that are nobody's business but this process's
MOST_QUIET: Final = 50_000  # counters of these; some ten megabytes
WRITERS: Final[list[Callable[[], None]]] = []

_writing = threading.Lock()
_due = time.monotonic() + EVERY


def writer(write: Callable[[], None]) -> Callable[[], None]:
    """Have this function write what it holds, about once a second, in schema public."""
    WRITERS.append(write)
    return write


def write_due() -> None:
    """Let all writers write, if a second has passed since the last time. One thread does."""
    global _due
    if time.monotonic() < _due or not _writing.acquire(blocking=False):
        return
    try:
        _due = time.monotonic() + EVERY
        for write in WRITERS:
            write()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("counts were not written", extra={"error": describe(error)})
    finally:
        _writing.release()


class Looks:
    """A limit on requests that only look: counted here, and merged into the shared table by who
    comes often. Nearly everybody looks a few times, and costs no row.

    With n processes up to n times a second's worth and n times `QUIET` more than `most` may pass.
    """

    def __init__(self, name: str, most: int, window: int) -> None:
        self.name, self.most, self.window = name, most, window
        self._window = self._now()
        self._own = dict[tuple[str, int], int]()  # all that this process saw in this window
        self._new = Counter[tuple[str, int]]()  # what the others have not been told of
        self._known = dict[tuple[str, int], int]()  # all processes' together, as last heard
        writer(self.merge)

    def hit(self, who: str) -> bool:
        """Count one look; True while at most `most` fell into this window."""
        place = (who, self._now())
        own = self._own[place] = self._own.get(place, 0) + 1
        if own <= QUIET:
            return own <= self.most
        self._new[place] += own if own == QUIET + 1 else 1
        return self._new[place] + self._known.get(place, 0) <= self.most

    def merge(self) -> None:
        """Write what was counted since the last time, and learn what others counted."""
        new, self._new = self._new, Counter()
        buckets = {limits.digest(f"{self.name}:{who}", self.window): (who, n) for who, n in new}
        hits = {bucket: new[place] for bucket, place in buckets.items()}
        totals = limits.add(hits, self.window) if hits else {}
        now = self._now()
        still = {place: n for place, n in self._known.items() if place[1] == now}
        self._known = still | {buckets[bucket]: total for bucket, total in totals.items()}
        if self._window != now or len(self._own) > MOST_QUIET:
            self._window, self._own = now, {}

    def forget(self) -> None:
        """As after a start."""
        self._own, self._new, self._known = {}, Counter(), {}

    def _now(self) -> int:
        return int(time.time()) // self.window

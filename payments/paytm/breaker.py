"""A circuit breaker for each of Paytm's hosts, so that nobody waits for one that is down.

After several calls in a row without any answer it opens: calls fail at once, as Unreachable, for
nothing left this machine. When its pause is over one call may try; an answer closes it, silence
opens it again for longer. Each process has its own: there is nothing to agree about.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from payments.paytm.errors import NoAnswer, Open, Unreachable

FAILURES = 5  # in a row
PAUSE, LONGEST_PAUSE = 5.0, 60.0  # seconds


@dataclass
class Breaker:
    """The state of one host, shared by the threads of this process.

    `on_change` is told of each opening (True) and closing (False).
    """

    base_url: str
    on_change: Callable[[str, bool], None] = lambda base_url, is_open: None
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _pause: float = PAUSE
    _open_until: float | None = None  # None: closed
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call. Raises Open instead of making it; counts what becomes of it."""
        is_trial = self._enter()
        try:
            yield
        except (NoAnswer, Unreachable):
            self._failed(is_trial)
            raise
        except BaseException:
            self._answered()  # whatever it said, somebody is there
            raise
        self._answered()

    def check(self) -> None:
        """Raises Open when a call would not be made now."""
        until = self._open_until  # read once: another thread may close it meanwhile
        if until is not None and (left := until - self.clock()) > 0:
            raise Open(self.base_url, left)

    def _enter(self) -> bool:
        """Whether this call is the one that may try while the breaker is open."""
        with self._lock:
            self.check()
            is_trial = self._open_until is not None
            if is_trial:
                self._open_until = self.clock() + self._pause
            return is_trial

    def _failed(self, is_trial: bool) -> None:
        """Calls that were under way when it opened say nothing new."""
        with self._lock:
            self._failures += 1
            was_open = self._open_until is not None
            if self._failures < FAILURES or (was_open and not is_trial):
                return
            self._pause = min(self._pause * 2, LONGEST_PAUSE) if was_open else PAUSE
            self._open_until = self.clock() + self._pause
        if not was_open:
            self.on_change(self.base_url, True)

    def _answered(self) -> None:
        with self._lock:
            was_open = self._open_until is not None
            self._failures, self._open_until, self._pause = 0, None, PAUSE
        if was_open:
            self.on_change(self.base_url, False)

"""What a process looked up a moment ago, so that a hot path need not ask again."""

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST = 10_000


class Remembered(Generic[K, V]):
    """Values by key, each at most `seconds` old. For what may be that late, and for no more.

    Threads may find the same value at the same time, each for itself. Nothing is remembered of
    a search that raises.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self._known: dict[K, tuple[float, V]] = {}
        _everything.append(self)

    def get(self, key: K, find: Callable[[], V]) -> V:
        """The value as it was a moment ago, or as `find()` says now."""
        known = self._known.get(key)
        if known and known[0] > time.monotonic():
            return known[1]
        return self.put(key, find())

    def put(self, key: K, value: V) -> V:
        """Remember what was found; returns it."""
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key] = (time.monotonic() + self.seconds, value)
        return value

    def clear(self) -> None:
        self._known.clear()


_everything = list[Remembered[Any, Any]]()


def forget_all() -> None:
    """As after a start."""
    for each in _everything:
        each.clear()

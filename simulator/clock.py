"""The simulator's clock: real time plus an offset that may be shared through a file."""

import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

IST = timezone(timedelta(hours=5, minutes=30))


class Clock:
    """Reads the offset from its file each time, so that two programs can share one clock."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._offset = 0.0

    def offset_seconds(self) -> float:
        """How far ahead of real time the simulator is."""
        if self.file is not None:
            self._offset = read_seconds(self.file)
        return self._offset

    def set_offset(self, seconds: float) -> None:
        """Move the clock. The file changes at once or not at all, whoever reads it."""
        self._offset = seconds
        if self.file is not None:
            draft = self.file.with_name(self.file.name + ".new")
            draft.write_text(f"{seconds:.3f}")
            draft.replace(self.file)

    def advance(self, seconds: float) -> None:
        """Move the clock on from where it stands."""
        self.set_offset(self.offset_seconds() + seconds)

    def now(self) -> int:
        """Milliseconds since 1970, by this clock."""
        return int((time.time() + self.offset_seconds()) * 1000)


def read_seconds(file: Path) -> float:
    """The number of seconds in a file; 0 when it is absent or empty."""
    try:
        return float(file.read_text() or 0)
    except FileNotFoundError:
        return 0.0


def ist(ms: int) -> datetime:
    """A moment as Paytm writes it: Indian time."""
    return datetime.fromtimestamp(ms / 1000, IST)


def stamp(ms: int) -> str:
    """`2026-11-22 10:30:00.0`, the form of TXNDATE in callbacks and txnDate in answers."""
    return f"{ist(ms):%Y-%m-%d %H:%M:%S}.0"

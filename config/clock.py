"""The one clock of the product's business time.

Everything that decides about money, expiry or reminders asks `now()`. In demo and test
mode the file DATA_DIR/clock may hold a number of seconds that is added to the real time,
so that 72 hours of polling are shown under running processes by moving one file.
Leases of jobs use the database's own clock; sessions and TOTP use their libraries'.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings


def now() -> datetime:
    """The current business time, timezone-aware, in UTC."""
    return datetime.now(UTC) + offset()


def move(offset: timedelta) -> None:
    """Put business time so far from real time, for every process at once. Demo and tests only."""
    if settings.CLOCK_FILE is None:
        raise RuntimeError("production has no clock to move")
    draft = settings.CLOCK_FILE.with_suffix(".new")
    draft.write_text(str(offset.total_seconds()))
    draft.replace(settings.CLOCK_FILE)


def offset() -> timedelta:
    """How far business time is from real time. Always zero in production."""
    if settings.CLOCK_FILE is None:
        return timedelta()
    try:
        return timedelta(seconds=float(settings.CLOCK_FILE.read_text() or 0))
    except FileNotFoundError:
        return timedelta()

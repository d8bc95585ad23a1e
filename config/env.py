"""Typed readers of environment variables. An odd value is refused, by the variable's name."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

YES: Final = frozenset({"1", "true", "yes", "on"})
NO: Final = frozenset({"0", "false", "no", "off"})


class BadEnvironment(ValueError):
    """A variable is missing or holds something its reader does not accept."""


class Required:
    """The default of a variable that must be set."""


REQUIRED: Final = Required()


def text(name: str, default: str | Required = REQUIRED) -> str:
    """The variable without surrounding blanks; empty counts as not set.

    Raises BadEnvironment when it is not set and has no default, or holds control characters.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        if isinstance(default, Required):
            raise BadEnvironment(f"{name} must be set")
        return default
    if not value.isprintable():
        raise BadEnvironment(f"{name} holds a control character")
    return value


def integer(
    name: str, default: int | Required = REQUIRED, *, low: int = 0, high: int | None = None
) -> int:
    """A whole number from low to high, in plain ASCII digits."""
    value = text(name, default if isinstance(default, Required) else str(default))
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise BadEnvironment(f"{name} must be a whole number, not {value!r}")
    number = int(value)
    if number < low or (high is not None and number > high):
        limits = f"at least {low}" if high is None else f"from {low} to {high}"
        raise BadEnvironment(f"{name} must be {limits}, not {number}")
    return number


def flag(name: str, default: bool | Required = REQUIRED) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off; nothing else."""
    value = text(name, default if isinstance(default, Required) else str(default)).lower()
    if value not in YES | NO:
        raise BadEnvironment(f"{name} must be true or false, not {value!r}")
    return value in YES


def choice(name: str, options: Iterable[str], default: str | Required = REQUIRED) -> str:
    """One of the options, letter for letter."""
    value, known = text(name, default), sorted(options)
    if value not in known:
        raise BadEnvironment(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value


def csv(name: str, default: Iterable[str] = ()) -> tuple[str, ...]:
    """The parts between commas, trimmed. An empty part is refused."""
    value = text(name, "")
    if not value:
        return tuple(default)
    parts = tuple(part.strip() for part in value.split(","))
    if not all(parts):
        raise BadEnvironment(f"{name} has an empty part between its commas")
    return parts


def path(name: str, default: str | Path | Required = REQUIRED) -> Path:
    """An absolute path; a relative one counts from the current directory."""
    value = text(name, default if isinstance(default, Required) else str(default))
    return Path(value).expanduser().absolute()


def url(
    name: str,
    default: str | Required = REQUIRED,
    *,
    schemes: Iterable[str] = ("http", "https"),
) -> str:
    """A URL of one of the schemes, with a host, without trailing slash.

    The value is not echoed in the message: such a URL may hold a password.
    """
    value = text(name, default)
    if value and not split(name, value, schemes=schemes).hostname:
        raise BadEnvironment(f"{name} must be a URL with a host")
    return value.rstrip("/")


def split(name: str, default: str | Required = REQUIRED, *, schemes: Iterable[str]) -> SplitResult:
    """As `url`, in its parts, where the host may be missing."""
    known, value = tuple(schemes), text(name, default)
    try:
        parts = urlsplit(value)
        sound = parts.scheme in known and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound:
        raise BadEnvironment(f"{name} must be a URL that begins with {' or '.join(known)}://")
    return parts

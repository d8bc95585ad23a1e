"""Money is integer paise. This module alone knows how rupees are written."""

import re

MIN_PAISE = 100
MAX_PAISE = 10_00_000_00

_RUPEES = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]*)?")


class BadAmount(ValueError):
    """The text is not an amount in rupees: plain digits, at most two after one point."""


def parse_inr(text: str) -> int:
    """Paise of an amount typed as `123`, `123.4` or `123.45`. Raises BadAmount.

    Signs, exponents, grouping commas and other scripts' digits are refused, not guessed at.
    """
    if not _RUPEES.fullmatch(text):
        raise BadAmount(text)
    rupees, _, fraction = text.partition(".")
    return int(rupees) * 100 + int(fraction.ljust(2, "0") or "0")


def ungrouped(text: str) -> str:
    """An amount as people paste it, `₹1,23,456.50`, as `parse_inr` takes it. Commas go only where
    they stand as those of groups do: `1,5` may mean anything."""
    bare = text.strip().removeprefix("₹").strip()
    return bare.replace(",", "") if _GROUPED.fullmatch(bare) else bare


def format_inr(paise: int) -> str:
    """`₹1,23,45,678.50`: two decimals always, lakh and crore grouping, − before a negative."""
    rupees, fraction = divmod(abs(paise), 100)
    if 0 <= paise < 1_00_000_00:  # most amounts: grouped as everywhere
        return f"₹{rupees:,}.{fraction:02d}"
    return f"{'−' if paise < 0 else ''}₹{grouped(rupees)}.{fraction:02d}"


def grouped(number: int) -> str:
    """`1,23,45,678`: lakh and crore grouping of what is not negative."""
    head, tail = f"{number}"[:-3], f"{number}"[-3:]
    groups = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*groups, tail])


def plain_inr(paise: int) -> str:
    """`1234.50`: for forms, CSV and machines."""
    rupees, fraction = divmod(abs(paise), 100)
    return f"{'-' if paise < 0 else ''}{rupees}.{fraction:02d}"

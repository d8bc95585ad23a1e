"""Tables as XLSX, row by row: however long one is, little of it is in memory.

Text is written as text, whatever it begins with, so nothing here can become a formula. Amounts are
numbers with two decimals, days and times are a spreadsheet's own.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from rustpy_xlsxwriter import Format, write_worksheet

MOST_ROWS: Final = 1_048_575  # beneath a heading: all that a sheet of Excel has
PART: Final = 1_000_000


class Cell(Enum):
    """What a column holds: how wide it is, in characters, and how a number in it is shown."""

    TEXT = (24, "")
    NUMBER = (12, "0")
    # Paise as int: rupees with lakh and crore grouping. Never negative: LibreOffice shows no minus
    # where a format has conditions.
    RUPEES = (16, r"[>=10000000]##\,##\,##\,##0.00;[>=100000]##\,##\,##0.00;##,##0.00")
    SIGNED = (16, "#,##0.00")  # the same, of either sign
    DAY = (12, "yyyy-mm-dd")
    MOMENT = (20, "yyyy-mm-dd hh:mm:ss")


AMOUNTS: Final = (Cell.RUPEES, Cell.SIGNED)


@dataclass(frozen=True)
class Sheet:
    """A table under a name, with headings that are all different. A cell is a str, an int, a date,
    a datetime without a zone, or None, as its column's Cell says."""

    name: str
    head: Sequence[str]
    cells: Sequence[Cell]
    rows: Iterable[Sequence[Any]]


def xlsx_parts(sheet: Sheet) -> Iterator[bytes]:
    """The workbook in parts of a megabyte: the first comes when all rows were taken. What `rows`
    raises is raised here."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "book.xlsx"
        write_worksheet(
            _records(sheet),
            str(path),
            sheet.name,
            freeze_row=1,
            bold_headers=True,
            column_widths=[cell.value[0] for cell in sheet.cells],
            column_formats={
                heading: Format().set_num_format(cell.value[1])
                for heading, cell in zip(sheet.head, sheet.cells, strict=True)
                if cell is not Cell.TEXT
            },
        )
        with path.open("rb") as file:
            while part := file.read(PART):
                yield part


def _records(sheet: Sheet) -> Iterator[dict[str, Any]]:
    """As the library wants rows. Without a row it would write no heading either."""
    paise = [place for place, cell in enumerate(sheet.cells) if cell in AMOUNTS]
    values = None
    for row in sheet.rows:
        values = [*row]
        for place in paise:
            values[place] /= 100  # a float of at most 15 digits: exact with two decimals
        yield dict(zip(sheet.head, values, strict=True))
    if values is None:
        yield dict.fromkeys(sheet.head)

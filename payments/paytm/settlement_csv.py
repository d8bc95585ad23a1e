"""The settlement report that a merchant downloads from Paytm's dashboard, as CSV.

UTF-8 with or without its mark, any line ends, quoted fields, apostrophes that a spreadsheet put
in front. Every row is read, so that a person sees all that is wrong with a file at once.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from payments.paytm.errors import BadFile, BadRow
from payments.paytm.settlements import FIELDS, SettlementRow, letters, raw_row, read_row

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 5_000
NEEDED = ("order_id", "commission", "gst", "settled", "utr", "paid_on")


@dataclass(frozen=True)
class SettlementFile:
    """What a file holds: its rows, and what is wrong, in the order of its lines.

    A BadRow's number is the line's, the heading being line 1, as a spreadsheet shows it.
    """

    rows: list[SettlementRow]
    errors: list[BadRow]


def read_file(content: bytes) -> SettlementFile:
    """Read a whole file. Raises BadFile when it is none of these reports; `reason` is a word."""
    if len(content) > MOST_BYTES:
        raise BadFile("too_large")
    rows, errors = [], []
    for number, cells in _lines(content):
        try:
            rows.append(_row(number, cells))
        except BadRow as error:
            errors.append(error)
    if not rows and not errors:
        raise BadFile("empty")
    return SettlementFile(rows, errors)


def _row(number: int, cells: dict[str, str]) -> SettlementRow:
    row = read_row(number, cells)
    for name in ("order_id", "utr"):
        if not getattr(row, name):
            raise BadRow(number, name, "missing")
    return row


def _lines(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Every line but empty ones, with its number, as named cells."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        heading = _heading(next(reader, []))
        for number, cells in enumerate(reader, 2):
            if number > MOST_ROWS + 1:
                raise BadFile("too_long")
            if any(cell.strip() for cell in cells):
                yield number, _named(number, heading, cells)
    except UnicodeDecodeError as error:
        raise BadFile("not_utf8") from error
    except csv.Error as error:
        raise BadFile("not_csv") from error


def _heading(cells: list[str]) -> list[str]:
    known = [FIELDS[letters(cell)] for cell in cells if letters(cell) in FIELDS]
    for name in NEEDED:
        if name not in known:
            raise BadFile("no_column", name)
    if len(set(cells)) != len(cells):
        raise BadFile("column_twice")
    return [cell.strip().removeprefix("'") for cell in cells]


def _named(number: int, heading: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) > len(heading) and any(cell.strip() for cell in cells[len(heading) :]):
        return {"\0": str(number)}
    return raw_row(dict(zip(heading, cells, strict=False)))

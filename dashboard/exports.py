"""Tables as files: CSV, and XLSX for Excel."""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse

from config.spreadsheets import AMOUNTS, Cell, Sheet, xlsx_parts

# A cell that begins so may be run as a formula by a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

BOM: Final = "\ufeff"  # without it Excel takes UTF-8 for the PC's old code page

Cells = Sequence[str | int]
TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def csv_file(name: str, head: Sequence[str], rows: Iterable[Cells]) -> HttpResponse:
    """A table to download. Text is guarded against formulas; give amounts as `Amount`."""
    return table_file("csv", name, head, rows)


def table_file(kind: str, name: str, head: Sequence[str], rows: Iterable[Cells]) -> HttpResponse:
    """A table to download as "csv" or "xlsx"."""
    response = HttpResponse(table_bytes(kind, head, rows), content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def table_bytes(kind: str, head: Sequence[str], rows: Iterable[Cells]) -> bytes:
    """The same, to attach. For tables of a report's size: it is held in memory."""
    return _csv(head, rows) if kind == "csv" else _xlsx(head, rows)


class Amount(str):
    """Digits with a point and two decimals, written by us: a leading minus is no formula."""


def _csv(head: Sequence[str], rows: Iterable[Cells]) -> bytes:
    text = io.StringIO(newline="")
    text.write(BOM)
    writer = csv.writer(text)
    writer.writerow([_guarded(cell) for cell in head])
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _guarded(cell: str | int) -> str | int:
    if isinstance(cell, int | Amount) or not cell.startswith(FORMULA):
        return cell
    return f"'{cell}"


def _xlsx(head: Sequence[str], rows: Iterable[Cells]) -> bytes:
    """Amounts and counts are numbers, everything else is text, which no spreadsheet runs."""
    every = [*rows]
    kinds = [_kind([row[place] for row in every]) for place in range(len(head))]
    paise = [[_paise(c) if k in AMOUNTS else c for c, k in zip(row, kinds, strict=True)]
             for row in every]  # fmt: skip
    return b"".join(xlsx_parts(Sheet("Report", head, kinds, paise)))


def _kind(column: list[str | int]) -> Cell:
    """What all of a column is: text where it is mixed."""
    if column and all(isinstance(cell, Amount) for cell in column):
        return Cell.SIGNED if any(_paise(cell) < 0 for cell in column) else Cell.RUPEES
    if column and all(isinstance(cell, int) for cell in column):
        return Cell.NUMBER
    return Cell.TEXT


def _paise(amount: str | int) -> int:
    return int(str(amount).replace(".", ""))


class _Echo:
    """What a writer of CSV writes to, to have each line back."""

    def write(self, line: str) -> str:
        return line


def csv_stream(
    name: str, head: Sequence[str], rows: Iterable[Sequence[str | int]]
) -> StreamingHttpResponse:
    """As `csv_file`, sent while the rows are read: those enter their tenant by themselves."""
    writer = csv.writer(_Echo())
    lines = (writer.writerow([_guarded(cell) for cell in row]) for row in chain([head], rows))
    response = StreamingHttpResponse(chain([BOM], lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response

"""Tables as CSV files."""

import csv
from collections.abc import Iterable, Sequence
from itertools import chain

from django.http import HttpResponse, StreamingHttpResponse

# A cell that begins so may be run as a formula by a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> HttpResponse:
    """A table to download. Text is guarded against formulas; give amounts as `Amount`."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow([_guarded(cell) for cell in head])
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return response


class Amount(str):
    """Digits with a point, written by us: a leading minus is no formula."""


def _guarded(cell: str | int) -> str | int:
    if isinstance(cell, int | Amount) or not cell.startswith(FORMULA):
        return cell
    return f"'{cell}"


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
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response

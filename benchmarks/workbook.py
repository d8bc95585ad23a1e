"""`python -m benchmarks.workbook WRITER TENANT ROWS PATH [read back]`: write one workbook, tell."""

import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import openpyxl  # noqa: E402
import xlsxwriter  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from config.spreadsheets import Cell, Sheet, xlsx_parts  # noqa: E402
from payments.export_files import CELLS  # noqa: E402
from payments.exporting import COLUMNS, Reading  # noqa: E402
from payments.selecting import Selection  # noqa: E402
from tenants.models import Tenant  # noqa: E402

RECEIVED = [column.name for column in COLUMNS].index("received")

Row = tuple[Any, ...]


def main(writer: str, tenant: str, rows: int, path: Path, read_back: bool) -> dict[str, Any]:
    with tenant_context(Tenant.objects.get(pk=tenant)):
        reading = Reading(Selection(live=False), COLUMNS)
    write = {"ours": ours, "xlsxwriter": theirs}[writer]
    sums = [0, 0]
    with closing(reading):
        write(path.with_name("empty.xlsx"), sheet(reading, []))  # what is imported is no growth
        wanted = summed(itertools.islice(flat(reading), rows), sums)
        memory, spent, began = most_memory(), time.process_time(), time.monotonic()
        write(path, sheet(reading, wanted))
        seconds, spent = time.monotonic() - began, time.process_time() - spent
        growth = most_memory() - memory
    return {
        "rows": sums[0],
        "seconds": seconds,
        "cpu": spent,
        "growth": growth,
        "wrong": wrong(path, *sums) if read_back else "",
    }


def sheet(reading: Reading, rows: Iterable[Row]) -> Sheet:
    cells = [CELLS[column.kind] for column in reading.columns]
    return Sheet("Payments", reading.headings, cells, rows)


def flat(reading: Reading) -> Iterator[Row]:
    for some in reading.rows():
        yield from some


def summed(rows: Iterable[Row], sums: list[int]) -> Iterator[Row]:
    """The same rows; how many, and the paise received, are added up in `sums`."""
    for row in rows:
        sums[0] += 1
        sums[1] += row[RECEIVED]
        yield row


def most_memory() -> int:
    """The most that this process had at any time, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def ours(path: Path, sheet: Sheet) -> None:
    with path.open("wb") as file:
        for part in xlsx_parts(sheet):
            file.write(part)


def theirs(path: Path, sheet: Sheet) -> None:
    """As xlsxwriter's manual has it, with the same formats and never a formula."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    page = book.add_worksheet(sheet.name)
    formats = [book.add_format({"num_format": cell.value[1] or "@"}) for cell in sheet.cells]
    for place, heading in enumerate(sheet.head):
        page.write_string(0, place, heading)
    for line, row in enumerate(sheet.rows, 1):
        for place, (value, cell) in enumerate(zip(row, sheet.cells, strict=True)):
            if value is None:
                continue
            if cell is Cell.TEXT:
                page.write_string(line, place, value)
            elif cell is Cell.RUPEES:
                page.write_number(line, place, value / 100, formats[place])
            else:
                page.write_datetime(line, place, value, formats[place])
    book.close()


def wrong(path: Path, rows: int, paise: int) -> str:
    """What openpyxl finds wrong with the workbook; "" if it holds what was written."""
    book = openpyxl.load_workbook(path, read_only=True)
    found = [round(row[RECEIVED] * 100) for row in book.active.iter_rows(2, values_only=True)]
    book.close()
    if (len(found), sum(found)) != (rows, paise):
        return f"{len(found)} rows of {sum(found)} paise, not {rows} of {paise}"
    return ""


if __name__ == "__main__":
    writer, tenant, rows, path, *more = sys.argv[1:]
    print(json.dumps(main(writer, tenant, int(rows), Path(path), any(more))))

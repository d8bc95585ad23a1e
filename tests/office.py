"""Workbooks as people see them who have no Excel: opened by LibreOffice."""

import csv
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SOFFICE = shutil.which("soffice")
needs_office = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
# Comma, double quote, UTF-8, from the first line on; every cell as it is shown.
AS_SHOWN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true"

Table = list[list[str]]


def shown(books: Mapping[str, bytes], directory: Path) -> dict[str, Table]:
    """What LibreOffice shows of each workbook."""
    assert SOFFICE
    paths = [directory / f"{name}.xlsx" for name in books]
    for path in paths:
        path.write_bytes(books[path.stem])
    words = [SOFFICE, f"-env:UserInstallation={(directory / 'profile').as_uri()}", "--headless",
             "--convert-to", AS_SHOWN, "--outdir", str(directory), *map(str, paths)]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True, timeout=240)
    return {path.stem: _read(path.with_suffix(".csv")) for path in paths}


def _read(path: Path) -> Table:
    """The rows that are not blank, amounts without the commas between thousands and lakhs."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return [head, *([_plain(*pair) for pair in zip(head, row, strict=True)]
                    for row in rows if any(row))]  # fmt: skip


def _plain(heading: str, cell: str) -> str:
    return cell.replace(",", "") if heading.endswith("(INR)") else cell

"""Tables as files: CSV, and XLSX for Excel."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile

from django.http import HttpResponse
from django.utils.xmlutils import SimplerXMLGenerator

# A cell that begins so may be run as a formula by a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

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
    """Digits with a point, written by us: a leading minus is no formula."""


def _csv(head: Sequence[str], rows: Iterable[Cells]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_guarded(cell) for cell in head])
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _guarded(cell: str | int) -> str | int:
    if isinstance(cell, int | Amount) or not cell.startswith(FORMULA):
        return cell
    return f"'{cell}"


# --- XLSX, as small as it may be (ECMA-376): one sheet, its texts in their cells

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_CONTENT: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS: Final = {
    "[Content_Types].xml": (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_CONTENT}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_CONTENT}.worksheet+xml"/>'
        "</Types>"
    ),
    "_rels/.rels": (
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Report" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


def _xlsx(head: Sequence[str], rows: Iterable[Cells]) -> bytes:
    """Amounts and counts are numbers, everything else is text, which no spreadsheet runs."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as parts:
        for name, text in _PARTS.items():
            parts.writestr(name, text)
        parts.writestr("xl/worksheets/sheet1.xml", _sheet([head, *rows]))
    return file.getvalue()


def _sheet(rows: Iterable[Cells]) -> str:
    text = io.StringIO()
    xml = SimplerXMLGenerator(text, "utf-8")
    xml.startDocument()
    xml.startElement("worksheet", {"xmlns": _MAIN})
    xml.startElement("sheetData", {})
    for row in rows:
        xml.startElement("row", {})
        for cell in row:
            _cell(xml, cell)
        xml.endElement("row")
    xml.endElement("sheetData")
    xml.endElement("worksheet")
    return text.getvalue()


def _cell(xml: SimplerXMLGenerator, cell: str | int) -> None:
    if isinstance(cell, int | Amount):
        xml.startElement("c", {})
        xml.addQuickElement("v", str(cell))
    else:
        xml.startElement("c", {"t": "inlineStr"})
        xml.startElement("is", {})
        xml.addQuickElement("t", cell)
        xml.endElement("is")
    xml.endElement("c")

"""Tables as workbooks that office programs open: every cell is text, so that none is taken for a formula."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDEST = 40
LONGEST = 32_767  # characters that a cell can hold
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def workbook(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook of one sheet with a heading that stays in sight."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for at, heading in enumerate(headings):
        sheet.column_dimensions[chr(ord("A") + at)].width = min(max(len(heading) + 2, 12), WIDEST)
    bold = []
    for heading in headings:
        cell = WriteOnlyCell(sheet, heading)
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in rows:
        sheet.append([_text(sheet, value) for value in row])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _text(sheet: object, value: str) -> WriteOnlyCell:
    """A cell of type text, whatever its words begin with."""
    cell = WriteOnlyCell(sheet, "")
    cell.value = UNPRINTABLE.sub("", value)[:LONGEST]
    cell.data_type = "s"
    return cell

"""The first sheet of a workbook (.xlsx) that has something in it, as lines of text, without trusting anything in it.

A workbook is a zip of XML: what it claims to hold is added up before anything is unpacked, its XML may declare no
entities (defusedxml), and numbers of rows and columns are bounded while they are read. Formulas are shown as the value
that the program that saved it had computed; where there is none, the cell is empty.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from openpyxl import DEFUSEDXML, load_workbook

from gateway.spreadsheets.bounds import MAX_COLUMNS, SheetFault

_MAGIC = b"PK\x03\x04"
#: Unpacked: a sheet of 100,000 rows and ten columns takes 40 MB.
_MAX_UNPACKED = 150_000_000
_MAX_MEMBERS = 1000
#: Lines of a sheet, empty ones too.
_MAX_LINES = 1_048_576


def is_one(content: bytes) -> bool:
    """Whether a file begins as a workbook does."""
    return content.startswith(_MAGIC)


def lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The lines of the sheet that hold something, with their numbers. Raises SheetFault."""
    try:
        yield from _lines(content)
    except SheetFault:
        raise
    except Exception:  # what a damaged file makes openpyxl, zlib and expat raise is anything, and repeats what is in it
        raise SheetFault("damaged") from None


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    if not DEFUSEDXML:  # it is not installed, or the environment says so: better no workbooks
        raise SheetFault("not_a_table")
    _measure(content)
    # It warns on standard error, with values of cells in it.
    warnings.filterwarnings("ignore", module=r"openpyxl\.")
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in book.worksheets:
            if not hasattr(sheet, "reset_dimensions"):  # a chart
                continue
            sheet.reset_dimensions()  # what it claims is not believed
            found = False
            for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS + 1, values_only=True), 1):
                if number > _MAX_LINES:
                    raise SheetFault("too_many_rows")
                if any(cell is not None for cell in cells):
                    found = True
                    yield number, _trimmed([_shown(cell) for cell in cells])
            if found:
                return
    finally:
        book.close()


def _measure(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > _MAX_UNPACKED:
        raise SheetFault("too_big_inside")
    if not any(member.filename == "[Content_Types].xml" for member in members):
        raise SheetFault("not_a_table")


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _shown(cell: Any) -> str:
    """A value as the person who typed it reads it."""
    match cell:
        case None:
            return ""
        case bool():
            return "VRAI" if cell else "FAUX"
        case int():
            return str(cell)
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}".replace(".", ",")
        case datetime():
            midnight = cell.time() == time(0)
            return f"{cell:%d/%m/%Y}" if midnight else f"{cell:%d/%m/%Y %H:%M}"
        case date():
            return f"{cell:%d/%m/%Y}"
        case time():
            return f"{cell:%H:%M}"
        case timedelta():
            minutes = int(cell.total_seconds()) // 60
            return f"{minutes // 60:02d}:{minutes % 60:02d}"
        case _:
            return str(cell).replace("\0", "").strip()

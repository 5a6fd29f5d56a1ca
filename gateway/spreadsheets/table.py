"""A table of recipients, whatever program wrote it: its columns found by their headings, its rows as a stream.

The first line that heads a column of numbers is the head. A table without one, whose first cell is a number, is a
list of numbers in its first column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from gateway.spreadsheets import workbook
from gateway.spreadsheets.bounds import HEAD_LINES, MAX_CELL, MAX_COLUMNS, MAX_ROWS, SheetFault
from gateway.text import tables
from gateway.text.tables import NotATable, fold

#: What heads a column, folded: the surest words first, `begins` when no heading is one of them.
_NUMBER = (
    "telephone", "tel", "numerodetelephone", "numerotelephone", "numtelephone", "numerotel", "numtel", "phone",
    "phonenumber", "msisdn", "mobile", "portable", "gsm", "cellulaire", "contact", "whatsapp", "numero", "number",
    "num", "no", "n", "destinataire", "recipient",
)  # fmt: skip
_NUMBER_BEGINS = (
    "telephone",
    "tel",
    "phone",
    "msisdn",
    "mobile",
    "portable",
    "gsm",
    "numerodetel",
    "contact",
    "numero",
)
_LANGUAGE = ("langue", "language", "lang")
_OWN_REFERENCE = ("reference", "ref", "votrereference", "ownreference", "clientreference")

Line = tuple[int, Sequence[str]]  #: its number in the file, from 1, and its cells


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of the table. What is not there is ""."""

    line: int
    number: str = field(repr=False)
    number_at: str  #: "B12"
    values: Mapping[str, str] = field(repr=False)
    values_at: Mapping[str, str]
    language: str
    own_reference: str


@dataclass(frozen=True, slots=True)
class _Columns:
    number: int
    values: Mapping[str, int]
    language: int | None
    own_reference: int | None


def rows(name: str, content: bytes, wanted: Collection[str], is_number: Callable[[str], bool]) -> Iterator[Cells]:
    """The rows of a file, empty ones left out; `wanted`: the names of the values that the text needs.

    `is_number`: whether a cell can be a phone number, for tables without a head. Raises SheetFault, from the first
    row on or in the middle.
    """
    lines = workbook.lines(content) if workbook.is_one(content) else _lines_of_text(content, wanted)
    del name
    try:
        yield from _rows(lines, wanted, is_number)
    except NotATable as error:
        raise SheetFault(f"quote:{error.line}" if error.line else "not_a_table") from None


def address(line: int, column: int) -> str:
    """ "B12"; `column` from 0."""
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"


def _rows(lines: Iterator[Line], wanted: Collection[str], is_number: Callable[[str], bool]) -> Iterator[Cells]:
    first = list(islice(lines, HEAD_LINES))
    columns, below = _head(first, wanted, is_number)
    count = 0
    for line, cells in _chained(first[below:], lines):
        if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
            raise SheetFault("too_many_columns")
        if not any(cells):
            continue
        count += 1
        if count > MAX_ROWS:
            raise SheetFault("too_many_rows")
        yield _cells(line, cells, columns)


def _chained(first: Sequence[Line], rest: Iterator[Line]) -> Iterator[Line]:
    yield from first
    yield from rest


def _cells(line: int, cells: Sequence[str], columns: _Columns) -> Cells:
    def cell(place: int | None) -> str:
        if place is None or place >= len(cells):
            return ""
        if len(cells[place]) > MAX_CELL:
            raise SheetFault(f"long_cell:{address(line, place)}")
        return cells[place].replace("\0", "").strip()

    return Cells(
        line=line,
        number=cell(columns.number),
        number_at=address(line, columns.number),
        values={name: cell(place) for name, place in columns.values.items()},
        values_at={name: address(line, place) for name, place in columns.values.items()},
        language=cell(columns.language),
        own_reference=cell(columns.own_reference),
    )


def _head(first: Sequence[Line], wanted: Collection[str], is_number: Callable[[str], bool]) -> tuple[_Columns, int]:
    """The columns, and how many of the first lines are above the rows."""
    headed = False
    for below, (_, cells) in enumerate(first, 1):
        if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
            raise SheetFault("too_many_columns")
        number = _number_column(cells, wanted)
        if number is None:
            continue
        headed = True
        values = {name: place for name in wanted if (place := _value_column(cells, name, number)) is not None}
        missing = next((name for name in wanted if name not in values), None)
        if missing is None:
            taken = {number, *values.values()}
            return _Columns(
                number, values, _exact(cells, _LANGUAGE, taken), _exact(cells, _OWN_REFERENCE, taken)
            ), below
        if below == 1 or not any(is_number(cell) for cell in cells):
            raise SheetFault(f"no_column:{missing}")
    plain = next((cells for _, cells in first if any(cells)), ())
    if not headed and plain and is_number(plain[0]):
        if wanted:
            raise SheetFault(f"no_column:{next(iter(wanted))}")
        return _Columns(0, {}, None, None), 0
    raise SheetFault("no_number_column")


def _number_column(cells: Sequence[str], wanted: Collection[str]) -> int | None:
    """Where numbers stand; a heading that is the name of a wanted value is that."""
    folded = [fold(cell) if len(cell) <= MAX_CELL else "" for cell in cells]
    names = {fold(name) for name in wanted}
    for word in _NUMBER:
        found = next((place for place, cell in enumerate(folded) if cell == word and cell not in names), None)
        if found is not None:
            return found
    for word in _NUMBER_BEGINS:
        found = next((place for place, cell in enumerate(folded) if cell.startswith(word) and cell not in names), None)
        if found is not None:
            return found
    return None


def _value_column(cells: Sequence[str], name: str, number: int) -> int | None:
    """Where a value stands: under its name, else under the one heading whose first word is its name."""
    exact = _exact(cells, (fold(name),), {number})
    if exact is not None:
        return exact
    begun = [place for place, cell in enumerate(cells) if place != number and fold(cell.split(" ")[0]) == fold(name)]
    return begun[0] if len(begun) == 1 else None


def _exact(cells: Sequence[str], words: Collection[str], taken: Collection[int]) -> int | None:
    return next((place for place, cell in enumerate(cells) if place not in taken and fold(cell) in words), None)


def _lines_of_text(content: bytes, wanted: Collection[str]) -> Iterator[Line]:
    text = tables.decoded(content)
    yield from tables.lines(text, _delimiter(text, wanted))


def _delimiter(text: str, wanted: Collection[str]) -> str:
    """What finds a head; where none does, what there is most of."""
    likely = tables.delimiters(text)
    for delimiter in likely:
        try:
            first = list(islice(tables.lines(text, delimiter), HEAD_LINES))
        except NotATable:
            continue
        for _, cells in first:
            if _number_column(cells, wanted) is not None and (len(cells) > 1 or not wanted):
                return delimiter
    return likely[0]

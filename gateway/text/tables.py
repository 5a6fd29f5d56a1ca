"""Tables in CSV files as people's programs write them: `;`, `,` or tabs, any usual encoding, a letterhead above."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.text import transliterate

_DELIMITERS = ";,\t|"
#: Lines in which the headings are looked for: a letterhead stands above some tables.
_HEAD_LINES = 40
#: How files begin that are no text, and what to do with them.
_OTHERS: Mapping[bytes, str] = {
    b"PK\x03\x04": "it is a workbook (.xlsx, .ods): open it and save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "it is a workbook (.xls): open it and save the sheet as CSV",
    b"%PDF": "it is a PDF: ask for the same table as CSV",
}
#: A line with its end, whichever program wrote it.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
Headings = Mapping[str, tuple[str, ...]]


class NotATable(Exception):
    """What is wrong with a whole file, and what to do. `line`: where, when a single line is wrong; else 0."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True, slots=True)
class Row:
    """One line below the headings. A cell that is not there is ""; all are stripped."""

    line: int  #: of the file, from 1
    cells: Mapping[str, str]  #: by the column's name in `headings`
    others: tuple[str, ...] = ()  #: every cell of the line, in their order


@dataclass(frozen=True, slots=True)
class Head:
    """The line that heads the columns."""

    line: int  #: of the file, from 1
    delimiter: str
    columns: Mapping[str, int]  #: name in `headings` -> place, from 0


def read(content: bytes, headings: Headings, optional: Collection[str] = ()) -> tuple[Row, ...]:
    """The lines below the headings, empty ones left out.

    `headings`: column -> how tables head it, folded (`fold`): the very word, or how the heading begins. Those in
    `optional` may be missing. Raises NotATable.
    """
    text = decoded(content)
    found = head(text, headings, optional)
    return tuple(_row(at, cells, found.columns) for at, cells in lines(text, found.delimiter) if at > found.line)


def head(text: str, headings: Headings, optional: Collection[str] = ()) -> Head:
    """Where a text has its headings, and what separates its cells. `headings` as of `read`. Raises NotATable."""
    fault, best = None, (0, tuple(name for name in headings if name not in optional))
    for place, delimiter in enumerate(delimiters(text)):
        try:
            for number, cells in islice(lines(text, delimiter), _HEAD_LINES):
                found = columns(cells, headings)
                missing = tuple(name for name in headings if name not in found and name not in optional)
                if not missing:
                    return Head(number, delimiter, found)
                if len(missing) < len(best[1]):
                    best = (number, missing)
        except NotATable as error:
            fault = error if place == 0 else fault
    raise fault or NotATable(_without(best, headings, optional))


def delimiters(text: str) -> list[str]:
    """What may separate cells: first what there is most of, unless it finds no headings."""
    return sorted(_DELIMITERS, key=text.count, reverse=True)


def fold(written: str) -> str:
    """Letters and digits only, without accents and case: "Montant (F CFA)" is `montantfcfa`."""
    return "".join(letter for letter in transliterate.fold(written) if letter.isalnum())


def decoded(content: bytes) -> str:
    """The text of a file, in whatever usual encoding. Raises NotATable."""
    for begin, said in _OTHERS.items():
        if content.startswith(begin):
            raise NotATable(said)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise NotATable("it is no text: save the table as CSV")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # as Excel writes it in our languages
        return content.decode("cp1252", errors="replace")


def lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that holds something, with its number. A quote that does not end would swallow all lines below it."""
    rows = csv.reader((found[0] for found in _LINE.finditer(text)), delimiter=delimiter, strict=True)
    number = 1
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield number, cells
            number = rows.line_num + 1
    except csv.Error:
        said = f'line {number}: a " that does not end, or a cell that is far too long; correct it'
        raise NotATable(said, number) from None


def columns(cells: Sequence[str], headings: Headings) -> dict[str, int]:
    """Where each column stands, by its word, else by how its heading begins; a price of one piece is no column."""
    folded = [fold(cell) for cell in cells]
    found: dict[str, int] = {}
    for name, words in headings.items():
        exact = [place for place, cell in enumerate(folded) if cell in words]
        begun = [place for place, cell in enumerate(folded) if cell.startswith(words) and "unit" not in cell]
        free = [place for place in (*exact, *begun) if place not in found.values()]
        if free:
            found[name] = free[0]
    return found


def _row(number: int, cells: list[str], columns: Mapping[str, int]) -> Row:
    found = {name: cells[place] if place < len(cells) else "" for name, place in columns.items()}
    return Row(number, found, tuple(cells))


def _without(best: tuple[int, tuple[str, ...]], headings: Headings, optional: Collection[str]) -> str:
    line, missing = best
    needed = ", ".join(name for name in headings if name not in optional)
    if line == 0:
        return f"no line heads the columns: add one with {needed}"
    return f"line {line}: no column {', '.join(missing)}; the headings must name {needed}"

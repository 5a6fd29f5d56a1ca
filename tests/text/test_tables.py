"""CSV files as they come: found whatever stands above, beside and between, or refused with what to do."""

from __future__ import annotations

import pytest

from gateway.text.tables import NotATable, read

HEADINGS = {"number": ("number", "numero"), "state": ("state", "etat"), "note": ("note",)}


def cells(content: bytes) -> list[tuple[int, dict[str, str]]]:
    return [(row.line, dict(row.cells)) for row in read(content, HEADINGS, {"note"})]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"number;state\n1;a\n", 2),
        (b"number,state\r\n1,a\r\n", 2),
        (b"number\tstate\n1\ta\n", 2),
        (b"number|state\n1|a\n", 2),
        (b"\xef\xbb\xbfnumber;state\n1;a\n", 2),
        ("Numéro;État\n1;a\n".encode("cp1252"), 2),
        ("Numéro;État\n1;a\n".encode(), 2),
        ("Numéro;État\n1;a\n".encode("utf-16"), 2),
        (b"A letter, with commas, of the 3rd\n\n;;\nstate ; Number\n\n a ; 1 \n", 6),
        (b'"number","state"\n"1","a"\n', 2),
        (b"sep=,\nnumber,state\n1,a", 3),
        (b"number (E.164);state today\n1;a;more;cells\n", 2),
    ],
)
def test_tables_as_they_are_written(content: bytes, line: int) -> None:
    assert cells(content) == [(line, {"number": "1", "state": "a"})]


def test_a_cell_that_is_not_there_is_empty_and_an_optional_column_is_found() -> None:
    assert cells(b"number;note;state\n1\n") == [(2, {"number": "1", "note": "", "state": ""})]


def test_a_line_keeps_its_number_after_a_cell_of_two_lines() -> None:
    assert [line for line, _ in cells(b'number;state\n1;"a\nb"\n2;c\n')] == [2, 4]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no line heads the columns: add one with number, state"),
        (b"\n \n", "no line heads the columns: add one with number, state"),
        (b"a;b\n1;2\n", "no line heads the columns: add one with number, state"),
        (b"x\nnumber;b\n1;2\n", "line 2: no column state; the headings must name number, state"),
        (b"x;y\n" * 40 + b"number;state\n", "no line heads the columns: add one with number, state"),
        (b'number;state\n1;"a\n2;b\n', 'line 2: a " that does not end, or a cell that is far too long; correct it'),
        (b"x" * 200_000, 'line 1: a " that does not end, or a cell that is far too long; correct it'),
        (b"PK\x03\x04...", "it is a workbook (.xlsx, .ods): open it and save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0...", "it is a workbook (.xls): open it and save the sheet as CSV"),
        (b"%PDF-1.7", "it is a PDF: ask for the same table as CSV"),
        (b"number\0;state", "it is no text: save the table as CSV"),
    ],
)
def test_what_is_no_table_is_told_with_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(NotATable) as error:
        cells(content)
    assert str(error.value) == said


def test_headings_forty_lines_down_are_found() -> None:
    assert cells(b"x;y\n" * 39 + b"number;state\n1;a\n")

"""Tables as people's programs write them, and as nobody's program should."""

from __future__ import annotations

import contextlib
import csv
import io
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from gateway.spreadsheets.bounds import SheetFault
from gateway.spreadsheets.table import Cells, address, rows


def digits(cell: str) -> bool:
    return cell.replace(" ", "").lstrip("+").isdigit()


def read(content: bytes | str, *wanted: str) -> list[Cells]:
    return list(rows("f", content.encode() if isinstance(content, str) else content, wanted, digits))


def fault(content: bytes | str, *wanted: str) -> str:
    with pytest.raises(SheetFault) as caught:
        read(content, *wanted)
    return caught.value.code


NOON = datetime(2026, 5, 12, 9, 30)  # noqa: DTZ001 - cells have no zone
DAY = datetime(2026, 5, 12)  # noqa: DTZ001


def workbook(*lines: tuple[Any, ...], merge: str = "") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in lines:
        sheet.append(line)
    if merge:
        sheet.merge_cells(merge)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(content: bytes, member: str, into: bytes) -> bytes:
    """The workbook with one of its files replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, into if name == member else old.read(name))
    return out.getvalue()


HEADS = [
    ("telephone;nom\n97000000;Awa", "plain"),
    ("Téléphone,Nom\n97000000,Awa", "commas, accents, capitals"),
    ("N° \tNOM\n97000000\tAwa", "tabs, a sign"),
    ("NUMERO ; Nom et prénoms \n97000000;Awa", "spaces, a longer heading"),
    ("nom;Numéro de téléphone\nAwa;97000000", "another order"),
    ("Nom;MSISDN\r\nAwa;97000000\r\n", "an operator's word, line ends of Windows"),
    ("Numéro dossier;Tél. portable;nom\n12;97000000;Awa", "the surer word wins over the first"),
    ("Mairie de Cotonou\n\nListe du 3 mai;;\ntéléphone;nom\n97000000;Awa", "a letterhead"),
    ('"phone";"nom"\n"97000000";"Awa"', "quotes"),
]


@pytest.mark.parametrize(("content", "remark"), HEADS)
def test_headings(content: str, remark: str) -> None:
    (row,) = read(content, "nom")
    assert (row.number, row.values) == ("97000000", {"nom": "Awa"}), remark


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings(encoding: str) -> None:
    (row,) = read("téléphone;prénom\n97000000;Éloïse Gbèdji".encode(encoding), "prenom")
    assert row.values == {"prenom": "Éloïse Gbèdji"}


def test_cells_are_where_the_program_shows_them() -> None:
    first, second = read("x;nom;numero\n\n1;Awa;97000000\n;;\n2;Bio;96000000", "nom")
    assert (first.number_at, first.values_at) == ("C3", {"nom": "B3"})
    assert second.number_at == "C5"


@pytest.mark.parametrize(("column", "said"), [(0, "A1"), (25, "Z1"), (26, "AA1"), (701, "ZZ1"), (702, "AAA1")])
def test_addresses(column: int, said: str) -> None:
    assert address(1, column) == said


def test_language_and_own_reference() -> None:
    (row,) = read("numero;langue;référence\n97000000;EN;D-12")
    assert (row.language, row.own_reference) == ("EN", "D-12")


def test_a_reference_that_the_text_says_is_no_own_reference() -> None:
    (row,) = read("numero;référence\n97000000;D-12", "reference")
    assert (row.values, row.own_reference) == ({"reference": "D-12"}, "")


def test_a_list_without_a_head() -> None:
    assert [row.number for row in read("97000000\n96000000\n\n")] == ["97000000", "96000000"]
    assert fault("97000000\n96000000\n", "nom") == "no_column:nom"


@pytest.mark.parametrize(
    ("content", "wanted", "code", "remark"),
    [
        ("", (), "no_number_column", "nothing"),
        ("a;b\n1;2", (), "no_number_column", "no heading that is known"),
        ("numero\n97000000", ("nom",), "no_column:nom", "what the text needs is not there"),
        ("numero;nom1;nom2\n97000000;a;b", ("nom",), "no_column:nom", "two that may be meant are none"),
        ('numero;nom\n97000000;"Awa\n96000000;Bio\n', ("nom",), "quote:2", "a lone quote would swallow the rest"),
        (b"numero\n97\x00000000\n", (), "not_a_table", "NUL"),
        (b"%PDF-1.4", (), "not_a_table", "a PDF"),
        (b"\xd0\xcf\x11\xe0rest", (), "not_a_table", "a workbook of 1997"),
        ("numero;" + ";".join(f"c{n}" for n in range(300)) + "\n97000000", (), "too_many_columns", "300 columns"),
        ("numero;nom\n97000000;" + "x" * 1001, ("nom",), "long_cell:B2", "a cell of 1001"),
    ],
)
def test_refused(content: bytes | str, wanted: tuple[str, ...], code: str, remark: str) -> None:
    assert fault(content, *wanted) == code, remark


def test_bounds_are_held_on_both_sides() -> None:
    assert len(read("numero\n" + "97000000\n" * 100_000)) == 100_000
    assert fault("numero\n" + "97000000\n" * 100_001) == "too_many_rows"
    assert read("numero;nom\n97000000;" + "x" * 1000, "nom")[0].values == {"nom": "x" * 1000}
    assert len(read("numero;" + ";".join(f"c{n}" for n in range(99)) + "\n97000000")) == 1


def test_a_workbook_as_people_see_it() -> None:
    content = workbook(
        ("Mairie",),
        (None,),
        ("Nom", "Téléphone", "Le", "Montant", "Oui"),
        ("Awa", 2.290197e12, DAY, 12.5, True),
        ("Bio", 97000000, date(2026, 5, 12), 1500, False),
        (None, None, None, None, None),
        ("Sena", "+229 01 95 00 00 00", NOON, 1e15, None),
    )
    found = read(content, "nom", "le", "montant", "oui")
    assert [row.number for row in found] == ["2290197000000", "97000000", "+229 01 95 00 00 00"]
    assert found[0].values == {"nom": "Awa", "le": "12/05/2026", "montant": "12,5", "oui": "VRAI"}
    assert found[1].values == {"nom": "Bio", "le": "12/05/2026", "montant": "1500", "oui": "FAUX"}
    assert found[2].values["le"] == "12/05/2026 09:30"
    assert [row.number_at for row in found] == ["B4", "B5", "B7"]


def test_a_formula_shows_what_was_computed_or_nothing() -> None:
    (row,) = read(workbook(("numero", "nom"), ("97000000", "=1+1")), "nom")
    assert row.values == {"nom": ""}, "nobody computed it"


def test_merged_cells_hold_their_value_once() -> None:
    found = read(workbook(("numero", "nom"), ("97000000", "Awa"), ("96000000", None), merge="B2:B3"), "nom")
    assert [row.values["nom"] for row in found] == ["Awa", ""]


def test_the_first_sheet_with_something_in_it() -> None:
    book = Workbook()
    book.create_sheet("liste").append(("numero",))
    book["liste"].append(("97000000",))
    out = io.BytesIO()
    book.save(out)
    assert [row.number for row in read(out.getvalue())] == ["97000000"]


PLAIN = workbook(("numero",), ("97000000",))
BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><worksheet>&c;</worksheet>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>"""
MEMBERS = ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml")


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("xml", [BOMB, OUTSIDE, b"<a", b"", b"\0\xff"])
def test_xml_that_nobody_should_write(member: str, xml: bytes) -> None:
    assert fault(changed(PLAIN, member, xml)) in ("damaged", "no_number_column")


def test_an_entity_is_never_what_a_cell_says() -> None:
    xml = (
        '<!DOCTYPE a [<!ENTITY n "97000000">]>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>numero</t></is></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>&n;</t></is></c></row></sheetData></worksheet>'
    )
    assert fault(changed(PLAIN, "xl/worksheets/sheet1.xml", xml.encode())) == "damaged"


@pytest.mark.parametrize("xml", [BOMB, OUTSIDE, b"<a", b"", b"\0\xff"])
def test_shared_strings_that_nobody_should_write(xml: bytes) -> None:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    with zipfile.ZipFile(io.BytesIO(PLAIN)) as archive:
        types = archive.read("[Content_Types].xml").decode()
    if "sharedStrings" not in types:
        types = types.replace("</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>')
    content = io.BytesIO(changed(PLAIN, "[Content_Types].xml", types.encode()))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", xml)
    assert fault(content.getvalue()) == "damaged"


def test_a_zip_bomb_is_not_unpacked() -> None:
    huge = b"<worksheet><sheetData>" + b" " * 160_000_000
    content = changed(PLAIN, "xl/worksheets/sheet1.xml", huge)
    assert len(content) < 1_000_000
    assert fault(content) == "too_big_inside"


def test_a_claim_of_a_gigabyte_is_refused_before_anything_is_read() -> None:
    content = bytearray(PLAIN)
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = (1_000_000_000).to_bytes(4, "little")
    assert fault(bytes(content)) == "too_big_inside"


def test_a_lie_about_the_size_reads_no_more_than_it_says() -> None:
    huge = b"<worksheet><sheetData>" + b" " * 20_000_000
    content = bytearray(changed(PLAIN, "xl/worksheets/sheet1.xml", huge))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        place = archive.namelist().index("xl/worksheets/sheet1.xml")
    at = -1
    for _ in range(place + 1):
        at = content.find(b"PK\x01\x02", at + 1)
    content[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    assert fault(bytes(content)) in ("damaged", "too_big_inside")


@pytest.mark.parametrize("row", ["99999999999", "-1", "x", "1e400", "1048577"])
def test_numbers_of_rows_that_no_program_writes(row: str) -> None:
    xml = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>numero</t></is></c></row>'
        f'<row r="{row}"><c t="inlineStr"><is><t>97000000</t></is></c></row></sheetData></worksheet>'
    )
    content = changed(PLAIN, "xl/worksheets/sheet1.xml", xml.encode())
    try:
        assert len(read(content)) <= 1
    except SheetFault as error:
        assert error.code in ("damaged", "too_many_rows")  # noqa: PT017 - either is well


def test_a_zip_of_something_else_is_no_table() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("letter.txt", "bonjour")
    assert fault(out.getvalue()) == "not_a_table"


numbers = st.from_regex(r"[0-9]{8}", fullmatch=True)
cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30).map(str.strip)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.from_regex(r"[0-9]{8}", fullmatch=True), cells), min_size=1, max_size=8),
    st.sampled_from(";,\t"),
)
def test_what_a_csv_writer_writes_is_read(table: list[tuple[str, str]], delimiter: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("numero", "nom"), *table])
    found = read(out.getvalue(), "nom")
    assert [(row.number, row.values["nom"]) for row in found] == table


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_comes_is_rows_or_one_fault(content: bytes) -> None:
    with contextlib.suppress(SheetFault):
        read(content, "nom")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_a_workbook_with_one_byte_changed(at: int, byte: int) -> None:
    content = bytearray(PLAIN)
    content[at] = byte
    with contextlib.suppress(SheetFault):
        read(bytes(content))

"""Readers and writers that are attacked everywhere are not in this program: what is not there cannot be fooled."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.conftest import AT
from tests.web.conftest import Site

SOURCES = [path for folder in ("gateway", "handlers") for path in sorted(Path(folder).rglob("*.py"))]
#: XML (entities, XInclude), and what runs code when it reads.
MODULES = {"xml", "lxml", "xmltodict", "defusedxml", "html5lib", "pickle", "cPickle", "dill", "marshal", "shelve"}
#: `csv.writer` is on the list for formulas: a cell that begins with = + - @ runs in a spreadsheet. One module uses it,
#: and makes its cells safe (tests/campaigns/test_checking.py).
CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "csv.writer", "csv.DictWriter"}
WRITES_CSV = Path("gateway/usecases/campaign_reading.py")
BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>"""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
            yield from ("shell=True" for word in node.keywords if word.arg == "shell")


def test_no_reader_of_xml_or_of_code() -> None:
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert MODULES & set(imported(tree)) == set(), path
        expected = {"csv.writer"} if path == WRITES_CSV else set()
        assert (CALLS | {"shell=True"}) & set(called(tree)) == expected, path
    assert len(SOURCES) > 100


def test_workbooks_are_read_without_entities() -> None:
    import openpyxl

    assert openpyxl.DEFUSEDXML


@pytest.mark.parametrize("kind", ["application/xml", "text/xml", "application/x-www-form-urlencoded", "image/svg+xml"])
def test_xml_is_no_callback(site: Site, kind: str) -> None:
    for route in ("ussd", "events", "mo", "dlr", "optout"):
        status, _, body = site.call("POST", AT + route, BOMB, CONTENT_TYPE=kind)
        assert status == 400
        assert b"root:" not in body


def test_pages_escape_what_they_show() -> None:
    """Jinja escapes .html by its name: a template with another ending would not be."""
    templates = [path for path in Path("gateway").rglob("templates/**/*") if path.is_file()]
    assert len(templates) > 10
    assert {path.suffix for path in templates} <= {".html", ".css"}
    assert not [path for path in templates if "|safe" in path.read_text().replace(" ", "")]

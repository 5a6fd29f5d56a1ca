"""YAML as written: nothing is guessed, and what must not be written is said with the corrected line."""

from __future__ import annotations

import pytest

from gateway.menu.faults import Fault
from gateway.menu.nodes import Listing, Node, Scalar, Table, read


def plain(node: Node | None) -> object:
    match node:
        case Scalar(text=text):
            return text
        case Listing(nodes=nodes):
            return [plain(each) for each in nodes]
        case Table(nodes=nodes):
            return {key: plain(each) for key, each in nodes.items()}
    return None


@pytest.mark.parametrize(
    ("text", "value", "remark"),
    [
        ("a: on", {"a": "on"}, "PyYAML would read True"),
        ("no: yes", {"no": "yes"}, "a key stays a word too"),
        ("a: 12:30", {"a": "12:30"}, "not 750 minutes"),
        ("a: 0123", {"a": "0123"}, "not 83"),
        ("a: 1_000", {"a": "1_000"}, "not 1000"),
        ("a: 2026-11-23", {"a": "2026-11-23"}, "not a date"),
        ("a: null", {"a": "null"}, "not None"),
        ("a: ~", {"a": "~"}, ""),
        ("a:", {"a": ""}, "nothing written is an empty text"),
        ("a: [b, c]", {"a": ["b", "c"]}, "flow lists"),
        ("{fr: Oui, en: Yes}", {"fr": "Oui", "en": "Yes"}, "flow tables"),
        ('{fr: "Non, merci"}', {"fr": "Non, merci"}, "a comma between quotes"),
        ("a: *b", None, "an alias is said, see below"),
        ("a: |\n  un\n  deux\n", {"a": "un\ndeux\n"}, "block texts"),
        ("", None, "an empty file"),
        ("# rien\n", None, "a comment alone"),
    ],
)
def test_scalars_stay_text(text: str, value: object, remark: str) -> None:
    faults: list[Fault] = []
    node = read("x.yaml", text, faults)
    if value is not None:
        assert faults == [], remark
        assert plain(node) == value, remark


@pytest.mark.parametrize(
    ("text", "line", "corrected"),
    [
        ("a:\n  b: {fr: Non, merci, en: No}", 2, 'b: {fr: "Non, merci", en: No}'),
        ("a: {fr: Un, deux, trois}", 1, 'a: {fr: "Un, deux", trois}'),
        ("fr: {npi}", 1, 'fr: "{npi}"'),
        ("fr: Tarif: rien", 1, 'fr: "Tarif: rien"'),
        ("fr: *229#", 1, 'fr: "*229#"'),
        ("fr: @ville", 1, 'fr: "@ville"'),
        ('fr: dit "oui": non', 1, 'fr: "dit \\"oui\\": non"'),
        ("a: 1\nb: &x Nom", 2, "b: Nom"),
        ("a: !!int 12", 1, "a: 12"),
        ("a:\n\tb: c", 2, "b: c"),
    ],
)
def test_the_corrected_line_is_given(text: str, line: int, corrected: str) -> None:
    faults: list[Fault] = []
    read("x.yaml", text, faults)

    assert (faults[0].mark.line, faults[0].params["corrected"]) == (line, corrected)
    assert corrected in faults[0].say("fr")
    assert corrected in faults[0].say("en")


def test_all_faults_of_a_file_are_found() -> None:
    faults: list[Fault] = []
    read("x.yaml", "a: &b c\na: d\ne: !!str f\ng: h\ti\nj: k: l\n", faults)

    assert sorted((fault.mark.line, fault.code) for fault in faults) == [
        (1, "anchor"),
        (2, "repeated_key"),
        (3, "tag"),
        (4, "tab"),
        (5, "yaml_quote"),
    ]


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "a: " + "- " * 3000, "\x00", "\ufeffa: b", "a: \ud7ff"])
def test_hostile_text_is_a_fault_or_a_tree(text: str) -> None:
    faults: list[Fault] = []
    assert read("x.yaml", text, faults) is not None or faults

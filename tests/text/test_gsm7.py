"""The alphabet against the standard's tables, and what each character costs."""

import json
from pathlib import Path

import pytest

from gateway.text import gsm7

CASES = Path(__file__).parent / "cases"
TABLES = json.loads((CASES / "gsm7.json").read_text(encoding="utf-8"))
LETTERS = json.loads((CASES / "letters.json").read_text(encoding="utf-8"))["cases"]


def test_the_basic_table_is_the_standards() -> None:
    assert len(gsm7.BASIC) == 128
    assert gsm7.BASIC[0x1B] == gsm7.ESCAPE
    assert {place: c for place, c in enumerate(gsm7.BASIC) if c != gsm7.ESCAPE} == dict(TABLES["basic"])


def test_the_extension_table_is_the_standards() -> None:
    assert {code: c for c, code in gsm7.EXTENSION.items()} == dict(TABLES["extension"])


@pytest.mark.parametrize("case", LETTERS, ids=lambda case: case["codepoint"])
def test_letters_of_french_and_of_benin(case: dict[str, object]) -> None:
    assert gsm7.encodable(str(case["letter"])) is case["in_gsm7"]


@pytest.mark.parametrize(
    ("text", "septets", "remark"),
    [
        ("", 0, "nothing"),
        ("a", 1, "basic"),
        ("é", 1, "basic, though not ASCII"),
        ("\n", 1, "a new line"),
        ("\r\n", 2, "two characters"),
        ("€", 2, "extension"),
        ("\f", 2, "form feed is in the extension table"),
        ("[1]", 5, "two of extension, one basic"),
        ("a" * 182, 182, "a full USSD string"),
    ],
)
def test_septets(text: str, septets: int, remark: str) -> None:
    assert gsm7.septets(text) == septets, remark


@pytest.mark.parametrize("text", ["ç", "ê", "’", "`", "\t", "\x1b", "a\u0301", "😀", "\ud800"])
def test_outside_the_alphabet(text: str) -> None:
    assert not gsm7.encodable(text)
    with pytest.raises(ValueError, match="outside") as caught:
        gsm7.septets("nom: " + text)
    assert text not in str(caught.value)

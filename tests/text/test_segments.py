"""Sizes and parts of SMS."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text import segments
from gateway.text.describe import describe

ROWS = json.loads((Path(__file__).parent / "cases" / "segments.json").read_text(encoding="utf-8"))["cases"]
#: Texts near the limits, of characters of every cost.
TEXTS = st.lists(st.tuples(st.sampled_from("aé€[ê😀\n"), st.integers(1, 170)), max_size=6).map(
    lambda runs: "".join(c * n for c, n in runs)
)


def text_of(row: dict) -> str:
    return row["text"] if "text" in row else "".join(text * count for text, count in row["runs"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["remark"])
def test_measure(row: dict) -> None:
    size = segments.measure(text_of(row))
    assert (size.encoding, size.units, size.segments) == (row["encoding"], row["units"], row["segments"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["remark"])
def test_describe_counts_the_text_as_given(row: dict) -> None:
    text = text_of(row)
    said = describe(text)
    assert {name: said[name] for name in ("encoding", "units", "segments", "text")} == {
        "encoding": row["encoding"],
        "units": row["units"],
        "segments": row["segments"],
        "text": text,
    }


def test_describe_adds_the_plain_form() -> None:
    assert describe("L’acte est prêt")["transliterated"] == "L'acte est pret"


@pytest.mark.parametrize(
    ("text", "parts", "remark"),
    [
        ("", (), "nothing is sent"),
        ("a" * 160, ("a" * 160,), "fits alone"),
        ("a" * 161, ("a" * 153, "a" * 8), "one more makes two"),
        ("a" * 152 + "€" + "a" * 8, ("a" * 152, "€" + "a" * 8), "the escape pair moves whole"),
        ("ê" * 70, ("ê" * 70,), "fits alone"),
        ("ê" * 66 + "😀" + "ê" * 3, ("ê" * 66, "😀" + "ê" * 3), "the surrogate pair moves whole"),
    ],
)
def test_split(text: str, parts: tuple[str, ...], remark: str) -> None:
    assert segments.split(text) == parts, remark


@given(TEXTS)
def test_parts_join_back_and_fit(text: str) -> None:
    parts = segments.split(text)
    size = segments.measure(text)
    alphabet: segments.Alphabet = "gsm7" if size.encoding == "GSM-7" else "ucs2"
    alone, each = (160, 153) if alphabet == "gsm7" else (70, 67)
    assert "".join(parts) == text
    assert len(parts) == size.segments
    # Counted over parts: no pair was split, since a half would not be counted the same.
    assert sum(segments.units(part, alphabet) for part in parts) == size.units
    assert all(segments.units(part, alphabet) <= (alone if len(parts) == 1 else each) for part in parts)


@pytest.mark.parametrize(
    ("text", "units", "remark"),
    [
        ("", 0, "nothing"),
        ("é", 1, "one unit"),
        ("€", 1, "one unit, though two septets"),
        ("e\u0301", 2, "not composed before counting"),
        ("😀", 2, "a surrogate pair"),
        ("\ud83d", 1, "half a pair, as a JSON body can hold"),
    ],
)
def test_units_of_utf16(text: str, units: int, remark: str) -> None:
    assert segments.units(text, "ucs2") == units, remark


def test_units_of_gsm7_refuse_another_alphabet() -> None:
    with pytest.raises(ValueError, match="outside"):
        segments.units("ê", "gsm7")

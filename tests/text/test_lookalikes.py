"""Text as a hurried reader takes it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.lookalikes import read_as, with_places

READ = [
    ("Bonjour", "bonjour", "small letters"),
    ("Fête à Ɖangbo", "fête à ɖangbo", "accents and letters of Bénin stay"),
    ("ｂｉｔ．ｌｙ", "bit.ly", "full-width"),
    ("bit。ly bit․ly bit·ly", "bit.ly bit.ly bit.ly", "other dots"),
    ("сode рaypal", "code paypal", "Cyrillic"),
    ("ρin", "pin", "Greek"),
    ("co\u200bde\u00ad\ufeff", "code", "what nobody sees"),
    ("٩٧ ９७", "97 97", "digits of other scripts"),
    ("∗155＃", "*155#", "other stars"),
    ("№ ½ …", "no 1⁄2 ...", "one that becomes several"),
    ("ﬁn", "fin", "a ligature"),
    ("漢", "漢", "one that looks like nothing of ours"),
]


@pytest.mark.parametrize(("text", "seen", "remark"), READ)
def test_read_as(text: str, seen: str, remark: str) -> None:
    assert read_as(text).replace("1/2", "1⁄2") == seen, remark


@given(st.text())
def test_each_character_has_its_place(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    seen, places = with_places(text)
    assert seen == read_as(text)
    assert len(seen) == len(places)
    assert list(places) == sorted(places)
    assert all(0 <= place < len(text) for place in places)

"""Text made plain: to the GSM 7-bit alphabet for handsets, to bare letters for comparing.

The map is transliteration.json: a proposal that loses tones and open vowels; using it is the author's choice.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from gateway.text import gsm7

#: Shown in place of a character that has no equivalent; such characters are always reported too.
UNSHOWABLE = "?"

_DATA = json.loads(Path(__file__).with_name("transliteration.json").read_text(encoding="utf-8"))
_MAP: dict[str, str] = {**_DATA["punctuation"], **_DATA["french"], **_DATA["benin_languages"]}
_FOLD = str.maketrans(_MAP)
_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018\u02bc\u02b9`")
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Plain:
    """`text` is wholly in the GSM 7-bit alphabet; `lost` are the characters it shows as `?`, each once."""

    text: str
    lost: tuple[str, ...]


def plain(text: str) -> Plain:
    """`text` in the GSM 7-bit alphabet: what is in it stays, the rest goes by the map, or by base letter."""
    if gsm7.encodable(text):
        return Plain(text, ())
    composed = unicodedata.normalize("NFC", text)
    lost: dict[str, None] = {}
    shown: list[str] = []
    for character in composed:
        replacement = character if gsm7.encodable(character) else _replacement(character)
        if replacement is None:
            lost[character] = None
            replacement = UNSHOWABLE
        shown.append(replacement)
    return Plain("".join(shown), tuple(lost))


def fold(text: str) -> str:
    """`text` for comparing and searching: lower case, no accents, no punctuation, single spaces.

    An apostrophe vanishes, because nobody types one on a keypad ("N'Dali" is searched as "ndali"); any other
    punctuation separates words ("Sèmè-Podji" is "seme podji").
    """
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_FOLD))
        text = "".join(character for character in decomposed if not unicodedata.combining(character)).translate(_FOLD)
    return _NOT_WORD.sub(" ", text.translate(_APOSTROPHES)).strip().casefold()


def _replacement(character: str) -> str | None:
    """What stands for `character`, "" for one that shows nothing by itself, None when nothing can."""
    mapped = _MAP.get(character)
    if mapped is not None:
        return mapped
    # Combining marks, joiners and variation selectors only change the look of their neighbour.
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return ""
    base = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    base = "".join(_MAP.get(c, c) for c in base)
    return base if base and gsm7.encodable(base) else None

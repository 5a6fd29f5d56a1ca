"""How many parts an SMS takes, and which (3GPP TS 23.040 §9.2.3.24.1: a part of several has a header)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.text import gsm7

Alphabet = Literal["gsm7", "ucs2"]
Encoding = Literal["GSM-7", "UCS-2"]

#: Units that one SMS carries alone, and that each part of several carries.
_ROOM: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


@dataclass(frozen=True, slots=True)
class Measure:
    """`units` are septets or UTF-16 units of the text as given; `segments` is 0 for an empty text."""

    encoding: Encoding
    units: int
    segments: int


def measure(text: str) -> Measure:
    """The size of `text` as an SMS. An operator may count otherwise: the aggregator's cost is the bill."""
    encoding = _encoding(text)
    size = _size(text, encoding)
    segments = min(1, size) if size <= _ROOM[encoding][0] else len(split(text))
    return Measure(encoding, size, segments)


def units(text: str, alphabet: Alphabet) -> int:
    """What one handset counts: septets or UTF-16 units. ValueError if `text` does not fit the alphabet."""
    return gsm7.septets(text) if alphabet == "gsm7" else _utf16_units(text)


def split(text: str) -> tuple[str, ...]:
    """The parts of `text` as sent, () for an empty one; an escape or surrogate pair is never in two parts."""
    encoding = _encoding(text)
    alone, each = _ROOM[encoding]
    if _size(text, encoding) <= alone:
        return (text,) if text else ()
    parts: list[str] = []
    start = used = 0
    for place, character in enumerate(text):
        size = _size(character, encoding)
        if used + size > each:
            parts.append(text[start:place])
            start, used = place, 0
        used += size
    return (*parts, text[start:])


def _encoding(text: str) -> Encoding:
    return "GSM-7" if gsm7.encodable(text) else "UCS-2"


def _size(text: str, encoding: Encoding) -> int:
    return gsm7.septets(text) if encoding == "GSM-7" else _utf16_units(text)


def _utf16_units(text: str) -> int:
    # A lone surrogate cannot be sent, but it can reach us in a JSON body: it counts as the one unit it is.
    return len(text.encode("utf-16-be", "surrogatepass")) // 2

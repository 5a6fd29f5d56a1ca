"""What `gateway text` says about a text."""

from __future__ import annotations

from typing import TypedDict

from gateway.text import segments, transliterate


class Description(TypedDict):
    """`units` and `segments` are of the text as given, before any transliteration."""

    encoding: segments.Encoding
    units: int
    segments: int
    text: str
    transliterated: str


def describe(text: str) -> Description:
    """The encoding, size and plain form of `text`; nothing is normalised before counting."""
    size = segments.measure(text)
    return Description(
        encoding=size.encoding,
        units=size.units,
        segments=size.segments,
        text=text,
        transliterated=transliterate.plain(text).text,
    )

"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1 and §6.2.1.1)."""

from __future__ import annotations

#: Place in the string = septet value. 0x1B is the escape to the extension table, never a character.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPE = "\x1b"
#: Character -> septet sent after the escape; each costs two septets.
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

_ONE = frozenset(BASIC) - {ESCAPE}
_TWO = frozenset(EXTENSION)
_ALL = _ONE | _TWO


def encodable(text: str) -> bool:
    """Whether a handset can show `text` in the default alphabet, extension characters included."""
    return _ALL.issuperset(text)


def septets(text: str) -> int:
    """How many septets `text` takes; an extension character takes two. ValueError if it is not encodable."""
    if _ONE.issuperset(text):
        return len(text)
    if not _ALL.issuperset(text):
        raise ValueError("a character is outside the GSM 7-bit alphabet")
    return len(text) + sum(map(_TWO.__contains__, text))

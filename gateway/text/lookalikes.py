"""Text as a hurried reader takes it: what only looks like a Latin letter, a digit or a sign becomes that very one."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

#: Letters of other alphabets that a phone draws as Latin ones, in small letters: those of Unicode's confusables.txt
#: (UTS #39) that keyboards and phones have.
_LETTERS = str.maketrans(
    "абвгеёзіїјкмнопрсԁтухһԍԛԝѕьӏαβγεηικνορτυχωꜱᴄᴅᴇᴏıɩɑɡɪʟ",
    "abbreeziijkmhonpcdtyxhgqwsbiabyenikvoptuxwscdeoiiagil",
)
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u3002\u2022\u2027\u2219\u22c5\u30fb\u00b7\u0387\u06d4\u0701\u0702\u1427\u16eb\ua4f8", "."),
        **dict.fromkeys("\u2044\u2215\u29f8\u2571\u27cb\u29f5", "/"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u02d7\u2043", "-"),
        **dict.fromkeys("\u2217\u204e\u22c6\u2731\u273d\u2736", "*"),
        **dict.fromkeys("\u266f\u2d4c\ufe5f", "#"),
        **dict.fromkeys("\ua789\u0589\u05c3\u2236\u02d0\u0703", ":"),
    }
)
#: Shown as nothing at all, although Unicode calls them letters or marks.
_BLANKS = frozenset("\u034f\u115f\u1160\u3164\uffa0")


def read_as(text: str) -> str:
    """`text` as it is read: small letters, look-alikes made plain, nothing that nobody sees. Accents stay."""
    return text.lower() if text.isascii() else "".join(map(_seen, unicodedata.normalize("NFC", text)))


def with_places(text: str) -> tuple[str, tuple[int, ...]]:
    """`text` (NFC) as it is read, and for each of its characters where it stands in `text`."""
    if text.isascii():
        return text.lower(), tuple(range(len(text)))
    seen = [_seen(character) for character in text]
    return "".join(seen), tuple(place for place, shown in enumerate(seen) for _ in shown)


@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    """What one character is read as: often itself, sometimes several, sometimes none."""
    if character.isascii():
        return character.lower()
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf" or character in _BLANKS:
        return ""
    composed = unicodedata.normalize("NFKC", character.translate(_SIGNS)).lower()
    return composed.translate(_SIGNS).translate(_LETTERS)

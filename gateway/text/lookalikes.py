"""Text as a hurried reader takes it: what only looks like a Latin letter, a digit or a sign becomes that very one."""

from __future__ import annotations

import unicodedata

#: After NFKC and lower case: letters of other alphabets that a phone draws as Latin ones. A small part of Unicode's
#: confusables.txt (UTS #39): those that keyboards and phones have.
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


def read_as(text: str) -> str:
    """`text` as it is read: composed, lower case, without invisible characters, look-alikes made plain.

    A letter with an accent stays one. Some characters become several, or none: places are not kept.
    """
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFKC", text.translate(_SIGNS))
    seen = "".join(map(_seen, composed))
    return unicodedata.normalize("NFKC", seen.lower()).translate(_SIGNS).translate(_LETTERS)


def _seen(letter: str) -> str:
    """A digit of any script as ours, nothing for what nobody sees."""
    if letter.isascii():
        return letter
    kind = unicodedata.category(letter)
    if kind == "Nd":
        return str(unicodedata.decimal(letter))
    return "" if kind == "Cf" or letter in ("\u034f", "\u115f", "\u1160", "\u3164", "\uffa0") else letter

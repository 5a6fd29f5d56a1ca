"""The text of a notification: what an institution's template says to one citizen, in her language.

A clerk writes it: `{nom}` stands for a value; `[Rendez-vous le {date}.]` is left out when a value in it is missing;
a brace or bracket that is meant is written twice. How a text is read, and what is wrong with it, is here alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

#: What may stand between braces: letters without accents, digits, `_`; 32 at most, so that a heading of a file fits.
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_BRACKETS = re.compile(r"\{\{|\}\}|\[\[|\]\]|[{}\[\]]")
#: What belongs to the words before it, and stays with them when a part between is left out.
_CLOSING = (".", ",", ";", ")", "\n")


@dataclass(frozen=True, slots=True)
class Body:
    """What a version of a template says. `placeholders`: name -> the greatest size of its values, in septets."""

    texts: Mapping[str, str]  #: by language
    languages: tuple[str, ...]  #: in the order in which one stands in for another
    placeholders: Mapping[str, int]
    examples: Mapping[str, str] = field(default_factory=dict)  #: name -> a value, for whoever looks at the template


@dataclass(frozen=True, slots=True)
class Piece:
    """Words as they are, or the name of a value."""

    text: str
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces that are said together; an optional one only when all its values are there."""

    pieces: tuple[Piece, ...]
    optional: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(piece.text for piece in self.pieces if piece.is_name))


@dataclass(frozen=True, slots=True)
class Slip:
    """Something in a text that is not as it must be written. `place`: its first character, from 1."""

    code: str  #: name, unclosed, stray, nested, without_value
    place: int
    shown: str  #: the characters in question


@dataclass(frozen=True, slots=True)
class Read:
    """A text as it is understood. What is wrong stands in it as it was written."""

    parts: tuple[Part, ...]
    slips: tuple[Slip, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))

    @property
    def needed(self) -> tuple[str, ...]:
        """The names without whose value the text is not said."""
        return tuple(dict.fromkeys(name for part in self.parts if not part.optional for name in part.names))


def render(body: Body, language: str, values: Mapping[str, str]) -> str:
    """The text in `language`, or in the first of the body's that it has. LookupError when a needed value is missing.

    A part that is left out takes one of the spaces around it along.
    """
    said = ""
    gap = False
    for part in read(body.texts[spoken(body, language)]).parts:
        if part.optional and not all(values.get(name, "").strip() for name in part.names):
            gap = True
            continue
        more = "".join(values[piece.text] if piece.is_name else piece.text for piece in part.pieces)
        if gap and more.startswith(_CLOSING):
            said = said.rstrip(" ")
        elif gap and more.startswith(" ") and (not said or said.endswith((" ", "\n"))):
            more = more[1:]
        said, gap = said + more, False
    return said.rstrip(" ") if gap else said


def spoken(body: Body, language: str) -> str:
    """The language in which whoever speaks `language` is written to. LookupError when the body has no text at all."""
    found = next((one for one in (language, *body.languages, *body.texts) if one in body.texts), None)
    if found is None:
        raise LookupError("a template without a text")
    return found


def needed(body: Body) -> tuple[str, ...]:
    """The placeholders without whose value one of the texts is not said, in their order."""
    wanted = {name for text in body.texts.values() for name in read(text).needed}
    return tuple(name for name in body.placeholders if name in wanted)


@lru_cache(maxsize=256)
def read(text: str) -> Read:
    """What a text says. Never fails: what it does not understand is said as written, and told in `slips`."""
    return _Reader(text).read()


def encode(body: Body) -> bytes:
    """The body as it is stored."""
    return msgspec.json.encode(body)


def decode(stored: bytes) -> Body:
    """What `encode` was given. Raises ValueError."""
    return msgspec.json.decode(stored, type=Body)


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._slips: list[Slip] = []
        self._parts: list[Part] = []
        self._pieces: list[Piece] = []
        self._words = ""
        self._opened: int | None = None  # where the optional part begins that is being read

    def read(self) -> Read:
        at = 0
        while (found := _BRACKETS.search(self._text, at)) is not None:
            self._words += self._text[at : found.start()]
            at = self._sign(found.start(), found[0])
        self._words += self._text[at:]
        if self._opened is not None:
            self._slip("unclosed", self._opened, self._text[self._opened : self._opened + 20])
        self._end_part(optional=False)
        return Read(tuple(self._parts), tuple(self._slips))

    def _sign(self, at: int, sign: str) -> int:
        """Takes the sign at `at`; where reading goes on."""
        if len(sign) == 2:
            self._words += sign[0]
        elif sign == "{":
            return self._name(at)
        elif sign == "[" and self._opened is None:
            self._end_part(optional=False)
            self._opened = at
        elif sign == "[":
            self._slip("nested", at, self._text[at : at + 20])
            self._words += sign
        elif sign == "]" and self._opened is not None:
            self._close(at)
        else:
            self._slip("stray", at, sign)
            self._words += sign
        return at + len(sign)

    def _name(self, at: int) -> int:
        end = self._text.find("}", at)
        name = self._text[at + 1 : end] if end > 0 else ""
        if end < 0 or "{" in name or "\n" in name:
            self._slip("unclosed", at, self._text[at : at + 20])
        elif NAME.fullmatch(name):
            self._end_words()
            self._pieces.append(Piece(name, is_name=True))
            return end + 1
        else:
            self._slip("name", at, self._text[at : end + 1])
            self._words += self._text[at : end + 1]
            return end + 1
        self._words += "{"
        return at + 1

    def _close(self, at: int) -> None:
        assert self._opened is not None
        self._end_words()
        if not any(piece.is_name for piece in self._pieces):
            self._slip("without_value", self._opened, self._text[self._opened : at + 1])
        self._end_part(optional=True)
        self._opened = None

    def _end_words(self) -> None:
        if self._words:
            self._pieces.append(Piece(self._words))
            self._words = ""

    def _end_part(self, *, optional: bool) -> None:
        self._end_words()
        if self._pieces:
            self._parts.append(Part(tuple(self._pieces), optional))
            self._pieces = []

    def _slip(self, code: str, at: int, shown: str) -> None:
        self._slips.append(Slip(code, at + 1, shown))

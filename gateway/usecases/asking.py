"""Whether a text asks its reader for a code, a PIN or a payment: what swindlers' SMS do, and the State's never.

Words, not meaning: what is near enough is refused. A warning passes only word for word, from the list; no rule about
"never" and "not" could tell a warning from a trap.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import yaml

from gateway.text.lookalikes import read_as

#: Words between a giver and what is to be given: "répondez à ce message avec votre code" has five.
NEAR, NEAR_BEFORE = 7, 4
_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f\u200b-\u200f\u2060\ufeff]+[^\W_]*)*")
_SENTENCE = re.compile(r"[.!?\n]")
#: "the code *229#" is what one dials.
_DIALLED = re.compile(r"\bcodes?\b(?=[\s:]*[*#]\d)", re.IGNORECASE)
_AMOUNT = re.compile(r"\d+(f|fcfa|cfa)")
_DIGITS_AS_LETTERS = str.maketrans("013457", "oieast")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a text asks for, and the words that do, as they stand in it."""

    what: Literal["code", "payment"]
    shown: str


@dataclass(frozen=True, slots=True)
class _Word:
    said: str  #: small letters without accents
    start: int
    end: int
    sentence: int


@dataclass(frozen=True, slots=True)
class _Lists:
    secrets: frozenset[tuple[str, ...]]
    codes: frozenset[tuple[str, ...]]
    givers: frozenset[tuple[str, ...]]
    payments: frozenset[tuple[str, ...]]
    money: frozenset[tuple[str, ...]]
    payers: frozenset[tuple[str, ...]]
    harmless: frozenset[tuple[str, ...]]
    warnings: frozenset[tuple[str, ...]]


def asks(text: str) -> tuple[Asked, ...]:
    """What a text asks for; nothing for one that an institution may send."""
    if not _suspect(text):
        return ()
    text = _DIALLED.sub(lambda found: " " * len(found[0]), text)
    words = _without(_without_warnings(_words(text)), _lists().harmless)
    found = (*_of_kind(text, words, "code"), *_of_kind(text, words, "payment"))
    return tuple(dict.fromkeys(found))


def _suspect(text: str) -> bool:
    """Whether a thing to give is named at all, or may be: most texts name none, and are looked at no further."""
    lone = 0
    for word in _WORD.findall(text):
        lone = lone + 1 if len(word) == 1 else 0
        if lone == 3 or _begins(word):
            return True
    return False


@lru_cache(maxsize=4096)
def _begins(word: str) -> bool:
    """Whether what may not be asked for begins with this word."""
    lists, said = _lists(), _said(word)
    things = (lists.secrets, lists.codes, lists.payments, lists.money)
    return _AMOUNT.fullmatch(said) is not None or any(said in _by_first(one) for one in things)


def warnings(language: str) -> tuple[str, ...]:
    """The warnings that may be said, word for word; the French ones where there are none."""
    read = _file()
    return tuple(read.get(language, read["fr"])["warnings"])


def _of_kind(text: str, words: Sequence[_Word], what: Literal["code", "payment"]) -> Iterator[Asked]:
    lists = _lists()
    alone, things, verbs = (
        (lists.secrets, lists.codes, lists.givers) if what == "code" else (lists.payments, lists.money, lists.payers)
    )
    for first, last in _spans(words, alone):
        yield Asked(what, text[words[first].start : words[last].end])
    asking = tuple(_spans(words, verbs))
    for first, last in _spans(words, things):
        for verb, verb_end in asking:
            if _near(words, verb, verb_end, first, last):
                start, end = min(verb, first), max(verb_end, last)
                yield Asked(what, text[words[start].start : words[end].end])
                break


def _near(words: Sequence[_Word], verb: int, verb_end: int, first: int, last: int) -> bool:
    """ "Send ... your code" within a sentence, "your code: send it" across sentences too."""
    if verb_end < first:
        far = NEAR if words[verb].sentence == words[first].sentence else NEAR_BEFORE
        return first - verb_end <= far
    return 0 < verb - last <= NEAR_BEFORE


def _words(text: str) -> list[_Word]:
    """The words of a text, letters that stand alone in a row taken as one: P.I.N, c o d e."""
    found: list[_Word] = []
    sentence = at = 0
    row: list[_Word] = []
    for match in _WORD.finditer(text):
        sentence += len(_SENTENCE.findall(text, at, match.start()))
        at = match.end()
        word = _Word(_said(match[0]), match.start(), match.end(), sentence)
        if len(word.said) == 1 and word.said.isalpha():
            row.append(word)
            continue
        found += _joined(row)
        row = []
        found.append(word)
    return found + _joined(row)


def _joined(row: list[_Word]) -> list[_Word]:
    if len(row) < 3:
        return row
    return [_Word("".join(one.said for one in row), row[0].start, row[-1].end, row[0].sentence)]


@lru_cache(maxsize=4096)
def _said(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", read_as(word))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
    plain = plain.replace("œ", "oe").replace("æ", "ae")
    mixed = any(letter.isdigit() for letter in plain) and any(letter.isalpha() for letter in plain)
    if mixed and not _AMOUNT.fullmatch(plain):
        return plain.translate(_DIGITS_AS_LETTERS)
    return plain


def _spans(words: Sequence[_Word], known: frozenset[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """First and last word of each phrase that is said."""
    for at, word in enumerate(words):
        for size in _by_first(known).get(word.said, ()):
            if tuple(one.said for one in words[at : at + size]) in known:
                yield at, at + size - 1
        if ("cfa",) in known and _AMOUNT.fullmatch(word.said):
            yield at, at


@lru_cache(maxsize=16)
def _by_first(known: frozenset[tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for phrase in known:
        found[phrase[0]] = tuple(dict.fromkeys((*found.get(phrase[0], ()), len(phrase))))
    return found


def _without(words: Sequence[_Word], phrases: frozenset[tuple[str, ...]]) -> list[_Word]:
    gone = {at for first, last in _spans(words, phrases) for at in range(first, last + 1)}
    return [word for at, word in enumerate(words) if at not in gone]


def _without_warnings(words: Sequence[_Word]) -> list[_Word]:
    sentences: dict[int, list[_Word]] = {}
    for word in words:
        sentences.setdefault(word.sentence, []).append(word)
    allowed = _lists().warnings
    return [word for said in sentences.values() if tuple(one.said for one in said) not in allowed for word in said]


@cache
def _file() -> dict[str, dict[str, list[str]]]:
    read: dict[str, dict[str, list[str]]] = yaml.safe_load(
        Path(__file__).with_name("asking_words.yaml").read_text(encoding="utf-8")
    )
    return read


@cache
def _lists() -> _Lists:
    def merged(name: str) -> frozenset[tuple[str, ...]]:
        phrases = (phrase for lists in _file().values() for phrase in lists[name])
        return frozenset(tuple(word.said for word in _words(phrase)) for phrase in phrases)

    return _Lists(**{name: merged(name) for name in _Lists.__dataclass_fields__})

"""What a typed answer means: a value to keep, or the citizen's mistake, as the type of the question says."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.engine.outcomes import Raw
from gateway.engine.surface import Rules
from gateway.menu.model import Ask
from gateway.text import msisdn, reference

#: No answer of a keypad is longer; more is never looked at.
MAX_TYPED = 200
#: Characters of a text, digits of a number, digits of a secret when the menu says nothing.
TEXT_LENGTHS = (1, 160)
DIGITS_LENGTHS = (1, 20)
SECRET_LENGTHS = (4, 8)
#: Francs. Nine digits hold any fee of a public procedure, and fit a screen.
LARGEST_AMOUNT = 999_999_999
#: An IFU: kind of taxpayer 1 to 6, year, serial, kind of establishment, check digit (decree 2006-201; the check digit's
#: rule is not published).
IFU_PATTERN = r"[1-6](19|20)\d{10}"
#: Nobody now alive was born before.
FIRST_YEAR = 1900

_SEPARATORS = re.compile(r"[\s.\-/]+")
_AMOUNT = re.compile(r"(\d+|\d{1,3}(?:[ .,]\d{3})+) ?(?:f|fcfa|cfa|xof)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Good:
    """A value to keep; `shown` is what people read instead of it, "" when it is the same."""

    raw: Raw = field(repr=False)
    shown: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Bad:
    """A mistake: the key of its sentence in menus/messages.yaml, and what the sentence says in it."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict)


def parse(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    """The value that `typed` gives to the question. `today` is the citizens' local date."""
    if not typed:
        return Bad("error_empty")
    if len(typed) > MAX_TYPED:
        return Bad("error_too_long", {"maximum": str(ask.maximum or MAX_TYPED)})
    return _PARSERS[ask.type](ask, typed, rules, today)


def could_be(ask: Ask, key: str, rules: Rules) -> bool:
    """Whether a key of the gateway is written like an answer to this question. No date is: no key has four digits."""
    return isinstance(parse(ask, key, rules, date.min), Good)


def clean(typed: str) -> str:
    """The answer without control and invisible characters, its spaces single, its digits of any script 0 to 9."""
    if typed.isascii() and typed.isalnum():
        return typed
    kept = []
    for character in unicodedata.normalize("NFC", typed):
        if character.isdecimal():
            kept.append(str(unicodedata.decimal(character)))
        elif character.isspace():
            kept.append(" ")
        elif not unicodedata.category(character).startswith("C"):
            kept.append(character)
    return " ".join("".join(kept).split())


def _text(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del rules, today
    if not any(character.isalnum() for character in typed) or any(map(_is_pictogram, typed)):
        return Bad("error_text")
    return _fits(ask, typed, TEXT_LENGTHS) or Good(typed)


def _pattern(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del rules, today
    if wrong := _fits(ask, typed, TEXT_LENGTHS):
        return wrong
    return Good(typed) if re.fullmatch(ask.pattern or "", typed) else Bad("error_pattern")


def _digits(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del rules, today
    digits = _SEPARATORS.sub("", typed)
    if not _is_number(digits):
        return Bad("error_digits")
    least, most = _lengths(ask, DIGITS_LENGTHS)
    if not least <= len(digits) <= most:
        return Bad("error_digits_length", {"length": str(most) if least == most else f"{least}-{most}"})
    return Good(digits)


def _secret(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del rules, today
    least, most = _lengths(ask, SECRET_LENGTHS)
    return Good(typed) if _is_number(typed) and least <= len(typed) <= most else Bad("error_secret")


def _amount(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del rules, today
    read = _AMOUNT.fullmatch(typed)
    if not read:
        return Bad("error_amount")
    amount = int(re.sub(r"\D", "", read[1]))
    least = 0 if ask.minimum is None else ask.minimum
    most = LARGEST_AMOUNT if ask.maximum is None else ask.maximum
    if amount < least:
        return Bad("error_amount_low", {"minimum": spaced(least)})
    if amount > most:
        return Bad("error_amount_high", {"maximum": spaced(most)})
    return Good(amount, spaced(amount))


def _date(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    """JJMMAAAA, MMAAAA or AAAA, as the question allows; kept as "1990-05-12", "1990-05" or "1990"."""
    del rules
    digits = _SEPARATORS.sub("", typed)
    precision = {8: "day", 6: "month", 4: "year"}.get(len(digits))
    if precision not in ask.precisions or not _is_number(digits):
        return Bad("error_date")
    year, month, day = int(digits[-4:]), digits[-6:-4], digits[-8:-6]
    if year < FIRST_YEAR or (month and not 1 <= int(month) <= 12):
        return Bad("error_date")
    if day and not 1 <= int(day) <= monthrange(year, int(month))[1]:
        return Bad("error_date")
    parts = [part for part in (day, month, digits[-4:]) if part]
    stored = "-".join(reversed(parts))
    if stored > today.isoformat():  # "2026-11" sorts before "2026-11-23", which it begins
        return Bad("error_date_future")
    return Good(stored, "/".join(parts))


def _msisdn(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del ask, today
    try:
        return Good(msisdn.normalise(typed, rules.region))
    except msisdn.MsisdnError:
        return Bad("error_msisdn")


def _npi(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del today
    digits = _SEPARATORS.sub("", typed)
    return Good(digits) if re.fullmatch(ask.pattern or rules.npi_pattern, digits) else Bad("error_npi")


def _ifu(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del rules, today
    digits = _SEPARATORS.sub("", typed)
    return Good(digits) if re.fullmatch(ask.pattern or IFU_PATTERN, digits) else Bad("error_ifu")


def _reference(ask: Ask, typed: str, rules: Rules, today: date) -> Good | Bad:
    del ask, rules, today
    number = reference.parse(typed)
    return Good(number, reference.show(number)) if number else Bad("error_reference")


def spaced(amount: int) -> str:
    """1900 as "1 900": a plain space, because typographic ones cost a screen its alphabet."""
    return f"{amount:,}".replace(",", " ")


def _fits(ask: Ask, typed: str, usual: tuple[int, int]) -> Bad | None:
    least, most = _lengths(ask, usual)
    if len(typed) > most:
        return Bad("error_too_long", {"maximum": str(most)})
    if len(typed) < least:
        return Bad("error_too_short", {"minimum": str(least)})
    return None


def _lengths(ask: Ask, usual: tuple[int, int]) -> tuple[int, int]:
    least = usual[0] if ask.minimum is None else ask.minimum
    return least, max(usual[1], least) if ask.maximum is None else ask.maximum


def _is_number(typed: str) -> bool:
    return typed.isascii() and typed.isdigit()


def _is_pictogram(character: str) -> bool:
    """Emoji and the like; signs of Latin-1 such as ° are writing."""
    return ord(character) > 0xFF and unicodedata.category(character) in {"So", "Sk"}


_Parser = Callable[[Ask, str, Rules, date], Good | Bad]
_PARSERS: Mapping[str, _Parser] = {
    "text": _text,
    "pattern": _pattern,
    "digits": _digits,
    "secret": _secret,
    "amount": _amount,
    "date": _date,
    "msisdn": _msisdn,
    "npi": _npi,
    "ifu": _ifu,
    "reference": _reference,
}

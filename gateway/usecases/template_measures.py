"""What a text weighs and costs before it is sent: with few words, with the examples, with the longest values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.engine import notification_text
from gateway.engine.notification_text import Body
from gateway.settings import Sender
from gateway.text import fit, gsm7, transliterate
from gateway.text.fit import Policy
from gateway.text.segments import Encoding

#: Septets: of no value more are counted, whatever somebody asks for.
LARGEST = 160
POLICIES: tuple[Policy, ...] = ("exact", "plain", "shortest")
#: A letter of names here that the GSM alphabet lacks: what it costs where it is kept.
_ACCENTED = "ê"


@dataclass(frozen=True, slots=True)
class Sized:
    """A text as it leaves. `units`: septets or UTF-16 units, without what the aggregator appends."""

    text: str
    encoding: Encoding
    units: int
    segments: int
    cost_f: int  #: F CFA


@dataclass(frozen=True, slots=True)
class Choice:
    """What one policy makes of a text. `lost`: it keeps all letters after all, because one has no plain form."""

    policy: Policy
    shortest: Sized  #: optional parts left out, values of one letter
    example: Sized
    longest: Sized  #: every part, every value as long as it may be (letters of the Latin alphabet)
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Costly:
    """A character that GSM-7 lacks: it makes the whole SMS UCS-2. `plain`: what stands for it, None for nothing."""

    character: str
    count: int
    plain: str | None


@dataclass(frozen=True, slots=True)
class LanguageMeasure:
    """The text of one language as the chosen policy lets it leave, with its longest values; and the choices."""

    language: str
    chosen: Choice
    choices: tuple[Choice, ...]
    costly: tuple[Costly, ...]

    @property
    def encoding(self) -> Encoding:
        return self.chosen.longest.encoding

    @property
    def units(self) -> int:
        return self.chosen.longest.units

    @property
    def segments(self) -> int:
        return self.chosen.longest.segments

    @property
    def cost_f(self) -> int:
        return self.chosen.longest.cost_f


def of_body(body: Body, policy: Policy, sender: Sender) -> tuple[LanguageMeasure, ...]:
    """The measures of a body's texts, in the order of its languages."""
    found = []
    for language in body.languages:
        choices = tuple(_choice(body, language, one, sender) for one in POLICIES)
        chosen = next((one for one in choices if one.policy == policy), choices[0])
        found.append(LanguageMeasure(language, chosen, choices, costly(body.texts[language])))
    return tuple(found)


def costly(text: str) -> tuple[Costly, ...]:
    """The characters of a text that GSM-7 lacks, with the accents that stand on them, each once."""
    counts: dict[str, int] = {}
    for character in _characters(text):
        if not gsm7.encodable(character):
            counts[character] = counts.get(character, 0) + 1
    return tuple(Costly(one, count, _plain(one)) for one, count in counts.items())


def longest(body: Body, language: str, policy: Policy, sender: Sender) -> Sized:
    """The largest that a text can become, whatever the values say in letters of the Latin alphabet.

    Of two that cost the same it is the one in UCS-2. Where accents are kept one value with an accent makes everything
    UCS-2: the shortest one costs most, because it is cut to a third.
    """
    full = {name: "x" * max(0, min(size, LARGEST)) for name, size in body.placeholders.items()}
    fillings = [full]
    if full:
        least = min(full, key=lambda name: len(full[name]))
        fillings.append(full | {least: _ACCENTED * (len(full[least]) // 3)})
    sized = [_sized(notification_text.render(body, language, one), policy, sender) for one in fillings]
    return max(sized, key=lambda one: (one.segments, one.encoding, one.units))


def _choice(body: Body, language: str, policy: Policy, sender: Sender) -> Choice:
    wanted = notification_text.needed(body)
    examples = {
        name: fit.shortened(body.examples.get(name) or name, max(0, size), policy)
        for name, size in body.placeholders.items()
    }
    return Choice(
        policy,
        _sized(notification_text.render(body, language, dict.fromkeys(wanted, "x")), policy, sender),
        _sized(notification_text.render(body, language, examples), policy, sender),
        longest(body, language, policy, sender),
        lost=policy != "exact" and bool(transliterate.plain(body.texts[language]).lost),
    )


def _sized(text: str, policy: Policy, sender: Sender) -> Sized:
    fitted = fit.fit(text, policy, sender.appends)
    units = fitted.units - sender.appends
    return Sized(fitted.text, fitted.encoding, units, fitted.segments, fitted.segments * sender.cost_f)


def _characters(text: str) -> Iterator[str]:
    """Each letter with the marks on it."""
    seen = ""
    for character in text:
        if seen and unicodedata.category(character) in ("Mn", "Me"):
            seen += character
            continue
        if seen:
            yield seen
        seen = character
    if seen:
        yield seen


def _plain(character: str) -> str | None:
    made = transliterate.plain(character)
    return None if made.lost else made.text

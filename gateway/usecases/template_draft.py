"""What an author writes, and what is wrong with it: each fault names the field, the place and what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.engine import notification_text
from gateway.engine.notification_text import NAME, Body, Part, Read
from gateway.messages import Category
from gateway.settings import Institution
from gateway.text.fit import Policy
from gateway.usecases import allow_list, asking, template_measures
from gateway.usecases.parts import Parts
from gateway.usecases.template_measures import LARGEST, POLICIES
from gateway.usecases.template_words import say

#: In the order in which they are offered; what answers a citizen at once (`reply`) is written by no institution.
CATEGORIES = (Category.VITAL, Category.PROCEDURE, Category.INFORMATION)
#: Languages of Bénin (ISO 639) in which a template may speak beside those of the menus.
LANGUAGES = ("fon", "yo", "bba", "ddn", "ajg", "gej", "guw", "tbz", "fuv")
#: Septets of a value where the author says nothing else; the least, so that two letters of UCS-2 fit.
SIZE, SMALLEST = 30, 6
#: A text of more segments, with its longest values, is no SMS any more; 1,530 is what ten of them carry.
MAX_SEGMENTS = 6
MAX_TEXT, MAX_NAME, MAX_PLACEHOLDERS, MAX_LANGUAGES = 1530, 64, 10, 6


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author writes. `sender` None: the default one. `sizes`: septets, SIZE where none is said.

    `languages`: in the order in which one stands in for another; those of `texts` that it lacks come after.
    `based_on`: the number of the version that was revised, None for whatever is the latest.
    """

    name: str
    category: Category
    texts: Mapping[str, str]
    languages: tuple[str, ...] = ()
    sender: str | None = None
    policy: Policy = "plain"
    sizes: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    based_on: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to correct. `shown`: the characters in question; `place`: the first of them, from 1; None: all of it.

    `field`: name, category, sender, policy, languages, version, text.fr, size.nom, example.nom.
    """

    field: str
    code: str
    place: int | None = None
    shown: str = ""

    def sentence(self, language: str) -> str:
        """What is wrong, where, and what to do."""
        return say(self.code, self.place, self.shown, language)


class TemplateRefused(Exception):
    """A draft that is not kept, and all that is wrong with it."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(", ".join(f"{fault.field}: {fault.code}" for fault in faults))
        self.faults = faults


def senders_of(parts: Parts, institution: str) -> tuple[str, ...]:
    """The keys of the senders that an institution may use."""
    return parts.settings.institutions[institution].senders or (parts.settings.sms.sender,)


def languages_of(parts: Parts) -> tuple[str, ...]:
    """The languages in which a template may speak, those of the menus first."""
    return tuple(dict.fromkeys((*parts.settings.languages, *LANGUAGES)))


def body_of(draft: Draft) -> Body:
    """The draft as it would be stored: composed letters (NFC), no blanks at the ends, sizes for all placeholders."""
    texts = {language: _tidy(text) for language, text in draft.texts.items() if _tidy(text)}
    names = dict.fromkeys(name for text in texts.values() for name in notification_text.read(text).names)
    order = tuple(dict.fromkeys(one for one in (*draft.languages, *texts) if one in texts))
    examples = {name: _tidy(draft.examples[name]) for name in names if draft.examples.get(name, "").strip()}
    return Body(
        {one: texts[one] for one in order}, order, {name: draft.sizes.get(name, SIZE) for name in names}, examples
    )


def faults_of(parts: Parts, institution: str, draft: Draft) -> tuple[Fault, ...]:
    """All that is wrong with a draft but what only the database knows."""
    return tuple(_faults(parts, institution, draft, body_of(draft)))


def _faults(parts: Parts, institution: str, draft: Draft, body: Body) -> Iterator[Fault]:
    declared = parts.settings.institutions[institution]
    yield from _of_choices(parts, institution, draft)
    known = languages_of(parts)
    for language in dict.fromkeys((*draft.languages, *draft.texts)):
        if language not in known:
            yield Fault("languages", "language", shown=language[:8])
    if len(body.texts) > MAX_LANGUAGES:
        yield Fault("languages", "many_languages", shown=str(MAX_LANGUAGES))
    if not body.texts:
        yield Fault(f"text.{next((one for one in draft.texts if one in known), known[0])}", "text_missing")
    for language, text in body.texts.items():
        yield from _of_text(parts, declared, language, text)
    yield from _of_values(parts, declared, draft, body)
    yield from _of_size(parts, draft, body)


def _of_choices(parts: Parts, institution: str, draft: Draft) -> Iterator[Fault]:
    name = draft.name.strip()
    if not name:
        yield Fault("name", "name_missing")
    elif len(name) > MAX_NAME or not name.isprintable():
        yield Fault("name", "name_long")
    if draft.category not in CATEGORIES:
        yield Fault("category", "category")
    sender = draft.sender or parts.settings.sms.sender
    if sender not in senders_of(parts, institution):
        yield Fault("sender", "sender", shown=sender[:32])
    if draft.policy not in POLICIES:
        yield Fault("policy", "policy")


def _of_text(parts: Parts, institution: Institution, language: str, text: str) -> Iterator[Fault]:
    where = f"text.{language}"
    if len(text) > MAX_TEXT:
        yield Fault(where, "text_long", MAX_TEXT + 1)
        return
    hidden = next((at for at, letter in enumerate(text) if _is_hidden(letter)), None)
    if hidden is not None:
        yield Fault(where, "hidden", hidden + 1, f"U+{ord(text[hidden]):04X}")
    understood = notification_text.read(text)
    for slip in understood.slips:
        yield Fault(where, f"slip_{slip.code}", slip.place, slip.shown)
    if not understood.slips and not any(letter.isalnum() for letter in text):
        yield Fault(where, "text_empty")
    for said in _said(understood):
        for shown in allow_list.refused(said, institution, allow_list.ours(parts.settings)):
            yield Fault(where, "forbidden", _place(text, shown), shown)
        for asked in asking.asks(said):
            yield Fault(where, f"asks_{asked.what}", _place(text, asked.shown), asked.shown)
            return


def _of_size(parts: Parts, draft: Draft, body: Body) -> Iterator[Fault]:
    """Texts that are no SMS any more with their longest values; nothing where the values have no sizes yet."""
    if draft.policy not in POLICIES or not all(SMALLEST <= size <= LARGEST for size in body.placeholders.values()):
        return
    sender = parts.settings.sender_of(draft.sender or parts.settings.sms.sender)
    for language, text in body.texts.items():
        if len(text) <= MAX_TEXT:
            most = template_measures.longest(body, language, draft.policy, sender).segments
            if most > MAX_SEGMENTS:
                yield Fault(f"text.{language}", "segments", shown=str(most))


def _of_values(parts: Parts, institution: Institution, draft: Draft, body: Body) -> Iterator[Fault]:
    if len(body.placeholders) > MAX_PLACEHOLDERS:
        yield Fault("languages", "many_placeholders", shown=str(MAX_PLACEHOLDERS))
    for name, size in body.placeholders.items():
        if not SMALLEST <= size <= LARGEST:
            yield Fault(f"size.{name}", "size")
        example = body.examples.get(name, "")
        if "\n" in example or any(map(_is_hidden, example)) or len(example) > LARGEST:
            yield Fault(f"example.{name}", "example")
        for shown in allow_list.refused(example, institution, allow_list.ours(parts.settings)):
            yield Fault(f"example.{name}", "forbidden", _place(example, shown), shown)
    for name in draft.sizes:
        if not NAME.fullmatch(name):
            yield Fault("languages", "slip_name", shown="{" + name[:32] + "}")


def _said(understood: Read) -> tuple[str, ...]:
    """The text with all that it can say, and without what can be left out: each is looked at."""
    everything = tuple(understood.parts)
    least = tuple(part for part in everything if not part.optional)
    return tuple(dict.fromkeys(_filled(chosen) for chosen in (everything, least)))


def _filled(chosen: tuple[Part, ...]) -> str:
    return "".join("x" if piece.is_name else piece.text for part in chosen for piece in part.pieces)


def _place(text: str, shown: str) -> int | None:
    at = text.find(shown)
    return at + 1 if at >= 0 else None


def _is_hidden(letter: str) -> bool:
    """Whether nobody sees it: it can make two texts look alike, or hide a link."""
    return letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _tidy(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()

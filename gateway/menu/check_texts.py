"""What is written for citizens: no fee and no delay outside the catalogue, only characters that phones show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.menu import templates
from gateway.menu.inspection import Inspection, later_texts, texts
from gateway.menu.message_keys import MESSAGES, SERVICE_SIZE
from gateway.menu.model import Mark, Submit, Text
from gateway.menu.templates import Placeholder
from gateway.text import transliterate
from gateway.text.segments import units

#: "500", "1.500", "2k"; a word that a number may end with, alone or after others ("deux mille", "quarante-huit").
_NUMBER = (
    r"(?:\d[\d .,\u00a0\u202f]*k?"
    r"|\b(?:une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?|trente"
    r"|quarante|cinquante|soixante|cents?|mille|millions?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundred|thousand|million))"
)
_CURRENCY = r"(?:FCFA|F\s?CFA|CFA|XOF|francs?|frs?|F|euros?|EUR|€)"
_FEE = re.compile(
    rf"{_NUMBER}\s?(?:de\s|d['’]|of\s)?{_CURRENCY}(?!\w)|(?:\b(?:FCFA|F\s?CFA|CFA|XOF|EUR)|€)\s?\d[\d .]*",
    re.IGNORECASE,
)
_DELAY = re.compile(
    rf"{_NUMBER}\s?(?:working\s|business\s|calendar\s)?"
    r"(?:h|heures?|hours?|j|jrs?|jours?|days?|semaines?|weeks?|mois|months?|minutes?|mn|min)\b",
    re.IGNORECASE,
)
#: A sentence that lost one of these is a proof that proves nothing.
_NEEDED_IN_SMS = frozenset({"reference", "verification"})


def check_texts(inspection: Inspection) -> None:
    """Every text of screens, catalogue, lists and messages."""
    menus = inspection.menus
    for service in menus.services.values():
        for text in (service.title, service.short_title):
            if text is not None:
                _shown(inspection, text)
        for screen in service.screens.values():
            for text in (*texts(screen), *later_texts(screen)):
                _shown(inspection, text)
                _facts(inspection, text)
        if any(isinstance(screen.verb, Submit) for screen in service.screens.values()):
            _title(inspection, service.short_title or service.title)
    for entry in menus.catalogue.values():
        for text in (entry.title, entry.fee, entry.delay, entry.pieces, entry.where):
            _shown(inspection, text)
            _no_places(inspection, text)
    for items in menus.lists.values():
        for item in items:
            _shown(inspection, item.label)
            _no_places(inspection, item.label)
    for key, text in menus.messages.items():
        _shown(inspection, text)
        _message(inspection, key, text)


def _shown(inspection: Inspection, text: Text) -> None:
    """Each character is in the GSM alphabet or has an equivalent in it."""
    for template, mark in _written(text):
        lost = transliterate.plain("".join(_literals(template))).lost
        if lost:
            inspection.fault("no_equivalent", mark, what=" ".join(lost))


def _facts(inspection: Inspection, text: Text) -> None:
    for template, mark in _written(text):
        for literal in _literals(template):
            if found := _FEE.search(literal):
                inspection.fault("literal_fee", mark, what=found[0].strip())
            if found := _DELAY.search(literal):
                inspection.fault("literal_delay", mark, what=found[0].strip())


def _title(inspection: Inspection, title: Text) -> None:
    """A récépissé is one segment: the title in it has its greatest size."""
    for language, said in title.by_language.items():
        size = units(transliterate.plain(said).text, "gsm7")
        if size > SERVICE_SIZE:
            inspection.fault(
                "title_too_long", title.at(language), language=language, size=str(size), most=str(SERVICE_SIZE)
            )


def _no_places(inspection: Inspection, text: Text) -> None:
    """Catalogue and lists are shown as they are."""
    for template, mark in _written(text):
        for piece in templates.parse(template):
            if not isinstance(piece, str):
                name = piece.name if isinstance(piece, Placeholder) else f"catalogue.{piece.part}"
                inspection.fault("message_placeholder", mark, name=name, known="-")


def _message(inspection: Inspection, key: str, text: Text) -> None:
    sizes = MESSAGES[key].sizes
    for template, mark in _written(text):
        pieces = templates.parse(template)
        names = {piece.name for piece in pieces if isinstance(piece, Placeholder)}
        names |= {f"catalogue.{piece.part}" for piece in pieces if not isinstance(piece, str | Placeholder)}
        for name in sorted(names - sizes.keys()):
            inspection.fault("message_placeholder", mark, name=name, known=", ".join(sorted(sizes)) or "-")
        if MESSAGES[key].kind == "sms":
            for name in sorted(_NEEDED_IN_SMS & sizes.keys() - names):
                inspection.fault("message_without", mark, name=name)


def _literals(template: str) -> Iterator[str]:
    return (piece for piece in templates.parse(template) if isinstance(piece, str))


def _written(text: Text) -> Iterator[tuple[str, Mark]]:
    for language, template in text.by_language.items():
        yield template, text.at(language)
    for template in (text.sms or {}).values():
        yield template, text.mark

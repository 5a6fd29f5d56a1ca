"""The longest that a text can become: each place filled with the greatest value that may stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.menu import templates
from gateway.menu.catalogue import CATALOGUE_LIST
from gateway.menu.message_keys import CODE_SIZE
from gateway.menu.model import CatalogueEntry, Menus, Pick, Screen, Service, Text
from gateway.menu.sizes import kept, shown
from gateway.menu.templates import CataloguePlaceholder, Part, Piece, Placeholder
from gateway.text import transliterate
from gateway.text.segments import Alphabet, units

#: Stands for any character of one unit.
_ANY = "W"
#: Greatest size of a value that nothing declares.
_UNDECLARED = 40


class Longest:
    """Texts of one service in one language, as long as they can be, in one alphabet; by SMS where written apart."""

    def __init__(self, menus: Menus, service: Service, language: str, alphabet: Alphabet, *, sms: bool = False) -> None:
        self.menus = menus
        self.service = service
        self.language = language
        self.alphabet = alphabet
        self.sms = sms
        self.sizes: Mapping[str, int] = {"code": CODE_SIZE, **kept(service)}
        self.picked = {
            screen.verb.save
            for screen in service.screens.values()
            if isinstance(screen.verb, Pick) and screen.verb.source == CATALOGUE_LIST
        }

    def text(self, text: Text | None) -> str:
        """The longest form of a text, as the handset gets it."""
        if text is None:
            return ""
        written = text.sms if self.sms and text.sms is not None else text.by_language
        return self.form(written.get(self.language, ""))

    def form(self, template: str) -> str:
        """The longest form of a template."""
        pieces = templates.parse(template)
        entries: Iterator[CatalogueEntry | None] = iter([None])
        if any(isinstance(piece, CataloguePlaceholder) and piece.entry in self.picked for piece in pieces):
            entries = iter(self.menus.catalogue.values())
        forms = ["".join(self._piece(piece, entry) for piece in pieces) for entry in entries]
        folded = [transliterate.plain(form).text if self.alphabet == "gsm7" else form for form in forms]
        return max(folded, key=lambda form: units(form, self.alphabet), default="")

    def labels(self, screen: Screen) -> list[str]:
        """The lines under a question: those of its list, then its choices, as if `when` let each through."""
        lines: list[str] = []
        if isinstance(screen.verb, Pick):
            items = self.menus.lists.get(screen.verb.source, ())
            lines = [self.text(item.label)[: screen.verb.maximum] for item in items]
            if screen.verb.moving:
                lines = [_ANY * screen.verb.maximum]
        return lines + [self.text(choice.label) for choice in screen.choices]

    def _piece(self, piece: Piece, picked: CatalogueEntry | None) -> str:
        if isinstance(piece, str):
            return piece
        if isinstance(piece, Placeholder):
            return _ANY * shown(self.sizes.get(piece.name, _UNDECLARED), piece.filter)
        if piece.entry in self.picked:
            return self._part(picked, piece.part)
        return self._part(self.menus.catalogue.get(piece.entry or self.service.id), piece.part)

    def _part(self, entry: CatalogueEntry | None, part: Part) -> str:
        if entry is None:
            return ""
        text: Text = getattr(entry, part)
        return text.by_language.get(self.language, "")


def filled(template: str, sizes: Mapping[str, int]) -> str:
    """A sentence of messages.yaml with the greatest values, in the GSM alphabet."""
    return transliterate.plain(as_written(template, sizes)).text


def as_written(template: str, sizes: Mapping[str, int]) -> str:
    """A sentence of messages.yaml with the greatest values, in its author's alphabet."""
    pieces = (
        piece if isinstance(piece, str) else _ANY * (sizes.get(piece.name, 0) if isinstance(piece, Placeholder) else 0)
        for piece in templates.parse(template)
    )
    return "".join(pieces)

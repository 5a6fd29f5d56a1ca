"""What stands in the places of a text: kept answers, catalogue values, the service code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.engine.declared import UNDECLARED_SIZE, declared
from gateway.engine.outcomes import Raw
from gateway.engine.session import State
from gateway.engine.surface import Alphabet, Surface
from gateway.menu import templates
from gateway.menu.model import Menus, Service, Text
from gateway.menu.templates import CataloguePlaceholder, Placeholder
from gateway.text import msisdn, pages, transliterate


@dataclass(frozen=True, slots=True)
class Wording:
    """Puts into words the texts of one service, for one dialogue on one surface."""

    menus: Menus
    surface: Surface
    state: State
    service: Service

    def text(self, text: Text) -> str:
        """What an author wrote, in the dialogue's language, filled, in the surface's alphabet."""
        written = text.sms if self.surface.kind == "sms" and text.sms is not None else text.by_language
        source = in_language(written, self.state.language, self.menus.languages[0])
        return folded(filled(source, self.value, self.catalogue), self.surface.alphabet)

    def value(self, place: Placeholder) -> str:
        """A kept answer as people read it; nothing when there is none, which `check` has excluded."""
        kept = self.state.values.get(place.name)
        if kept is None:
            return self.surface.rules.service_code if place.name == "code" else ""
        known = declared(self.menus, self.service)
        size = known.sizes.get(place.name, UNDECLARED_SIZE)
        # Who takes a dialogue up again may be another person than who began it.
        hidden = self.state.resumed and place.name in known.personal and self._typed_before(place.name)
        filter_name = "mask" if hidden and place.filter is None else place.filter
        return fitted(filtered(filter_name, str(kept[-1])), size, self.surface.alphabet)

    def _typed_before(self, name: str) -> bool:
        return name in list(self.state.values)[: self.state.resumed]

    def catalogue(self, place: CataloguePlaceholder) -> str:
        """What the State says that this procedure, another one, or the one picked costs, takes or needs."""
        name = self.service.id if place.entry is None else place.entry
        entry = self.menus.catalogue.get(name)
        if entry is None and name in self.state.values:
            entry = self.menus.catalogue.get(str(self.state.values[name][0]))
        if entry is None:
            return ""
        text: Text = getattr(entry, place.part)
        return in_language(text.by_language, self.state.language, self.menus.languages[0])


def filtered(filter_name: str | None, value: str) -> str:
    """`last4`: the last four characters. `mask`: only what lets its owner recognise the value."""
    if filter_name is None:
        return value
    if filter_name == "mask" and value.startswith("+"):
        return msisdn.mask(value)
    kept = min(4, len(value) // 2)  # never the whole of a short one
    return ("" if filter_name == "last4" else "*" * (len(value) - kept)) + value[len(value) - kept :]


def filled(source: str, value: Callable[[Placeholder], str], catalogue: Callable[[CataloguePlaceholder], str]) -> str:
    """A text as an author wrote it, with what stands in its places."""
    return "".join(
        [
            piece if isinstance(piece, str) else value(piece) if isinstance(piece, Placeholder) else catalogue(piece)
            for piece in templates.parse(source)
        ]
    )


def argument(source: str, values: Mapping[str, Raw]) -> Raw:
    """An argument of a source: one place alone gives the value itself, so that an amount stays a number."""
    pieces = templates.parse(source)
    if len(pieces) == 1 and isinstance(pieces[0], Placeholder) and pieces[0].filter is None:
        return values.get(pieces[0].name, "")
    return filled(source, lambda place: filtered(place.filter, str(values.get(place.name, ""))), lambda _: "")


def in_language(written: Mapping[str, str], language: str, default: str) -> str:
    """What an author wrote for this language, else for the default one, else any."""
    found = written.get(language) or written.get(default)
    return next(iter(written.values()), "") if found is None else found


def folded(text: str, alphabet: Alphabet) -> str:
    """`text` as this alphabet can show it."""
    return transliterate.plain(text).text if alphabet == "gsm7" else text


def fitted(value: str, size: int, alphabet: Alphabet) -> str:
    """A value on one line, in this alphabet, visibly cut to `size` units."""
    shown = folded(" ".join(value.split()), alphabet)
    return shown if len(shown) * 2 <= size else pages.cut(shown, size, alphabet)

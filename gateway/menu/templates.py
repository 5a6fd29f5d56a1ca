"""Texts with placeholders: what may stand between braces, read strictly here, filled by the engine.

`{name}`, `{name|mask}`, `{name|last4}` show a kept value; `{code}` the service code; `{catalogue.fee}` what the
catalogue says of the current service, `{catalogue.ID.fee}` of another procedure, where ID is a catalogue id or the
name of a value picked from the list `catalogue`. French names of the parts are read too (`{catalogue.tarif}`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

#: French aliases of the parts of a catalogue entry.
PARTS = {
    "fee": "fee", "tarif": "fee",
    "delay": "delay", "delai": "delay",
    "title": "title", "titre": "title",
    "pieces": "pieces",
    "where": "where", "lieu": "where",
}  # fmt: skip

Part = Literal["fee", "delay", "title", "pieces", "where"]
Filter = Literal["mask", "last4"]

_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_CATALOGUE = re.compile(r"^catalogue\.(?:([a-z][a-z0-9_-]*)\.)?([a-z]+)$")


class TemplateError(ValueError):
    """`what` is the placeholder, with its braces, that cannot be read."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A kept value to show, or the service code (`code`)."""

    name: str
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class CataloguePlaceholder:
    """A part of a catalogue entry. `entry` None: the current service's; else a catalogue id, or a kept value's name."""

    entry: str | None
    part: Part


Piece = str | Placeholder | CataloguePlaceholder


@lru_cache(maxsize=4096)
def parse(template: str) -> tuple[Piece, ...]:
    """The pieces of a template, in order. Raises TemplateError for what cannot be read between braces."""
    pieces: list[Piece] = []
    position = 0
    for found in _BRACES.finditer(template):
        if found.start() > position:
            pieces.append(template[position : found.start()])
        pieces.append(_placeholder(found[0], found[1]))
        position = found.end()
    if position < len(template):
        pieces.append(template[position:])
    return tuple(pieces)


def names(template: str) -> tuple[str, ...]:
    """The kept values that a template shows (entries of the catalogue apart)."""
    return tuple(piece.name for piece in parse(template) if isinstance(piece, Placeholder))


def _placeholder(whole: str, inside: str | None) -> Placeholder | CataloguePlaceholder:
    inside = (inside or "").strip()
    catalogue = _CATALOGUE.match(inside)
    if catalogue:
        if catalogue[2] not in PARTS:
            raise TemplateError(whole)
        return CataloguePlaceholder(catalogue[1], PARTS[catalogue[2]])  # type: ignore[arg-type]  # PARTS holds only Part
    name, _, filter_ = (part.strip() for part in inside.partition("|"))
    if not _NAME.match(name) or ("|" in inside and filter_ not in ("mask", "last4")):
        raise TemplateError(whole)
    return Placeholder(name, filter_ or None)  # type: ignore[arg-type]  # checked just above

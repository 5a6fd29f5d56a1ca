"""What the screens of a service declare together: greatest sizes, personal values, screens fed by a lookup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.menu import sizes, templates
from gateway.menu.model import Ask, Lookup, Menus, Pick, Screen, Service
from gateway.menu.world import GATEWAY_SOURCES

#: Greatest size of a value that no screen declares: an action's.
UNDECLARED_SIZE = 40
_SERVICES_KEPT = 512
#: Questions whose answer names a person or a firm in a register.
_IDENTIFIERS = ("npi", "ifu")


@dataclass(frozen=True, slots=True)
class Declared:
    service: Service
    sizes: dict[str, int]  #: value name -> greatest size as shown, in characters
    personal: frozenset[str]
    identifiers: frozenset[str]  #: names of values that were typed as an NPI or IFU
    fed: frozenset[str]  #: screens that show, or choose by, what a lookup gave


def declared(menus: Menus, service: Service) -> Declared:
    """What `service` declares; kept by version of the menus, because each turn asks."""
    key = (menus.version, service.id)
    known = _known.get(key)
    if known is None or known.service is not service:
        if len(_known) >= _SERVICES_KEPT:
            _known.clear()
        known = _known[key] = _read(service)
    return known


def sources(screen: Screen) -> Iterator[str]:
    """Every text of the screen as its author wrote it: all languages and channels."""
    for text in (screen.say, *(choice.label for choice in screen.choices)):
        if text is not None:
            yield from text.by_language.values()
            yield from (text.sms or {}).values()


def _read(service: Service) -> Declared:
    personal: set[str] = set()
    looked_up: set[str] = set()
    identifiers: set[str] = set()
    for screen in service.screens.values():
        verb = screen.verb
        if isinstance(verb, Ask | Pick) and verb.personal != "none":
            personal.add(verb.save)
        if isinstance(verb, Ask) and verb.type in _IDENTIFIERS:
            identifiers.add(verb.save)
        elif isinstance(verb, Lookup):
            looked_up.update(verb.saves)
            known = GATEWAY_SOURCES.get(verb.source)
            personal.update(known.personal if known is not None else ())
    fed = {screen.id for screen in service.screens.values() if not looked_up.isdisjoint(_names(screen))}
    return Declared(service, sizes.kept(service), frozenset(personal), frozenset(identifiers), frozenset(fed))


def _names(screen: Screen) -> Iterator[str]:
    """Every value that the screen shows or chooses by."""
    for source in sources(screen):
        for piece in templates.parse(source):
            if isinstance(piece, templates.Placeholder):
                yield piece.name
            elif not isinstance(piece, str) and piece.entry is not None:
                yield piece.entry
    for choice in screen.choices:
        if choice.when is not None:
            yield from choice.when.names


_known: dict[tuple[str, str], Declared] = {}

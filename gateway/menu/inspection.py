"""What all checks share: the menus, the world around them, and the faults found so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.menu.faults import Fault
from gateway.menu.model import Ask, Lookup, Mark, Menus, Screen, Service, Text
from gateway.menu.typed import near
from gateway.menu.world import World


@dataclass(slots=True)
class Inspection:
    """One check under way.

    What only follows from a file that could not be read (`unread`), or not wholly (`broken`), is not said.
    """

    menus: Menus
    world: World
    broken: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    shared: Mapping[str, Screen] = field(default_factory=dict)
    shortcut_marks: Mapping[str, Mark] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, code: str, mark: Mark, **params: str) -> None:
        self.faults.append(Fault(code, mark, params))

    def unknown(
        self, code: str, mark: Mark, name: str, known: Mapping[str, object] | frozenset[str], **params: str
    ) -> None:
        """A name that is none of the known ones, with the nearest of them."""
        names = sorted(known)
        self.fault(code, mark, name=name, known=", ".join(names) or "-", near=near(name, names), **params)

    def sound(self) -> Iterator[Service]:
        """The services that were wholly read, with every screen they reach."""
        for service in self.menus.services.values():
            files = {service.mark.file, *(screen.mark.file for screen in service.screens.values())}
            if files.isdisjoint(self.broken):
                yield service


def texts(screen: Screen) -> Iterator[Text]:
    """Every text that a screen shows: its own, its choices', its error sentence."""
    if screen.say is not None:
        yield screen.say
    for choice in screen.choices:
        yield choice.label
    if isinstance(screen.verb, Ask) and screen.verb.error is not None:
        yield screen.verb.error


def later_texts(screen: Screen) -> Iterator[Text]:
    """The SMS that bring the answers of a lookup when they are late."""
    if isinstance(screen.verb, Lookup):
        yield from screen.verb.later.values()

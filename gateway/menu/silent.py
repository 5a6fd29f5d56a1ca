"""Runs of screens that show nothing, through every service: where they go round, and what the longest costs a turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from gateway.menu.assurance import needs_code
from gateway.menu.graph import needs, shows
from gateway.menu.model import HOME, ROOT, SERVICE_PREFIX, Lookup, Pick, Screen, Service
from gateway.menu.services import targets

Place = tuple[str, str]  #: service id, screen id
Ways = Mapping[Place, frozenset[Place]]


@dataclass(frozen=True, slots=True)
class Run:
    """The most that one turn may go through from `first` on: `steps` screens without a word, `needs` of them needs."""

    first: Place
    steps: int
    needs: int


def ways(services: Mapping[str, Service]) -> Ways:
    """From each screen that a dialogue may pass without a word, those of the same kind that may follow it."""
    silent = {
        (service.id, screen.id): screen
        for service in services.values()
        for screen in service.screens.values()
        if not shows(screen) or needs(screen)
    }
    return {
        place: frozenset(
            following
            for target in _passed_to(screen)
            if (following := _place(target, place[0], services)) is not None and following in silent
        )
        for place, screen in silent.items()
    }


def loops(silent: Ways) -> Iterator[tuple[Place, ...]]:
    """Screens that follow each other for ever without a word; those that hang together are one loop."""
    before: dict[Place, set[Place]] = {place: set() for place in silent}
    for place, following in silent.items():
        for each in following:
            before[each].add(place)
    # What comes after every loop falls away from the end, what comes before from the start.
    left = silent.keys() - _sorted(silent)
    left -= set(_sorted({place: before[place] & left for place in left}))
    while left:
        waiting, together = [min(left)], set()
        while waiting:
            place = waiting.pop()
            if place in left:
                left.discard(place)
                together.add(place)
                waiting.extend(silent[place] | before[place])
        yield tuple(sorted(together))


def runs(silent: Ways, services: Mapping[str, Service]) -> Iterator[Run]:
    """The longest run from each screen where one begins; what leads to a loop is left out."""
    costs: dict[Place, tuple[int, int]] = {}
    for place in _sorted(silent):
        following = [costs[each] for each in silent[place]]
        screen = services[place[0]].screens[place[1]]
        costs[place] = (
            1 + max((steps for steps, _ in following), default=0),
            _needs(services[place[0]], screen) + max((count for _, count in following), default=0),
        )
    later = {each for following in silent.values() for each in following}
    for place, (steps, count) in costs.items():
        if place not in later:
            yield Run(place, steps, count)


def _needs(service: Service, screen: Screen) -> int:
    """How many needs the screen has.

    An act that a code opens is two, in the turn that typed the code; so is a lookup whose answer may be promised.
    """
    promises = isinstance(screen.verb, Lookup) and bool(screen.verb.later)
    return needs(screen) + needs_code(service, screen.verb) + promises


def _sorted(following: Mapping[Place, Iterable[Place]]) -> tuple[Place, ...]:
    """The places, those that follow before those that lead there; what leads to a loop is left out."""
    sorter = TopologicalSorter(following)
    with suppress(CycleError):
        sorter.prepare()  # after which what no loop holds back still comes
    order: list[Place] = []
    while ready := sorter.get_ready():
        order.extend(ready)
        sorter.done(*ready)
    return tuple(order)


def _passed_to(screen: Screen) -> Iterator[str]:
    """Where the screen leads without having been shown."""
    if isinstance(screen.verb, Pick):
        yield from (target for target in (screen.verb.empty, screen.verb.unavailable) if target is not None)
    else:
        yield from targets(screen)


def _place(target: str, service: str, services: Mapping[str, Service]) -> Place | None:
    """The screen that a target means; None for one that does not exist."""
    if target == HOME:
        service, target = ROOT, services[ROOT].start if ROOT in services else ""
    elif target.startswith(SERVICE_PREFIX):
        service = target.removeprefix(SERVICE_PREFIX)
        target = services[service].start if service in services else ""
    return (service, target) if service in services and target in services[service].screens else None

"""How long a citizen takes: each screen against the network's patience, the longest path against its whole dialogue.

Networks in Bénin publish neither time: both come from the configuration (`idle_s`, `session_s`, `pace`).
"""

from __future__ import annotations

from math import ceil

from gateway.menu import graph
from gateway.menu.budgets import screen_pages
from gateway.menu.inspection import Inspection
from gateway.menu.longest import Longest
from gateway.menu.model import ROOT, Ask, End, Pick, Screen, Service
from gateway.menu.sizes import ASK_SIZES
from gateway.menu.world import max_units
from gateway.settings import Network, Pace
from gateway.text import pages

#: What is typed to narrow a long list.
_SEARCH_LETTERS = 4


def check_times(inspection: Inspection) -> None:
    """Every screen and the longest path of every service, on every network, in every language."""
    menus, pace = inspection.menus, inspection.world.pace
    for service in inspection.sound():
        for name, network in inspection.world.networks.items():
            for language in menus.languages:
                clock = _Clock(Longest(menus, service, language, network.alphabet), network, pace)
                _screens(inspection, service, clock, name)
                _path(inspection, service, clock, name)


class _Clock:
    """Seconds for the screens of one service, in one language on one network."""

    def __init__(self, longest: Longest, network: Network, pace: Pace) -> None:
        self.longest = longest
        self.network = network
        self.pace = pace

    def one_answer(self, screen: Screen) -> float:
        """The slowest page: reading it and answering, while the network waits."""
        if not graph.shows(screen):
            return 0
        return max(self._reading(page) for page in self._pages(screen)) + self._typing(screen)

    def whole(self, screen: Screen) -> float:
        """From the screen's arrival to the answer's, with all the pages it may take."""
        if not graph.shows(screen):
            return self.pace.network_s if graph.needs(screen) else 0
        shown = self._pages(screen)
        if isinstance(screen.verb, End):
            return self.pace.network_s  # nothing is waited for after the last screen
        seconds = self.pace.network_s + self._typing(screen)
        if isinstance(screen.verb, Pick) and screen.verb.search and len(shown) > 1:
            # The first page, a few letters, and the page that they leave.
            search_s = _SEARCH_LETTERS / self.pace.type_chars_per_s
            return seconds + self._reading(shown[0]) + search_s + self.pace.network_s + self._reading(shown[-1])
        turning_s = (len(shown) - 1) * (self.pace.choice_s + self.pace.network_s)
        return seconds + turning_s + sum(self._reading(page) for page in shown)

    def _pages(self, screen: Screen) -> tuple[pages.Page, ...]:
        return screen_pages(self.longest, screen, max_units(self.network))

    def _reading(self, page: pages.Page) -> float:
        return len(page.text) / self.pace.read_chars_per_s

    def _typing(self, screen: Screen) -> float:
        ask = screen.verb
        if not isinstance(ask, Ask):
            return 0 if isinstance(ask, End) else self.pace.choice_s
        return typed_size(ask) / self.pace.type_chars_per_s


def typed_size(ask: Ask) -> int:
    """How many keys the longest answer takes."""
    if ask.type in ("text", "digits", "pattern", "secret"):
        return ask.maximum or 40
    if ask.type == "amount":
        return len(str(ask.maximum)) if ask.maximum is not None else 9
    # As typed: no space in a reference, no stroke in a date, ten digits of a number or a NPI.
    return {"reference": 12, "date": 8, "msisdn": 10, "npi": 10}.get(ask.type, ASK_SIZES[ask.type])


def _screens(inspection: Inspection, service: Service, clock: _Clock, name: str) -> None:
    for screen in service.screens.values():
        if isinstance(screen.verb, End):
            continue
        seconds = clock.one_answer(screen)
        if seconds > clock.network.idle_s:
            inspection.fault(
                "screen_too_slow",
                screen.mark,
                seconds=str(ceil(seconds)),
                most=str(clock.network.idle_s),
                network=name,
            )


def _path(inspection: Inspection, service: Service, clock: _Clock, name: str) -> None:
    """The longest way to an end, with the root menu before it; a service that can be resumed may take longer."""
    if service.resume_s is not None or service.start not in service.screens:
        return
    seconds, path = longest_path(service, {screen.id: clock.whole(screen) for screen in service.screens.values()})
    root = inspection.menus.services.get(ROOT)
    if root is not None and root is not service and root.start in root.screens:
        before = _Clock(
            Longest(inspection.menus, root, clock.longest.language, clock.longest.alphabet), clock.network, clock.pace
        )
        seconds += before.whole(root.screens[root.start])
    if seconds > clock.network.session_s:
        inspection.fault(
            "path_too_slow",
            service.mark,
            seconds=str(ceil(seconds)),
            most=str(clock.network.session_s),
            network=name,
            path=", ".join(path),
        )


def longest_path(service: Service, seconds: dict[str, float]) -> tuple[float, tuple[str, ...]]:
    """The slowest way from the first screen; a screen that leads back to one under way counts no further."""
    following: dict[str, list[str]] = {}
    for edge in graph.edges(service):
        following.setdefault(edge.origin, []).append(edge.target)
    known: dict[str, tuple[float, tuple[str, ...]]] = {}
    under_way: set[str] = set()

    def slowest(screen: str) -> tuple[float, tuple[str, ...]]:
        if screen in known:
            return known[screen]
        under_way.add(screen)
        ways = [slowest(target) for target in following.get(screen, ()) if target not in under_way]
        under_way.remove(screen)
        after, path = max(ways, default=(0.0, ()))
        known[screen] = (seconds[screen] + after, (screen, *path))
        return known[screen]

    return slowest(service.start)

"""How long a citizen takes: each screen against the network's patience, the longest path against its whole dialogue.

Networks in Bénin publish neither time: both come from the configuration (`idle_s`, `session_s`, `pace`). A service
that can be resumed may take longer than one dialogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from gateway.menu import graph
from gateway.menu.budgets import screen_pages
from gateway.menu.inspection import Inspection
from gateway.menu.longest import Longest
from gateway.menu.model import ROOT, Ask, End, Mark, Pick, Screen, Service
from gateway.menu.sizes import ASK_SIZES
from gateway.menu.world import max_units
from gateway.settings import Network, Pace
from gateway.text import pages

#: What is typed to narrow a long list.
_SEARCH_LETTERS = 4


def check_times(inspection: Inspection) -> None:
    """Every screen and the longest path of every service, on every network, in every language."""
    for service in inspection.sound():
        screens: dict[str, _Late] = {}
        paths: dict[str, _Late] = {}
        for name, network in inspection.world.networks.items():
            for language in inspection.menus.languages:
                longest = Longest(inspection.menus, service, language, network.alphabet)
                clock = _Clock(longest, network, inspection.world.pace)
                for screen in service.screens.values():
                    seconds = 0 if isinstance(screen.verb, End) else clock.one_answer(screen)
                    _note(screens, screen.id, _Late(seconds, network.idle_s, name))
                if service.resume_s is None and service.start in service.screens:
                    seconds, path = _path(inspection, service, clock)
                    _note(paths, service.id, _Late(seconds, network.session_s, name, path))
        for screen_id, late in screens.items():
            _fault("screen_too_slow", inspection, service.screens[screen_id].mark, late)
        for late in paths.values():
            _fault("path_too_slow", inspection, service.mark, late, path=", ".join(late.path))


@dataclass(frozen=True, slots=True)
class _Late:
    """What takes `seconds` where a network waits `most`."""

    seconds: float
    most: int
    network: str
    path: tuple[str, ...] = ()


def _note(worst: dict[str, _Late], key: str, late: _Late) -> None:
    """Keeps what is late where it is worst: on the other networks it is the same fault."""
    known = worst.get(key)
    if late.seconds > late.most and (known is None or late.seconds - late.most > known.seconds - known.most):
        worst[key] = late


def _fault(code: str, inspection: Inspection, mark: Mark, late: _Late, **params: str) -> None:
    inspection.fault(code, mark, seconds=str(ceil(late.seconds)), most=str(late.most), network=late.network, **params)


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


def _path(inspection: Inspection, service: Service, clock: _Clock) -> tuple[float, tuple[str, ...]]:
    """The longest way to an end, with the root menu before it."""
    seconds, path = longest_path(service, {screen.id: clock.whole(screen) for screen in service.screens.values()})
    root = inspection.menus.services.get(ROOT)
    if root is not None and root is not service and root.start in root.screens:
        longest = Longest(inspection.menus, root, clock.longest.language, clock.longest.alphabet)
        seconds += _Clock(longest, clock.network, clock.pace).whole(root.screens[root.start])
    return seconds, path


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

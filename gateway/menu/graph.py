"""The screens of a service as a graph: what can be reached, what can end, what is kept on every path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.menu.model import (
    HOME,
    ROOT,
    Ask,
    Branch,
    CallHandler,
    Do,
    End,
    Lookup,
    Pick,
    Screen,
    Service,
    Submit,
)
from gateway.menu.services import leaves, targets
from gateway.menu.world import PROMISED_LATER, PROPOSED, UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one screen to another of the same service, and the names of what is kept on it."""

    origin: str
    target: str
    keeps: frozenset[str] = frozenset()


def edges(service: Service) -> tuple[Edge, ...]:
    """Every way between two screens of the service."""
    return tuple(
        edge
        for screen in service.screens.values()
        for edge in (*_chosen(screen, service), *_edges(screen, service))
        if edge.target in service.screens
    )


def reachable(service: Service) -> frozenset[str]:
    """The screens that some path reaches from the first one, or from one at which a command enters."""
    following = _following(edges(service))
    found: set[str] = set()
    waiting = [entry for entry in (service.start, *service.entries) if entry in service.screens]
    while waiting:
        screen = waiting.pop()
        if screen not in found:
            found.add(screen)
            waiting.extend(following.get(screen, ()))
    return frozenset(found)


def ending(service: Service) -> frozenset[str]:
    """The screens from which an end, another service or (from a service) home can be reached."""
    before: dict[str, set[str]] = {}
    for edge in edges(service):
        before.setdefault(edge.target, set()).add(edge.origin)
    found: set[str] = set()
    waiting = [
        screen.id
        for screen in service.screens.values()
        if isinstance(screen.verb, End) or any(_goes_out(target, service) for target in targets(screen))
    ]
    while waiting:
        screen_id = waiting.pop()
        if screen_id not in found:
            found.add(screen_id)
            waiting.extend(before.get(screen_id, ()))
    return frozenset(found)


def kept_before(service: Service) -> Mapping[str, frozenset[str]]:
    """For each screen, the names that are kept on every path to it; a screen that is never reached is left out."""
    known: dict[str, frozenset[str]] = {**service.entries, service.start: frozenset()}
    ways = edges(service)
    changed = True
    while changed:
        changed = False
        for edge in ways:
            if edge.origin not in known:
                continue
            here = known[edge.origin] | edge.keeps
            narrowed = here & known[edge.target] if edge.target in known else here
            if known.get(edge.target) != narrowed:
                known[edge.target] = narrowed
                changed = True
    return known


def shows(screen: Screen) -> bool:
    """Whether a citizen sees the screen."""
    return not isinstance(screen.verb, Submit | Do | Lookup | CallHandler | Branch)


def needs(screen: Screen) -> bool:
    """Whether the screen asks the gateway to do something before the dialogue can go on."""
    return isinstance(screen.verb, Submit | Do | Lookup | CallHandler) or (
        isinstance(screen.verb, Pick) and screen.verb.moving
    )


def _goes_out(target: str, service: Service) -> bool:
    # The root's own first screen is no way out of the root.
    return leaves(target, service) and not (service.id == ROOT and target == HOME)


def _following(ways: tuple[Edge, ...]) -> dict[str, tuple[str, ...]]:
    following: dict[str, dict[str, None]] = {}
    for edge in ways:
        following.setdefault(edge.origin, {})[edge.target] = None
    return {origin: tuple(found) for origin, found in following.items()}


def _chosen(screen: Screen, service: Service) -> Iterator[Edge]:
    for choice in screen.choices:
        yield Edge(screen.id, _own(choice.go, service))


def _edges(screen: Screen, service: Service) -> Iterator[Edge]:
    match screen.verb:
        case Ask(go=go, save=save, type=type_):
            yield Edge(screen.id, go, frozenset() if type_ == "secret" else frozenset({save}))
        case Pick(go=go, save=save, empty=empty, unavailable=unavailable):
            yield Edge(screen.id, go, frozenset({save}))
            for target in (empty, unavailable):
                if target is not None:
                    yield Edge(screen.id, target)
        case Lookup(outcomes=outcomes, saves=saves) | CallHandler(outcomes=outcomes, saves=saves):
            for outcome, target in outcomes.items():
                nothing = outcome in (UNAVAILABLE, PROMISED_LATER)
                yield Edge(screen.id, target, frozenset() if nothing else frozenset(saves))
        case Submit(outcomes=outcomes):
            given = {"reference"} if service.promise_days is None else {"reference", "promised_date"}
            for outcome, target in outcomes.items():
                stored = given if outcome == "submitted" else {"reference"} if outcome == PROPOSED else ()
                yield Edge(screen.id, target, frozenset(stored))
        case Do(outcomes=outcomes):
            for target in outcomes.values():
                yield Edge(screen.id, target)
        case Branch(cases=cases):
            for case in cases:
                yield Edge(screen.id, case.go)


def _own(target: str, service: Service) -> str:
    """The root calls its first screen by its name or by `accueil`."""
    return service.start if service.id == ROOT and target == HOME else target

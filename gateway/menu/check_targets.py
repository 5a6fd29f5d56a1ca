"""Where screens lead: unknown targets, screens never reached, paths that never end, loops that ask nothing."""

from __future__ import annotations

from gateway.menu import expressions, graph
from gateway.menu.inspection import Inspection
from gateway.menu.load import SHARED
from gateway.menu.model import HOME, ROOT, SERVICE_PREFIX, Choice, Mark, Screen, Service
from gateway.menu.services import targets_with_marks
from gateway.menu.silent import Place, loops, runs, ways
from gateway.menu.typed import near

#: The use case answers at most so many needs in a turn (guarantee: a turn has a deadline).
MAX_NEEDS = 4
#: The engine gives up after so many screens without a word (engine/walk.py; a test compares the two).
MAX_STEPS = 16
#: More are a list, with `pick`; and no number may be a key of the gateway ("98").
MAX_CHOICES = 30


def check_targets(inspection: Inspection) -> None:
    """Targets of every service, and how they hang together."""
    lost: set[str] = set()
    for service in inspection.menus.services.values():
        before = len(inspection.faults)
        _names(inspection, service)
        if service.start and service.start not in service.screens:
            _unknown_screen(inspection, service, service.start, service.mark)
        for screen in service.screens.values():
            for target, mark in targets_with_marks(screen):
                _target(inspection, service, target, mark)
        if len(inspection.faults) > before:
            lost.add(service.id)
    for service in inspection.sound():
        if service.id not in lost:  # else one wrong name would be said again at each screen behind it
            _reached(inspection, service)
        _choices(inspection, service)
    _silent(inspection)
    _services_reached(inspection)
    _shared_reached(inspection)
    _shortcuts(inspection)


def _names(inspection: Inspection, service: Service) -> None:
    """`accueil` means the root's first screen everywhere."""
    if HOME in service.screens and not (service.id == ROOT and service.start == HOME):
        inspection.fault("reserved_name", service.screens[HOME].mark, word=HOME)


def _target(inspection: Inspection, service: Service, target: str, mark: Mark) -> None:
    services = inspection.menus.services
    if target.startswith(SERVICE_PREFIX):
        id_ = target.removeprefix(SERVICE_PREFIX)
        if id_ not in services and not inspection.unread:
            inspection.fault("unknown_service", mark, target=id_, near=near(id_, services))
    elif target and target != HOME and target not in service.screens:
        _unknown_screen(inspection, service, target, mark)


def _unknown_screen(inspection: Inspection, service: Service, target: str, mark: Mark) -> None:
    known = [*service.screens, *inspection.shared, HOME]
    if SHARED not in inspection.unread:
        inspection.fault("unknown_target", mark, target=target, near=near(target, known))


def _reached(inspection: Inspection, service: Service) -> None:
    reached = graph.reachable(service)
    ending = graph.ending(service)
    for screen in service.screens.values():
        if screen.id not in reached:
            # A shared screen is among the screens only because one of them goes there.
            inspection.fault("unreachable_screen", screen.mark, screen=screen.id)
        elif screen.id not in ending:
            inspection.fault("dead_end", screen.mark, screen=screen.id)


def _choices(inspection: Inspection, service: Service) -> None:
    """No more than can be numbered, and never none at all where nothing else can be answered."""
    for screen in service.screens.values():
        if len(screen.choices) > MAX_CHOICES:
            inspection.fault("too_many_choices", screen.mark, count=str(len(screen.choices)), most=str(MAX_CHOICES))
        if screen.verb is None and screen.choices and not _always_a_choice(inspection, screen):
            inspection.fault("no_sure_choice", screen.mark, screen=screen.id)


def _always_a_choice(inspection: Inspection, screen: Screen) -> bool:
    """Whether in each language a choice is left, whatever was answered before."""

    def is_sure(choice: Choice, language: str) -> bool:
        if choice.when is None:
            return True
        known = choice.when.names <= expressions.BUILTIN_NAMES
        return known and expressions.evaluate(choice.when, {"language": language})

    return all(any(is_sure(choice, language) for choice in screen.choices) for language in inspection.menus.languages)


def _silent(inspection: Inspection) -> None:
    """Runs of screens that show nothing: none goes round, none is more than a turn can do."""
    services = {service.id: service for service in inspection.sound()}
    silent = ways(services)
    for loop in loops(silent):
        first = services[loop[0][0]].screens[loop[0][1]]
        inspection.fault("silent_loop", first.mark, screens=", ".join(_called(place, loop) for place in loop))
    for run in runs(silent, services):
        screen = services[run.first[0]].screens[run.first[1]]
        if run.needs > MAX_NEEDS:
            inspection.fault("too_many_needs", screen.mark, screen=screen.id, count=str(run.needs), most=str(MAX_NEEDS))
        elif run.steps > MAX_STEPS:
            inspection.fault("too_many_steps", screen.mark, screen=screen.id, count=str(run.steps), most=str(MAX_STEPS))


def _called(place: Place, loop: tuple[Place, ...]) -> str:
    """A screen by its id; with its service when the loop goes through several."""
    return place[1] if len({service for service, _ in loop}) == 1 else ".".join(place)


def _services_reached(inspection: Inspection) -> None:
    """Every service can be reached from the root menu, by choices or by a shortcut."""
    menus = inspection.menus
    if ROOT not in menus.services or inspection.broken:
        return
    reached: set[str] = set()
    started = (command.starts for command in menus.commands.values() if command.starts is not None)
    waiting = [ROOT, *menus.shortcuts.values(), *started]
    while waiting:
        id_ = waiting.pop()
        if id_ in menus.services and id_ not in reached:
            reached.add(id_)
            for screen in menus.services[id_].screens.values():
                waiting += [
                    target.removeprefix(SERVICE_PREFIX)
                    for target, _ in targets_with_marks(screen)
                    if target.startswith(SERVICE_PREFIX)
                ]
    for service in menus.services.values():
        if service.id not in reached:
            inspection.fault("unreachable_service", service.mark, service=service.id)


def _shared_reached(inspection: Inspection) -> None:
    if inspection.broken:
        return
    used = {screen.mark for service in inspection.menus.services.values() for screen in service.screens.values()}
    for screen in inspection.shared.values():
        if screen.mark not in used:
            inspection.fault("unreachable_screen", screen.mark, screen=screen.id)
        for target, mark in targets_with_marks(screen):
            if not (target in inspection.shared or target == HOME or target.startswith(SERVICE_PREFIX)):
                # A shared screen that leads to a screen of one service breaks in all others.
                inspection.fault("unknown_target", mark, target=target, near=near(target, inspection.shared))


def _shortcuts(inspection: Inspection) -> None:
    menus = inspection.menus
    root = menus.services.get(ROOT)
    first = root.screens.get(root.start) if root is not None else None
    for digits, id_ in menus.shortcuts.items():
        mark = inspection.shortcut_marks.get(digits, Mark("main.yaml", 1))
        if id_ not in menus.services and not inspection.unread:
            inspection.fault("unknown_service", mark, target=id_, near=near(id_, menus.services))
        if first is not None and digits.isdigit() and 1 <= int(digits) <= len(first.choices):
            inspection.fault("shortcut_clash", mark, word=digits)

"""Where a dialogue is and how it moves: on, back, home, to the next page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.engine import render
from gateway.engine.faults import EngineCode, EngineError
from gateway.engine.session import MAX_TRAIL, Crumb, State
from gateway.engine.surface import Surface
from gateway.menu.model import HOME, ROOT, SERVICE_PREFIX, Menus, Screen, Service


@dataclass(slots=True)
class Turn:
    """One call under way: `state` is its own copy and changes. A secret lives here and nowhere else."""

    menus: Menus
    surface: Surface
    state: State
    now: datetime
    secret: str | None = field(default=None, repr=False)

    @property
    def service(self) -> Service:
        try:
            return self.menus.services[self.state.service]
        except KeyError:
            raise EngineError(EngineCode.UNKNOWN_SCREEN, self.name) from None

    @property
    def screen(self) -> Screen:
        try:
            return self.service.screens[self.state.screen]
        except KeyError:
            raise EngineError(EngineCode.UNKNOWN_SCREEN, self.name) from None

    @property
    def name(self) -> str:
        return f"{self.state.service}.{self.state.screen}"


def go(turn: Turn, target: str) -> None:
    """To a target as a menu writes it: a screen of this service, `accueil`, or `service:ID`."""
    if target == HOME or (turn.state.service == ROOT and target == turn.service.start):
        go_home(turn)
    elif target in turn.service.screens:
        _arrive(turn.state, target)
    elif target.startswith(SERVICE_PREFIX):
        enter_service(turn, target.removeprefix(SERVICE_PREFIX))
    else:
        raise EngineError(EngineCode.UNKNOWN_SCREEN, f"{turn.state.service}.{target}")


def go_home(turn: Turn) -> None:
    """To the root menu, leaving the answers of the service behind, with nothing before it."""
    turn.state.trail.clear()
    _change_service(turn, ROOT)


def enter_service(turn: Turn, service: str) -> None:
    """To the first screen of a service, with no answers. Back leads from it to the root menu only."""
    if turn.state.service != ROOT or turn.state.values:
        turn.state.trail.clear()
    _change_service(turn, service)


def leave(turn: Turn) -> None:
    """Remembers the screen for Back, before its answer is kept."""
    state = turn.state
    if not turn.screen.back:
        return
    # The page of a searched list is no page of the whole list.
    first, page = (0, 0) if state.search else (state.first, state.page)
    state.trail.append(Crumb(_place(state), len(state.values), first, page))
    del state.trail[:-MAX_TRAIL]


def back(turn: Turn) -> bool:
    """To what was shown before: an earlier page, the whole list, an earlier screen, the root menu.

    False where nothing was.
    """
    state = turn.state
    if not render.can_go_back(state):
        return False
    if state.trail and (state.trail[-1].place == _place(state) or not _is_inside(state)):
        _return_to(turn, state.trail.pop())
    elif _is_inside(state):
        state.search = ""
        state.first = state.page = 0
    else:
        go_home(turn)
    return True


def more(turn: Turn) -> bool:
    """To the next page of the screen; False on the last one."""
    state = turn.state
    shown = render.show(turn.menus, turn.surface, state, turn.service, turn.screen)
    if not (shown.more or state.shown < shown.lines):
        return False
    state.trail.append(Crumb(_place(state), len(state.values), state.first, state.page))
    del state.trail[:-MAX_TRAIL]
    if state.shown:
        state.first += state.shown
        state.page = 0
    else:
        state.page += 1
    return True


def forget_pages(turn: Turn) -> None:
    """Drops the earlier pages of this screen from the trail: a search starts at the first one."""
    trail, place = turn.state.trail, _place(turn.state)
    while trail and trail[-1].place == place:
        trail.pop()


def _return_to(turn: Turn, crumb: Crumb) -> None:
    """The screen, with the answers that had been given when it was shown and no later one."""
    state = turn.state
    search = state.search if crumb.place == _place(state) else ""
    if crumb.place.startswith("/") and state.service != ROOT:
        _change_service(turn, ROOT)
    items = state.items if crumb.place == _place(state) else None
    _arrive(state, crumb.place.removeprefix("/"))
    state.items = items
    state.search = search
    state.first, state.page = crumb.first, crumb.page
    state.values = dict(list(state.values.items())[: crumb.kept])


def _change_service(turn: Turn, service: str) -> None:
    state = turn.state
    state.service = service
    state.values = {}
    _arrive(state, turn.service.start)


def _arrive(state: State, screen: str) -> None:
    state.screen = screen
    state.first = state.page = state.shown = 0
    state.search = ""
    state.items = None


def _is_inside(state: State) -> bool:
    return bool(state.first or state.page or state.search)


def _place(state: State) -> str:
    return ("/" if state.service == ROOT else "") + state.screen

"""The privacy notice: shown once to each number before anything else, with one thing to press."""

from __future__ import annotations

from datetime import datetime

from gateway.engine.compose import text as message
from gateway.engine.outcomes import Reply
from gateway.engine.places import Turn, enter_service, leave
from gateway.engine.session import State
from gateway.engine.step import Step
from gateway.engine.surface import Surface
from gateway.engine.wording import folded
from gateway.menu.model import ROOT, Menus
from gateway.text import pages, transliterate

#: What the notice is called in logs and statistics.
SCREEN = f"{ROOT}.notice"


def notice(menus: Menus, surface: Surface, state: State, version: str, mistake: str = "") -> Step:
    """The notice; its answer leads to where `state` is. `mistake`: the key of a sentence above it, "" for none."""
    known = state.language
    above = [message(menus, mistake, known, {})] if mistake else []
    said = message(menus, "privacy_notice", known, {"code": surface.rules.service_code})
    lines = [*above, said, f"1.{message(menus, 'notice_go_on', known, {})}"]
    text = pages.cut(folded("\n".join(lines), surface.alphabet), surface.max_units, surface.alphabet)
    state.notice = version
    return Step(state, Reply(text, False, SCREEN), bool(mistake))


def entered(menus: Menus, surface: Surface, language: str, tail: tuple[str, ...], now: datetime) -> State:
    """Where a dial leads, before anything is asked or shown: the root menu, or the service of a shortcut."""
    known = language if language in menus.languages else menus.languages[0]
    turn = Turn(menus, surface, State(menus.version, known, ROOT, menus.services[ROOT].start), now)
    service = menus.shortcuts.get(tail[0]) if tail else None
    if service is not None:
        leave(turn)
        enter_service(turn, service)
    return turn.state


def goes_on(menus: Menus, typed: str) -> bool:
    """Whether the notice was answered, by its number or by its word in any language."""
    wanted = transliterate.fold(typed[:64])
    words = {transliterate.fold(message(menus, "notice_go_on", language, {})) for language in menus.languages}
    return wanted == "1" or wanted in words

"""Walks a menu: a state and an answer give another state and an effect. Nothing here reads a clock or does anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from gateway.engine import answers, challenge, needs, picking, places, render
from gateway.engine.compose import text as message
from gateway.engine.declared import declared
from gateway.engine.faults import EngineCode, EngineError
from gateway.engine.outcomes import ActAnswer, Answer, LookupAnswer, Reply, Saved
from gateway.engine.places import Turn
from gateway.engine.session import State, copy_of, keep
from gateway.engine.step import Step
from gateway.engine.surface import Surface
from gateway.engine.wording import Wording
from gateway.menu.expressions import evaluate
from gateway.menu.model import ROOT, Ask, Branch, Choice, End, Menus, Pick
from gateway.text import transliterate

__all__ = [
    "EngineCode",
    "EngineError",
    "Step",
    "accepts_star",
    "advance",
    "again",
    "cannot_replay",
    "closing",
    "labels",
    "open_dialogue",
    "open_service",
    "resume",
    "taken_up",
]

#: By SMS a label may be begun: fewer letters than this could begin anything.
_FEWEST_LETTERS = 3
#: Screens walked in one turn without showing one. A real menu needs three or four; a loop never ends.
MAX_STEPS = 16


def open_dialogue(
    menus: Menus, surface: Surface, language: str, now: datetime, tail: Sequence[str] = (), notice: str = ""
) -> Step:
    """The first screen. When `tail` begins with a published shortcut, the first screen of its service instead.

    `tail` holds the parts dialled after the service code ("21", "3" for `*229*21*3#`); `Step.consumed` tells how many
    were used (0 or 1). The caller applies the others by `advance`, as a replay. `notice` is the key of a sentence of
    menus/messages.yaml to say above the screen, "" for none. `now` is aware, in the citizens' own time zone
    (settings.timezone): questions about dates need their today. Raises EngineError.
    """
    known = language if language in menus.languages else menus.languages[0]
    state = State(menus.version, known, ROOT, menus.services[ROOT].start)
    turn = Turn(menus, surface, state, now)
    service = menus.shortcuts.get(tail[0]) if tail else None
    if service is not None:
        places.leave(turn)
        places.enter_service(turn, service)
    above = message(menus, notice, known, {"code": surface.rules.service_code}) if notice else ""
    return _settle(turn, above, consumed=0 if service is None else 1)


def open_service(
    menus: Menus,
    surface: Surface,
    language: str,
    service: str,
    now: datetime,
    screen: str = "",
    values: Mapping[str, Saved] | None = None,
) -> Step:
    """A service entered directly, at its first screen or at `screen` with `values` given: what a command of SMS does.

    Home leads from it to the root menu. Raises EngineError for a service that the menus do not have.
    """
    if service not in menus.services:
        raise EngineError(EngineCode.UNKNOWN_SCREEN, service)
    known = language if language in menus.languages else menus.languages[0]
    state = State(menus.version, known, service, screen or menus.services[service].start)
    for name, value in (values or {}).items():
        keep(state, name, value.raw, value.shown)
    return _settle(Turn(menus, surface, state, now))


def taken_up(menus: Menus, surface: Surface, state: State, now: datetime) -> Step:
    """A saved dialogue, from its screen on, perhaps on another surface and by another person. Raises EngineError.

    Its screen is shown from its first page, a moving list is asked for again, and what is personal is masked.
    """
    turn = _turn(menus, surface, state, now)
    turn.state.first = turn.state.page = turn.state.shown = turn.state.steps = turn.state.turns = 0
    turn.state.search, turn.state.items = "", None
    turn.state.resumed = len(turn.state.values)
    turn.state.offered = 0
    return _settle(turn)


def advance(menus: Menus, surface: Surface, state: State, text: str, now: datetime) -> Step:
    """The dialogue after the citizen answered `text`; a mistake is a step too, `refused`. Raises EngineError."""
    turn = _turn(menus, surface, state, now)
    turn.state.turns += 1
    turn.state.steps = 0
    if turn.state.turns > surface.rules.max_turns:
        return _close(turn, "too_many_turns")
    if challenge.awaited(turn):
        typed = answers.clean(text)
        if not challenge.is_code(typed):  # a slip is not counted as a wrong code
            values = {"length": str(challenge.DIGITS)}
            return _settle(turn, message(turn.menus, "error_digits_length", turn.state.language, values), refused=True)
        return Step(turn.state, challenge.check(turn, typed))
    if needs.of(turn) is not None:  # nothing was shown yet that could be answered
        return _settle(turn)
    return _answer(turn, answers.clean(text))


def resume(menus: Menus, surface: Surface, state: State, answer: Answer, now: datetime) -> Step:
    """The dialogue after the need of the last step was answered.

    A Lookup is answered by a LookupAnswer, an Act by an ActAnswer, a Call by an Outcome.
    Raises EngineError, for an outcome that the screen does not declare among others.
    """
    turn = _turn(menus, surface, state, now)
    _count(turn)
    if isinstance(answer, LookupAnswer | ActAnswer) and answer.closing:
        return _close(turn, answer.closing)
    asked_before = challenge.awaited(turn)
    needs.take(turn, answer)
    if asked_before and isinstance(answer, ActAnswer) and answer.outcome == "wrong":
        return _settle(turn, message(turn.menus, "error_code", turn.state.language, {}), refused=True)
    return _settle(turn)


def again(menus: Menus, surface: Surface, state: State, now: datetime) -> Step:
    """The current screen once more, unchanged; the same need again when the screen shows nothing itself."""
    return _settle(_turn(menus, surface, state, now))


def closing(
    menus: Menus, surface: Surface, state: State, key: str, values: Mapping[str, str] = MappingProxyType({})
) -> Reply:
    """A sentence of menus/messages.yaml that ends the dialogue where it is."""
    return Reply(render.closing(menus, surface, state.language, key, values), True, f"{state.service}.{state.screen}")


def labels(menus: Menus, surface: Surface, state: State, now: datetime) -> frozenset[str]:
    """The choices and lines of the current screen, folded: texts that surely answer it."""
    turn = Turn(menus, surface, state, now)
    wording = Wording(menus, surface, state, turn.service)
    found = {transliterate.fold(wording.text(choice.label)) for choice in render.choices(state, turn.screen)}
    if isinstance(turn.screen.verb, Pick):
        found.update(picking.lines(menus, surface, state, turn.screen.verb).folded)
    return frozenset(found)


def accepts_star(menus: Menus, state: State) -> bool:
    """Whether `*` may be part of an answer to the current screen (a text or a pattern is asked)."""
    verb = menus.services[state.service].screens[state.screen].verb
    return isinstance(verb, Ask) and verb.type in {"text", "pattern"}


def cannot_replay(menus: Menus, state: State, parts_left: int) -> bool:
    """Whether a replay must stop and show the current screen instead of answering it with a part of the transcript.

    True when the screen is fed by a lookup (a moving list, or values that a lookup gave), asks for a secret, or asks
    for free text while more than one part is left: its own `*` cannot be told from the next answer.
    """
    service = menus.services[state.service]
    verb = service.screens[state.screen].verb
    if isinstance(verb, Pick) and verb.moving:
        return True
    if isinstance(verb, Ask) and verb.type == "secret":
        return True
    if accepts_star(menus, state) and parts_left > 1:
        return True
    return state.screen in declared(menus, service).fed


def _turn(menus: Menus, surface: Surface, state: State, now: datetime) -> Turn:
    if state.menus != menus.version:
        raise EngineError(EngineCode.OTHER_MENUS, f"{state.service}.{state.screen}")
    return Turn(menus, surface, copy_of(state), now)


def _settle(turn: Turn, above: str = "", *, refused: bool = False, consumed: int = 0) -> Step:
    """On through the screens that show nothing, to a reply, under the sentence `above`, or to a need."""
    while True:
        if challenge.awaited(turn):
            reply = Reply(challenge.question(turn, above), False, f"{turn.name}.code")
            return Step(turn.state, reply, refused, consumed)
        need = needs.of(turn)
        if need is not None:
            return Step(turn.state, need, consumed=consumed)
        verb = turn.screen.verb
        if not isinstance(verb, Branch):
            return Step(turn.state, _reply(turn, above), refused, consumed)
        _count(turn)
        values = render.raw_values(turn.state)
        target = next((c.go for c in verb.cases if c.when is None or evaluate(c.when, values)), None)
        if target is None:
            raise EngineError(EngineCode.UNKNOWN_OUTCOME, turn.name)
        places.go(turn, target)


def _count(turn: Turn) -> None:
    turn.state.steps += 1
    if turn.state.steps > MAX_STEPS:
        raise EngineError(EngineCode.LOOP, turn.name)


def _reply(turn: Turn, above: str) -> Reply:
    state = turn.state
    shown = render.show(turn.menus, turn.surface, state, turn.service, turn.screen, above)
    if state.first and not shown.lines:  # Back to a later page of a list that is shorter by now
        state.first = state.page = 0
        shown = render.show(turn.menus, turn.surface, state, turn.service, turn.screen, above)
    state.shown = shown.lines
    final = isinstance(turn.screen.verb, End) and not shown.more
    return Reply(shown.text, final, turn.name)


def _close(turn: Turn, key: str) -> Step:
    text = render.closing(turn.menus, turn.surface, turn.state.language, key)
    return Step(turn.state, Reply(text, True, turn.name))


def _answer(turn: Turn, typed: str) -> Step:
    """A number on the screen (by SMS a label too), else a published shortcut, else a key, else what the screen asks."""
    chosen = _numbered(turn, typed) or (_labelled(turn, typed) if turn.surface.kind == "sms" else None)
    if isinstance(chosen, Choice):
        places.leave(turn)
        if chosen.language is not None:
            turn.state.language = chosen.language
        places.go(turn, chosen.go)
        return _settle(turn)
    verb = turn.screen.verb
    if chosen is not None and isinstance(verb, Pick):
        places.leave(turn)
        keep(turn.state, verb.save, *chosen)
        places.go(turn, verb.go)
        return _settle(turn)
    shortcut = turn.menus.shortcuts.get(typed)
    if shortcut is not None and turn.state.service == ROOT and turn.state.screen == turn.service.start:
        places.leave(turn)
        places.enter_service(turn, shortcut)
        return _settle(turn)
    moved = _key(turn, typed)
    if moved is not None:
        return _settle(turn) if moved else _refuse(turn, "error_choice")
    if isinstance(verb, Ask):
        return _asked(turn, verb, typed)
    if isinstance(verb, Pick) and verb.search and typed and not typed.isdigit():
        return _search(turn, verb, typed)
    return _refuse(turn, "error_choice" if typed else "error_empty")


def _numbered(turn: Turn, typed: str) -> Choice | tuple[str, str] | None:
    """The choice, or the (id, label) of the line of a list, that has this number on the screen."""
    if not (typed.isascii() and typed.isdigit()) or len(typed) > 3 or typed.startswith("0"):
        return None
    place = int(typed) - 1
    offered = render.choices(turn.state, turn.screen)
    if isinstance(turn.screen.verb, Pick):
        if place >= turn.state.shown:
            return None
        place += turn.state.first
        lines = picking.lines(turn.menus, turn.surface, turn.state, turn.screen.verb)
        if place < len(lines.ids):
            return lines.ids[place], lines.labels[place]
        place -= len(lines.ids)
    return offered[place] if place < len(offered) else None


def _labelled(turn: Turn, typed: str) -> Choice | tuple[str, str] | None:
    """The choice or the line of a list that is written like this, or the only one that begins so.

    Where free text is asked, only a choice's whole label is one.
    """
    wanted = transliterate.fold(typed[: answers.MAX_TYPED])
    if not wanted or wanted.isdigit():
        return None
    wording = Wording(turn.menus, turn.surface, turn.state, turn.service)
    found: list[tuple[str, Choice | tuple[str, str]]] = [
        (transliterate.fold(wording.text(choice.label)), choice) for choice in render.choices(turn.state, turn.screen)
    ]
    if isinstance(turn.screen.verb, Pick):
        lines = picking.lines(turn.menus, turn.surface, turn.state, turn.screen.verb)
        found = [*zip(lines.folded, zip(lines.ids, lines.labels, strict=True), strict=True), *found]
    exact = [one for label, one in found if label == wanted]
    if len(exact) == 1:
        return exact[0]
    if isinstance(turn.screen.verb, Ask) or len(wanted) < _FEWEST_LETTERS:
        return None
    begun = [one for label, one in found if f" {label}".find(f" {wanted}") >= 0]
    return begun[0] if len(begun) == 1 else None


def _key(turn: Turn, typed: str) -> bool | None:
    """Presses Back, Home or More: whether it led anywhere; None when this is no key here."""
    keys = turn.surface.keys
    if typed not in (keys.back, keys.home, keys.more):
        return None
    if typed not in render.keys_free(turn.menus, turn.surface, turn.state, turn.service, turn.screen):
        return None
    if typed == keys.more:
        return places.more(turn)
    if isinstance(turn.screen.verb, End):
        return False  # what is done is done: an end of several pages is only read on
    if typed == keys.home:
        places.go_home(turn)
        return True
    return places.back(turn)


def _asked(turn: Turn, ask: Ask, typed: str) -> Step:
    read = answers.parse(ask, typed, turn.surface.rules, turn.now.date())
    if isinstance(read, answers.Bad):
        return _refuse(turn, read.key, dict(read.values))
    places.leave(turn)
    if ask.type == "secret":
        turn.secret = str(read.raw)  # for the handler of this very turn; never in the state
    else:
        keep(turn.state, ask.save, read.raw, read.shown)
    places.go(turn, ask.go)
    return _settle(turn)


def _search(turn: Turn, pick: Pick, typed: str) -> Step:
    """The list narrowed to what starts with the typed letters; the whole list again when nothing does."""
    state = turn.state
    places.forget_pages(turn)
    state.first = state.page = 0
    state.search = ""
    search = transliterate.fold(typed[: answers.MAX_TYPED])
    every = picking.lines(turn.menus, turn.surface, state, pick)
    if not search or not picking.narrowed(every, search).ids:
        return _refuse(turn, "error_search")
    state.search = search
    return _settle(turn)


def _refuse(turn: Turn, key: str, values: dict[str, str] | None = None) -> Step:
    """The same screen on the same page, under the sentence that says what was wrong."""
    verb, language = turn.screen.verb, turn.state.language
    if isinstance(verb, Ask) and verb.error is not None and key not in {"error_choice", "error_empty"}:
        wording = Wording(turn.menus, turn.surface, turn.state, turn.service)
        return _settle(turn, wording.text(verb.error), refused=True)
    filled = values or {}
    if isinstance(verb, Ask) and verb.type == "date":
        words = [message(turn.menus, f"date_{precision}", language, {}) for precision in verb.precisions]
        either = f" {message(turn.menus, 'word_or', language, {})} "
        filled = {**filled, "forms": either.join(words)}
    return _settle(turn, message(turn.menus, key, language, filled), refused=True)

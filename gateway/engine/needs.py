"""What a screen needs from outside before the dialogue can go on, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.engine import challenge, picking, places, render
from gateway.engine.declared import UNDECLARED_SIZE, declared
from gateway.engine.faults import EngineCode, EngineError
from gateway.engine.outcomes import (
    Act,
    ActAnswer,
    Answer,
    Call,
    Lookup,
    LookupAnswer,
    Need,
    Outcome,
    Promise,
    Raw,
    Saved,
    Submission,
)
from gateway.engine.places import Turn
from gateway.engine.session import State, keep, saved_values
from gateway.engine.wording import argument, fitted
from gateway.menu import model, templates

#: How a submission is told apart in the citizen's own list: a list line holds no more beside service and date.
LABEL_SIZE = 12
#: A raw value that people never read may be longer than what is shown of it: an identifier.
RAW_SIZE = 64
UNAVAILABLE, PROMISED = "unavailable", "promised"


def of(turn: Turn) -> Need | None:
    """What must be done before the screen can be shown or left; None when nothing."""
    verb = turn.screen.verb
    if isinstance(verb, model.Submit | model.Do):
        return challenge.before(turn) or _act(turn, verb)
    if isinstance(verb, model.Lookup):
        return _promise(turn, verb) if turn.state.promising else _lookup(turn, verb)
    if isinstance(verb, model.Pick) and verb.moving and turn.state.items is None:
        return _lookup(turn, verb)
    if isinstance(verb, model.CallHandler):
        state = turn.state
        return Call(
            handler=verb.handler,
            service=state.service,
            screen=state.screen,
            values=saved_values(state),
            language=state.language,
            now=turn.now,
            secret=turn.secret,
        )
    return None


def take(turn: Turn, answer: Answer) -> None:
    """Keeps what was answered and goes where the screen says. EngineError for what the screen does not declare."""
    verb = turn.screen.verb
    if isinstance(answer, ActAnswer) and challenge.is_open(turn) and answer.outcome != UNAVAILABLE:
        challenge.take(turn, answer)
    elif isinstance(verb, model.Pick) and verb.moving and isinstance(answer, LookupAnswer):
        _take_items(turn, verb, answer)
    elif isinstance(verb, model.Lookup) and isinstance(answer, ActAnswer) and turn.state.promising:
        _take_promise(turn, verb, answer)
    elif isinstance(verb, model.Lookup) and isinstance(answer, LookupAnswer):
        if answer.outcome == UNAVAILABLE and verb.later:
            turn.state.promising = True
            return
        target = _target(turn, verb.outcomes, answer.outcome)
        _keep_declared(turn, verb.saves, answer.values)
        places.go(turn, target)
    elif isinstance(verb, model.Submit | model.Do) and isinstance(answer, ActAnswer):
        target = _target(turn, verb.outcomes, answer.outcome)
        turn.state.acts += 1
        turn.state.challenge = ""
        turn.state.trail.clear()  # Back never crosses an act
        if isinstance(verb, model.Submit):
            _keep(turn, answer.values)
        places.go(turn, target)
    elif isinstance(verb, model.CallHandler) and isinstance(answer, Outcome):
        target = _target(turn, verb.outcomes, answer.name)
        _keep_declared(turn, verb.saves, answer.values)
        places.go(turn, target)
    else:
        raise EngineError(EngineCode.UNEXPECTED_ANSWER, turn.name)


def _take_items(turn: Turn, pick: model.Pick, answer: LookupAnswer) -> None:
    """The lines of a moving list: its ids are kept, so that a number typed later means what was shown."""
    if answer.outcome == UNAVAILABLE:
        if pick.unavailable is None:
            raise EngineError(EngineCode.UNKNOWN_OUTCOME, turn.name)
        places.go(turn, pick.unavailable)
    elif not answer.items and pick.empty is not None:
        places.go(turn, pick.empty)
    else:
        turn.state.items = picking.kept_items(answer.items, pick, turn.surface.alphabet)


def _take_promise(turn: Turn, verb: model.Lookup, answer: ActAnswer) -> None:
    """Where it leads that the answer will come by SMS, or cannot even be promised."""
    turn.state.promising = False
    turn.state.acts += 1
    turn.state.trail.clear()  # Back never crosses an act
    _keep_declared(turn, verb.saves, {})
    places.go(turn, _target(turn, verb.outcomes, PROMISED if answer.outcome == PROMISED else UNAVAILABLE))


def _target(turn: Turn, outcomes: Mapping[str, str], outcome: str) -> str:
    target = outcomes.get(outcome)
    if target is None:
        raise EngineError(EngineCode.UNKNOWN_OUTCOME, turn.name)
    return target


def _keep_declared(turn: Turn, saves: Mapping[str, int], values: Mapping[str, Saved]) -> None:
    """Keeps what the screen declares and nothing else. What is not answered this time is empty.

    Otherwise the decision on one demand would be shown under the number of the next one; and a later screen counts on
    every declared value to be there.
    """
    for name in saves:
        keep(turn.state, name, "")
    _keep(turn, {name: value for name, value in values.items() if name in saves})


def _keep(turn: Turn, values: Mapping[str, Saved]) -> None:
    """Keeps what came from outside, no larger than declared: the record of a dialogue stays small."""
    sizes = declared(turn.menus, turn.service).sizes
    for name, value in values.items():
        size = sizes.get(name, UNDECLARED_SIZE)
        if isinstance(value.raw, str) and not value.shown:
            keep(turn.state, name, fitted(value.raw, size, turn.surface.alphabet))
        else:
            raw = value.raw[:RAW_SIZE] if isinstance(value.raw, str) else value.raw
            keep(turn.state, name, raw, fitted(value.shown, size, turn.surface.alphabet))


def _args(turn: Turn, args: Mapping[str, str]) -> dict[str, Raw]:
    values = render.raw_values(turn.state)
    return {name: argument(source, values) for name, source in args.items()}


def _act(turn: Turn, verb: model.Submit | model.Do) -> Act:
    state = turn.state
    proof = challenge.purpose(turn) if challenge.needed(turn) else ""
    if isinstance(verb, model.Submit):
        return Act("submit", state.service, state.acts, _submission(turn, verb), state.menus, proof)
    return Act(verb.action, state.service, state.acts, _args(turn, verb.args), state.menus, proof)


def _lookup(turn: Turn, verb: model.Lookup | model.Pick) -> Lookup:
    args = _args(turn, verb.args)
    typed = _identifiers(turn, (name for source in verb.args.values() for name in templates.names(source)))
    if isinstance(verb, model.Pick):
        return Lookup(verb.source, args, typed)
    return Lookup(verb.source, args, typed, verb.keep_s, verb.last_known_s)


def _promise(turn: Turn, verb: model.Lookup) -> Act:
    state = turn.state
    args = Promise(state.screen, _lookup(turn, verb))
    return Act("promise_answer", state.service, state.acts, args, state.menus)


def _identifiers(turn: Turn, names: Iterable[str]) -> tuple[str, ...]:
    """What was typed as an identifier among the values of these names."""
    known = declared(turn.menus, turn.service).identifiers
    values = turn.state.values
    return tuple(str(values[name][0]) for name in dict.fromkeys(names) if name in known and name in values)


def _said(state: State, name: str) -> str:
    return str(state.values[name][0]) if name in state.values else ""


def _submission(turn: Turn, submit: model.Submit) -> Submission:
    state = turn.state
    missing = [name for name in (*submit.fields, *submit.duplicate_by) if name not in state.values]
    if missing:
        raise EngineError(EngineCode.MISSING_VALUE, turn.name)
    label = str(argument(submit.label, render.raw_values(state)))
    return Submission(
        system=submit.system,
        fields={name: state.values[name][0] for name in submit.fields},
        personal=declared(turn.menus, turn.service).personal & frozenset(submit.fields),
        subject=tuple((name, state.values[name][0]) for name in submit.duplicate_by),
        label=fitted(label, LABEL_SIZE, "gsm7"),
        language=state.language,
        assurance=turn.service.assurance,
        number=_said(state, submit.number),
        relation=_said(state, submit.relation),
        identifiers=_identifiers(turn, submit.fields),
    )

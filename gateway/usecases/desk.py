"""The desk of an institution without an IT system: its agents' inbox, and what they do with a demand.

Every function takes the agent, and with her the institution: a demand of another one is "not found", never "forbidden".
What agents decide goes the way of webhooks (`take_event`): the same history, the same notices, once per event id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway import logs
from gateway.backoffice.webhooks import CASE_MAX, MESSAGE_MAX, QUESTION_MAX
from gateway.backoffice.words import clean
from gateway.messages import BackofficeEvent, BackofficeRequest, Decision, EventType
from gateway.settings import DeskSystem
from gateway.store import desk as stored
from gateway.store import hand_over, stops, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.desk import Chosen, Counts, Desk, Said, Waiting
from gateway.store.sealed import SealBroken
from gateway.store.stops import OperatorAct
from gateway.store.submission_events import SubmissionEvent
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import backoffice_events
from gateway.usecases.parts import Parts

#: What is shown of what agents did with one demand.
_ACTS = 100
#: The longest key of one press of a button: it must fit into an event id, beside the id of the demand.
_PRESS_MAX = 64


@dataclass(frozen=True, slots=True)
class Agent:
    """Who works at the desk: her name (at most 64 characters), and the institution she works for."""

    name: str
    institution: str


@dataclass(frozen=True, slots=True)
class Opened:
    """One demand as an agent sees it. `request` is None when its data were erased, or cannot be read."""

    line: Waiting
    about: StoredSubmission
    request: BackofficeRequest | None
    readable: bool  #: False: its data are there, and no key of ours opens them
    events: tuple[SubmissionEvent, ...]
    said: tuple[Said, ...]
    acts: tuple[OperatorAct, ...]  #: who opened, took, gave it: newest first


class Outcome(StrEnum):
    DONE = "done"
    REPEATED = "repeated"  #: the same press of the button again: done the first time
    HELD = "held"  #: somebody else has it in hand: `holder` says who
    LATE = "late"  #: it is there already, or further: decided, withdrawn
    NOT_FOUND = "not_found"  #: none such at this desk
    NO_WORDS = "no_words"  #: a question needs words
    TOO_LONG = "too_long"  #: the words or the case number would not fit
    NO_LANGUAGE = "no_language"  #: words in a language that the gateway does not speak


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    holder: str = ""  #: who has it in hand


@dataclass(frozen=True, slots=True)
class Words:
    """What an agent says with a move: her words to the citizen by language, the institution's number of the file."""

    by_language: Mapping[str, str] = field(default_factory=dict, repr=False)
    case_number: str = ""
    answer_by: datetime | None = None  #: of a question: until when the institution waits


NOT_FOUND = Result(Outcome.NOT_FOUND)
_NOTHING_SAID = Words()


def inbox(parts: Parts, agent: Agent, chosen: Chosen, limit: int, after_id: int | None = None) -> tuple[Waiting, ...]:
    """A page of the inbox, the most urgent and oldest first, after the line `after_id`. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        return stored.page(conn, desk_of(parts, agent.institution), chosen, limit, after_id)


def counts(parts: Parts, agent: Agent) -> Counts:
    """What waits at the agent's desk. Raises StoreUnavailable."""
    today = parts.now().astimezone(parts.zone).date()
    with parts.database.read() as conn:
        return stored.counts(conn, desk_of(parts, agent.institution), today)


def open_demand(parts: Parts, agent: Agent, typed: str) -> Opened | None:
    """The demand of a reference as typed, opened; None when there is none such at her desk. Raises StoreUnavailable.

    Who opened it and why she may is stored first: what cannot be stored is not shown. It is then no longer unread.
    """
    desk = desk_of(parts, agent.institution)
    with parts.database.begin() as conn:
        line = _find(conn, desk, typed)
        if line is None:
            return None
        _note(conn, parts, agent, "desk.open", line, f"desk of {agent.institution}; {_hand(agent, line)}")
        stored.note_read(conn, desk, line.id)
        return _opened(conn, parts, line)


def take(parts: Parts, agent: Agent, typed: str) -> Result:
    """DONE: she has it in hand, alone. HELD: somebody else has. LATE: it is closed. Raises StoreUnavailable."""
    with parts.database.begin() as conn:
        line = _find(conn, desk_of(parts, agent.institution), typed)
        return NOT_FOUND if line is None else _take(conn, parts, agent, line)


def release(parts: Parts, agent: Agent, typed: str, *, of_another: bool = False) -> Result:
    """DONE: nobody has it in hand. `of_another`: although somebody else had; the caller decides who may do that."""
    return _hand_to(parts, agent, typed, None, of_another)


def give(parts: Parts, agent: Agent, typed: str, to: str, *, of_another: bool = False) -> Result:
    """DONE: the agent named `to` has it in hand. As `release`; the caller knows the institution's agents."""
    return _hand_to(parts, agent, typed, to, of_another)


def acknowledge(parts: Parts, agent: Agent, typed: str, press: str, case_number: str = "") -> Result:
    """The institution takes the demand; the citizen is told. See `_move`."""
    return _move(parts, agent, typed, press, EventType.ACKNOWLEDGED, Words(case_number=case_number))


def progress(parts: Parts, agent: Agent, typed: str, press: str, case_number: str = "") -> Result:
    """Somebody works on it. See `_move`."""
    return _move(parts, agent, typed, press, EventType.IN_PROGRESS, Words(case_number=case_number))


def ask(parts: Parts, agent: Agent, typed: str, press: str, words: Words) -> Result:
    """Asks the citizen what is missing. See `_move`."""
    return _move(parts, agent, typed, press, EventType.MORE_NEEDED, words)


def decide(
    parts: Parts, agent: Agent, typed: str, press: str, decision: Decision, words: Words = _NOTHING_SAID
) -> Result:
    """The decision, told to the citizen with the agent's words. See `_move`."""
    return _move(parts, agent, typed, press, EventType.DECIDED, words, decision)


def desk_of(parts: Parts, institution: str) -> Desk:
    """The systems of kind `desk` of an institution; none for one that has none, or is not there."""
    systems = parts.settings.systems.items()
    names = (name for name, one in systems if isinstance(one, DeskSystem) and one.institution == institution)
    return Desk(institution, tuple(names))


def _move(
    parts: Parts,
    agent: Agent,
    typed: str,
    press: str,
    type_: EventType,
    words: Words,
    decision: Decision | None = None,
) -> Result:
    """What came of a move; a demand that nobody has in hand is hers first. Raises StoreUnavailable.

    `press` names one press of the button (at most 64 visible characters): the same twice has one effect.
    """
    said = {language: text for language, text in _cleaned(words.by_language).items() if text}
    with parts.database.begin() as conn:
        line = _find(conn, desk_of(parts, agent.institution), typed)
        if line is None:
            return NOT_FOUND
        fault = _fault(parts, type_, words, said)
        if fault is not None:
            return Result(fault)
        result = _take(conn, parts, agent, line)
        if result.outcome is Outcome.HELD:
            return result
        event_id = f"desk:{line.id}:{press[:_PRESS_MAX]}"
        _note(conn, parts, agent, _ACT_OF[type_], line, event_id)  # before: nothing is decided by nobody
    now = parts.now()
    event = BackofficeEvent(
        system=line.system,
        event_id=event_id,
        type=type_,
        reference=line.reference,
        occurred_at=None,
        case_number=clean(words.case_number),
        decision=decision,
        message=said if type_ is EventType.DECIDED else {},
        question=said if type_ is EventType.MORE_NEEDED else {},
        answer_by=words.answer_by if type_ is EventType.MORE_NEEDED else None,
    )
    return Result(_MEANINGS[backoffice_events.take_event(parts, event, now)], agent.name)


_ACT_OF = {
    EventType.ACKNOWLEDGED: "desk.acknowledge",
    EventType.IN_PROGRESS: "desk.progress",
    EventType.MORE_NEEDED: "desk.ask",
    EventType.DECIDED: "desk.decide",
}
_MEANINGS = {
    backoffice_events.TAKEN: Outcome.DONE,
    backoffice_events.REPEATED: Outcome.REPEATED,
    backoffice_events.LATE: Outcome.LATE,
    backoffice_events.UNKNOWN_REFERENCE: Outcome.NOT_FOUND,
}


def _cleaned(by_language: Mapping[str, str]) -> dict[str, str]:
    return {language: clean(text) for language, text in by_language.items()}


def _fault(parts: Parts, type_: EventType, words: Words, said: Mapping[str, str]) -> Outcome | None:
    if type_ is EventType.MORE_NEEDED and not said:
        return Outcome.NO_WORDS
    if set(said) - set(parts.settings.languages):
        return Outcome.NO_LANGUAGE
    most = QUESTION_MAX if type_ is EventType.MORE_NEEDED else MESSAGE_MAX
    if len(clean(words.case_number)) > CASE_MAX or any(len(text) > most for text in said.values()):
        return Outcome.TOO_LONG
    return None


def _take(conn: Connection, parts: Parts, agent: Agent, line: Waiting) -> Result:
    holder = stored.take(conn, desk_of(parts, agent.institution), line.id, agent.name, parts.now())
    if not holder:
        return Result(Outcome.LATE, line.assignee)
    if holder != agent.name:
        return Result(Outcome.HELD, holder)
    if line.assignee != agent.name:
        _note(conn, parts, agent, "desk.take", line, f"desk of {agent.institution}")
    return Result(Outcome.DONE, holder)


def _hand_to(parts: Parts, agent: Agent, typed: str, to: str | None, of_another: bool) -> Result:
    desk = desk_of(parts, agent.institution)
    with parts.database.begin() as conn:
        line = _find(conn, desk, typed)
        if line is None:
            return NOT_FOUND
        if line.state not in stored.OPEN:
            return Result(Outcome.LATE, line.assignee)
        if line.assignee not in ("", agent.name) and not of_another:
            return Result(Outcome.HELD, line.assignee)
        if not stored.hand(conn, desk, line.id, line.assignee or None, to, parts.now()):
            changed = _find(conn, desk, typed)  # somebody was quicker
            return Result(Outcome.HELD, changed.assignee if changed else "")
        detail = f"desk of {agent.institution}; {_hand(agent, line)}" + (f"; to {to}" if to is not None else "")
        _note(conn, parts, agent, "desk.release" if to is None else "desk.give", line, detail)
    return Result(Outcome.DONE, to or "")


def _hand(agent: Agent, line: Waiting) -> str:
    if not line.assignee:
        return "nobody has it"
    return "she has it" if line.assignee == agent.name else f"{line.assignee} has it"


def _find(conn: Connection, desk: Desk, typed: str) -> Waiting | None:
    number = reference.parse(typed)
    return None if number is None else stored.find(conn, desk, number)


def _opened(conn: Connection, parts: Parts, line: Waiting) -> Opened:
    about = submissions.by_id(conn, parts.seals, line.id)
    assert about is not None
    readable = True
    try:
        material = hand_over.for_hand_over(conn, parts.seals, line.id)
        said = stored.said(conn, parts.seals, line.id)
    except SealBroken:
        material, said, readable = None, (), False
    return Opened(
        line=line,
        about=about,
        request=None if material is None else material.request,
        readable=readable,
        events=submission_events.of(conn, line.id),
        said=said,
        acts=stops.acts_about(conn, _subject(line), _ACTS),
    )


def _subject(line: Waiting) -> str:
    return f"submission:{line.id}"


def _note(conn: Connection, parts: Parts, agent: Agent, act: str, line: Waiting, detail: str) -> None:
    stops.note_act(conn, agent.name, act, _subject(line), detail, parts.now(), agent.institution)
    logs.event(act, submission_id=line.id, system=line.system)

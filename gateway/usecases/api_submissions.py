"""Demands as an institution's system sees and moves them by the API: those of its systems, and no others.

What it says goes the way of webhooks (`take_within`): the same history, the same notices. A demand that an agent has in
hand is hers. A trial key sees the demands of its guests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway import logs
from gateway.messages import BackofficeEvent, BackofficeRequest, Decision, EventType, SubmissionState
from gateway.settings import DeskSystem
from gateway.store import desk as stored
from gateway.store import hand_over, holdings, stops, submission_events
from gateway.store.api_keys import StoredKey
from gateway.store.db import Connection
from gateway.store.desk import Desk, Said, Waiting
from gateway.store.sealed import SealBroken
from gateway.store.submission_events import SubmissionEvent
from gateway.text import reference
from gateway.usecases import api_keys, backoffice_events, notices
from gateway.usecases.actors import Absent, Right
from gateway.usecases.parts import Parts

#: What has work after a move.
LANES = (notices.LANE,)
_ACTS = {
    EventType.ACKNOWLEDGED: "api.acknowledge",
    EventType.IN_PROGRESS: "api.progress",
    EventType.MORE_NEEDED: "api.ask",
    EventType.DECIDED: "api.decide",
}


@dataclass(frozen=True, slots=True)
class Move:
    """What an institution does with a demand; words are for the citizen, by language."""

    type: EventType
    case_number: str = ""
    decision: Decision | None = None
    words: Mapping[str, str] = field(default_factory=dict, repr=False)
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A demand with what the citizen wrote; `request` None: its data were erased, or cannot be read."""

    line: Waiting
    request: BackofficeRequest | None
    said: tuple[Said, ...]
    events: tuple[SubmissionEvent, ...]


class MoveRefused(Exception):
    """Nothing was done: `held` (an agent has it in hand), `late` (it is there already, or further)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def page(
    parts: Parts, key: StoredKey, state: SubmissionState | None, service: str | None, after: str, limit: int
) -> tuple[Waiting, ...]:
    """Demands of the institution in the order in which they were filed, after that reference; "" for the first.

    Raises Absent (no such reference), StoreUnavailable.
    """
    api_keys.actor_of(key).must(Right.SEE_DEMANDS, key.institution)
    desk = _desk(parts, key)
    with parts.database.read() as conn:
        after_id = _find(conn, parts, key, after).id if after else 0
        return stored.filed(conn, desk, state, service, after_id, limit, _guests(parts, key))


def open_(parts: Parts, key: StoredKey, typed: str) -> Opened:
    """A demand and all it says. Who opened it is stored first. Raises Absent, StoreUnavailable."""
    actor = api_keys.actor_of(key)
    actor.must(Right.READ_DEMANDS, key.institution)
    with parts.database.begin() as conn:
        line = _find(conn, parts, key, typed)
        stops.note_act(conn, actor.name, "api.open", f"submission:{line.id}", "", parts.now(), key.institution)
        try:
            material = hand_over.for_hand_over(conn, parts.seals, line.id)
            said = stored.said(conn, parts.seals, line.id)
        except SealBroken:
            logs.event("api.unreadable", level="error", submission_id=line.id)
            material, said = None, ()
        events = submission_events.of(conn, line.id)
    return Opened(line, None if material is None else material.request, said, events)


def move(conn: Connection, parts: Parts, key: StoredKey, typed: str, what: Move, now: datetime) -> Waiting:
    """The demand as it stands after the move, in the caller's transaction; announce LANES after it.

    Raises Absent, MoveRefused: then undo it.
    """
    actor = api_keys.actor_of(key)
    actor.must(Right.HANDLE_DEMANDS, key.institution)
    line = _find(conn, parts, key, typed)
    if isinstance(parts.settings.systems.get(line.system), DeskSystem):
        holder = stored.take(conn, _desk(parts, key), line.id, actor.name, now)
        if holder not in ("", actor.name):
            raise MoveRefused("held")
    event_id = f"api:{line.id}:{parts.new_id()}"
    stops.note_act(conn, actor.name, _ACTS[what.type], f"submission:{line.id}", event_id, now, key.institution)
    event = BackofficeEvent(
        system=line.system,
        event_id=event_id,
        type=what.type,
        reference=line.reference,
        occurred_at=now,
        case_number=what.case_number,
        decision=what.decision,
        message=dict(what.words) if what.type is EventType.DECIDED else {},
        question=dict(what.words) if what.type is EventType.MORE_NEEDED else {},
        answer_by=what.answer_by,
    )
    outcome, _ = backoffice_events.take_within(conn, parts, event, now)
    if outcome != backoffice_events.TAKEN:
        raise MoveRefused("late")
    return _find(conn, parts, key, line.reference)


def _desk(parts: Parts, key: StoredKey) -> Desk:
    """Every system of the institution, whatever its kind."""
    systems = parts.settings.systems.items()
    return Desk(key.institution, tuple(name for name, one in systems if one.institution == key.institution))


def _guests(parts: Parts, key: StoredKey) -> frozenset[bytes] | None:
    if key.guests is None:
        return None
    return frozenset(holdings.digest_of(parts.seals, number) for number in key.guests)


def _find(conn: Connection, parts: Parts, key: StoredKey, typed: str) -> Waiting:
    number = reference.parse(typed)
    guests = _guests(parts, key)
    found = None if number is None else stored.find(conn, _desk(parts, key), number)
    if found is None or (guests is not None and not stored.is_of(conn, found.id, guests)):
        raise Absent
    return found

"""The whole path of one submission, in the order of time, from what every process left in the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.store import attempts, mts, outbox, statements, submission_events
from gateway.store.db import Connection
from gateway.store.mts import Mt
from gateway.store.outbox import Kind, OutboxRow
from gateway.store.tables import OutboxState
from gateway.usecases import inspection
from gateway.usecases.inspection import Line
from gateway.usecases.parts import Parts


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `about`: "submission", "hand-over", "withdrawal", "statement 3", "SMS 7"."""

    at: datetime
    about: str
    said: str


@dataclass(frozen=True, slots=True)
class Trace:
    line: Line  #: the submission, its number masked
    moments: tuple[Moment, ...]
    due: tuple[Moment, ...]  #: what is still to be done, and when


def trace(parts: Parts, typed: str) -> Trace | None:
    """All that happened to the submission of a reference as a person typed it, None when there is none.

    Raises StoreUnavailable.
    """
    with parts.database.read() as conn:
        line = inspection.find_line(conn, parts, typed)
        if line is None:
            return None
        sms = mts.of_submission(conn, line.id)
        work = [("hand-over", row) for row in _rows(conn, "submission", line.id)]
        work += [("withdrawal", row) for row in _rows(conn, "withdrawal", line.id)]
        said = statements.ids_of(conn, line.id)
        work += [(f"statement {one}", row) for one in said for row in _rows(conn, "statement", one)]
        work += [(_name(mt), row) for mt in sms for row in _rows(conn, "mt", mt.id)]
        moments = [*_calls(conn, work), *_events(conn, line.id)]  # an answer comes before what it moved
        for mt in sms:
            moments += _moves(conn, mt)
    due = [Moment(row.due_at, about, f"due, {row.attempts} attempts") for about, row in work if _waits(row)]
    return Trace(line, tuple(sorted(moments, key=_at)), tuple(sorted(due, key=_at)))


def _rows(conn: Connection, kind: Kind, target_id: int) -> tuple[OutboxRow, ...]:
    return outbox.of_target(conn, kind, target_id)


def _events(conn: Connection, submission_id: int) -> Iterator[Moment]:
    for event in submission_events.of(conn, submission_id):
        named = f"event {event.event_id}" if event.event_id else ""
        yield Moment(event.at, "submission", _words(event.kind, event.code, named))


def _calls(conn: Connection, work: list[tuple[str, OutboxRow]]) -> Iterator[Moment]:
    about = {row.id: name for name, row in work}
    for call in attempts.of_rows(conn, about.keys()):
        name = about[call.outbox_id]
        yield Moment(call.started_at, name, f"attempt {call.number} begun")
        if call.finished_at is not None:
            yield Moment(call.finished_at, name, _words(f"attempt {call.number}", call.outcome, call.code))


def _moves(conn: Connection, mt: Mt) -> Iterator[Moment]:
    for move in mts.events_of(conn, mt.id):
        wrote = move.state == "created" and move.code == ""
        what = f"{mt.template} by {mt.sender}, {mt.segments} segments" if wrote else f"by {move.source}"
        yield Moment(move.at, _name(mt), _words(move.state, move.code, what))


def _name(mt: Mt) -> str:
    return f"SMS {mt.id}"


def _waits(row: OutboxRow) -> bool:
    return row.state is OutboxState.READY


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)


def _at(moment: Moment) -> datetime:
    return moment.at

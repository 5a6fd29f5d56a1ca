"""What happened to each submission, in order: rows are only ever added here, linked, and hold no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from gateway.store import chain
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.tables import submission_events, submissions


@dataclass(frozen=True, slots=True)
class SubmissionEvent:
    """`code` is a short stable word; `event_id` is the institution's own id of an event it sent, None for ours."""

    at: datetime
    kind: str
    code: str
    event_id: str | None


def add(
    conn: Connection,
    submission_id: int,
    kind: str,
    now: datetime,
    code: str = "",
    event_id: str | None = None,
    data_digest: bytes | None = None,
) -> None:
    """Adds an event at the end of its chain: `kind` like "received" (at most 32 characters), a `code` is cut to 64.

    Whoever adds one at the same time waits until this transaction ends.
    """
    conn.execute(select(submissions.c.id).where(submissions.c.id == submission_id).with_for_update())
    e = submission_events.c
    newest = select(e.number, e.link).where(e.submission_id == submission_id).order_by(e.number.desc()).limit(1)
    last = conn.execute(newest).one_or_none()
    number, previous = (1, chain.START) if last is None else (last.number + 1, last.link)
    code, event_id = bounded(code, 64), None if event_id is None else bounded(event_id, 128)
    row = {
        "submission_id": submission_id,
        "at": now,
        "kind": kind,
        "code": code,
        "event_id": event_id,
        "number": number,
        "data_digest": data_digest,
        "link": chain.link(previous, submission_id, number, now, kind, code, event_id, data_digest),
    }
    conn.execute(insert(submission_events).values(row))


def of(conn: Connection, submission_id: int) -> tuple[SubmissionEvent, ...]:
    """The events of a submission, oldest first."""
    e = submission_events.c
    rows = conn.execute(
        select(e.at, e.kind, e.code, e.event_id).where(e.submission_id == submission_id).order_by(e.number)
    )
    return tuple(SubmissionEvent(row.at, row.kind, row.code, row.event_id) for row in rows)

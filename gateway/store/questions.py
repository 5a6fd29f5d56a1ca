"""What institutions ask citizens about their demands: one question at a time, each settled once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import select, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import questions, submissions

TEXT = "questions.text_sealed"
#: `answered`: by the citizen. `expired`: its time passed. `closed`: the institution went on without it, or asked anew.
Outcome = Literal["answered", "expired", "closed"]


@dataclass(frozen=True, slots=True)
class Question:
    """`text` is by language, empty once erased or when it cannot be read; `outcome` None: it waits for its answer."""

    id: int
    submission_id: int
    event_id: str  #: the institution's own id of the event that asked
    text: dict[str, str] = field(repr=False)
    code_digest: bytes = field(repr=False)
    wrong: int
    said_at: datetime | None  #: when it was asked, by the institution's clock; None: it said no time
    expires_at: datetime | None
    shown_until: datetime | None  #: until when a code that was typed back lets its text be read
    outcome: Outcome | None


def add(
    conn: Connection,
    seals: Seals,
    submission_id: int,
    event_id: str,
    text: Mapping[str, str],
    code_digest: bytes,
    expires_at: datetime | None,
    now: datetime,
    said_at: datetime | None = None,
) -> int:
    """The id of a new question; call `close` first, so that one alone is open."""
    row = {
        "submission_id": submission_id,
        "event_id": bounded(event_id, 128),
        "text_sealed": seals.seal_json(dict(text), TEXT),
        "code_digest": code_digest,
        "wrong": 0,
        "asked_at": now,
        "said_at": said_at,
        "expires_at": expires_at,
    }
    question_id: int = conn.execute(insert_into(conn, questions).values(row).returning(questions.c.id)).scalar_one()
    return question_id


def was_asked(conn: Connection, submission_id: int, event_id: str) -> bool:
    """Whether this event asked about the demand before, however long ago."""
    q = questions.c
    asked = select(q.id).where(q.submission_id == submission_id, q.event_id == bounded(event_id, 128)).limit(1)
    return conn.execute(asked).one_or_none() is not None


def of(conn: Connection, seals: Seals, submission_id: int) -> Question | None:
    """The last question about a demand, settled or not; None when nothing was asked."""
    asked = select(questions).where(questions.c.submission_id == submission_id)
    row = conn.execute(asked.order_by(questions.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _question(seals, row)


def of_holding(conn: Connection, seals: Seals, holding_id: int, since: datetime) -> tuple[Question, ...]:
    """What was asked about the demands of a holding since then, or still waits, newest first."""
    q, s = questions.c, submissions.c
    mine = select(questions).join(submissions, s.id == q.submission_id).where(s.holding_id == holding_id)
    late = (q.asked_at > since) | q.settled_at.is_(None)
    rows = conn.execute(mine.where(late).order_by(q.id.desc()))
    return tuple(_question(seals, row) for row in rows)


def note_wrong(conn: Connection, question_ids: Sequence[int]) -> None:
    """Another code was typed."""
    conn.execute(update(questions).where(questions.c.id.in_(question_ids)).values(wrong=questions.c.wrong + 1))


def show(conn: Connection, question_id: int, until: datetime) -> None:
    """Its text may be read until then."""
    conn.execute(update(questions).where(questions.c.id == question_id).values(shown_until=until))


def settle(conn: Connection, question_id: int, outcome: Outcome, now: datetime) -> bool:
    """Whether the question waited and is now settled: each is, once."""
    q = questions.c
    waiting = update(questions).where(q.id == question_id, q.settled_at.is_(None))
    return conn.execute(waiting.values(settled_at=now, outcome=outcome, shown_until=None)).rowcount == 1


def close(conn: Connection, submission_id: int, now: datetime) -> None:
    """No question about the demand waits any more."""
    q = questions.c
    waiting = update(questions).where(q.submission_id == submission_id, q.settled_at.is_(None))
    conn.execute(waiting.values(settled_at=now, outcome="closed", shown_until=None))


def expired(conn: Connection, now: datetime, limit: int) -> tuple[tuple[int, int], ...]:
    """Questions, at most `limit`, whose time has passed: each with its demand."""
    q = questions.c
    late = select(q.id, q.submission_id).where(q.settled_at.is_(None), q.expires_at <= now).order_by(q.id).limit(limit)
    return tuple((row.id, row.submission_id) for row in conn.execute(late))


def erase_of(conn: Connection, submission_ids: Sequence[int]) -> int:
    """How many questions about these demands lost their text."""
    q = questions.c
    about = update(questions).where(q.submission_id.in_(submission_ids), q.text_sealed.is_not(None))
    return conn.execute(about.values(text_sealed=None, code_digest=b"")).rowcount


def _question(seals: Seals, row: Any) -> Question:
    return Question(
        id=row.id,
        submission_id=row.submission_id,
        event_id=row.event_id,
        text=msgspec.json.decode(seals.shown(row.text_sealed, TEXT) or "{}"),
        code_digest=row.code_digest,
        wrong=row.wrong,
        said_at=row.said_at,
        expires_at=row.expires_at,
        shown_until=row.shown_until,
        outcome=row.outcome,
    )

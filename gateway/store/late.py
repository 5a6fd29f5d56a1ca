"""Demands whose promised date has passed without a decision."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, select, update

from gateway.messages import SubmissionState
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.submissions import StoredSubmission, by_ids
from gateway.store.tables import OPEN_SUBMISSION, submissions

#: Where somebody else than a citizen must act: one who has not agreed yet, or has not answered a question, waits for
#: herself.
OWED = tuple(state for state in OPEN_SUBMISSION if state not in (SubmissionState.PROPOSED, SubmissionState.MORE_NEEDED))


def untold(conn: Connection, today: date, limit: int) -> tuple[int, ...]:
    """The ids, at most `limit`, of late demands of which nobody was told yet, the latest promise last."""
    s = submissions.c
    found = select(s.id).where(_is_late(today), s.late_told_at.is_(None)).order_by(s.promised_on, s.id)
    return tuple(conn.execute(found.limit(limit)).scalars())


def note_told(conn: Connection, submission_id: int, today: date, now: datetime) -> bool:
    """Whether this transaction is the one that tells: it was late still, and nobody had told."""
    s = submissions.c
    mine = update(submissions).where(s.id == submission_id, _is_late(today), s.late_told_at.is_(None))
    return conn.execute(mine.values(late_told_at=now)).rowcount == 1


def every(conn: Connection, seals: Seals, today: date, system: str | None, limit: int) -> tuple[StoredSubmission, ...]:
    """The late demands, of one system when given, the oldest promise first."""
    s = submissions.c
    found = select(s.id).where(_is_late(today)).order_by(s.promised_on, s.id).limit(limit)
    if system is not None:
        found = found.where(s.system == system)
    ids = tuple(conn.execute(found).scalars())
    whole = by_ids(conn, seals, ids)
    return tuple(whole[one] for one in ids)


def count(conn: Connection, today: date, systems: Collection[str]) -> dict[str, int]:
    """How many demands are late, by system; those named and those that have some."""
    s = submissions.c
    rows = conn.execute(select(s.system, func.count()).where(_is_late(today)).group_by(s.system))
    return dict.fromkeys(systems, 0) | {row[0]: row[1] for row in rows}


def _is_late(today: date) -> ColumnElement[bool]:
    s = submissions.c
    return and_(is_in(s.state, OWED), s.promised_on < today)

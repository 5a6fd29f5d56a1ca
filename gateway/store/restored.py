"""What a database put back from a backup no longer knows: what happened between the backup and the loss.

An SMS that waited then may have left since: it becomes `unknown`, and only a person sends it. A demand that waited is
handed over again: its idempotency key makes that safe. What was in a worker's hands is in nobody's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select, update

from gateway.messages import MtState, SubmissionState
from gateway.store import mts, outbox, submission_events
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.tables import OutboxState, attempts, submissions
from gateway.store.tables import mts as mts_table
from gateway.store.tables import outbox as outbox_table
from gateway.store.tables import submission_events as events_table

#: The event of a demand, and the reason of an SMS, of which nobody knows what became after the backup.
DOUBTED = "restored"
_BATCH = 500
_O, _M = OutboxState, MtState
_OPEN = (_O.READY, _O.CLAIMED, _O.SENDING)


@dataclass(frozen=True, slots=True)
class Doubts:
    """What a restore decided: SMS that only a person sends, SMS that still leave, demands handed over again."""

    unknown: int
    leaving: int
    handed_over_again: int


def settle(conn: Connection, resend_younger_s: float, now: datetime) -> Doubts:
    """Settles the work that a backup held. SMS written less than `resend_younger_s` before `now` still leave."""
    o = outbox_table.c
    young = now - timedelta(seconds=resend_younger_s)
    # A call that may not be repeated was under way: no SMS is young enough for that.
    doubted = (o.state == _O.SENDING) | (is_in(o.state, (_O.READY, _O.CLAIMED)) & (o.created_at <= young))
    waiting = select(o.id, o.target_id).where(o.kind == "mt", is_in(o.state, _OPEN), doubted)
    rows = conn.execute(waiting).all()
    _doubt_rows(conn, [row.id for row in rows], now)
    already = select(mts_table.c.id).where(is_in(mts_table.c.state, (_M.UNKNOWN,)))
    _doubt_sms(conn, {*(row.target_id for row in rows), *conn.execute(already).scalars()}, now)
    free = {"state": _O.READY, "token": None, "lease_until": None, "due_at": now, "updated_at": now}
    conn.execute(update(outbox_table).where(is_in(o.state, (_O.CLAIMED,))).values(free))
    return Doubts(
        unknown=len(rows),
        leaving=_count(conn, "mt"),
        handed_over_again=_doubt_demands(conn, now),
    )


def is_doubted(conn: Connection, submission_id: int) -> bool:
    """Whether a demand was being handed over when the backup was made: its citizen may have been told since."""
    e = events_table.c
    found = exists().where(e.submission_id == submission_id, e.kind == DOUBTED)
    return bool(conn.execute(select(found)).scalar_one())


def doubt_sms(conn: Connection, mt_id: int, now: datetime) -> None:
    """An SMS just written may have left before the restore: it waits for a person instead of leaving."""
    _doubt_rows(conn, [row.id for row in outbox.of_target(conn, "mt", mt_id)], now)
    _doubt_sms(conn, {mt_id}, now)


def _doubt_rows(conn: Connection, ids: Collection[int], now: datetime) -> None:
    unknown = {"state": _O.UNKNOWN, "token": None, "lease_until": None, "last_code": DOUBTED, "updated_at": now}
    ended = {"finished_at": now, "outcome": _O.UNKNOWN, "code": DOUBTED}
    for batch in _batches(ids):
        conn.execute(update(outbox_table).where(outbox_table.c.id.in_(batch)).values(unknown))
        running = attempts.c.outbox_id.in_(batch) & attempts.c.finished_at.is_(None)
        conn.execute(update(attempts).where(running).values(ended))


def _doubt_sms(conn: Connection, ids: Collection[int], now: datetime) -> None:
    for batch in _batches(ids):
        mts.doubt_many(conn, batch, DOUBTED, now)


def _doubt_demands(conn: Connection, now: datetime) -> int:
    """Marks the demands that wait for their institution; how many they are."""
    o, s = outbox_table.c, submissions.c
    waiting = select(o.target_id).where(o.kind == "submission", is_in(o.state, (_O.READY,)))
    ids = list(conn.execute(select(s.id).where(s.id.in_(waiting), s.state == SubmissionState.RECEIVED)).scalars())
    for one in ids:
        submission_events.add(conn, one, DOUBTED, now)
    return len(ids)


def _count(conn: Connection, kind: outbox.Kind) -> int:
    o = outbox_table.c
    waiting = select(func.count()).where(o.kind == kind, is_in(o.state, (_O.READY,)))
    return int(conn.execute(waiting).scalar_one())


def _batches(ids: Collection[int]) -> list[list[int]]:
    every = sorted(ids)
    return [every[start : start + _BATCH] for start in range(0, len(every), _BATCH)]

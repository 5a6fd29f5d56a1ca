"""Delivery reports that name no SMS we know: kept aside, because a report may come before the answer that names it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, select, update

from gateway.messages import Dlr, MtState
from gateway.store import holdings
from gateway.store.columns import bounded, is_in
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import mts, stray_dlrs


@dataclass(frozen=True, slots=True)
class StrayDlr:
    """`state` is None when the aggregator's word is unknown to us."""

    id: int
    channel: str
    external_id: str
    raw_status: str
    state: MtState | None
    code: str
    received_at: datetime


def add(conn: Connection, seals: Seals, dlr: Dlr, now: datetime) -> bool:
    """Whether the report was put aside; False when the same one already was."""
    row = {
        "channel": dlr.channel,
        "external_id": bounded(dlr.external_id, 128),
        "raw_status": bounded(dlr.raw_status, 64),
        "state": dlr.state,
        "code": bounded(dlr.reason, 64),
        "received_at": now,
        "msisdn_digest": None if dlr.msisdn is None else holdings.digest_of(seals, dlr.msisdn),
    }
    kept = insert_into(conn, stray_dlrs).values(row).on_conflict_do_nothing().returning(stray_dlrs.c.id)
    return conn.execute(kept).scalar_one_or_none() is not None


def among(conn: Connection, channel: str, external_ids: Collection[str]) -> frozenset[str]:
    """Which of these ids have a report waiting."""
    s = stray_dlrs.c
    waiting = select(s.external_id).where(s.channel == channel, s.external_id.in_(external_ids), s.matched_at.is_(None))
    return frozenset(conn.execute(waiting).scalars())


def take(conn: Connection, channel: str, external_id: str, now: datetime) -> tuple[StrayDlr, ...]:
    """The reports waiting for this id, oldest first, each given once. Call it once the id is stored."""
    s = stray_dlrs.c
    waiting = update(stray_dlrs).where(
        s.channel == channel, s.external_id == bounded(external_id, 128), s.matched_at.is_(None)
    )
    rows = conn.execute(waiting.values(matched_at=now).returning(stray_dlrs))
    return tuple(
        StrayDlr(
            id=row.id,
            channel=row.channel,
            external_id=row.external_id,
            raw_status=row.raw_status,
            state=None if row.state is None else MtState(row.state),
            code=row.code,
            received_at=row.received_at,
        )
        for row in sorted(rows, key=lambda row: (row.received_at, row.id))
    )


def matchable(conn: Connection, limit: int) -> tuple[tuple[str, str], ...]:
    """(channel, external id) of at most `limit` waiting reports whose SMS is known by now, for the sweep to `take`.

    On PostgreSQL a report and the answer that names it can be stored at the same moment, each without seeing the other.
    """
    s = stray_dlrs.c
    known = exists().where(mts.c.channel == s.channel, mts.c.external_id == s.external_id)
    rows = conn.execute(select(s.channel, s.external_id).distinct().where(s.matched_at.is_(None), known).limit(limit))
    return tuple((row.channel, row.external_id) for row in rows)


def adoptable(conn: Connection, limit: int) -> tuple[tuple[int, str, str], ...]:
    """(SMS, channel, external id) where one SMS of unknown fate and waiting reports of one id are about one number."""
    s, m = stray_dlrs.c, mts.c
    pairs = (
        select(m.id, s.channel, s.external_id, s.msisdn_digest)
        .distinct()
        .join(mts, (m.channel == s.channel) & (m.msisdn_digest == s.msisdn_digest))
        .where(s.matched_at.is_(None), s.state.is_not(None), s.received_at >= m.created_at)
        .where(is_in(m.state, (MtState.UNKNOWN,)), m.external_id.is_(None))
        .limit(limit)
    )
    rows = conn.execute(pairs).all()
    seen = Counter((row.channel, row.msisdn_digest) for row in rows)
    alone = [row for row in rows if seen[row.channel, row.msisdn_digest] == 1]
    return tuple((row.id, row.channel, row.external_id) for row in alone)


def forget(conn: Connection, before: datetime) -> int:
    """How many reports received before `before` were deleted, matched or not."""
    return conn.execute(delete(stray_dlrs).where(stray_dlrs.c.received_at < before)).rowcount

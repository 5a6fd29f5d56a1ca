"""What operators were asked about SIMs, and what they answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import sim_checks


def add(conn: Connection, holding_id: int, channel: str, request_id: str, now: datetime) -> None:
    """A question that was asked about the SIM of a holding; the aggregator's id of it will come back."""
    row = {
        "holding_id": holding_id,
        "channel": bounded(channel, 64),
        "request_id": bounded(request_id, 128),
        "asked_at": now,
    }
    conn.execute(insert_into(conn, sim_checks).values(row).on_conflict_do_nothing())


def asked_since(conn: Connection, holding_id: int, since: datetime) -> bool:
    """Whether it was asked since then."""
    s = sim_checks.c
    found = select(s.id).where(s.holding_id == holding_id, s.asked_at > since).limit(1)
    return conn.execute(found).scalar_one_or_none() is not None


def answer(conn: Connection, channel: str, request_id: str, swapped_at: datetime | None, now: datetime) -> int | None:
    """The holding that the answer is about; None when nobody asked, or when it was answered already."""
    s = sim_checks.c
    told = update(sim_checks).where(s.channel == channel, s.request_id == request_id, s.answered_at.is_(None))
    told = told.values(answered_at=now, swapped_at=swapped_at)
    return conn.execute(told.returning(s.holding_id)).scalar_one_or_none()


def forget(conn: Connection, before: datetime) -> int:
    """How many questions asked before then were deleted."""
    return conn.execute(delete(sim_checks).where(sim_checks.c.asked_at < before)).rowcount

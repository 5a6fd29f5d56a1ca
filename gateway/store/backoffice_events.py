"""The events that back offices sent, so that a repeated one has no second effect."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import backoffice_events


def record(conn: Connection, system: str, event_id: str, event_type: str, now: datetime) -> bool:
    """Whether the event is new; False: it was taken before, do nothing. First in the transaction of its effect.

    `event_id` is at most 128 characters without a NUL: refuse others before."""
    row = {
        "system": system,
        "event_id": event_id,
        "type": bounded(event_type, 64),
        "received_at": now,
        "outcome": "taken",
    }
    new = insert_into(conn, backoffice_events).values(row).on_conflict_do_nothing()
    return conn.execute(new.returning(backoffice_events.c.event_id)).scalar_one_or_none() is not None


def set_outcome(conn: Connection, system: str, event_id: str, outcome: str) -> None:
    """What came of a recorded event, in one short word: "taken" until another is set."""
    e = backoffice_events.c
    row = update(backoffice_events).where(e.system == system, e.event_id == event_id)
    conn.execute(row.values(outcome=bounded(outcome, 32)))


def forget(conn: Connection, before: datetime) -> int:
    """How many events received before `before` were deleted: a sender that repeats one later would be heard again."""
    return conn.execute(delete(backoffice_events).where(backoffice_events.c.received_at < before)).rowcount

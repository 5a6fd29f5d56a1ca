"""What institutions can ask for afterwards: events of their demands and notifications, each at one place of a list.

Events are written without a place, in the transactions of what they tell of. Places are given when somebody asks, one
institution at a time: so nothing ever appears before what was read already, in whatever order transactions end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import event_positions, events, holdings, submissions

_PAYLOAD = "events.payload_sealed"
_e = events.c


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to store. `live` False: of a trial key's notification."""

    institution: str
    event_id: str
    type: str
    data: Mapping[str, Any] = field(repr=False)
    live: bool = True
    submission_id: int | None = None
    campaign_row_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    position: int
    event_id: str
    type: str
    at: datetime
    data: Mapping[str, Any] = field(repr=False)


def add_many(conn: Connection, seals: Seals, new: Sequence[NewEvent], now: datetime) -> None:
    """Stores events, in their order."""
    rows = [
        {
            "institution": one.institution,
            "event_id": one.event_id,
            "type": one.type,
            "live": one.live,
            "at": now,
            "submission_id": one.submission_id,
            "campaign_row_id": one.campaign_row_id,
            "payload_sealed": seals.seal_json(dict(one.data), _PAYLOAD),
        }
        for one in new
    ]
    if rows:
        conn.execute(insert(events), rows)


def place(conn: Connection, institution: str, limit: int) -> int:
    """The last place of the institution's list, once at most `limit` events that had none have theirs.

    The institution's row is locked until the transaction ends: two that ask at once do so one after the other, and
    the second sees what the first did (READ COMMITTED, PostgreSQL's default).
    """
    p = event_positions.c
    held = insert_into(conn, event_positions).values(institution=institution, last=0)
    held = held.on_conflict_do_update(index_elements=["institution"], set_={"last": p.last})
    last: int = conn.execute(held.returning(p.last)).scalar_one()
    waiting = select(_e.id).where(_e.institution == institution, _e.position.is_(None)).order_by(_e.id).limit(limit)
    ids = conn.execute(waiting).scalars().all()
    if ids:
        given = update(events).where(_e.id == bindparam("row")).values(position=bindparam("place"))
        conn.execute(given, [{"row": one, "place": last + number} for number, one in enumerate(ids, 1)])
        last += len(ids)
        conn.execute(update(event_positions).where(p.institution == institution).values(last=last))
    return last


def page(
    conn: Connection,
    seals: Seals,
    institution: str,
    after: int,
    limit: int,
    *,
    kinds: Collection[str],
    live: bool,
    guests: Collection[bytes] | None = None,
) -> tuple[StoredEvent, ...]:
    """The events after a place, whose type begins with one of `kinds`; None of those whose data are erased.

    `live` False: those of trial keys, and those of demands whose number is one of `guests` (digests).
    """
    wanted = [_e.type.startswith(f"{kind}.", autoescape=True) for kind in kinds]
    found = select(events).where(_e.institution == institution, _e.position > after, or_(False, *wanted))
    if live:
        found = found.where(_e.live)
    else:
        theirs = select(submissions.c.id).join_from(submissions, holdings, submissions.c.holding_id == holdings.c.id)
        theirs = theirs.where(holdings.c.msisdn_digest.in_(guests or ()), submissions.c.id == _e.submission_id)
        found = found.where(or_(~_e.live, theirs.exists()))
    rows = conn.execute(found.where(_e.payload_sealed.is_not(None)).order_by(_e.position).limit(limit))
    return tuple(
        StoredEvent(row.position, row.event_id, row.type, row.at, seals.open_json(row.payload_sealed, _PAYLOAD))
        for row in rows
    )


def forget(conn: Connection, before: datetime, limit: int) -> int:
    """How many events of before then were deleted, at most `limit`."""
    old = select(_e.id).where(_e.at < before).order_by(_e.at).limit(limit)
    return conn.execute(delete(events).where(_e.id.in_(old.scalar_subquery()))).rowcount


def count(conn: Connection) -> int:
    """How many events are kept."""
    return int(conn.execute(select(func.count()).select_from(events)).scalar_one())

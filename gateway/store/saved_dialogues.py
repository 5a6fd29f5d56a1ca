"""USSD dialogues that dropped, kept for a while so that the citizen can take them up again, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, or_, select, update

from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import saved_dialogues

_WHERE = "saved_dialogues.state_sealed"


@dataclass(frozen=True, slots=True)
class DroppedDialogue:
    """`state` is the engine's, encoded."""

    holding_id: int
    service: str
    channel: str
    language: str
    screen: str
    state: bytes = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingDialogue:
    """A dialogue that can be taken up, without its state."""

    id: int
    service: str
    channel: str
    language: str
    screen: str
    saved_at: datetime
    expires_at: datetime


def save(conn: Connection, seals: Seals, dropped: DroppedDialogue, now: datetime) -> int:
    """The id of the kept dialogue. It takes the place of one that the same holding left in the same service."""
    d = saved_dialogues.c
    latest = {
        "channel": dropped.channel,
        "language": dropped.language,
        "screen": dropped.screen,
        "state_sealed": seals.seal_bytes(dropped.state, _WHERE),
        "saved_at": now,
        "expires_at": dropped.expires_at,
    }
    saved = (
        insert_into(conn, saved_dialogues)
        .values(holding_id=dropped.holding_id, service=dropped.service, **latest)
        .on_conflict_do_update(index_elements=[d.holding_id, d.service], index_where=d.taken_at.is_(None), set_=latest)
        .returning(d.id)
    )
    saved_id: int = conn.execute(saved).scalar_one()
    return saved_id


def waiting(conn: Connection, holding_id: int, now: datetime) -> tuple[WaitingDialogue, ...]:
    """The dialogues of a holding that can still be taken up, latest first."""
    d = saved_dialogues.c
    rows = conn.execute(
        select(saved_dialogues)
        .where(d.holding_id == holding_id, d.taken_at.is_(None), d.expires_at > now)
        .order_by(d.saved_at.desc(), d.id.desc())
    )
    return tuple(
        WaitingDialogue(r.id, r.service, r.channel, r.language, r.screen, r.saved_at, r.expires_at) for r in rows
    )


def take_once(conn: Connection, seals: Seals, saved_id: int, holding_id: int, now: datetime) -> bytes | None:
    """The encoded state of a waiting dialogue of that holding, given once; None: taken, expired or another's."""
    d = saved_dialogues.c
    taken = update(saved_dialogues).where(
        d.id == saved_id, d.holding_id == holding_id, d.taken_at.is_(None), d.expires_at > now
    )
    sealed = conn.execute(taken.values(taken_at=now).returning(d.state_sealed)).scalar_one_or_none()
    return None if sealed is None else seals.open_bytes(sealed, _WHERE)


def forget(conn: Connection, now: datetime) -> int:
    """How many dialogues, expired or taken, were deleted."""
    d = saved_dialogues.c
    return conn.execute(delete(saved_dialogues).where(or_(d.expires_at <= now, d.taken_at.is_not(None)))).rowcount

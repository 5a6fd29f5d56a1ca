"""Dialogues that dropped, kept for a while so that the citizen can take them up again, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import and_, delete, or_, select, update

from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import holdings, saved_dialogues

#: What the citizen chose: go on, start again, or "it was not me".
Outcome = Literal["continued", "restarted", "disowned"]

STATE = "saved_dialogues.state_sealed"
#: A settled dialogue is kept for the turn that settled it: a network repeats a turn within minutes.
_SETTLED_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DroppedDialogue:
    """`state` is the engine's, encoded. `reference_digest`: of a submission made in it."""

    holding_id: int
    service: str
    channel: str
    language: str
    screen: str
    state: bytes = field(repr=False)
    expires_at: datetime
    code_digest: bytes | None = None
    reference_digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class WaitingDialogue:
    """A dialogue that can be taken up, without its state."""

    id: int
    holding_id: int
    service: str
    channel: str
    language: str
    screen: str
    saved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a dialogue; `state` is the engine's, encoded."""

    id: int
    holding_id: int
    service: str
    language: str
    outcome: Outcome
    state: bytes = field(repr=False)


def save(conn: Connection, seals: Seals, dropped: DroppedDialogue, now: datetime) -> int:
    """The id of the kept dialogue. It takes the place of one that the same holding left in the same service."""
    d = saved_dialogues.c
    latest = {
        "channel": dropped.channel,
        "language": dropped.language,
        "screen": dropped.screen,
        "state_sealed": seals.seal_bytes(dropped.state, STATE),
        "saved_at": now,
        "expires_at": dropped.expires_at,
        "code_digest": dropped.code_digest,
        "reference_digest": dropped.reference_digest,
    }
    saved = (
        insert_into(conn, saved_dialogues)
        .values(holding_id=dropped.holding_id, service=dropped.service, **latest)
        .on_conflict_do_update(index_elements=[d.holding_id, d.service], index_where=d.taken_at.is_(None), set_=latest)
        .returning(d.id)
    )
    saved_id: int = conn.execute(saved).scalar_one()
    return saved_id


def set_code(conn: Connection, saved_id: int, code_digest: bytes) -> None:
    """From now on this code opens the dialogue from another number; an earlier one no longer does."""
    conn.execute(update(saved_dialogues).where(saved_dialogues.c.id == saved_id).values(code_digest=code_digest))


def waiting(conn: Connection, holding_id: int, now: datetime) -> tuple[WaitingDialogue, ...]:
    """The dialogues of a holding that can still be taken up, latest first."""
    d = saved_dialogues.c
    rows = conn.execute(
        select(saved_dialogues).where(d.holding_id == holding_id, _waits(now)).order_by(d.saved_at.desc(), d.id.desc())
    )
    return tuple(_waiting(row) for row in rows)


def by_code(conn: Connection, digest: bytes, now: datetime) -> WaitingDialogue | None:
    """The waiting dialogue that a resume code, or the reference of a submission made in it, opens; whoever asks.

    None once the number that left it changed hands: an old SMS in a phone opens nothing.
    """
    d, h = saved_dialogues.c, holdings.c
    opens = or_(d.code_digest == digest, d.reference_digest == digest)
    held = select(h.id).where(h.id == d.holding_id, h.closed_at.is_(None)).exists()
    found = select(saved_dialogues).where(opens, held, _waits(now))
    row = conn.execute(found.order_by(d.id.desc()).limit(1)).one_or_none()
    return None if row is None else _waiting(row)


def settle_once(
    conn: Connection, seals: Seals, saved_id: int, outcome: Outcome, settled_by: bytes, now: datetime
) -> Settled | None:
    """What became of the dialogue: `outcome`, now, by the turn whose act key is `settled_by`.

    The same turn asked again gets the same answer; None: another turn was first, or it expired. Raises SealBroken.
    """
    d = saved_dialogues.c
    settled = update(saved_dialogues).where(d.id == saved_id, _waits(now))
    conn.execute(settled.values(taken_at=now, outcome=outcome, settled_by=settled_by))
    return by_settler(conn, seals, settled_by)


def by_settler(conn: Connection, seals: Seals, settled_by: bytes) -> Settled | None:
    """What a turn settled, None when it settled nothing. Raises SealBroken."""
    row = conn.execute(select(saved_dialogues).where(saved_dialogues.c.settled_by == settled_by)).one_or_none()
    if row is None:
        return None
    return Settled(
        row.id, row.holding_id, row.service, row.language, row.outcome, seals.open_bytes(row.state_sealed, STATE)
    )


def forget(conn: Connection, now: datetime) -> int:
    """How many dialogues, expired, or settled a while ago, were deleted."""
    d = saved_dialogues.c
    expired = and_(d.taken_at.is_(None), d.expires_at <= now)
    return conn.execute(delete(saved_dialogues).where(or_(expired, d.taken_at <= now - _SETTLED_KEPT))).rowcount


def _waits(now: datetime) -> Any:
    return and_(saved_dialogues.c.taken_at.is_(None), saved_dialogues.c.expires_at > now)


def _waiting(row: Any) -> WaitingDialogue:
    return WaitingDialogue(
        row.id, row.holding_id, row.service, row.channel, row.language, row.screen, row.saved_at, row.expires_at
    )

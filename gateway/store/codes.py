"""One-time codes: six digits sent to a number and typed back. Only their keyed digests are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import codes


@dataclass(frozen=True, slots=True)
class Code:
    """`proved_at`: when it was typed back; `used_at`: when the act that it was for was done, which is once."""

    id: int
    code_digest: bytes
    expires_at: datetime
    wrong: int
    proved_at: datetime | None


def add(conn: Connection, holding_id: int, purpose: str, digest: bytes, now: datetime, expires_at: datetime) -> int:
    """The id of a new code; those sent before for the same purpose open nothing any more."""
    c = codes.c
    earlier = update(codes).where(c.holding_id == holding_id, c.purpose == bounded(purpose, 80), c.used_at.is_(None))
    conn.execute(earlier.values(used_at=now))
    row = {
        "holding_id": holding_id,
        "purpose": bounded(purpose, 80),
        "code_digest": digest,
        "created_at": now,
        "expires_at": expires_at,
        "wrong": 0,
    }
    code_id: int = conn.execute(insert_into(conn, codes).values(row).returning(c.id)).scalar_one()
    return code_id


def latest(conn: Connection, holding_id: int, purpose: str) -> Code | None:
    """The code that counts for a purpose: the last one sent, unless it is used. Locked until the transaction ends."""
    c = codes.c
    found = select(codes).where(c.holding_id == holding_id, c.purpose == bounded(purpose, 80), c.used_at.is_(None))
    row = conn.execute(found.order_by(c.id.desc()).limit(1).with_for_update()).one_or_none()
    if row is None:
        return None
    return Code(row.id, row.code_digest, row.expires_at, row.wrong, row.proved_at)


def sent_since(conn: Connection, holding_id: int, since: datetime) -> int:
    """How many codes were sent to a holding since then, whatever for."""
    c = codes.c
    return conn.execute(select(func.count()).where(c.holding_id == holding_id, c.created_at > since)).scalar_one()


def note_wrong(conn: Connection, code_id: int) -> None:
    """Something else was typed."""
    conn.execute(update(codes).where(codes.c.id == code_id).values(wrong=codes.c.wrong + 1))


def prove(conn: Connection, code_id: int, act_key: bytes, now: datetime) -> None:
    """It was typed back, by that turn."""
    conn.execute(update(codes).where(codes.c.id == code_id).values(proved_at=now, proved_by=act_key))


def use(
    conn: Connection, holding_id: int, purpose: str, proved_since: datetime, proved_until: datetime, now: datetime
) -> bool:
    """Whether a code for this purpose was typed back between these times; it is for the act that asks, and no other."""
    c = codes.c
    lately = (c.proved_at > proved_since) & (c.proved_at <= proved_until)
    spent = update(codes).where(
        c.holding_id == holding_id, c.purpose == bounded(purpose, 80), lately, c.used_at.is_(None)
    )
    return conn.execute(spent.values(used_at=now)).rowcount > 0


def void(conn: Connection, holding_id: int, now: datetime) -> None:
    """No code of this holding opens anything any more."""
    c = codes.c
    conn.execute(update(codes).where(c.holding_id == holding_id, c.used_at.is_(None)).values(used_at=now))


def forget(conn: Connection, before: datetime) -> int:
    """How many codes sent before then were deleted."""
    return conn.execute(delete(codes).where(codes.c.created_at < before)).rowcount

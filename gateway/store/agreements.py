"""The word of a person for whom somebody else made a demand: asked for by SMS, given by "OUI" and four digits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, update

from gateway.store.db import Connection, insert_into
from gateway.store.tables import agreements

Outcome = Literal["agreed", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Agreement:
    id: int
    submission_id: int
    holding_id: int
    code_digest: bytes
    wrong: int


def add(
    conn: Connection, submission_id: int, holding_id: int, digest: bytes, now: datetime, expires_at: datetime
) -> int:
    """The id of a new question to the person whose holding it is."""
    row = {
        "submission_id": submission_id,
        "holding_id": holding_id,
        "code_digest": digest,
        "created_at": now,
        "expires_at": expires_at,
        "wrong": 0,
    }
    agreement_id: int = conn.execute(insert_into(conn, agreements).values(row).returning(agreements.c.id)).scalar_one()
    return agreement_id


def waiting(conn: Connection, holding_id: int, now: datetime) -> tuple[Agreement, ...]:
    """The questions that this person has not answered, oldest first. Locked until the transaction ends."""
    a = agreements.c
    rows = conn.execute(
        select(agreements)
        .where(a.holding_id == holding_id, a.settled_at.is_(None), a.expires_at > now)
        .order_by(a.id)
        .with_for_update()
    )
    return tuple(Agreement(row.id, row.submission_id, row.holding_id, row.code_digest, row.wrong) for row in rows)


def note_wrong(conn: Connection, agreement_id: int) -> None:
    """Other digits were sent."""
    conn.execute(update(agreements).where(agreements.c.id == agreement_id).values(wrong=agreements.c.wrong + 1))


def settle(conn: Connection, agreement_id: int, outcome: Outcome, now: datetime, mo_id: int | None = None) -> bool:
    """Whether it was waiting and is now settled; `mo_id` is the SMS that proves it."""
    a = agreements.c
    settled = update(agreements).where(a.id == agreement_id, a.settled_at.is_(None))
    return conn.execute(settled.values(settled_at=now, outcome=outcome, mo_id=mo_id)).rowcount == 1


def expired(conn: Connection, now: datetime, limit: int) -> tuple[Agreement, ...]:
    """At most `limit` questions whose time is over."""
    a = agreements.c
    rows = conn.execute(select(agreements).where(a.settled_at.is_(None), a.expires_at <= now).limit(limit))
    return tuple(Agreement(row.id, row.submission_id, row.holding_id, row.code_digest, row.wrong) for row in rows)

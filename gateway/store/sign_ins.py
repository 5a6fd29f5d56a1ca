"""Sign-ins: who is signed in, on the server's side. A browser holds a token; here is only its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update

from gateway.store.db import Connection
from gateway.store.tables import sign_ins


@dataclass(frozen=True, slots=True)
class SignIn:
    """`proved_at` None: the password was given, the second factor not yet."""

    id: int
    person_id: int
    started_at: datetime
    seen_at: datetime
    proved_at: datetime | None


def start(conn: Connection, digest: bytes, person_id: int, now: datetime, *, proved: bool) -> int:
    """The id of a new sign-in, found by the digest of its token."""
    row = {
        "token_digest": digest,
        "person_id": person_id,
        "started_at": now,
        "seen_at": now,
        "proved_at": now if proved else None,
    }
    return int(conn.execute(insert(sign_ins).values(row).returning(sign_ins.c.id)).scalar_one())


def find(conn: Connection, digest: bytes) -> SignIn | None:
    """The sign-in of a token that nobody ended, however old; None when there is none."""
    s = sign_ins.c
    row = conn.execute(select(sign_ins).where(s.token_digest == digest, s.ended_at.is_(None))).one_or_none()
    return None if row is None else SignIn(row.id, row.person_id, row.started_at, row.seen_at, row.proved_at)


def see(conn: Connection, sign_in_id: int, now: datetime) -> None:
    """It is in use."""
    conn.execute(update(sign_ins).where(sign_ins.c.id == sign_in_id).values(seen_at=now))


def end(conn: Connection, sign_in_id: int, now: datetime) -> bool:
    """Whether it was open: now it is ended."""
    s = sign_ins.c
    return (
        conn.execute(update(sign_ins).where(s.id == sign_in_id, s.ended_at.is_(None)).values(ended_at=now)).rowcount
        == 1
    )


def end_all(conn: Connection, person_id: int, now: datetime, but: int | None = None) -> int:
    """How many of a person's sign-ins were open and are ended now; `but` is one that goes on."""
    s = sign_ins.c
    mine = update(sign_ins).where(s.person_id == person_id, s.ended_at.is_(None))
    if but is not None:
        mine = mine.where(s.id != but)
    return conn.execute(mine.values(ended_at=now)).rowcount


def of_person(conn: Connection, person_id: int, since: datetime) -> tuple[SignIn, ...]:
    """The open ones that were seen since then, newest first."""
    s = sign_ins.c
    mine = select(sign_ins).where(s.person_id == person_id, s.ended_at.is_(None), s.seen_at > since)
    rows = conn.execute(mine.order_by(s.seen_at.desc()))
    return tuple(SignIn(row.id, row.person_id, row.started_at, row.seen_at, row.proved_at) for row in rows)


def forget(conn: Connection, before: datetime) -> int:
    """How many that were last seen, or ended, before then were deleted."""
    s = sign_ins.c
    return conn.execute(delete(sign_ins).where(or_(s.seen_at < before, s.ended_at < before))).rowcount

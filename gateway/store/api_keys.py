"""API keys of institutions: their digests, what they may do, whom a trial key reaches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from gateway.store import holdings
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import api_keys

_GUESTS = "api_keys.guests_sealed"
#: The last use is noted once in this time: people ask which day it was, and a write a call costs more than the call.
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to store; `guests` (E.164) are those whom a trial key reaches, None for a live one."""

    institution: str
    name: str
    prefix: str
    digest: bytes = field(repr=False)
    scopes: Sequence[str]
    live: bool
    guests: Collection[str] | None = field(repr=False)
    per_minute: int
    per_day: int
    created_by: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key without its secret."""

    id: int
    institution: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    live: bool
    guests: frozenset[str] | None = field(repr=False)
    per_minute: int
    per_day: int
    created_by: str
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def add(conn: Connection, seals: Seals, new: NewKey, now: datetime) -> StoredKey:
    """The stored key."""
    row = {
        "institution": new.institution,
        "name": bounded(new.name, 64),
        "prefix": new.prefix,
        "key_digest": new.digest,
        "scopes": " ".join(new.scopes),
        "live": new.live,
        "guests_sealed": None if new.guests is None else seals.seal_json(sorted(new.guests), _GUESTS),
        "per_minute": new.per_minute,
        "per_day": new.per_day,
        "created_by": bounded(new.created_by, 64),
        "created_at": now,
    }
    return _stored(seals, conn.execute(insert(api_keys).values(row).returning(api_keys)).one())


def by_digest(conn: Connection, seals: Seals, digest: bytes) -> StoredKey | None:
    """The key of a digest, a revoked one too; None when there is none. Raises SealBroken."""
    row = conn.execute(select(api_keys).where(api_keys.c.key_digest == digest)).one_or_none()
    return None if row is None else _stored(seals, row)


def by_id(conn: Connection, seals: Seals, key_id: int) -> StoredKey | None:
    """The key of an id, None when there is none. Raises SealBroken."""
    row = conn.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    return None if row is None else _stored(seals, row)


def list_(conn: Connection, seals: Seals, institution: str) -> tuple[StoredKey, ...]:
    """The keys of an institution: those that open first, then the revoked ones, the newest of each first."""
    k = api_keys.c
    mine = select(api_keys).where(k.institution == institution)
    rows = conn.execute(mine.order_by(k.revoked_at.is_not(None), k.id.desc()).limit(200))
    return tuple(_stored(seals, row) for row in rows)


def count_open(conn: Connection, institution: str) -> int:
    """How many keys of an institution open."""
    k = api_keys.c
    mine = select(func.count()).where(k.institution == institution, k.revoked_at.is_(None))
    return int(conn.execute(mine).scalar_one())


def revoke(conn: Connection, key_id: int, now: datetime) -> bool:
    """Whether the key opened until now."""
    open_one = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    return conn.execute(open_one.values(revoked_at=now)).rowcount == 1


def note_used(conn: Connection, key_id: int, now: datetime) -> None:
    """The key was used; told to the minute."""
    k = api_keys.c
    due = update(api_keys).where(k.id == key_id, or_(k.used_at.is_(None), k.used_at < now - _NOTED_EVERY))
    conn.execute(due.values(used_at=now))


def forget_guest(conn: Connection, seals: Seals, digest: bytes) -> int:
    """How many trial keys lost the number of this digest."""
    k, done = api_keys.c, 0
    for row in conn.execute(select(k.id, k.guests_sealed).where(k.guests_sealed.is_not(None))).all():
        kept = seals.open_json(row.guests_sealed, _GUESTS)
        left = [number for number in kept if holdings.digest_of(seals, number) != digest]
        if len(left) < len(kept):
            sealed = seals.seal_json(left, _GUESTS)
            done += conn.execute(update(api_keys).where(k.id == row.id).values(guests_sealed=sealed)).rowcount
    return done


def guest_of(conn: Connection, seals: Seals, digest: bytes) -> tuple[tuple[str, datetime], ...]:
    """Institution and creation of every trial key that has the number of this digest among its guests."""
    k = api_keys.c
    found = select(k.institution, k.created_at, k.guests_sealed).where(k.guests_sealed.is_not(None)).order_by(k.id)
    return tuple(
        (row.institution, row.created_at)
        for row in conn.execute(found).all()
        if any(holdings.digest_of(seals, one) == digest for one in seals.open_json(row.guests_sealed, _GUESTS))
    )


def _stored(seals: Seals, row: Row[Any]) -> StoredKey:
    guests = None if row.guests_sealed is None else frozenset(seals.open_json(row.guests_sealed, _GUESTS))
    return StoredKey(
        id=row.id,
        institution=row.institution,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes.split()),
        live=bool(row.live),
        guests=guests,
        per_minute=row.per_minute,
        per_day=row.per_day,
        created_by=row.created_by,
        created_at=row.created_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )

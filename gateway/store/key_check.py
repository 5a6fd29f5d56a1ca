"""Whether keys belong to a database: what lost keys have sealed stays shut, so new ones must not hide the loss."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from sqlalchemy import func as sql
from sqlalchemy import inspect, or_, select

from gateway.store import holdings
from gateway.store.db import open_database, read_url
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import holdings as table


@dataclass(frozen=True, slots=True)
class SealedSample:
    """A number as it is stored."""

    sealed: bytes = field(repr=False)
    digest: bytes = field(repr=False)


def samples(url: str) -> tuple[SealedSample, ...]:
    """The oldest and the newest number of a database; none where no citizen was ever seen, or where it has no tables.

    Makes nothing, no SQLite file either. Raises StoreUnavailable, ValueError (the URL).
    """
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite" and not os.path.exists(parsed.database or ""):
        return ()
    database = open_database(url)
    try:
        with database.read() as conn:
            if not inspect(conn).has_table(table.name):
                return ()
            ends = [table.c.id == select(end(table.c.id)).scalar_subquery() for end in (sql.min, sql.max)]
            found = select(table.c.msisdn_sealed, table.c.msisdn_digest).where(or_(*ends))
            return tuple(SealedSample(row.msisdn_sealed, row.msisdn_digest) for row in conn.execute(found))
    finally:
        database.close()


def belong(seals: Seals, found: tuple[SealedSample, ...]) -> bool:
    """Whether these keys made what was found. One of the samples is enough: a row can be damaged by itself."""
    return not found or any(_is_ours(seals, sample) for sample in found)


def _is_ours(seals: Seals, sample: SealedSample) -> bool:
    try:
        return holdings.digest_of(seals, holdings.opened(seals, sample.sealed)) == sample.digest
    except SealBroken:
        return False

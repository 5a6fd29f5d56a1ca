"""Acts done: the answer of each durable effect under its act key, so that asking again gives the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import acts

_WHERE = "acts.values_sealed"


class ActExists(Exception):
    """Another delivery of the same turn stored this act first: roll back, and take its answer with `find`."""


@dataclass(frozen=True, slots=True)
class StoredAct:
    """`values` is the JSON that `insert` was given."""

    action: str
    outcome: str
    values: dict[str, Any] = field(repr=False)


def find(conn: Connection, seals: Seals, key: bytes) -> StoredAct | None:
    """The act stored under `key`, None when it was not done."""
    row = conn.execute(
        select(acts.c.action, acts.c.outcome, acts.c.values_sealed).where(acts.c.act_key == key)
    ).one_or_none()
    if row is None:
        return None
    return StoredAct(row.action, row.outcome, seals.open_json(row.values_sealed, _WHERE))


def insert(
    conn: Connection,
    seals: Seals,
    key: bytes,
    action: str,
    outcome: str,
    values: Mapping[str, Any],
    now: datetime,
) -> None:
    """Stores the answer (`values`: what JSON can say) under `key` Raises ActExists.

    Do it first in the transaction of the act: a second delivery then waits here, before it has any effect.
    """
    row = {
        "act_key": key,
        "action": action,
        "outcome": outcome,
        "values_sealed": seals.seal_json(dict(values), _WHERE),
        "created_at": now,
    }
    done = insert_into(conn, acts).values(row).on_conflict_do_nothing().returning(acts.c.act_key)
    if conn.execute(done).one_or_none() is None:
        raise ActExists


def forget(conn: Connection, before: datetime) -> int:
    """How many acts older than `before` were deleted: no dialogue lives long enough to ask for them again."""
    return conn.execute(delete(acts).where(acts.c.created_at < before)).rowcount

"""Sealing again, with the newest key, what an older one has sealed: in small batches, while everything runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table, and_, func, or_, select, update

from gateway.store.db import Connection
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import metadata

_SEALED = "_sealed"


def columns() -> tuple[tuple[Table, Column[Any]], ...]:
    """Every column that holds sealed values."""
    return tuple(
        (table, column) for table in metadata.sorted_tables for column in table.columns if column.name.endswith(_SEALED)
    )


def again(conn: Connection, seals: Seals, limit: int) -> int:
    """How many values, at most `limit`, were sealed again; what no key opens is left as it is."""
    done = 0
    if not seals.older_heads():
        return 0
    for table, column in columns():
        if done >= limit:
            break
        done += _some(conn, seals, table, column, limit - done)
    return done


def count_by_key(conn: Connection) -> dict[str, int]:
    """How many values each key has sealed, by the key's id."""
    found: dict[str, int] = {}
    for table, column in columns():
        length = func.substr(column, 1, 1)
        heads = select(length.label("length"), func.substr(column, 2, 32).label("head")).where(column.is_not(None))
        for row in conn.execute(heads.select_from(table)):
            key_id = bytes(row.head)[: bytes(row.length)[0]].decode("ascii", "replace")
            found[key_id] = found.get(key_id, 0) + 1
    return found


def _some(conn: Connection, seals: Seals, table: Table, column: Column[Any], limit: int) -> int:
    key = tuple(table.primary_key.columns)
    # Those of keys that are there: what no key opens must not be all that is ever looked at.
    old = or_(*(func.substr(column, 1, len(head)) == head for head in seals.older_heads()))
    done, where = 0, f"{table.name}.{column.name}"
    for row in conn.execute(select(*key, column.label("sealed")).where(old).limit(limit)).all():
        try:
            opened = seals.open_bytes(row.sealed, where)
        except SealBroken:
            continue
        mine = and_(*(each == getattr(row, each.name) for each in key), column == row.sealed)
        done += conn.execute(update(table).where(mine).values({column.name: seals.seal_bytes(opened, where)})).rowcount
    return done

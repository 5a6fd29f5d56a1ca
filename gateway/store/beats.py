"""Signs of life: when each process that must run was last seen at work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from gateway.store.db import Connection, insert_into
from gateway.store.tables import beats


def beat(conn: Connection, name: str, now: datetime) -> None:
    """Notes that `name` ("relay") is alive."""
    row = insert_into(conn, beats).values(name=name, at=now)
    conn.execute(row.on_conflict_do_update(index_elements=[beats.c.name], set_={"at": now}))


def last(conn: Connection, name: str) -> datetime | None:
    """When `name` was last seen, None for never."""
    return conn.execute(select(beats.c.at).where(beats.c.name == name)).scalar_one_or_none()


def every(conn: Connection) -> dict[str, datetime]:
    """When each was last seen, by name."""
    return {row.name: row.at for row in conn.execute(select(beats).order_by(beats.c.name))}

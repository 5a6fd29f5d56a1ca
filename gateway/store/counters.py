"""Counts in a window of time, atomic: however many ask at once, none goes past a limit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from gateway.store.db import Connection, insert_into
from gateway.store.tables import counters

_KEY = (counters.c.scope, counters.c.subject, counters.c.window_at)


def take(
    conn: Connection, scope: str, subject: str, window_at: datetime, amount: int, limit: int, now: datetime
) -> int | None:
    """The new total of the window, or None when it would pass `limit`: then nothing is counted.

    The row stays locked until the transaction ends: take several in one fixed order.
    """
    if amount > limit:
        return None
    return _add(conn, scope, subject, window_at, amount, now, limit)


def add(conn: Connection, scope: str, subject: str, window_at: datetime, amount: int, now: datetime) -> int:
    """The new total of the window, whatever it is."""
    total = _add(conn, scope, subject, window_at, amount, now, None)
    assert total is not None
    return total


def read(conn: Connection, scope: str, subject: str, window_at: datetime) -> tuple[int, datetime | None]:
    """How much the window holds and when it was last counted in: (0, None) when it never was."""
    c = counters.c
    found = select(c.used, c.noted_at).where(c.scope == scope, c.subject == subject, c.window_at == window_at)
    row = conn.execute(found).one_or_none()
    return (0, None) if row is None else (row.used, row.noted_at)


def of_window(conn: Connection, scope: str, window_at: datetime) -> dict[str, int]:
    """What one window of a scope holds, by subject."""
    c = counters.c
    found = select(c.subject, c.used).where(c.scope == scope, c.window_at == window_at)
    return {row.subject: row.used for row in conn.execute(found)}


def clear(conn: Connection, scope: str, subject: str, window_at: datetime) -> None:
    """The window holds nothing again."""
    c = counters.c
    conn.execute(delete(counters).where(c.scope == scope, c.subject == subject, c.window_at == window_at))


def forget(conn: Connection, before: datetime) -> int:
    """How many windows that were last counted in before then were deleted."""
    return conn.execute(delete(counters).where(counters.c.noted_at < before)).rowcount


def _add(
    conn: Connection, scope: str, subject: str, window_at: datetime, amount: int, now: datetime, limit: int | None
) -> int | None:
    row = {"scope": scope, "subject": subject, "window_at": window_at, "used": amount, "noted_at": now}
    more = counters.c.used + amount
    counted = (
        insert_into(conn, counters)
        .values(row)
        .on_conflict_do_update(
            index_elements=list(_KEY),
            set_={"used": more, "noted_at": now},
            where=None if limit is None else more <= limit,
        )
        .returning(counters.c.used)
    )
    total: int | None = conn.execute(counted).scalar_one_or_none()
    return total

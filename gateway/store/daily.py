"""What is counted by day and kept when the rows themselves are gone; no number and no word of a citizen."""

from __future__ import annotations

from datetime import date

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import daily


def add(conn: Connection, day: date, kind: str, subject: str, count: int) -> None:
    """Counts more of a kind ("erased:texts") about a subject ("" for all)."""
    row = {"day": day, "kind": bounded(kind, 32), "subject": bounded(subject, 80), "count": count}
    key = [daily.c.day, daily.c.kind, daily.c.subject]
    more = insert_into(conn, daily).values(row)
    conn.execute(more.on_conflict_do_update(index_elements=key, set_={"count": daily.c.count + count}))

"""Calls made for rows of the outbox: when each began, when and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.store.db import Connection
from gateway.store.tables import attempts


@dataclass(frozen=True, slots=True)
class Attempt:
    """`number` counts from 1; `finished_at` None: it runs, or its process died. `code` is the answer's ("http_503")."""

    outbox_id: int
    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str  #: "done", "retry", "unknown", "dead", "" while it runs
    code: str


def of_rows(conn: Connection, outbox_ids: Collection[int]) -> tuple[Attempt, ...]:
    """The calls made for these rows, oldest first."""
    found = select(attempts).where(attempts.c.outbox_id.in_(outbox_ids)).order_by(attempts.c.id)
    return tuple(
        Attempt(row.outbox_id, row.number, row.started_at, row.finished_at, row.outcome or "", row.code)
        for row in conn.execute(found)
    )

"""What citizens chose: rows are only added, the latest of each subject counts, and every one is its own proof."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, insert, select

from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.tables import preferences

#: Who said so: the citizen by SMS or USSD, the aggregator she told, or a person of ours on her behalf.
Source = Literal["sms", "ussd", "aggregator", "person"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice. `subject`: "language", "category:<category>", "topic:<id>", "sender:<channel>".

    `value`: a language, or "in" or "out". Its proof: `mo_id`, the SMS that said so, or `evidence`, as its source
    names it.
    """

    subject: str
    value: str
    at: datetime
    source: Source
    mo_id: int | None
    evidence: str


def note(
    conn: Connection,
    holding_id: int,
    subject: str,
    value: str,
    source: Source,
    now: datetime,
    mo_id: int | None = None,
    evidence: str = "",
) -> int:
    """The id of a new choice, which counts from now on."""
    row = {
        "holding_id": holding_id,
        "subject": bounded(subject, 80),
        "value": bounded(value, 16),
        "at": now,
        "source": source,
        "mo_id": mo_id,
        "evidence": bounded(evidence, 80),
    }
    row_id: int = conn.execute(insert(preferences).values(row).returning(preferences.c.id)).scalar_one()
    return row_id


def of(conn: Connection, holding_id: int) -> dict[str, Choice]:
    """The latest choice of each subject."""
    return {choice.subject: choice for choice in history(conn, holding_id)}


def of_many(conn: Connection, holding_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """Holding -> subject -> value, for the holdings that chose anything."""
    p = preferences.c
    latest = select(func.max(p.id)).where(p.holding_id.in_(holding_ids)).group_by(p.holding_id, p.subject)
    found: dict[int, dict[str, str]] = {}
    for row in conn.execute(select(p.holding_id, p.subject, p.value).where(p.id.in_(latest))):
        found.setdefault(row.holding_id, {})[row.subject] = row.value
    return found


def history(conn: Connection, holding_id: int) -> tuple[Choice, ...]:
    """Every choice, oldest first."""
    p = preferences.c
    rows = conn.execute(select(preferences).where(p.holding_id == holding_id).order_by(p.id))
    return tuple(Choice(row.subject, row.value, row.at, row.source, row.mo_id, row.evidence) for row in rows)

"""What was counted by day: kept for ever, and about nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, select

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import daily

#: Dialogues opened; the subject is "channel|network".
SESSIONS = "sessions"


def add(conn: Connection, day: date, kind: str, counts: Mapping[str, int]) -> None:
    """Adds to the counts of a day, by subject (at most 80 characters)."""
    amounts: dict[str, int] = {}
    for subject, count in counts.items():
        amounts[bounded(subject, 80)] = amounts.get(bounded(subject, 80), 0) + count
    for subject in sorted(amounts):  # always in this order: two transactions must not wait for each other
        row = {"day": day, "kind": kind, "subject": subject, "count": amounts[subject]}
        more = {"count": daily.c.count + amounts[subject]}
        conn.execute(
            insert_into(conn, daily)
            .values(row)
            .on_conflict_do_update(index_elements=[daily.c.day, daily.c.kind, daily.c.subject], set_=more)
        )


def of_month(conn: Connection, month: date, kind: str) -> dict[str, int]:
    """The sums of a month (any day of it) by subject."""
    first, after = month.replace(day=1), next_month(month)
    d = daily.c
    sums = select(d.subject, func.sum(d.count).label("total")).where(d.kind == kind, d.day >= first, d.day < after)
    return {row.subject: int(row.total) for row in conn.execute(sums.group_by(d.subject))}


def next_month(month: date) -> date:
    """The first day of the month after that of `month`."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)

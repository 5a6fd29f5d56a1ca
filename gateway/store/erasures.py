"""Numbers that were erased, by their digests, and what the erasure emptied."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from gateway.store import mts
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.tables import erasures, holdings, submissions


def erase(conn: Connection, digest: bytes, now: datetime, who: str) -> int:
    """How many submissions of the number with this digest lost what was personal; its holding is closed."""
    own = select(holdings.c.id).where(holdings.c.msisdn_digest == digest)
    theirs = update(submissions).where(submissions.c.holding_id.in_(own))
    emptied = {"fields_sealed": None, "label_sealed": None, "message_sealed": None, "subject_digest": None}
    ids = list(conn.execute(theirs.values(emptied).returning(submissions.c.id)).scalars())
    mts.erase_of(conn, ids)
    conn.execute(update(holdings).where(holdings.c.id.in_(own), holdings.c.closed_at.is_(None)).values(closed_at=now))
    conn.execute(insert(erasures).values(msisdn_digest=digest, at=now, who=bounded(who, 64)))
    return len(ids)

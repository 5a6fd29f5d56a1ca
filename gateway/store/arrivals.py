"""What is known of a number that dials, in one query: a dial should cost no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.store import holdings as numbers
from gateway.store.db import Connection
from gateway.store.holdings import Held
from gateway.store.sealed import Seals
from gateway.store.tables import conversations, holdings, mts, preferences, saved_dialogues


@dataclass(frozen=True, slots=True)
class Known:
    """`talking`: a conversation by SMS is under way; `waits`: a dropped dialogue can be taken up.

    `written`: an SMS was written to her since her last sign of life that was noted.
    """

    held: Held
    language: str | None
    talking: bool
    waits: bool
    written: bool = False


def of(conn: Connection, seals: Seals, msisdn: str, now: datetime) -> Known | None:
    """What is known of whoever holds this number; None when nobody does."""
    h, p, d, c = holdings.c, preferences.c, saved_dialogues.c, conversations.c
    chosen = select(p.value).where(p.holding_id == h.id, p.subject == "language").order_by(p.id.desc()).limit(1)
    waiting = select(d.id).where(d.holding_id == h.id, d.taken_at.is_(None), d.expires_at > now).limit(1)
    talking = select(c.holding_id).where(c.holding_id == h.id, c.state_sealed.is_not(None), c.dialogue_until > now)
    written = select(mts.c.id).where(mts.c.holding_id == h.id, mts.c.created_at > h.last_seen_at).limit(1)
    row = conn.execute(
        select(
            holdings,
            chosen.scalar_subquery().label("language"),
            waiting.exists().label("waits"),
            talking.exists().label("talking"),
            written.exists().label("written"),
        ).where(h.msisdn_digest == numbers.digest_of(seals, msisdn), h.closed_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    return Known(numbers.held_in(row), row.language, bool(row.talking), bool(row.waits), bool(row.written))

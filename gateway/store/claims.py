"""Which rows of the outbox may be claimed now: due ones, in their order, and no more of a system than it may have.

Rows that call a system are found apart from the others, system by system, so that what waits for one of them is never
in the way of what another can take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, func, or_, select

from gateway.store import breakers
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.tables import OPEN_OUTBOX, OutboxState, outbox

_O = OutboxState


@dataclass(frozen=True, slots=True)
class Limit:
    """How often a system may be called by the whole installation."""

    in_flight: int = 4  #: at the same time
    ask_every_s: float = 30.0  #: while its breaker is open: one call finds out whether it is back


def claimable(lane: str, now: datetime, system: str | None) -> ColumnElement[bool]:
    """Due rows of a lane and those whose lease has ended, but for those behind an open row of their `order_key`.

    Those that call `system`; None: those that call nobody's.
    """
    earlier = outbox.alias("earlier")
    held_back = exists().where(
        earlier.c.order_key == outbox.c.order_key,
        earlier.c.id < outbox.c.id,
        is_in(earlier.c.state, OPEN_OUTBOX),
    )
    return and_(
        outbox.c.lane == lane,
        outbox.c.system.is_(None) if system is None else outbox.c.system == system,
        is_in(outbox.c.state, (_O.READY, _O.CLAIMED)),
        or_(
            and_(is_in(outbox.c.state, (_O.READY,)), outbox.c.due_at <= now),
            and_(is_in(outbox.c.state, (_O.CLAIMED,)), outbox.c.lease_until <= now),
        ),
        ~held_back,
    )


def systems_due(conn: Connection, lane: str, now: datetime) -> tuple[str, ...]:
    """The systems for which a row of the lane is due and that may be called, always in the same order."""
    waiting = tuple(conn.execute(_systems_waiting(lane)).scalars())
    known = breakers.of(conn, waiting) if waiting else {}
    free = [name for name in waiting if name not in known or not known[name].holds_back(now)]
    due = (name for name in free if conn.execute(select(exists().where(claimable(lane, now, name)))).scalar_one())
    return tuple(due)


def room(conn: Connection, system: str, limits: Mapping[str, Limit], now: datetime) -> int:
    """How many rows of a system may be claimed now, by this transaction alone until it ends.

    The lock on the breaker keeps out whoever counts at the same time (on SQLite there is one writer anyway). Where
    this says 1 because the breaker is open, that is the one call that finds out.
    """
    limit = limits.get(system) or Limit()
    breaker = breakers.locked(conn, system, now)
    if breaker.holds_back(now):
        return 0
    live = select(func.count()).where(
        outbox.c.system == system, is_in(outbox.c.state, (_O.CLAIMED,)), outbox.c.lease_until > now
    )
    left: int = limit.in_flight - conn.execute(live).scalar_one()
    if left <= 0 or breaker.opened_at is None:
        return max(left, 0)
    return int(breakers.ask(conn, system, now + timedelta(seconds=limit.ask_every_s), now, now))


def _systems_waiting(lane: str) -> Select[Any]:
    """Each system once, by one step along the index for each: there may be many rows."""

    def of_lane(rows: FromClause) -> ColumnElement[bool]:
        return and_(rows.c.lane == lane, rows.c.system.is_not(None), is_in(rows.c.state, (_O.READY, _O.CLAIMED)))

    first = select(func.min(outbox.c.system).label("system")).where(of_lane(outbox))
    names = first.cte("names", recursive=True)
    further = outbox.alias("further")
    following = select(func.min(further.c.system)).where(of_lane(further), further.c.system > names.c.system)
    names = names.union_all(select(following.scalar_subquery()).where(names.c.system.is_not(None)))
    return select(names.c.system).where(names.c.system.is_not(None))

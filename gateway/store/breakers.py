"""Breakers: one row per system that says whether it answers, shared by every process of the installation.

A system that left too many calls in a row without an answer is not called: its rows wait, without losing an attempt,
and one call in a while finds out whether it is back (`claims.room`). Any answer closes the breaker.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import breakers


@dataclass(frozen=True, slots=True)
class Breaker:
    """`opened_at` None: it is called as usual, but not before `ask_at` where it asked for that (Retry-After)."""

    system: str
    failures: int  #: calls in a row without an answer
    opened_at: datetime | None
    ask_at: datetime | None
    last_code: str

    def holds_back(self, now: datetime) -> bool:
        """Whether nothing at all may be sent to it now."""
        return self.ask_at is not None and now < self.ask_at


def failed(conn: Connection, system: str, after: int, ask_at: datetime, code: str, now: datetime) -> bool:
    """Counts a call without an answer; whether this one opened the breaker, as the `after`th in a row.

    Open, it is asked again at `ask_at`.
    """
    b = breakers.c
    opens = b.failures + 1 >= after
    first = {
        "failures": 1,
        "opened_at": now if after <= 1 else None,
        "ask_at": ask_at if after <= 1 else None,
        "last_code": bounded(code, 64),
        "updated_at": now,
    }
    counted = {
        "failures": b.failures + 1,
        "opened_at": case((and_(opens, b.opened_at.is_(None)), now), else_=b.opened_at),
        "ask_at": case((opens, ask_at), else_=b.ask_at),
        "last_code": first["last_code"],
        "updated_at": now,
    }
    row = insert_into(conn, breakers).values(system=system, **first)
    row = row.on_conflict_do_update(index_elements=[b.system], set_=counted)
    opened_at, failures = conn.execute(row.returning(b.opened_at, b.failures)).one()
    return opened_at is not None and failures == max(after, 1)


def answered(conn: Connection, system: str, now: datetime) -> bool:
    """Notes an answer, whatever it says; whether it closed an open breaker. Costs no write where all is well."""
    b = breakers.c
    was_open = conn.execute(select(b.opened_at).where(b.system == system)).scalar_one_or_none() is not None
    closed: dict[str, object] = {"failures": 0, "opened_at": None, "updated_at": now}
    closed["ask_at"] = case((b.opened_at.is_not(None), None), else_=b.ask_at)
    row = update(breakers).where(b.system == system, (b.failures > 0) | b.opened_at.is_not(None))
    return conn.execute(row.values(closed)).rowcount == 1 and was_open


def rest(conn: Connection, system: str, until: datetime, code: str, now: datetime) -> None:
    """Nothing is sent to the system before `until`, as it asked; what it asked before stands when that is later."""
    b = breakers.c
    row = {"system": system, "failures": 0, "opened_at": None, "ask_at": until, "last_code": bounded(code, 64)}
    later = case((b.ask_at > until, b.ask_at), else_=until)
    asked = insert_into(conn, breakers).values(row | {"updated_at": now})
    asked = asked.on_conflict_do_update(
        index_elements=[b.system], set_={"ask_at": later, "last_code": row["last_code"], "updated_at": now}
    )
    conn.execute(asked)


def leave_no_more(conn: Connection, system: str, now: datetime) -> None:
    """What the system asked for is forgotten: it is called as usual."""
    b = breakers.c
    left = update(breakers).where(b.system == system, b.opened_at.is_(None), b.ask_at.is_not(None))
    conn.execute(left.values(ask_at=None, updated_at=now))


def ask(conn: Connection, system: str, again_at: datetime, before: datetime, now: datetime) -> bool:
    """Whether this process may make the one call that finds out, due `before` or then; the next is at `again_at`."""
    b = breakers.c
    due = update(breakers).where(b.system == system, b.opened_at.is_not(None), b.ask_at <= before)
    return conn.execute(due.values(ask_at=again_at, updated_at=now)).rowcount == 1


def locked(conn: Connection, system: str, now: datetime) -> Breaker:
    """The breaker of a system, made when there is none; nobody else claims for this system until the commit."""
    found = select(breakers).where(breakers.c.system == system).with_for_update()
    row = conn.execute(found).one_or_none()
    if row is None:
        new = {"system": system, "failures": 0, "last_code": "", "updated_at": now}
        conn.execute(insert_into(conn, breakers).values(new).on_conflict_do_nothing())
        row = conn.execute(found).one()
    return _breaker(row)


def of(conn: Connection, systems: Collection[str]) -> dict[str, Breaker]:
    """The breakers of these systems, those that have one."""
    rows = conn.execute(select(breakers).where(breakers.c.system.in_(systems)))
    return {row.system: _breaker(row) for row in rows}


def every(conn: Connection) -> tuple[Breaker, ...]:
    """Every breaker, by system."""
    return tuple(_breaker(row) for row in conn.execute(select(breakers).order_by(func.lower(breakers.c.system))))


def _breaker(row: Any) -> Breaker:
    return Breaker(row.system, row.failures, row.opened_at, row.ask_at, row.last_code)

"""What an institution may spend on its notifications in a month: counted atomically, in F CFA."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, update

from gateway.store.db import Connection, insert_into
from gateway.store.tables import budgets


@dataclass(frozen=True, slots=True)
class Budget:
    """Of one month. `limit_f` None: nobody set one for it or a month before."""

    limit_f: int | None
    used_f: int


def of_month(conn: Connection, institution: str, month: date) -> Budget:
    """What was set and what is used; `month` is its first day. A limit holds until another month has its own."""
    b = budgets.c
    standing = select(b.limit_f).where(b.institution == institution, b.month <= month, b.limit_f.is_not(None))
    limit_f = conn.execute(standing.order_by(b.month.desc()).limit(1)).scalar_one_or_none()
    used = select(b.used_f).where(b.institution == institution, b.month == month)
    return Budget(limit_f, conn.execute(used).scalar_one_or_none() or 0)


def months(conn: Connection, institution: str, until: date, limit: int = 12) -> tuple[tuple[date, Budget], ...]:
    """The last months before `until` of which something is known, newest first."""
    b = budgets.c
    known = select(b.month).where(b.institution == institution, b.month < until).order_by(b.month.desc()).limit(limit)
    return tuple((month, of_month(conn, institution, month)) for month in conn.execute(known).scalars().all())


def take(conn: Connection, institution: str, month: date, amount_f: int, limit_f: int) -> bool:
    """Whether the month had room for this amount, which is then used: all of it or nothing, however many ask at once.

    The row stays locked until the transaction ends.
    """
    if amount_f > limit_f:
        return False
    more = budgets.c.used_f + amount_f
    taken = (
        insert_into(conn, budgets)
        .values(institution=institution, month=month, limit_f=None, used_f=amount_f)
        .on_conflict_do_update(
            index_elements=[budgets.c.institution, budgets.c.month], set_={"used_f": more}, where=more <= limit_f
        )
        .returning(budgets.c.used_f)
    )
    return conn.execute(taken).scalar_one_or_none() is not None


def correct(conn: Connection, institution: str, month: date, change_f: int) -> None:
    """Something cost less (negative) or more than was taken: the month holds that much more."""
    b = budgets.c
    if change_f:
        mine = update(budgets).where(b.institution == institution, b.month == month)
        conn.execute(mine.values(used_f=b.used_f + change_f))


def set_limit(conn: Connection, institution: str, month: date, limit_f: int) -> None:
    """The limit from this month on."""
    conn.execute(
        insert_into(conn, budgets)
        .values(institution=institution, month=month, limit_f=limit_f, used_f=0)
        .on_conflict_do_update(index_elements=[budgets.c.institution, budgets.c.month], set_={"limit_f": limit_f})
    )

"""What an institution may spend on notifications: the month's limit, what is left of it, who sets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from gateway import logs
from gateway.store import budgets, stops
from gateway.store.db import Connection
from gateway.usecases.actors import Absent, Actor, Right
from gateway.usecases.parts import Parts

#: F CFA a month: a limit above it is a slip of the hand.
LARGEST_F = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """Of one institution and month, in F CFA."""

    institution: str
    month: date  #: its first day
    limit_f: int
    used_f: int

    @property
    def left_f(self) -> int:
        return self.limit_f - self.used_f


def month_of(parts: Parts, at: datetime) -> date:
    """The first day of the month of that moment, as days are counted here."""
    return at.astimezone(parts.zone).date().replace(day=1)


def of_month(conn: Connection, parts: Parts, institution: str, month: date) -> Budget:
    """What is used and what is left."""
    found = budgets.of_month(conn, institution, month)
    limit_f = parts.settings.institutions[institution].budget_f if found.limit_f is None else found.limit_f
    return Budget(institution, month, limit_f, found.used_f)


def left(conn: Connection, parts: Parts, institution: str, month: date) -> int:
    """F CFA that are left; negative when the limit was lowered under what is used."""
    return of_month(conn, parts, institution, month).left_f


def take(conn: Connection, parts: Parts, institution: str, month: date, amount_f: int) -> bool:
    """Whether the month had room for the amount, which is now used: of two who ask at once, no more than fits."""
    limit_f = of_month(conn, parts, institution, month).limit_f
    return budgets.take(conn, institution, month, amount_f, limit_f)


def correct(conn: Connection, institution: str, month: date | None, change_f: int) -> None:
    """Something cost less (negative) or more than was taken; `month` None: nothing was taken."""
    if month is not None:
        budgets.correct(conn, institution, month, change_f)


def show(parts: Parts, actor: Actor, institution: str) -> Budget:
    """The budget of this month. Raises Absent."""
    _must(parts, actor, Right.SEE_BUDGET, institution)
    with parts.database.read() as conn:
        return of_month(conn, parts, institution, month_of(parts, parts.now()))


def before(parts: Parts, actor: Actor, institution: str) -> tuple[Budget, ...]:
    """The budgets of the months before this one of which something is known, newest first. Raises Absent."""
    _must(parts, actor, Right.SEE_BUDGET, institution)
    with parts.database.read() as conn:
        found = budgets.months(conn, institution, month_of(parts, parts.now()))
    declared_f = parts.settings.institutions[institution].budget_f
    return tuple(
        Budget(institution, month, declared_f if one.limit_f is None else one.limit_f, one.used_f)
        for month, one in found
    )


def of_all(parts: Parts, actor: Actor) -> tuple[Budget, ...]:
    """This month's budget of every institution that he may see. Raises StoreUnavailable."""
    month = month_of(parts, parts.now())
    seen = [one for one in parts.settings.institutions if actor.may(Right.SEE_BUDGET, one)]
    with parts.database.read() as conn:
        return tuple(of_month(conn, parts, one, month) for one in seen)


def set_limit(parts: Parts, actor: Actor, institution: str, limit_f: int) -> Budget:
    """The budget with a new limit, from this month on. Raises Absent, ValueError (below 0, or more than is sane)."""
    _must(parts, actor, Right.SET_BUDGET, institution)
    if not 0 <= limit_f <= LARGEST_F:
        raise ValueError("a budget is no less than 0 and no more than LARGEST_F")
    now = parts.now()
    month = month_of(parts, now)
    with parts.database.begin() as conn:
        budgets.set_limit(conn, institution, month, limit_f)
        stops.note_act(conn, actor.name, "budget", institution, str(limit_f), now, institution)
        found = of_month(conn, parts, institution, month)
    logs.event("budget.set", institution=institution, limit=limit_f)
    return found


def _must(parts: Parts, actor: Actor, right: Right, institution: str) -> None:
    actor.must(right, institution)
    if institution not in parts.settings.institutions:
        raise Absent

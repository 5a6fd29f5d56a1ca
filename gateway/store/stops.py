"""What operators stopped, and what they did: the second is only added to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, insert, select, true, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import operator_acts, stops


@dataclass(frozen=True, slots=True)
class Stop:
    """`subject`: "sms", "campaigns", "service:<id>" or "closed:<id>". `until`: when it ends by itself, None: never."""

    subject: str
    reason: str
    who: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OperatorAct:
    at: datetime
    who: str
    act: str
    subject: str
    detail: str
    institution: str | None = None  #: whose managers may read it; None: the platform's
    id: int = 0


@dataclass(frozen=True, slots=True)
class ActsWanted:
    """Which acts: of one institution (None: of the platform) or `everywhere`; "" and None: any."""

    institution: str | None
    everywhere: bool
    who: str = ""
    act: str = ""
    since: datetime | None = None
    until: datetime | None = None  #: before then


def stop(conn: Connection, subject: str, reason: str, who: str, now: datetime, until: datetime | None = None) -> bool:
    """Whether it was running and is now stopped; noted either way. What is stopped already gets `until` and reason."""
    row: dict[str, object] = {
        "subject": bounded(subject, 80),
        "reason": bounded(reason, 160),
        "who": bounded(who, 64),
        "at": now,
    }
    row["until"] = until
    stopped = insert_into(conn, stops).values(row).on_conflict_do_nothing().returning(stops.c.subject)
    changed = conn.execute(stopped).scalar_one_or_none() is not None
    if not changed and until is not None:
        same = update(stops).where(stops.c.subject == bounded(subject, 80))
        conn.execute(same.values(reason=row["reason"], until=until))
    note_act(conn, who, "stop", subject, reason, now)
    return changed


def start(conn: Connection, subject: str, who: str, now: datetime) -> bool:
    """Whether it was stopped and runs again; noted either way."""
    changed = conn.execute(delete(stops).where(stops.c.subject == bounded(subject, 80))).rowcount == 1
    note_act(conn, who, "start", subject, "", now)
    return changed


def active(conn: Connection) -> dict[str, Stop]:
    """What is stopped now, by subject."""
    rows = conn.execute(select(stops).order_by(stops.c.subject))
    return {row.subject: Stop(row.subject, row.reason, row.who, row.at, row.until) for row in rows}


def note_act(
    conn: Connection, who: str, act: str, subject: str, detail: str, now: datetime, institution: str | None = None
) -> None:
    """Keeps what a person did with the system: no number and no text of a citizen in `subject` and `detail`."""
    row = {
        "at": now,
        "who": bounded(who, 64),
        "act": bounded(act, 64),
        "subject": bounded(subject, 80),
        "detail": bounded(detail, 160),
        "institution": institution,
    }
    conn.execute(insert(operator_acts).values(row))


def last_act(conn: Connection, act: str, subject: str) -> datetime | None:
    """When somebody last did that, None for never."""
    o = operator_acts.c
    latest = select(o.at).where(o.act == act, o.subject == subject).order_by(o.id.desc()).limit(1)
    return conn.execute(latest).scalar_one_or_none()


def acts(conn: Connection, limit: int) -> tuple[OperatorAct, ...]:
    """The latest `limit` things that people did, newest first."""
    rows = conn.execute(select(operator_acts).order_by(operator_acts.c.id.desc()).limit(limit))
    return tuple(
        OperatorAct(row.at, row.who, row.act, row.subject, row.detail, row.institution, row.id) for row in rows
    )


def acts_about(conn: Connection, subject: str, limit: int) -> tuple[OperatorAct, ...]:
    """The latest `limit` things that people did with `subject` ("submission:7"), newest first."""
    rows = conn.execute(
        select(operator_acts).where(operator_acts.c.subject == subject).order_by(operator_acts.c.id.desc()).limit(limit)
    )
    return tuple(
        OperatorAct(row.at, row.who, row.act, row.subject, row.detail, row.institution, row.id) for row in rows
    )


def find_acts(conn: Connection, wanted: ActsWanted, before: int | None, limit: int) -> tuple[OperatorAct, ...]:
    """The latest `limit` acts that are wanted, newest first, those with ids below `before`."""
    o = operator_acts.c
    found: list[ColumnElement[bool]] = [true()]
    if not wanted.everywhere:
        found.append(o.institution.is_(None) if wanted.institution is None else o.institution == wanted.institution)
    found += [column == word for column, word in ((o.who, wanted.who), (o.act, wanted.act)) if word]
    found += [o.at >= wanted.since] if wanted.since is not None else []
    found += [o.at < wanted.until] if wanted.until is not None else []
    found += [o.id < before] if before is not None else []
    rows = conn.execute(select(operator_acts).where(and_(*found)).order_by(o.id.desc()).limit(limit))
    return tuple(
        OperatorAct(row.at, row.who, row.act, row.subject, row.detail, row.institution, row.id) for row in rows
    )

"""The outbox: every call to the outside that is due, in the transaction that decided it.

A worker claims rows under its token, for the time of a lease. Before a call that cannot be repeated it commits
`start_sending`; then the row belongs to nobody until an answer, a report or a person settles it. Whatever a worker
whose token no longer stands says is not taken. `tables.OutboxState` lists the moves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from gateway.store import claims
from gateway.store.claims import Limit
from gateway.store.columns import bounded, is_in
from gateway.store.db import Connection
from gateway.store.tables import LANES, OutboxState, attempts, outbox

Kind = Literal[
    "mt",
    "submission",
    "mo",
    "withdrawal",
    "sim_check",
    "statement",
    "reminder",
    "poll",
    "lookup",
    "hook",
    "campaign",
]

_O = OutboxState


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row of mine until `lease_until`. `attempts` counts the calls begun before."""

    id: int
    kind: Kind
    target_id: int  #: the id of what `kind` names
    priority: int
    attempts: int
    token: str
    lease_until: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row as people and sweeps see it."""

    id: int
    lane: str
    kind: Kind
    target_id: int
    state: OutboxState
    attempts: int
    last_code: str
    due_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LaneCount:
    lane: str
    state: OutboxState
    rows: int
    oldest_due_at: datetime
    oldest_at: datetime  #: when the oldest was decided: one that is tried again and again is due later each time


def add(
    conn: Connection,
    lane: str,
    kind: Kind,
    target_id: int,
    order_key: str | None,
    priority: int,
    due_at: datetime,
    now: datetime,
    system: str | None = None,
) -> int:
    """The id of a new row, ready from `due_at`. The smallest `priority` leaves first. `system`: whom it will call.

    Rows of one `order_key` (at most 64 characters; None: no order) leave one after the other, by id. Add them while
    holding the row they are about: ids given to two transactions at once need not be committed in their order.
    """
    row = {
        "lane": lane,
        "kind": kind,
        "target_id": target_id,
        "order_key": order_key,
        "priority": priority,
        "due_at": due_at,
        "state": _O.READY,
        "attempts": 0,
        "last_code": "",
        "created_at": now,
        "updated_at": now,
        "system": system,
    }
    row_id: int = conn.execute(insert(outbox).values(row).returning(outbox.c.id)).scalar_one()
    return row_id


def add_mts(conn: Connection, lane: str, mts: Collection[int], priority: int, now: datetime) -> None:
    """As `add`, for SMS that are due now and keep no order among them."""
    row = {
        "lane": lane,
        "kind": "mt",
        "order_key": None,
        "priority": priority,
        "due_at": now,
        "state": _O.READY,
        "attempts": 0,
        "last_code": "",
        "created_at": now,
        "updated_at": now,
        "system": None,
    }
    if mts:
        conn.execute(insert(outbox), [{**row, "target_id": mt_id} for mt_id in mts])


def renew(conn: Connection, row_id: int, token: str, lease_s: float, now: datetime) -> bool:
    """Whether the row is still mine, now for another lease: for work of many transactions. Nobody else has it then."""
    mine = update(outbox).where(_mine(row_id, token, (_O.CLAIMED,), None))
    longer = {"lease_until": now + timedelta(seconds=lease_s), "updated_at": now}
    return conn.execute(mine.values(longer)).rowcount == 1


def claim(
    conn: Connection,
    lane: str,
    token: str,
    limit: int,
    lease_s: float,
    now: datetime,
    kinds: Collection[Kind] | None = None,
    limits: Mapping[str, Limit] | None = None,
) -> tuple[Claimed, ...]:
    """At most `limit` rows of a lane, now mine: due ones and those whose lease has ended, by priority, due time, id.

    Of some kinds only, when `kinds` says which. Of each system no more than leaves it with what `limits` allows it
    (`Limit()` where they say nothing), in all processes together; none while its breaker holds it back.

    A row with an earlier open row of its `order_key` is left, so no two of one key are ever in a batch. `token` must
    be new for each claim. Commit before acting on the rows.
    """
    rows = _claim(conn, lane, None, token, limit, lease_s, now, kinds)
    for system in claims.systems_due(conn, lane, now):
        most = min(limit - len(rows), claims.room(conn, system, limits or {}, now)) if len(rows) < limit else 0
        if most > 0:
            rows += _claim(conn, lane, system, token, most, lease_s, now, kinds)
    return tuple(rows)


def _claim(
    conn: Connection,
    lane: str,
    system: str | None,
    token: str,
    limit: int,
    lease_s: float,
    now: datetime,
    kinds: Collection[Kind] | None,
) -> list[Claimed]:
    mine = (
        select(outbox.c.id)
        .where(claims.claimable(lane, now, system), *([] if kinds is None else [is_in(outbox.c.kind, kinds)]))
        .order_by(outbox.c.priority, outbox.c.due_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer at a time
        .cte("mine")
    )
    lease_until = now + timedelta(seconds=lease_s)
    claimed = (
        update(outbox)
        .where(outbox.c.id.in_(select(mine.c.id)))
        .values(state=_O.CLAIMED, token=token, lease_until=lease_until, updated_at=now)
        .returning(outbox)
    )
    rows = sorted(conn.execute(claimed), key=lambda row: (row.priority, row.due_at, row.id))
    return [
        Claimed(
            id=row.id,
            kind=row.kind,
            target_id=row.target_id,
            priority=row.priority,
            attempts=row.attempts,
            token=token,
            lease_until=lease_until,
            created_at=row.created_at,
        )
        for row in rows
    ]


def start_sending(conn: Connection, row_id: int, token: str, deadline_s: float, now: datetime) -> int | None:
    """The id of the attempt that may now call, once this is committed; None: do not call (lost token, ended lease).

    For calls that must not be repeated. No answer within `deadline_s` makes the row `unknown`.
    """
    mine = _mine(row_id, token, (_O.CLAIMED,), now)
    sending = {"state": _O.SENDING, "lease_until": now + timedelta(seconds=deadline_s)}
    return _start(conn, update(outbox).where(mine).values(sending), row_id, token, now)


def start_call(conn: Connection, row_id: int, token: str, now: datetime) -> int | None:
    """As `start_sending`, for a call that an idempotency key makes safe to repeat: the row stays claimed."""
    return _start(conn, update(outbox).where(_mine(row_id, token, (_O.CLAIMED,), now)), row_id, token, now)


def start_sending_many(
    conn: Connection, row_ids: Collection[int], token: str, deadline_s: float, now: datetime
) -> frozenset[int]:
    """As `start_sending`, for rows claimed together: the ids of those that may now call, once this is committed."""
    mine = and_(outbox.c.id.in_(row_ids), outbox.c.token == token, is_in(outbox.c.state, (_O.CLAIMED,)))
    sending = {
        "state": _O.SENDING,
        "lease_until": now + timedelta(seconds=deadline_s),
        "attempts": outbox.c.attempts + 1,
        "updated_at": now,
    }
    started = update(outbox).where(mine, outbox.c.lease_until > now).values(sending)
    rows = conn.execute(started.returning(outbox.c.id, outbox.c.attempts)).all()
    if rows:
        begun = {"token": token, "started_at": now, "code": ""}
        conn.execute(insert(attempts), [{"outbox_id": row.id, "number": row.attempts, **begun} for row in rows])
    return frozenset(row.id for row in rows)


def done_many(conn: Connection, row_ids: Collection[int], token: str, code: str, now: datetime) -> frozenset[int]:
    """As `done`, for rows claimed together: the ids of those whose token stood."""
    standing = (_O.CLAIMED, _O.SENDING, _O.UNKNOWN)
    mine = and_(outbox.c.id.in_(row_ids), outbox.c.token == token, is_in(outbox.c.state, standing))
    values = {"state": _O.DONE, "last_code": bounded(code, 64), "updated_at": now, "lease_until": None, "token": None}
    ended = frozenset(conn.execute(update(outbox).where(mine).values(values).returning(outbox.c.id)).scalars())
    if ended:
        over = {"finished_at": now, "outcome": _O.DONE, "code": bounded(code, 64)}
        unsettled = or_(attempts.c.finished_at.is_(None), attempts.c.outcome == _O.UNKNOWN)
        conn.execute(
            update(attempts).where(attempts.c.outbox_id.in_(ended), attempts.c.token == token, unsettled).values(over)
        )
    return ended


def put_back_many(conn: Connection, due: Mapping[int, datetime], token: str, code: str, now: datetime) -> None:
    """Rows claimed together that were not begun: ready again, each at its own time; no attempt is counted."""
    mine = and_(outbox.c.id == bindparam("row"), outbox.c.token == token, is_in(outbox.c.state, (_O.CLAIMED,)))
    again = {"state": _O.READY, "token": None, "lease_until": None, "last_code": bounded(code, 64), "updated_at": now}
    back = update(outbox).where(mine).values(again | {"due_at": bindparam("due")})
    if due:
        conn.execute(back, [{"row": row_id, "due": due_at} for row_id, due_at in due.items()])


def done(conn: Connection, row_id: int, token: str, code: str, now: datetime) -> bool:
    """The effect took place. False when my token no longer stands. A late answer also settles a row become unknown."""
    return _settle(conn, row_id, token, _O.DONE, (_O.CLAIMED, _O.SENDING, _O.UNKNOWN), code, now)


def retry(conn: Connection, row_id: int, token: str, due_at: datetime, code: str, now: datetime) -> bool:
    """It surely had no effect: ready again at `due_at`. False when my token no longer stands."""
    return _settle(conn, row_id, token, _O.READY, (_O.CLAIMED, _O.SENDING), code, now, due_at=due_at)


def unknown(conn: Connection, row_id: int, token: str, code: str, now: datetime) -> bool:
    """It may have had its effect: nobody repeats it. False when my token no longer stands."""
    return _settle(conn, row_id, token, _O.UNKNOWN, (_O.SENDING,), code, now)


def dead(conn: Connection, row_id: int, token: str, code: str, now: datetime) -> bool:
    """It had no effect and is given up. False when my token no longer stands."""
    return _settle(conn, row_id, token, _O.DEAD, (_O.CLAIMED, _O.SENDING, _O.UNKNOWN), code, now)


def end(conn: Connection, row_id: int, to: OutboxState, code: str, now: datetime) -> bool:
    """Whether a row that was in nobody's hands, ready or with an ended lease, is done or dead: its time is over."""
    free = or_(
        is_in(outbox.c.state, (_O.READY,)), and_(is_in(outbox.c.state, (_O.CLAIMED,)), outbox.c.lease_until <= now)
    )
    over = {"state": to, "token": None, "lease_until": None, "last_code": bounded(code, 64), "updated_at": now}
    return conn.execute(update(outbox).where(outbox.c.id == row_id, free).values(over)).rowcount == 1


def sweep_sending(conn: Connection, now: datetime) -> tuple[OutboxRow, ...]:
    """The rows whose deadline passed without an answer, now `unknown`: move their SMS to unknown with them."""
    late = is_in(outbox.c.state, (_O.SENDING,)) & (outbox.c.lease_until <= now)
    lost = update(outbox).where(late).values(state=_O.UNKNOWN, last_code="no_answer", updated_at=now)
    rows = tuple(_row(row) for row in conn.execute(lost.returning(outbox)))
    ended = {"finished_at": now, "outcome": "unknown", "code": "no_answer"}
    running = attempts.c.outbox_id.in_([row.id for row in rows]) & attempts.c.finished_at.is_(None)
    conn.execute(update(attempts).where(running).values(ended))
    return rows


def settle_unknown(conn: Connection, kind: Kind, target_id: int, code: str, now: datetime) -> bool:
    """Whether an unknown row of this target was settled (`done`) by a report or a person."""
    rows = update(outbox).where(outbox.c.kind == kind, outbox.c.target_id == target_id, outbox.c.state == _O.UNKNOWN)
    settled = {"state": _O.DONE, "token": None, "lease_until": None, "last_code": bounded(code, 64), "updated_at": now}
    return conn.execute(rows.values(settled)).rowcount > 0


def requeue(conn: Connection, row_id: int, now: datetime, *, even_unknown: bool = False) -> bool:
    """Whether a dead row is ready again, its attempts counted anew from here: a person's decision.

    `even_unknown`: an unknown one too. The person accepts that it may have its effect twice.
    """
    given_up = (_O.DEAD, _O.UNKNOWN) if even_unknown else (_O.DEAD,)
    again = {
        "state": _O.READY,
        "token": None,
        "lease_until": None,
        "attempts": 0,
        "due_at": now,
        "updated_at": now,
    }
    row = update(outbox).where(outbox.c.id == row_id, outbox.c.state.in_(given_up)).values(again)
    return conn.execute(row).rowcount == 1


def of_target(conn: Connection, kind: Kind, target_id: int) -> tuple[OutboxRow, ...]:
    """The rows of an SMS or a submission, oldest first."""
    rows = select(outbox).where(outbox.c.kind == kind, outbox.c.target_id == target_id).order_by(outbox.c.id)
    return tuple(_row(row) for row in conn.execute(rows))


def due_lanes(conn: Connection, now: datetime) -> frozenset[str]:
    """The lanes in which `claim` would now find a row, unless its system has as many calls as it may."""
    of_nobody = select(*(exists().where(claims.claimable(lane, now, None)).label(lane) for lane in LANES))
    found = zip(LANES, conn.execute(of_nobody).one(), strict=True)
    return frozenset(lane for lane, due in found if due or claims.systems_due(conn, lane, now))


def counts(conn: Connection) -> tuple[LaneCount, ...]:
    """How many rows each lane has in each state but `done`, and how old they are."""
    o = outbox.c
    # A webhook that an institution's endpoint does not take is late only when it is due again: it has 75 hours.
    begun = case(((o.kind == "hook") & (o.attempts > 0), o.due_at), else_=o.created_at)
    ages = func.min(o.due_at).label("due_at"), func.min(begun).label("created_at")
    open_rows = select(o.lane, o.state, func.count().label("rows"), *ages)
    not_done = o.state != literal_column("'done'")  # written out: with a bound value no partial index would be used
    grouped = conn.execute(open_rows.where(not_done).group_by(o.lane, o.state))
    return tuple(LaneCount(row.lane, _O(row.state), row.rows, row.due_at, row.created_at) for row in grouped)


def forget_done(conn: Connection, before: datetime, limit: int) -> int:
    """How many rows, at most `limit`, done before `before`, were deleted with their attempts."""
    old = select(outbox.c.id).where(outbox.c.state == _O.DONE, outbox.c.updated_at < before).limit(limit)
    ids = list(conn.execute(old).scalars())
    conn.execute(delete(attempts).where(attempts.c.outbox_id.in_(ids)))
    return conn.execute(delete(outbox).where(outbox.c.id.in_(ids))).rowcount


def _mine(row_id: int, token: str, states: Sequence[OutboxState], now: datetime | None) -> ColumnElement[bool]:
    """My token stands and, when `now` is given, the lease lives."""
    mine = and_(outbox.c.id == row_id, outbox.c.token == token, is_in(outbox.c.state, states))
    return mine if now is None else and_(mine, outbox.c.lease_until > now)


def _start(conn: Connection, mine: Any, row_id: int, token: str, now: datetime) -> int | None:
    counted = mine.values(attempts=outbox.c.attempts + 1, updated_at=now).returning(outbox.c.attempts)
    number = conn.execute(counted).scalar_one_or_none()
    if number is None:
        return None
    attempt = {"outbox_id": row_id, "number": number, "token": token, "started_at": now, "code": ""}
    attempt_id: int = conn.execute(insert(attempts).values(attempt).returning(attempts.c.id)).scalar_one()
    return attempt_id


def _settle(
    conn: Connection,
    row_id: int,
    token: str,
    to: OutboxState,
    states: Sequence[OutboxState],
    code: str,
    now: datetime,
    due_at: datetime | None = None,
) -> bool:
    values: dict[str, object] = {"state": to, "last_code": bounded(code, 64), "updated_at": now, "lease_until": None}
    if to is not _O.UNKNOWN:
        values["token"] = None  # an unknown row keeps it, for a late answer
    if due_at is not None:
        values["due_at"] = due_at
    settled = update(outbox).where(_mine(row_id, token, states, None)).values(values)
    if conn.execute(settled).rowcount != 1:
        return False
    ended = {"finished_at": now, "outcome": "retry" if to is _O.READY else to, "code": bounded(code, 64)}
    conn.execute(
        update(attempts)
        .where(attempts.c.outbox_id == row_id, attempts.c.token == token)
        .where(or_(attempts.c.finished_at.is_(None), attempts.c.outcome == _O.UNKNOWN))
        .values(ended)
    )
    return True


def _row(row: Any) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        lane=row.lane,
        kind=row.kind,
        target_id=row.target_id,
        state=_O(row.state),
        attempts=row.attempts,
        last_code=row.last_code,
        due_at=row.due_at,
        updated_at=row.updated_at,
    )

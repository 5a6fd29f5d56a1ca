"""Webhooks that wait for an institution's endpoint, and how each endpoint stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, exists, func, insert, select, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import endpoints, hooks, outbox

Outcome = Literal["taken", "given_up", "disabled"]
_PAYLOAD = "hooks.payload_sealed"


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook as it leaves: `body` are the very bytes that are signed, on every attempt. None once forgotten."""

    id: int
    endpoint: str
    webhook_id: str
    type: str
    submission_id: int | None
    body: bytes | None = field(repr=False)
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndpointState:
    """How an endpoint stands."""

    name: str
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    why: str = ""


def add(
    conn: Connection,
    seals: Seals,
    endpoint: str,
    webhook_id: str,
    kind: str,
    submission_id: int | None,
    body: bytes,
    now: datetime,
) -> int:
    """The id of a new webhook; add its outbox row in the same transaction."""
    row = {
        "endpoint": endpoint,
        "webhook_id": webhook_id,
        "type": kind,
        "submission_id": submission_id,
        "payload_sealed": seals.seal_bytes(body, _PAYLOAD),
        "created_at": now,
    }
    hook_id: int = conn.execute(insert(hooks).values(row).returning(hooks.c.id)).scalar_one()
    return hook_id


def by_id(conn: Connection, seals: Seals, hook_id: int) -> Hook | None:
    """Raises SealBroken."""
    row = conn.execute(select(hooks).where(hooks.c.id == hook_id)).one_or_none()
    if row is None:
        return None
    body = None if row.payload_sealed is None else seals.open_bytes(row.payload_sealed, _PAYLOAD)
    return Hook(row.id, row.endpoint, row.webhook_id, row.type, row.submission_id, body, row.settled_at)


def settle(conn: Connection, hook_id: int, outcome: Outcome, now: datetime) -> None:
    open_one = update(hooks).where(hooks.c.id == hook_id, hooks.c.settled_at.is_(None))
    conn.execute(open_one.values(settled_at=now, outcome=outcome))


def reopen(conn: Connection, endpoint: str, limit: int) -> tuple[int, ...]:
    """The ids, oldest first, of webhooks that never arrived and are open again."""
    h = hooks.c
    lost = (h.endpoint == endpoint) & h.outcome.in_(("given_up", "disabled")) & h.payload_sealed.is_not(None)
    ids = tuple(conn.execute(select(h.id).where(lost).order_by(h.id).limit(limit)).scalars())
    conn.execute(update(hooks).where(h.id.in_(ids)).values(settled_at=None, outcome=None))
    return ids


def state_of(conn: Connection, endpoint: str) -> EndpointState:
    row = conn.execute(select(endpoints).where(endpoints.c.name == endpoint)).one_or_none()
    if row is None:
        return EndpointState(endpoint)
    return EndpointState(row.name, row.failing_since, row.disabled_at, row.why)


def note_answered(conn: Connection, endpoint: str) -> None:
    """It took a webhook: nothing is wrong with it."""
    e = endpoints.c
    wrong = update(endpoints).where(e.name == endpoint, e.failing_since.is_not(None))
    conn.execute(wrong.values(failing_since=None, why=""))


def note_failed(conn: Connection, endpoint: str, code: str, now: datetime) -> None:
    """It did not take a webhook."""
    e = endpoints.c
    known = {"name": endpoint, "failing_since": now, "why": bounded(code, 64)}
    told = {"failing_since": func.coalesce(e.failing_since, now), "why": known["why"]}
    conn.execute(insert_into(conn, endpoints).values(known).on_conflict_do_update(index_elements=["name"], set_=told))


def disable(conn: Connection, endpoint: str, why: str, now: datetime) -> bool:
    """Whether it was enabled until now."""
    if state_of(conn, endpoint).disabled_at is not None:
        return False
    ended = {"disabled_at": now, "why": bounded(why, 64)}
    new = insert_into(conn, endpoints).values({"name": endpoint, **ended})
    conn.execute(new.on_conflict_do_update(index_elements=["name"], set_=ended))
    return True


def enable(conn: Connection, endpoint: str) -> bool:
    """Whether it was disabled until now."""
    e = endpoints.c
    off = update(endpoints).where(e.name == endpoint, e.disabled_at.is_not(None))
    return conn.execute(off.values(disabled_at=None, failing_since=None, why="")).rowcount == 1


def counts(conn: Connection) -> Mapping[tuple[str, str], int]:
    """How many webhooks each endpoint has, by outcome; "waiting" for those without one."""
    outcome = func.coalesce(hooks.c.outcome, "waiting").label("outcome")
    rows = conn.execute(select(hooks.c.endpoint, outcome, func.count().label("many")).group_by("endpoint", "outcome"))
    return {(row.endpoint, row.outcome): row.many for row in rows}


def forget(conn: Connection, before: datetime, limit: int) -> int:
    """How many settled webhooks made before then were deleted, at most `limit`; those with work left are kept."""
    h, o = hooks.c, outbox.c
    busy: Any = exists().where(o.kind == "hook", o.target_id == h.id)
    old = select(h.id).where(h.created_at < before, h.settled_at.is_not(None), ~busy).limit(limit)
    return conn.execute(delete(hooks).where(h.id.in_(old.scalar_subquery()))).rowcount

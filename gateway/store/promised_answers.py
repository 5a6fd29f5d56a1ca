"""Lookups whose time was spent in the dialogue: asked again later, their answer sent by SMS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import promised_answers

_ARGS = "promised_answers.args_sealed"


@dataclass(frozen=True, slots=True)
class PromisedAnswer:
    """What was asked at which screen. `identified`: an NPI or IFU was typed among the args."""

    holding_id: int
    service: str
    screen: str
    menu_version: str
    source: str
    channel: str
    network: str
    language: str
    valid_until: datetime
    args: Mapping[str, str | int] = field(repr=False)
    identified: bool


def add(conn: Connection, seals: Seals, promised: PromisedAnswer, now: datetime) -> int:
    """The id of a new promise."""
    row = {
        "holding_id": promised.holding_id,
        "service": promised.service,
        "screen": promised.screen,
        "menu_version": promised.menu_version,
        "source": promised.source,
        "channel": promised.channel,
        "network": bounded(promised.network, 32),
        "language": promised.language,
        "valid_until": promised.valid_until,
        "args_sealed": seals.seal_json([dict(promised.args), promised.identified], _ARGS),
        "asked_at": now,
    }
    promised_id: int = conn.execute(insert(promised_answers).values(row).returning(promised_answers.c.id)).scalar_one()
    return promised_id


def open_one(conn: Connection, seals: Seals, promised_id: int) -> PromisedAnswer | None:
    """A promise that is not kept yet; None when it is, or was erased. Raises SealBroken."""
    p = promised_answers.c
    found = select(promised_answers).where(p.id == promised_id, p.settled_at.is_(None), p.args_sealed.is_not(None))
    row = conn.execute(found).one_or_none()
    if row is None:
        return None
    args, identified = seals.open_json(row.args_sealed, _ARGS)
    return PromisedAnswer(
        holding_id=row.holding_id,
        service=row.service,
        screen=row.screen,
        menu_version=row.menu_version,
        source=row.source,
        channel=row.channel,
        network=row.network,
        language=row.language,
        valid_until=row.valid_until,
        args=args,
        identified=identified,
    )


def count_open(conn: Connection, holding_id: int) -> int:
    """How many promises to a holding are not kept yet."""
    p = promised_answers.c
    return conn.execute(select(func.count()).where(p.holding_id == holding_id, p.settled_at.is_(None))).scalar_one()


def overdue(conn: Connection, now: datetime, limit: int) -> tuple[int, ...]:
    """The ids of promises, at most `limit`, that were not kept in time."""
    p = promised_answers.c
    late = select(p.id).where(p.settled_at.is_(None), p.valid_until <= now).order_by(p.valid_until).limit(limit)
    return tuple(conn.execute(late).scalars())


def settle(conn: Connection, promised_id: int, outcome: str, now: datetime) -> bool:
    """Whether it was open and is now settled; what was asked is erased with it."""
    p = promised_answers.c
    mine = update(promised_answers).where(p.id == promised_id, p.settled_at.is_(None))
    done = {"settled_at": now, "outcome": bounded(outcome, 40), "args_sealed": None}
    return conn.execute(mine.values(done)).rowcount == 1


def forget(conn: Connection, before: datetime) -> int:
    """How many promises asked before `before` are gone."""
    return conn.execute(delete(promised_answers).where(promised_answers.c.asked_at < before)).rowcount

"""Answers of institutions that may be shown again for a while: sealed, each for one holding, forgotten when too old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select

from gateway.store.db import Connection, insert_into
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import cached_answers

_ANSWER = "cached_answers.answer_sealed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, by whom: equal questions have equal answers."""

    system: str
    source: str
    holding_id: int
    language: str
    args: Mapping[str, str | int]


def find(conn: Connection, seals: Seals, asked: Asked) -> tuple[Any, datetime] | None:
    """The kept answer (as JSON values) and when it was given; None when there is none that can be read."""
    c = cached_answers.c
    found = select(c.answer_sealed, c.answered_at).where(c.key_digest == _key(seals, asked))
    row = conn.execute(found).one_or_none()
    if row is None:
        return None
    try:
        return seals.open_json(row.answer_sealed, _ANSWER), row.answered_at
    except SealBroken:
        return None


def keep(conn: Connection, seals: Seals, asked: Asked, answer: Any, now: datetime, forget_at: datetime) -> None:
    """Keeps an answer in place of the one before."""
    row = {
        "key_digest": _key(seals, asked),
        "holding_id": asked.holding_id,
        "answer_sealed": seals.seal_json(answer, _ANSWER),
        "answered_at": now,
        "forget_at": forget_at,
    }
    new = insert_into(conn, cached_answers).values(row)
    again = {name: new.excluded[name] for name in ("answer_sealed", "answered_at", "forget_at")}
    conn.execute(new.on_conflict_do_update(index_elements=["key_digest"], set_=again))


def forget(conn: Connection, now: datetime) -> int:
    """How many answers were too old and are gone."""
    return conn.execute(delete(cached_answers).where(cached_answers.c.forget_at <= now)).rowcount


def _key(seals: Seals, asked: Asked) -> bytes:
    said = [asked.system, asked.source, asked.holding_id, asked.language, sorted(asked.args.items())]
    return seals.digest("answer", msgspec.json.encode(said).decode())

"""Audiences: lists and questions that an institution keeps for its notifications, and the citizens they find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, func, insert, select, update

from gateway.messages import SubmissionState
from gateway.store import holdings as numbers
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import audiences, holdings, preferences, submissions

Kind = Literal["numbers", "state", "topic"]
_DEFINITION = "audiences.definition_sealed"


@dataclass(frozen=True, slots=True)
class Audience:
    id: int
    institution: str
    name: str
    kind: Kind
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody of an audience. `position`: the id she was found by; `reference`: of her demand, "" when not told."""

    position: int
    msisdn: str = field(repr=False)
    reference: str = ""


def add(
    conn: Connection,
    seals: Seals,
    institution: str,
    name: str,
    kind: Kind,
    definition: Mapping[str, Any],
    who: str,
    now: datetime,
) -> int:
    """The id of a new audience; one of the same name is replaced."""
    a = audiences.c
    conn.execute(delete(audiences).where(a.institution == institution, a.name == bounded(name, 64)))
    row = {
        "institution": institution,
        "name": bounded(name, 64),
        "kind": kind,
        "definition_sealed": seals.seal_json(dict(definition), _DEFINITION),
        "created_by": bounded(who, 64),
        "created_at": now,
    }
    audience_id: int = conn.execute(insert(audiences).values(row).returning(a.id)).scalar_one()
    return audience_id


def list_(conn: Connection, institution: str) -> tuple[Audience, ...]:
    """Those of an institution, by name."""
    a = audiences.c
    rows = conn.execute(select(audiences).where(a.institution == institution).order_by(a.name))
    return tuple(Audience(r.id, r.institution, r.name, r.kind, r.created_by, r.created_at) for r in rows)


def by_id(conn: Connection, audience_id: int) -> Audience | None:
    """The audience of an id, None when there is none."""
    r = conn.execute(select(audiences).where(audiences.c.id == audience_id)).one_or_none()
    return None if r is None else Audience(r.id, r.institution, r.name, r.kind, r.created_by, r.created_at)


def definition(conn: Connection, seals: Seals, audience_id: int) -> Mapping[str, Any]:
    """What `add` was given. Raises SealBroken."""
    sealed = conn.execute(select(audiences.c.definition_sealed).where(audiences.c.id == audience_id)).scalar_one()
    found: Mapping[str, Any] = {} if sealed is None else seals.open_json(sealed, _DEFINITION)
    return found


def remove(conn: Connection, audience_id: int) -> None:
    conn.execute(delete(audiences).where(audiences.c.id == audience_id))


def lists_with(conn: Connection, seals: Seals, digest: bytes) -> tuple[Audience, ...]:
    """The lists of numbers in which this number stands."""
    found = []
    for audience, kept in _lists(conn, seals):
        if any(numbers.digest_of(seals, number) == digest for number in kept):
            found.append(audience)
    return tuple(found)


def forget_number(conn: Connection, seals: Seals, digest: bytes) -> int:
    """How many lists lost this number."""
    done = 0
    for audience, kept in _lists(conn, seals):
        left = [number for number in kept if numbers.digest_of(seals, number) != digest]
        if len(left) < len(kept):
            sealed = seals.seal_json({"numbers": left}, _DEFINITION)
            mine = update(audiences).where(audiences.c.id == audience.id)
            done += conn.execute(mine.values(definition_sealed=sealed)).rowcount
    return done


def _lists(conn: Connection, seals: Seals) -> Iterator[tuple[Audience, list[str]]]:
    a = audiences.c
    ids = conn.execute(select(a.id).where(a.kind == "numbers")).scalars().all()
    for audience_id in ids:
        audience = by_id(conn, audience_id)
        if audience is not None:
            yield audience, list(definition(conn, seals, audience_id).get("numbers", ()))


def in_state(
    conn: Connection,
    seals: Seals,
    institution: str,
    service: str | None,
    state: SubmissionState,
    after: int,
    limit: int,
) -> tuple[Citizen, ...]:
    """The citizens with a demand to this institution in a state, by the demand's id; of one service when given.

    A number that changed hands is nobody's. Of a sensitive service no reference is told.
    """
    s, h = submissions.c, holdings.c
    found = select(s.id, s.reference, s.sensitive, h.msisdn_sealed).join_from(
        submissions, holdings, s.holding_id == h.id
    )
    mine = found.where(s.institution == institution, s.state == state, s.id > after, h.closed_at.is_(None))
    if service is not None:
        mine = mine.where(s.service == service)
    rows = conn.execute(mine.order_by(s.id).limit(limit))
    return tuple(
        Citizen(row.id, _number(seals, row.msisdn_sealed), "" if row.sensitive else row.reference) for row in rows
    )


def of_topic(conn: Connection, seals: Seals, topic: str, after: int, limit: int) -> tuple[Citizen, ...]:
    """The citizens who asked to hear of a topic and did not take it back, by the id of their holding."""
    p, h = preferences.c, holdings.c
    latest = select(func.max(p.id)).where(p.subject == f"topic:{topic}", p.holding_id > after).group_by(p.holding_id)
    found = select(h.id, h.msisdn_sealed).join_from(preferences, holdings, p.holding_id == h.id)
    joined = found.where(p.id.in_(latest.scalar_subquery()), p.value == "in", h.closed_at.is_(None))
    rows = conn.execute(joined.order_by(h.id).limit(limit))
    return tuple(Citizen(row.id, _number(seals, row.msisdn_sealed)) for row in rows)


def _number(seals: Seals, sealed: bytes) -> str:
    """ "" for one that cannot be read: its row is wrong, and holds up none of the others."""
    try:
        return numbers.opened(seals, sealed)
    except SealBroken:
        return ""

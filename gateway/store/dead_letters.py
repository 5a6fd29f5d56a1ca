"""Dead letters: what an institution should have been told of a demand and was not, after the last try."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, update

from gateway.messages import SubmissionState
from gateway.store import hand_over, outbox, statements
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.outbox import Kind, OutboxRow
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import OutboxState, holdings, submissions
from gateway.store.tables import outbox as table
from gateway.store.tables import statements as said_of

#: What an institution is told of a demand. Rows of `statement` name a statement, all others the submission itself.
KINDS: tuple[Kind, ...] = ("submission", "withdrawal", "statement", "reminder", "poll")


class Obstacle(StrEnum):
    """Why a dead letter cannot be told again as it is."""

    KEY_MISSING = "key_missing"  #: sealed by a key that this installation no longer has
    DAMAGED = "damaged"  #: its key is here and does not open it: the row was altered
    ERASED = "erased"  #: its personal data were due for erasure: the citizen must file again
    NO_SYSTEM = "no_system"  #: gateway.yaml has no system of that name (any more)


@dataclass(frozen=True, slots=True)
class DeadRow:
    """`since`: when it was given up."""

    id: int
    kind: Kind
    target_id: int
    submission_id: int
    system: str
    code: str
    attempts: int
    since: datetime


def find(
    conn: Connection,
    *,
    references: Collection[str] | None = None,
    system: str | None = None,
    code: str | None = None,
    limit: int | None = None,
) -> tuple[DeadRow, ...]:
    """The dead letters of these references, this system and this code, those given up first first.

    A hand-over that was given up is one while its demand is dead: an institution may have told since that it has it.
    """
    found = _dead()
    if references is not None:
        found = found.where(submissions.c.reference.in_(references))
    if system is not None:
        found = found.where(submissions.c.system == system)
    if code is not None:
        found = found.where(table.c.last_code == code)
    return tuple(_row(row) for row in conn.execute(found.limit(limit)))


def told_of(conn: Connection, submission_id: int) -> tuple[OutboxRow, ...]:
    """Every row about what the institution of a submission is told, oldest first."""
    rows: Iterable[OutboxRow] = (
        row
        for kind in KINDS
        for target in (statements.ids_of(conn, submission_id) if kind == "statement" else (submission_id,))
        for row in outbox.of_target(conn, kind, target)
    )
    return tuple(sorted(rows, key=lambda row: row.id))


def obstacle(conn: Connection, seals: Seals, row: DeadRow) -> tuple[Obstacle | None, str]:
    """What stands in the way of telling it again, and the id of the key that is missing, else ""."""
    if row.kind in ("reminder", "poll"):  # they hold nothing that is sealed
        return None, ""
    try:
        if hand_over.for_hand_over(conn, seals, row.submission_id) is None:
            return Obstacle.ERASED, ""
        if row.kind == "statement" and statements.material(conn, seals, row.target_id) is None:
            return Obstacle.ERASED, ""
    except SealBroken:
        missing = [seals.key_of(each) for each in _sealed(conn, row) if seals.key_of(each) not in seals.key_ids()]
        return (Obstacle.KEY_MISSING, missing[0]) if missing else (Obstacle.DAMAGED, "")
    return None, ""


def readdress(conn: Connection, row: DeadRow, system: str, institution: str) -> None:
    """The demand, and whatever of it is not told yet, goes to another system: gateway.yaml renamed it."""
    s = submissions.c
    conn.execute(update(submissions).where(s.id == row.submission_id).values(system=system, institution=institution))
    waiting = is_in(table.c.state, (OutboxState.READY, OutboxState.CLAIMED, OutboxState.DEAD))
    ids = [one.id for one in told_of(conn, row.submission_id)]
    conn.execute(update(table).where(table.c.id.in_(ids), waiting).values(system=system))


def _dead() -> Select[Any]:
    said = and_(table.c.kind == "statement", said_of.c.id == table.c.target_id)
    about: ColumnElement[int] = case((table.c.kind == "statement", said_of.c.submission_id), else_=table.c.target_id)
    joined = table.outerjoin(said_of, said).join(submissions, submissions.c.id == about)
    return (
        select(table, submissions.c.id.label("submission_id"), submissions.c.system.label("of_system"))
        .select_from(joined)
        .where(
            is_in(table.c.state, (OutboxState.DEAD,)),
            is_in(table.c.kind, KINDS),
            or_(table.c.kind != "submission", submissions.c.state == SubmissionState.DEAD),
        )
        .order_by(table.c.updated_at, table.c.id)
    )


def _sealed(conn: Connection, row: DeadRow) -> list[bytes]:
    """What must be opened to tell it."""
    s = conn.execute(select(submissions).where(submissions.c.id == row.submission_id)).one()
    owners = holdings.c.id.in_([one for one in (s.holding_id, s.helper_id) if one is not None])
    numbers = conn.execute(select(holdings.c.msisdn_sealed).where(owners)).scalars()
    found = [s.fields_sealed, s.relation_sealed, *numbers]
    if row.kind == "statement":
        said = select(said_of.c.text_sealed).where(said_of.c.id == row.target_id)
        found += conn.execute(said).scalars()
    return [each for each in found if each is not None]


def _row(row: Any) -> DeadRow:
    return DeadRow(
        row.id, row.kind, row.target_id, row.submission_id, row.of_system, row.last_code, row.attempts, row.updated_at
    )

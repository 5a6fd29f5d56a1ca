"""Which demands are asked about, where an institution's system cannot call back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Exists, exists, select

from gateway.messages import SubmissionState
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.tables import OPEN_OUTBOX, outbox, submissions

#: The institution has it and has not decided.
FOLLOWED = (
    SubmissionState.QUEUED,
    SubmissionState.DELIVERED,
    SubmissionState.ACKNOWLEDGED,
    SubmissionState.IN_PROGRESS,
    SubmissionState.MORE_NEEDED,
)


@dataclass(frozen=True, slots=True)
class Followed:
    submission_id: int
    system: str


def is_planned(conn: Connection, submission_id: int) -> bool:
    """Whether a question about the demand is waiting already. The demand is held until the transaction ends."""
    conn.execute(select(submissions.c.id).where(submissions.c.id == submission_id).with_for_update())
    return conn.execute(select(_waiting(submission_id))).scalar_one()


def unplanned(conn: Connection, systems: Collection[str], limit: int) -> tuple[Followed, ...]:
    """Demands of these systems that are followed and about which no question waits; at most `limit`."""
    s = submissions.c
    found = select(s.id, s.system).where(
        s.system.in_(tuple(systems)), is_in(s.state, FOLLOWED), ~_waiting(submissions.c.id)
    )
    return tuple(Followed(row.id, row.system) for row in conn.execute(found.order_by(s.id).limit(limit)))


def _waiting(submission_id: Any) -> Exists:
    o = outbox.c
    return exists().where(o.kind == "poll", o.target_id == submission_id, is_in(o.state, OPEN_OUTBOX))

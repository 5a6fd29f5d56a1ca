"""What a récépissé is checked against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.messages import SubmissionState
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import submissions

_FIELDS = "submissions.fields_sealed"  # where submissions.py seals them


@dataclass(frozen=True, slots=True)
class Proof:
    """Nothing of it is sealed: reading it is the same work whether there is such a submission or not."""

    id: int
    service: str
    sensitive: bool
    state: SubmissionState
    submitted_at: datetime


def proof_of(conn: Connection, reference: str) -> Proof | None:
    """What the récépissé of a reference (12 digits) is checked against, None when there is no such submission."""
    s = submissions.c
    found = select(s.id, s.service, s.sensitive, s.state, s.submitted_at).where(s.reference == reference)
    row = conn.execute(found).one_or_none()
    if row is None:
        return None
    return Proof(row.id, row.service, row.sensitive, SubmissionState(row.state), row.submitted_at)


def field_of(conn: Connection, seals: Seals, submission_id: int, name: str) -> str | int | None:
    """One field of a submission; None when it has no such field, or was erased, or cannot be read."""
    found = select(submissions.c.fields_sealed).where(submissions.c.id == submission_id)
    sealed = conn.execute(found).scalar_one_or_none()
    if sealed is None:
        return None
    try:
        fields: dict[str, str | int] = seals.open_json(sealed, _FIELDS)
    except SealBroken:
        return None
    return fields.get(name)

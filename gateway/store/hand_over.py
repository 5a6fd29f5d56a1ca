"""What a submission holds for its institution, opened when it is handed over and at no other time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.messages import BackofficeRequest, OnBehalf, SubmissionState
from gateway.store import holdings
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.submissions import FIELDS as _FIELDS
from gateway.store.submissions import RELATION as _RELATION
from gateway.store.tables import submissions


@dataclass(frozen=True, slots=True)
class HandOverMaterial:
    """A submission as its back office must receive it, and what the gateway needs to go on."""

    id: int
    system: str
    holding_id: int
    sensitive: bool
    state: SubmissionState
    request: BackofficeRequest
    case_number: str = ""  #: the institution's own number of the file, once it gave one
    hand_over_by: datetime | None = None  #: when it is given up if nobody took it


def for_hand_over(conn: Connection, seals: Seals, submission_id: int) -> HandOverMaterial | None:
    """What to hand over to the back office; None when there is no such submission or its fields were erased.

    Raises SealBroken when it cannot be read.
    """
    row = conn.execute(select(submissions).where(submissions.c.id == submission_id)).one_or_none()
    if row is None or row.fields_sealed is None:
        return None
    request = BackofficeRequest(
        idempotency_key=row.idempotency_key,
        reference=row.reference,
        service=row.service,
        submitted_at=row.submitted_at,
        promised_on="" if row.promised_on is None else row.promised_on.isoformat(),
        language=row.language,
        msisdn=holdings.msisdn_of(conn, seals, row.holding_id),
        assurance=row.assurance,
        fields=seals.open_json(row.fields_sealed, _FIELDS),
        on_behalf=None if row.on_behalf is None else OnBehalf(row.on_behalf),
        relation="" if row.relation_sealed is None else seals.open(row.relation_sealed, _RELATION),
        helper_msisdn="" if row.helper_id is None else holdings.msisdn_of(conn, seals, row.helper_id),
    )
    state = SubmissionState(row.state)
    return HandOverMaterial(
        row.id, row.system, row.holding_id, row.sensitive, state, request, row.case_number, row.hand_over_by
    )


def overdue(conn: Connection, now: datetime, limit: int) -> tuple[int, ...]:
    """The ids of submissions, at most `limit`, that nobody took within the time that their service allows."""
    s = submissions.c
    late = select(s.id).where(is_in(s.state, (SubmissionState.RECEIVED,)), s.hand_over_by <= now)
    return tuple(conn.execute(late.order_by(s.hand_over_by).limit(limit)).scalars())

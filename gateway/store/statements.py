"""What citizens say about their demands: answers to questions, corrections; kept until the demand is erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update

from gateway.messages import BackofficeStatement, StatementKind, SubmissionState
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import questions, statements, submissions

TEXT = "statements.text_sealed"


@dataclass(frozen=True, slots=True)
class NewStatement:
    """What is said of which demand; `question_id`: what it answers, None for a correction."""

    submission_id: int
    kind: StatementKind
    text: str = field(repr=False)
    channel: str
    idempotency_key: str
    question_id: int | None = None


@dataclass(frozen=True, slots=True)
class StatementMaterial:
    """A statement as its institution must receive it, and how the demand stands."""

    submission_id: int
    system: str
    state: SubmissionState
    statement: BackofficeStatement


def add(conn: Connection, seals: Seals, new: NewStatement, now: datetime) -> int:
    """The id of the stored statement."""
    row = {
        "submission_id": new.submission_id,
        "question_id": new.question_id,
        "kind": new.kind,
        "text_sealed": seals.seal(new.text, TEXT),
        "channel": new.channel,
        "idempotency_key": new.idempotency_key,
        "said_at": now,
    }
    statement_id: int = conn.execute(insert_into(conn, statements).values(row).returning(statements.c.id)).scalar_one()
    return statement_id


def material(conn: Connection, seals: Seals, statement_id: int) -> StatementMaterial | None:
    """What to pass on; None when it was erased. Raises SealBroken."""
    st, s, q = statements.c, submissions.c, questions.c
    joined = statements.join(submissions, s.id == st.submission_id).outerjoin(questions, q.id == st.question_id)
    found = select(statements, s.system, s.state, s.reference, s.service, s.case_number, q.event_id).select_from(joined)
    row = conn.execute(found.where(st.id == statement_id)).one_or_none()
    if row is None or row.text_sealed is None:
        return None
    statement = BackofficeStatement(
        idempotency_key=row.idempotency_key,
        reference=row.reference,
        service=row.service,
        kind=StatementKind(row.kind),
        text=seals.open(row.text_sealed, TEXT),
        said_at=row.said_at,
        question_id=row.event_id or "",
        case_number=row.case_number,
    )
    return StatementMaterial(row.submission_id, row.system, SubmissionState(row.state), statement)


def ids_of(conn: Connection, submission_id: int) -> tuple[int, ...]:
    """The statements about a demand, oldest first."""
    about = select(statements.c.id).where(statements.c.submission_id == submission_id).order_by(statements.c.id)
    return tuple(conn.execute(about).scalars())


def erase_of(conn: Connection, submission_ids: Sequence[int]) -> int:
    """How many statements about these demands lost their text."""
    st = statements.c
    about = update(statements).where(st.submission_id.in_(submission_ids), st.text_sealed.is_not(None))
    return conn.execute(about.values(text_sealed=None)).rowcount

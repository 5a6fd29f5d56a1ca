"""Time promised: the date on the récépissé has passed without a decision; citizen and institution are told, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from gateway import logs
from gateway.messages import BackofficeReminder, SubmissionState
from gateway.store import late as stored
from gateway.store import outbox, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.submissions import StoredSubmission
from gateway.usecases import inspection, notices, withdrawals
from gateway.usecases.inspection import Line
from gateway.usecases.parts import Parts
from gateway.usecases.telling import Errand

KIND: outbox.Kind = "reminder"
#: When nobody is woken by an SMS: from the first hour, before the second, in local time.
FROM_HOUR, BEFORE_HOUR = 8, 17
_PRIORITY = 20
#: Where a reminder means something: the institution has the demand, and has not decided.
_HAS_IT = (
    SubmissionState.QUEUED,
    SubmissionState.DELIVERED,
    SubmissionState.ACKNOWLEDGED,
    SubmissionState.IN_PROGRESS,
)


@dataclass(frozen=True, slots=True)
class LateLine:
    """One late demand as an operator sees it; `days` since the promised one, `told_at` None: not told yet."""

    line: Line
    institution: str  #: its key in gateway.yaml
    promised_on: date
    days: int
    told_at: datetime | None


def tell(parts: Parts, conn: Connection, limit: int, now: datetime) -> int:
    """How many demands became late and are told now: SMS, reminder and history in this one transaction.

    Only by day: an SMS that says nothing urgent wakes nobody. Announce nothing: the relay sees the rows.
    """
    local = now.astimezone(parts.zone)
    if not FROM_HOUR <= local.hour < BEFORE_HOUR:
        return 0
    told = 0
    for submission_id in stored.untold(conn, local.date(), limit):
        if not stored.note_told(conn, submission_id, local.date(), now):
            continue
        submission = submissions.by_id(conn, parts.seals, submission_id)
        assert submission is not None
        submission_events.add(conn, submission_id, "late", now)
        key = withdrawals.order_key(submission_id)
        outbox.add(conn, withdrawals.LANE, KIND, submission_id, key, _PRIORITY, now, now, submission.system)
        notices.late(conn, parts, submission)
        logs.event("submission.late", level="warning", submission_id=submission_id, system=submission.system)
        told += 1
    return told


def prepare(parts: Parts, conn: Connection, row: Claimed) -> Errand | None:
    """What the institution is reminded of; None when it decided meanwhile, or does not have the demand."""
    submission = submissions.by_id(conn, parts.seals, row.target_id)
    if submission is None or submission.promised_on is None or submission.state not in _HAS_IT:
        return None
    reminder = BackofficeReminder(
        idempotency_key=f"{submission.idempotency_key}-reminder",
        reference=submission.reference,
        service=submission.service,
        promised_on=submission.promised_on.isoformat(),
        case_number=submission.case_number,
    )
    return Errand(submission.id, submission.system, lambda system: system.remind(reminder))


def list_late(parts: Parts, system: str | None, limit: int) -> tuple[LateLine, ...]:
    """The late demands, of one system when given, the oldest promise first. Raises StoreUnavailable."""
    today = parts.now().astimezone(parts.zone).date()
    with parts.database.read() as conn:
        return tuple(
            _line(conn, parts, one, one.promised_on, today)
            for one in stored.every(conn, parts.seals, today, system, limit)
            if one.promised_on is not None
        )


def is_late(parts: Parts, submission: StoredSubmission, now: datetime) -> bool:
    """Whether the promised day is over and the institution has not decided."""
    promised = submission.promised_on
    return promised is not None and submission.state in stored.OWED and promised < now.astimezone(parts.zone).date()


def _line(conn: Connection, parts: Parts, one: StoredSubmission, promised_on: date, today: date) -> LateLine:
    line = inspection.line_of(conn, parts, one)
    return LateLine(line, one.institution, promised_on, (today - promised_on).days, one.late_told_at)

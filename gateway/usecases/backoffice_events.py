"""Events from institutions: the state of a submission and the notice of it, in one transaction."""

from __future__ import annotations

from datetime import datetime

from gateway import logs
from gateway.messages import BackofficeEvent, EventType, SubmissionState
from gateway.store import backoffice_events, chain_data, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.submissions import StoredSubmission
from gateway.usecases import notices
from gateway.usecases.parts import Parts

TAKEN = "taken"
REPEATED = "repeated"  #: the same webhook-id: no effect
LATE = "late"  #: the submission is already there, or further: kept in its history, nothing is told twice
UNKNOWN_REFERENCE = "unknown_reference"  #: none of this system's


def take_event(parts: Parts, event: BackofficeEvent, now: datetime) -> str:
    """What became of an event: TAKEN, REPEATED, LATE or UNKNOWN_REFERENCE. Raises StoreUnavailable."""
    submission_id: int | None = None
    with parts.database.begin() as conn:
        submission = submissions.by_reference(conn, parts.seals, event.reference)
        if submission is None or submission.system != event.system:
            # Not recorded: the same event may come again once the mistake is mended.
            outcome = UNKNOWN_REFERENCE
        elif not backoffice_events.record(conn, event.system, event.event_id, event.type, now):
            outcome = REPEATED
        else:
            submission_id = submission.id
            outcome = TAKEN if _apply(conn, parts, event, submission, now) else LATE
            backoffice_events.set_outcome(conn, event.system, event.event_id, outcome)
    if outcome == TAKEN:
        parts.announce((notices.LANE,))
    logs.event(
        "backoffice.event",
        level="warning" if outcome == UNKNOWN_REFERENCE else "info",
        system=event.system,
        submission_id=submission_id,
        type=event.type,
        outcome=outcome,
    )
    return outcome


#: What an event that is no decision moves the submission to.
_STATES = {
    EventType.DELIVERED: SubmissionState.DELIVERED,
    EventType.ACKNOWLEDGED: SubmissionState.ACKNOWLEDGED,
    EventType.IN_PROGRESS: SubmissionState.IN_PROGRESS,
    EventType.MORE_NEEDED: SubmissionState.MORE_NEEDED,
}


def _apply(conn: Connection, parts: Parts, event: BackofficeEvent, submission: StoredSubmission, now: datetime) -> bool:
    """Whether the event moved the submission; if so its notice is written."""
    if event.decision is None:
        to = _STATES[event.type]
        kind = to.value
    else:
        to, kind = SubmissionState(event.decision.value), "decided"
    moved = submissions.set_state(
        conn, parts.seals, submission.id, to, now, case_number=event.case_number, message=event.message
    )
    code = to.value if moved else "late"
    covered = chain_data.of_answer(conn, parts.seals, submission.id) if moved and event.decision is not None else None
    submission_events.add(conn, submission.id, kind, now, code, event.event_id, covered)
    if not moved:
        if event.case_number:
            submissions.note_case(conn, submission.id, event.case_number)
        return False
    current = submissions.by_id(conn, parts.seals, submission.id)
    assert current is not None
    if event.type is EventType.ACKNOWLEDGED:
        notices.acknowledged(conn, parts, current)
    elif event.decision is not None:
        notices.decided(conn, parts, current, event.decision)
    return True

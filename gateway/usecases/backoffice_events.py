"""Events from institutions: the state of a submission and the notice of it, in one transaction."""

from __future__ import annotations

from datetime import datetime

from gateway import logs
from gateway.messages import BackofficeEvent, EventType, SubmissionState
from gateway.store import backoffice_events, chain_data, submission_events, submissions
from gateway.store import questions as asked
from gateway.store.db import Connection
from gateway.store.submissions import StoredSubmission
from gateway.usecases import notices, questions
from gateway.usecases.parts import Parts

TAKEN = "taken"
REPEATED = "repeated"  #: the same webhook-id: no effect, but that a file number may have come since
LATE = "late"  #: the submission is already there, or further: kept in its history, nothing is told twice
UNKNOWN_REFERENCE = "unknown_reference"  #: none of this system's


def take_event(parts: Parts, event: BackofficeEvent, now: datetime) -> str:
    """What became of an event: TAKEN, REPEATED, LATE or UNKNOWN_REFERENCE. Raises StoreUnavailable."""
    with parts.database.begin() as conn:
        outcome, submission_id = take_within(conn, parts, event, now)
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


def take_within(conn: Connection, parts: Parts, event: BackofficeEvent, now: datetime) -> tuple[str, int | None]:
    """As `take_event`, in the caller's transaction, and the submission's id when it is new; announce after it."""
    submission = submissions.by_reference(conn, parts.seals, event.reference)
    if submission is None or submission.system != event.system:
        # Not recorded: the same event may come again once the mistake is mended.
        return UNKNOWN_REFERENCE, None
    if not backoffice_events.record(conn, event.system, event.event_id, event.type, now):
        if event.case_number:
            submissions.note_case(conn, submission.id, event.case_number)
        return REPEATED, None
    outcome = TAKEN if _apply(conn, parts, event, submission, now) else LATE
    backoffice_events.set_outcome(conn, event.system, event.event_id, outcome)
    return outcome, submission.id


#: What an event that is no decision moves the submission to.
_STATES = {
    EventType.DELIVERED: SubmissionState.DELIVERED,
    EventType.ACKNOWLEDGED: SubmissionState.ACKNOWLEDGED,
    EventType.IN_PROGRESS: SubmissionState.IN_PROGRESS,
}
#: The institution goes on, or is done: it waits for no answer any more.
_ASKS_NO_MORE = (SubmissionState.IN_PROGRESS, SubmissionState.GRANTED, SubmissionState.REFUSED)


def _apply(conn: Connection, parts: Parts, event: BackofficeEvent, submission: StoredSubmission, now: datetime) -> bool:
    """Whether the event moved the submission, or asked something anew; if so its notice is written."""
    if event.type is EventType.MORE_NEEDED:
        return _asked(conn, parts, event, submission, now)
    if event.decision is None:
        to = _STATES[event.type]
        kind = to.value
    else:
        to, kind = SubmissionState(event.decision.value), "decided"
    overtaken = event.type is EventType.IN_PROGRESS and questions.is_overtaken(conn, parts, event, submission.id)
    moved = not overtaken and submissions.set_state(
        conn, parts.seals, submission.id, to, now, case_number=event.case_number, message=event.message
    )
    code = to.value if moved else "late"
    told_before = to is SubmissionState.IN_PROGRESS and _was_in_progress(conn, submission.id)
    covered = chain_data.of_answer(conn, parts.seals, submission.id) if moved and event.decision is not None else None
    submission_events.add(conn, submission.id, kind, now, code, event.event_id, covered)
    if not moved:
        if event.case_number:
            submissions.note_case(conn, submission.id, event.case_number)
        return False
    if to in _ASKS_NO_MORE:
        asked.close(conn, submission.id, now)
    current = submissions.by_id(conn, parts.seals, submission.id)
    assert current is not None
    if event.type is EventType.IN_PROGRESS and not told_before:
        notices.in_progress(conn, parts, current)
    elif event.type is EventType.ACKNOWLEDGED:
        notices.acknowledged(conn, parts, current)
    elif event.decision is not None:
        notices.decided(conn, parts, current, event.decision)
    return True


def _asked(conn: Connection, parts: Parts, event: BackofficeEvent, submission: StoredSubmission, now: datetime) -> bool:
    taken = questions.ask(conn, parts, event, submission, now)
    kind = SubmissionState.MORE_NEEDED.value
    of_question = chain_data.of_question
    covered = of_question(conn, parts.seals, submission.id, event.event_id, event.question) if taken else None
    submission_events.add(conn, submission.id, kind, now, kind if taken else "late", event.event_id, covered)
    if event.case_number:
        submissions.note_case(conn, submission.id, event.case_number)
    return taken


def _was_in_progress(conn: Connection, submission_id: int) -> bool:
    """Whether the citizen was told before that somebody works on it: once is enough."""
    to = SubmissionState.IN_PROGRESS.value
    return any((one.kind, one.code) == (to, to) for one in submission_events.of(conn, submission_id))

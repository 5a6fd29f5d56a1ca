"""Asking a system that cannot call back what became of a demand: one outbox row for each, until it decides.

What it tells is taken as an event is (backoffice_events): the same news has the same id each time it is read.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway import logs
from gateway.backoffice.base import Fault
from gateway.messages import BackofficeEvent
from gateway.settings import HttpSystem
from gateway.store import outbox, polls, submissions
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.submissions import StoredSubmission
from gateway.usecases import backoffice_events, breakers
from gateway.usecases.backoff import wait_s
from gateway.usecases.parts import Parts

KIND: outbox.Kind = "poll"
LANE = "backoffice"
#: After what citizens wait for: hand-overs, withdrawals, what they say.
_PRIORITY = 50


def plan(conn: Connection, parts: Parts, submission_id: int, system: str, now: datetime) -> bool:
    """Whether a first or next question about the demand was planned: not of a system that calls back, nor twice."""
    every_s = _every_s(parts, system)
    if every_s is None or polls.is_planned(conn, submission_id):
        return False
    due_at = now + timedelta(seconds=every_s)
    outbox.add(conn, LANE, KIND, submission_id, None, _PRIORITY, due_at, now, system)
    return True


def adopt(parts: Parts, conn: Connection, limit: int, now: datetime) -> int:
    """How many demands are asked about from now on: their system had them before it was declared to be polled."""
    polled = [name for name in parts.settings.systems if _every_s(parts, name) is not None]
    found = polls.unplanned(conn, polled, limit) if polled else ()
    return sum(plan(conn, parts, one.submission_id, one.system, now) for one in found)


def poll(parts: Parts, row: Claimed) -> None:
    """Asks about one demand, takes what is new and plans the next question. Raises StoreUnavailable."""
    submission = _begin(parts, row)
    if submission is None:
        return
    news = _ask(parts, submission)
    fault, events = (news, ()) if isinstance(news, Fault) else (None, news)
    outcomes = [backoffice_events.take_event(parts, event, parts.now()) for event in events]
    _settle(parts, row, submission, fault)
    logs.event(
        "submission.polled",
        submission_id=submission.id,
        system=submission.system,
        outcome="read" if fault is None else "unread",
        news=outcomes.count(backoffice_events.TAKEN),
        attempt=row.attempts + 1,
    )


def _every_s(parts: Parts, system: str) -> float | None:
    declared = parts.settings.systems.get(system)
    return declared.poll_every_s if isinstance(declared, HttpSystem) else None


def _begin(parts: Parts, row: Claimed) -> StoredSubmission | None:
    now = parts.now()
    with parts.database.begin() as conn:
        submission = submissions.by_id(conn, parts.seals, row.target_id)
        followed = submission is not None and submission.state in polls.FOLLOWED
        if not followed or submission is None or _every_s(parts, submission.system) is None:
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return None
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return None
    return submission


def _ask(parts: Parts, submission: StoredSubmission) -> tuple[BackofficeEvent, ...] | Fault:
    system = parts.systems.get(submission.system)
    if system is None:
        return Fault("no_system")
    try:
        return system.poll(submission.reference, submission.case_number)
    except Exception as error:  # a fault of ours must not stop the lane; a question can be asked again
        logs.failure("submission.poll_failed", error, submission_id=submission.id, system=submission.system)
        return Fault("failed")


def _settle(parts: Parts, row: Claimed, submission: StoredSubmission, fault: Fault | None) -> None:
    """The next question; later and later while none is answered, and never given up: the demand is still open."""
    now = parts.now()
    declared, every_s = parts.settings.systems.get(submission.system), _every_s(parts, submission.system)
    with parts.database.begin() as conn:
        breakers.note(conn, parts, submission.system, fault, now)
        if fault is None or declared is None or every_s is None:
            if outbox.done(conn, row.id, row.token, "read", now):
                current = submissions.by_id(conn, parts.seals, submission.id)
                if current is not None and current.state in polls.FOLLOWED:
                    plan(conn, parts, submission.id, submission.system, now)
            return
        longest_s = max(every_s, declared.longest_retry_s)
        delay_s = wait_s(row.attempts + 1, every_s, longest_s, fault.retry_after_s, parts.random_bytes)
        outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), "unread", now)

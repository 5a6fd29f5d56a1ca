"""Handing a submission over to its institution: one claimed row of the lane `backoffice`, one call, one settling."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway import logs, metrics
from gateway.menu.model import Service
from gateway.messages import BackofficeAnswer, HandOver, SubmissionState
from gateway.store import chain_data, outbox, submission_events, submissions
from gateway.store import hand_over as stored
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.hand_over import HandOverMaterial
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.store.tables import OutboxState
from gateway.usecases import backoffice_events, breakers, evidence, notices, polling
from gateway.usecases.backoff import wait_s
from gateway.usecases.parts import Parts

LANE = "backoffice"
#: Answers that say that the way to the system is wrong: a person must look, now and not after the last try.
_MISCONFIGURED = ("http_3", "http_401", "http_403", "http_404", "http_405", "http_407", "no_system")


#: Said of a demand that nobody took within the time that its service allows.
DEADLINE = "deadline"


def lease_s(parts: Parts) -> float:
    """How long a row of this lane is held: as long as the most patient system needs."""
    return max((system.lease_s for system in parts.settings.systems.values()), default=60)


def deadline(service: Service | None, now: datetime) -> datetime | None:
    """Until when an institution must have taken a demand whose hand-over begins now; None: no time is set."""
    within_s = None if service is None else service.hand_over_s
    return None if within_s is None else now + timedelta(seconds=within_s)


def hand_over(parts: Parts, rows: Iterable[Claimed]) -> None:
    """Offers each claimed submission to its system, and settles. Raises StoreUnavailable.

    The call is outside any transaction, safe to repeat by its idempotency key. Whoever lost the lease in between
    settles nothing: another worker offers it again, and the system answers the same.
    """
    for row in rows:
        material = _begin(parts, row)
        if material is None:
            continue
        started = parts.monotonic()
        answer = _ask(parts, material)
        settled = _settled(parts, row, material, answer)
        metrics.submissions_handed_over.labels(material.system, answer.outcome).inc()
        wrong_way = answer.misconfigured or (
            answer.outcome is HandOver.RETRY and answer.code.startswith(_MISCONFIGURED)
        )
        logs.event(
            "submission.handed_over",
            level="error" if wrong_way else "info",
            submission_id=material.id,
            system=material.system,
            outcome=answer.outcome,
            code=answer.code,
            attempt=row.attempts + 1,
            settled=settled,
            duration_ms=round((parts.monotonic() - started) * 1000),
        )


def expire(parts: Parts, conn: Connection, limit: int, now: datetime) -> int:
    """How many demands were given up because nobody took them in time. One that is being offered is left to it."""
    over = 0
    for submission_id in stored.overdue(conn, now, limit):
        rows = outbox.of_target(conn, "submission", submission_id)
        if any(outbox.end(conn, row.id, OutboxState.DEAD, DEADLINE, now) for row in rows):
            _died(conn, parts, submission_id, DEADLINE)
            over += 1
    return over


def _begin(parts: Parts, row: Claimed) -> HandOverMaterial | None:
    """What to hand over, its attempt committed; None: nothing to do, not now, or the row is no longer mine."""
    now = parts.now()
    with parts.database.begin() as conn:
        try:
            material = stored.for_hand_over(conn, parts.seals, row.target_id)
        except SealBroken:  # trying again will not mend it
            _give_up(conn, parts, row, "unreadable")
            return None
        if material is None or material.state is not SubmissionState.RECEIVED:
            # Erased, or the system has told since that it has it.
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return None
        if _is_over(material, now):
            _give_up(conn, parts, row, DEADLINE)
            return None
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return None
    return material


def _ask(parts: Parts, material: HandOverMaterial) -> BackofficeAnswer:
    system = parts.systems.get(material.system)
    if system is None:
        return BackofficeAnswer(HandOver.RETRY, code="no_system")
    try:
        return system.submit(material.request)
    except Exception as error:  # a fault of ours must not stop the lane; the key makes a repetition safe
        logs.failure("submission.call_failed", error, submission_id=material.id, system=material.system)
        return BackofficeAnswer(HandOver.RETRY, code="failed")


def _settled(parts: Parts, row: Claimed, material: HandOverMaterial, answer: BackofficeAnswer) -> bool:
    """As `_settle`; an answer that we cannot take is as none: asked for again, and in the end a person looks."""
    try:
        return _settle(parts, row, material, answer)
    except StoreUnavailable:
        raise
    except Exception as error:
        logs.failure("submission.answer_failed", error, submission_id=material.id, system=material.system)
        return _settle(parts, row, material, BackofficeAnswer(HandOver.RETRY, code="failed"))


def _settle(parts: Parts, row: Claimed, material: HandOverMaterial, answer: BackofficeAnswer) -> bool:
    """Whether my token stood and the answer was stored; notices leave only then."""
    with parts.database.begin() as conn:
        breakers.note(conn, parts, material.system, breakers.sign_of(answer), parts.now())
        if answer.outcome is HandOver.RETRY:
            return _later(conn, parts, row, material, answer)
        if not outbox.done(conn, row.id, row.token, answer.code, parts.now()):
            return False
        for event in answer.events:  # news that came at once is told instead of an acknowledgement
            backoffice_events.take_within(conn, parts, event, parts.now())
        _answered(conn, parts, material, answer)
        evidence.keep(conn, material.id, answer, parts.now())
        decided = any(event.decision is not None for event in answer.events)
        if answer.outcome is not HandOver.REJECTED and not decided:
            polling.plan(conn, parts, material.id, material.system, parts.now())
    parts.announce((notices.LANE,))
    return True


#: outcome -> the state it moves the submission to, and the kind of its event
_MEANINGS = {
    HandOver.ACCEPTED: (SubmissionState.ACKNOWLEDGED, "acknowledged"),
    HandOver.DELIVERED: (SubmissionState.DELIVERED, "delivered"),
    HandOver.QUEUED: (SubmissionState.QUEUED, "queued"),
    HandOver.REJECTED: (SubmissionState.REFUSED, "not_accepted"),
}


def _answered(conn: Connection, parts: Parts, material: HandOverMaterial, answer: BackofficeAnswer) -> None:
    """The state and, if this moved it, the notice: an event that came first has told the citizen already."""
    now = parts.now()
    to, kind = _MEANINGS[answer.outcome]
    rejected = answer.outcome is HandOver.REJECTED
    moved = not (rejected and _is_there(conn, parts, material.id)) and submissions.set_state(
        conn, parts.seals, material.id, to, now, case_number=answer.case_number, message=answer.reason
    )
    refused = moved and rejected
    covered = chain_data.of_answer(conn, parts.seals, material.id) if refused else None
    submission_events.add(conn, material.id, kind, now, answer.code if moved else "late", data_digest=covered)
    current = submissions.by_id(conn, parts.seals, material.id)
    if not moved or current is None:
        if answer.case_number:
            submissions.note_case(conn, material.id, answer.case_number)
        return
    if answer.outcome is HandOver.ACCEPTED:
        notices.acknowledged(conn, parts, current)
    elif answer.outcome is HandOver.REJECTED:
        notices.not_accepted(conn, parts, current)


def _is_there(conn: Connection, parts: Parts, submission_id: int) -> bool:
    """Whether the institution has told since that it has the demand: then it has not refused to take it."""
    submissions.hold(conn, submission_id)
    current = submissions.by_id(conn, parts.seals, submission_id)
    return current is not None and current.state is not SubmissionState.RECEIVED


def _give_up(conn: Connection, parts: Parts, row: Claimed, code: str) -> bool:
    """A person must look, and may hand it over again."""
    if not outbox.dead(conn, row.id, row.token, code, parts.now()):
        return False
    _died(conn, parts, row.target_id, code)
    return True


def _died(conn: Connection, parts: Parts, submission_id: int, code: str) -> None:
    now = parts.now()
    if submissions.set_state(conn, parts.seals, submission_id, SubmissionState.DEAD, now):
        submission_events.add(conn, submission_id, "dead", now, code)
    logs.event("submission.dead", level="error", submission_id=submission_id, code=code)


def _is_over(material: HandOverMaterial, now: datetime) -> bool:
    return material.hand_over_by is not None and material.hand_over_by <= now


def _later(conn: Connection, parts: Parts, row: Claimed, material: HandOverMaterial, answer: BackofficeAnswer) -> bool:
    """Tries again later, or gives up after the system's number of attempts, or when the service's time is over."""
    now, tries = parts.now(), row.attempts + 1
    system = parts.settings.systems.get(material.system)
    if _is_over(material, now):
        return _give_up(conn, parts, row, DEADLINE)
    if system is not None and tries >= system.attempts:
        return _give_up(conn, parts, row, answer.code)
    first_s, longest_s = (system.first_retry_s, system.longest_retry_s) if system else (60, 3600)
    delay_s = wait_s(tries, first_s, longest_s, answer.retry_after_s, parts.random_bytes)
    return outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), answer.code, now)

"""Handing a submission over to its institution: one claimed row of the lane `backoffice`, one call, one settling."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from gateway import logs, metrics
from gateway.messages import BackofficeAnswer, HandOver, SubmissionState
from gateway.store import chain_data, outbox, submission_events, submissions
from gateway.store import hand_over as stored
from gateway.store.db import Connection
from gateway.store.hand_over import HandOverMaterial
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.usecases import backoffice_events, evidence, notices, polling
from gateway.usecases.backoff import wait_s
from gateway.usecases.parts import Parts

LANE = "backoffice"
#: Answers that say that the way to the system is wrong: a person must look, now and not after the last try.
_MISCONFIGURED = ("http_3", "http_401", "http_403", "http_404", "http_405", "http_407", "no_system")


#: No answer at all: whoever asks such a system waits until the call times out.
_SILENT = ("no_connection", "too_slow", "cut")


def lease_s(parts: Parts) -> float:
    """How long a row of this lane is held: as long as the most patient system needs."""
    return max((system.lease_s for system in parts.settings.systems.values()), default=60)


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
        parts.silences.note(material.system, parts.monotonic(), answered=answer.code not in _SILENT)
        metrics.backoffice_silent.labels(material.system).set(parts.silences.silent(material.system))
        settled = _settle(parts, row, material, answer)
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
        if _put_off(conn, parts, row, material):
            return None
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return None
    return material


def _put_off(conn: Connection, parts: Parts, row: Claimed, material: HandOverMaterial) -> bool:
    """Whether the row waits because its system is away; no attempt is counted, as there was none."""
    silent = parts.silences.away(material.system, parts.monotonic())
    system = parts.settings.systems.get(material.system)
    if not silent or system is None:
        return False
    now = parts.now()
    delay_s = wait_s(silent, system.first_retry_s, system.longest_retry_s, None, parts.random_bytes)
    outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), "away", now)
    return True


def _ask(parts: Parts, material: HandOverMaterial) -> BackofficeAnswer:
    system = parts.systems.get(material.system)
    if system is None:
        return BackofficeAnswer(HandOver.RETRY, code="no_system")
    try:
        return system.submit(material.request)
    except Exception as error:  # a fault of ours must not stop the lane; the key makes a repetition safe
        logs.failure("submission.call_failed", error, submission_id=material.id, system=material.system)
        return BackofficeAnswer(HandOver.RETRY, code="failed")


def _settle(parts: Parts, row: Claimed, material: HandOverMaterial, answer: BackofficeAnswer) -> bool:
    """Whether my token stood and the answer was stored; notices leave only then."""
    with parts.database.begin() as conn:
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
    moved = submissions.set_state(
        conn, parts.seals, material.id, to, now, case_number=answer.case_number, message=answer.reason
    )
    refused = moved and answer.outcome is HandOver.REJECTED
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


def _give_up(conn: Connection, parts: Parts, row: Claimed, code: str) -> bool:
    """A person must look, and may hand it over again."""
    now = parts.now()
    if not outbox.dead(conn, row.id, row.token, code, now):
        return False
    if submissions.set_state(conn, parts.seals, row.target_id, SubmissionState.DEAD, now):
        submission_events.add(conn, row.target_id, "dead", now, code)
    logs.event("submission.dead", level="error", submission_id=row.target_id, code=code)
    return True


def _later(conn: Connection, parts: Parts, row: Claimed, material: HandOverMaterial, answer: BackofficeAnswer) -> bool:
    """Tries again later, or gives up after the system's number of attempts: then a person must look."""
    now, tries = parts.now(), row.attempts + 1
    system = parts.settings.systems.get(material.system)
    if system is not None and tries >= system.attempts:
        return _give_up(conn, parts, row, answer.code)
    first_s, longest_s = (system.first_retry_s, system.longest_retry_s) if system else (60, 3600)
    delay_s = wait_s(tries, first_s, longest_s, answer.retry_after_s, parts.random_bytes)
    return outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), answer.code, now)

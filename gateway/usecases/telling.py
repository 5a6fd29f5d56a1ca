"""Telling an institution something about a demand that it has: a withdrawal, a statement, a reminder; until it knows.

One claimed row of the lane `backoffice`, one call that its key makes safe to repeat, one settling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from gateway import logs
from gateway.backoffice.base import BackOffice
from gateway.messages import BackofficeAnswer, HandOver
from gateway.store import attempts, outbox, submission_events
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.usecases import breakers, evidence
from gateway.usecases.backoff import wait_s
from gateway.usecases.parts import Parts


@dataclass(frozen=True, slots=True)
class Errand:
    """What is told of which demand, to which system of gateway.yaml."""

    submission_id: int
    system: str
    call: Callable[[BackOffice], BackofficeAnswer]


#: What a claimed row is about, read in a transaction; None: nothing to tell (any more). May raise SealBroken.
Prepare = Callable[[Connection, Claimed], Errand | None]


def tell(parts: Parts, row: Claimed, prepare: Prepare) -> None:
    """Makes the call of one row and settles it. Raises StoreUnavailable."""
    errand = _begin(parts, row, prepare)
    if errand is None:
        return
    answer = _ask(parts, errand)
    _settle(parts, row, errand, answer)
    logs.event(
        "submission.told",
        level="error" if answer.misconfigured else "info",
        submission_id=errand.submission_id,
        system=errand.system,
        kind=row.kind,
        outcome=answer.outcome,
        code=answer.code,
        attempt=row.attempts + 1,
    )


def was_offered(conn: Connection, submission_id: int) -> bool:
    """Whether the institution may have heard of the demand: else there is nothing to tell it about."""
    rows = outbox.of_target(conn, "submission", submission_id)
    if not rows:  # handed over so long ago that its row was forgotten, unless nobody ever agreed to it
        return any(event.kind in ("received", "agreed") for event in submission_events.of(conn, submission_id))
    return bool(attempts.of_rows(conn, [row.id for row in rows]))  # a replay counts a row's attempts anew


def _begin(parts: Parts, row: Claimed, prepare: Prepare) -> Errand | None:
    now = parts.now()
    with parts.database.begin() as conn:
        try:
            errand = prepare(conn, row)
        except SealBroken:  # trying again will not mend it
            outbox.dead(conn, row.id, row.token, "unreadable", now)
            logs.event("submission.telling_dead", level="error", kind=row.kind, target_id=row.target_id)
            return None
        if errand is None:
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return None
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return None
    return errand


def _ask(parts: Parts, errand: Errand) -> BackofficeAnswer:
    system = parts.systems.get(errand.system)
    if system is None:
        return BackofficeAnswer(HandOver.RETRY, code="no_system")
    try:
        return errand.call(system)
    except Exception as error:  # a fault of ours must not stop the lane; the key makes a repetition safe
        logs.failure("submission.call_failed", error, submission_id=errand.submission_id, system=errand.system)
        return BackofficeAnswer(HandOver.RETRY, code="failed")


def _settle(parts: Parts, row: Claimed, errand: Errand, answer: BackofficeAnswer) -> None:
    now, tries = parts.now(), row.attempts + 1
    system = parts.settings.systems.get(errand.system)
    with parts.database.begin() as conn:
        breakers.note(conn, parts, errand.system, breakers.sign_of(answer), now)
        if answer.outcome is not HandOver.RETRY:
            if outbox.done(conn, row.id, row.token, answer.code, now):
                submission_events.add(conn, errand.submission_id, f"{row.kind}_told", now, answer.code)
                evidence.keep(conn, errand.submission_id, answer, now)
        elif system is not None and tries >= system.attempts:
            if outbox.dead(conn, row.id, row.token, answer.code, now):
                submission_events.add(conn, errand.submission_id, f"{row.kind}_dead", now, answer.code)
            about, code = errand.submission_id, answer.code
            logs.event("submission.telling_dead", level="error", submission_id=about, kind=row.kind, code=code)
        else:
            first_s, longest_s = (system.first_retry_s, system.longest_retry_s) if system else (60, 3600)
            delay_s = wait_s(tries, first_s, longest_s, answer.retry_after_s, parts.random_bytes)
            outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), answer.code, now)

"""What an institution asks a citizen about her demand: asked by SMS, read again by USSD, over in time or when moot.

One question of a demand is open at a time: a new one closes the one before. Of a sensitive service the SMS says only
that a question waits; it is read on USSD after a one-time code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer, Lookup, LookupAnswer, Saved
from gateway.messages import BackofficeEvent, OnBehalf, SubmissionState
from gateway.store import questions, submission_events, submissions
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.questions import Question
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import acts, holdings, notices, proof
from gateway.usecases.acts import Done
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

#: Not hers, unknown, nothing asked: one answer for all.
NOT_HERS = ActAnswer("not_yours")
LATE = ActAnswer("late")
_DIGITS = 6
#: Systems write their last possible date for "never" (9999-12-31): in another zone, or in UTC, there may be none such.
_NEVER_YEAR = 9000
_NONE = LookupAnswer("none")


def ask(conn: Connection, parts: Parts, event: BackofficeEvent, submission: StoredSubmission, now: datetime) -> bool:
    """Whether the question was taken: stored, the demand moved, the SMS written. False: too late, or again."""
    submissions.hold(conn, submission.id)
    current = submissions.by_id(conn, parts.seals, submission.id)
    answer_by = None if event.answer_by is None or event.answer_by.year >= _NEVER_YEAR else event.answer_by
    over = answer_by is not None and answer_by <= now
    # A system that is asked says the same for months, and ids of events are forgotten sooner.
    if current is None or over or questions.was_asked(conn, current.id, event.event_id):
        return False
    if is_overtaken(conn, parts, event, current.id):
        return False
    moved = submissions.set_state(
        conn, parts.seals, current.id, SubmissionState.MORE_NEEDED, now, case_number=event.case_number
    )
    if not moved and current.state is not SubmissionState.MORE_NEEDED:
        return False
    questions.close(conn, current.id, now)
    code = f"{int.from_bytes(parts.random_bytes(8), 'big') % 10**_DIGITS:0{_DIGITS}}"
    # Nobody is sent the code of a sensitive one: no SMS can answer it.
    digest = parts.random_bytes(32) if current.sensitive else digest_of(parts, current.id, code)
    questions.add(
        conn, parts.seals, current.id, event.event_id, event.question, digest, answer_by, now, _said_at(event)
    )
    notices.more_needed(conn, parts, current, event.question, code, answer_by)
    return True


def is_overtaken(conn: Connection, parts: Parts, event: BackofficeEvent, submission_id: int) -> bool:
    """Whether the institution said this before its last question about the demand, and we hear it after.

    Both times are its own clock's: a webhook whose first try failed comes behind those that were sent after it.
    """
    submissions.hold(conn, submission_id)
    last = questions.of(conn, parts.seals, submission_id)
    if last is None or last.said_at is None or event.occurred_at is None:
        return False
    return event.occurred_at < last.said_at


def waiting(conn: Connection, parts: Parts, submission: StoredSubmission, now: datetime) -> Question | None:
    """The question that waits for the citizen's answer; None when there is none, or its time has passed."""
    if submission.state is not SubmissionState.MORE_NEEDED:
        return None
    last = questions.of(conn, parts.seals, submission.id)
    if last is None or last.outcome is not None or is_over(last, now):
        return None
    return last


def is_over(question: Question, at: datetime) -> bool:
    """Whether the institution no longer waited for the answer then."""
    return question.expires_at is not None and question.expires_at <= at


def is_hers(parts: Parts, found: StoredSubmission | None, holding: int | None, now: datetime) -> bool:
    """Whether this holding speaks for the demand: not before it was agreed to, nor just after it was taken over."""
    if found is None or holding != found.holding_id or found.state is SubmissionState.PROPOSED:
        return False
    new_s = parts.settings.holdings.new_sim_s
    return found.moved_at is None or now - found.moved_at >= timedelta(seconds=new_s)


def is_correctable(found: StoredSubmission) -> bool:
    """Whether its citizen may say what in it is wrong: while it is open, and never who declared it for her."""
    over = (SubmissionState.PROPOSED, SubmissionState.GRANTED, SubmissionState.REFUSED, SubmissionState.WITHDRAWN)
    return found.state not in over and found.on_behalf is not OnBehalf.DECLARED


def open_question(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action that lets a sensitive question be read for as long as a code lives: `done` or `not_yours`."""

    def do(conn: Connection, now: datetime) -> Done:
        found = submissions.by_reference(conn, parts.seals, _reference(act.args))
        holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
        if found is None or holding is None or not is_hers(parts, found, holding, now):
            return Done(NOT_HERS)
        asked = waiting(conn, parts, found, now)
        if asked is None or not proof.proved(conn, parts, holding, act.proof, now):
            return Done(NOT_HERS)
        questions.show(conn, asked.id, now + timedelta(seconds=parts.settings.codes.valid_s))
        return Done(ActAnswer("done"))

    return acts.once(parts, act.action, act_key, do)


def my_question(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The source of the question about `args["reference"]`: `found` with who asks what and until when, or `none`.

    `dial`: a sensitive one is never written in an SMS.
    """
    if left_s <= 0:
        return LookupAnswer("unavailable")
    now = parts.now()
    try:
        with parts.database.read() as conn:
            found = submissions.by_reference(conn, parts.seals, _reference(lookup.args))
            if found is None or not is_hers(parts, found, holdings.find(conn, parts, caller.msisdn, caller.imsi), now):
                return _NONE
            asked = waiting(conn, parts, found, now)
    except StoreUnavailable as error:
        logs.event("lookup.unavailable", level="warning", source="my_question", why=error.why)
        return LookupAnswer("unavailable")
    if asked is None:
        return _NONE
    if found.sensitive and caller.mo_id is not None:
        return LookupAnswer("dial")
    if found.sensitive and (asked.shown_until is None or asked.shown_until <= now):
        return _NONE
    return LookupAnswer(
        "found",
        {
            "question": Saved(notices.words(asked.text, caller.language, parts.settings.languages[0])),
            "institution": Saved(notices.institution(parts, found, caller.language)),
            "answer_by": Saved(until(parts, asked)),
        },
    )


def until(parts: Parts, asked: Question) -> str:
    """Until when it can be answered, as "30/11 12:00" in the citizens' time; "" for as long as the demand is open."""
    return "" if asked.expires_at is None else f"{asked.expires_at.astimezone(parts.zone):%d/%m %H:%M}"


def expire(parts: Parts, conn: Connection, limit: int, now: datetime) -> int:
    """How many questions nobody answered in time; the institution decides as it likes, and nobody is told again."""
    over = questions.expired(conn, now, limit)
    for question_id, submission_id in over:
        submissions.hold(conn, submission_id)
        if not questions.settle(conn, question_id, "expired", now):
            continue
        found = submissions.by_id(conn, parts.seals, submission_id)
        if found is not None and found.state is SubmissionState.MORE_NEEDED:
            submissions.set_state(conn, parts.seals, submission_id, SubmissionState.IN_PROGRESS, now)
            submission_events.add(conn, submission_id, "question_expired", now)
    return len(over)


def digest_of(parts: Parts, submission_id: int, code: str) -> bytes:
    """What is kept of the code that is typed back with an answer by SMS."""
    return parts.seals.digest("question", f"{submission_id}|{code}")


def _said_at(event: BackofficeEvent) -> datetime | None:
    """None also for a year in which not every zone has a date."""
    at = event.occurred_at
    return at if at is not None and 1 < at.year < _NEVER_YEAR else None


def _reference(args: object) -> str:
    return reference.parse(str(args.get("reference", ""))) or "" if isinstance(args, Mapping) else ""

"""Withdrawing a demand: by the person it is for, after a one-time code; its institution is told until it knows."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer
from gateway.messages import BackofficeAnswer, HandOver, OnBehalf, SubmissionState
from gateway.store import hand_over as handed
from gateway.store import outbox, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import acts, holdings, notices, proof
from gateway.usecases.acts import Done
from gateway.usecases.backoff import wait_s
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

KIND: outbox.Kind = "withdrawal"
LANE = "backoffice"
_PRIORITY = 10
#: Not hers, unknown, or made by a helper who declared it: one answer for all.
NOT_HERS = ActAnswer("not_yours")
LATE = ActAnswer("late")


def withdraw(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action `withdraw` of `args["reference"]`: `done`, `late` (decided already), `not_yours` or `unavailable`."""
    args = act.args
    number = reference.parse(str(args.get("reference", ""))) if isinstance(args, dict) else None

    def do(conn: Connection, now: datetime) -> Done:
        holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
        found = submissions.by_reference(conn, parts.seals, number or "")
        if found is None or holding != found.holding_id or found.on_behalf is OnBehalf.DECLARED:
            return Done(NOT_HERS)
        if too_young(parts, found, now) or not proof.proved(conn, parts, found.holding_id, act.proof, now):
            return Done(NOT_HERS)
        if not submissions.set_state(conn, parts.seals, found.id, SubmissionState.WITHDRAWN, now):
            return Done(LATE)
        submission_events.add(conn, found.id, "withdrawn", now)
        outbox.add(conn, LANE, KIND, found.id, order_key(found.id), _PRIORITY, now, now)
        notices.withdrawn(conn, parts, found)
        return Done(ActAnswer("done"), (LANE, notices.LANE))

    answer = acts.once(parts, act.action, act_key, do)
    logs.event("submission.withdrawal", outcome=answer.outcome, channel=caller.channel)
    return answer


def too_young(parts: Parts, found: StoredSubmission, now: datetime) -> bool:
    """Whether another number took the demand over so lately that it may be a thief's."""
    new_s = parts.settings.holdings.new_sim_s
    return found.moved_at is not None and now - found.moved_at < timedelta(seconds=new_s)


def order_key(submission_id: int) -> str:
    """What keeps a withdrawal behind the hand-over of the same demand."""
    return f"handover:{submission_id}"


def tell(parts: Parts, row: Claimed) -> None:
    """Tells the institution of one withdrawn demand, and settles the row. Raises StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        try:
            material = handed.for_hand_over(conn, parts.seals, row.target_id)
        except SealBroken:
            outbox.dead(conn, row.id, row.token, "unreadable", now)
            return
        if material is None or not _was_offered(conn, row.target_id):
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return
    system = parts.systems.get(material.system)
    try:
        answer = (
            BackofficeAnswer(HandOver.RETRY, code="no_system")
            if system is None
            else system.withdraw(material.request.reference, material.request.idempotency_key)
        )
    except Exception as error:  # a fault of ours must not stop the lane; the key makes a repetition safe
        logs.failure("submission.call_failed", error, submission_id=material.id, system=material.system)
        answer = BackofficeAnswer(HandOver.RETRY, code="failed")
    _settle(parts, row, material.system, answer)
    logs.event(
        "submission.withdrawal_told",
        submission_id=material.id,
        system=material.system,
        outcome=answer.outcome,
        code=answer.code,
        attempt=row.attempts + 1,
    )


def _settle(parts: Parts, row: Claimed, name: str, answer: BackofficeAnswer) -> None:
    now, tries = parts.now(), row.attempts + 1
    system = parts.settings.systems.get(name)
    with parts.database.begin() as conn:
        if answer.outcome is not HandOver.RETRY:
            if outbox.done(conn, row.id, row.token, answer.code, now):
                submission_events.add(conn, row.target_id, "withdrawal_told", now, answer.code)
        elif system is not None and tries >= system.attempts:
            outbox.dead(conn, row.id, row.token, answer.code, now)
            logs.event("submission.withdrawal_dead", level="error", submission_id=row.target_id, code=answer.code)
        else:
            first_s, longest_s = (system.first_retry_s, system.longest_retry_s) if system else (60, 3600)
            delay_s = wait_s(tries, first_s, longest_s, answer.retry_after_s, parts.random_bytes)
            outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), answer.code, now)


def _was_offered(conn: Connection, submission_id: int) -> bool:
    """Whether the institution may have heard of the demand: else there is nothing to take back."""
    return any(row.attempts > 0 for row in outbox.of_target(conn, "submission", submission_id))

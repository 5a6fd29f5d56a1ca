"""Withdrawing a demand: by the person it is for, after a one-time code; its institution is told until it knows."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer
from gateway.messages import OnBehalf, SubmissionState
from gateway.store import hand_over as handed
from gateway.store import outbox, questions, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import acts, holdings, hooks, notices, proof, telling
from gateway.usecases.acts import Done
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.telling import Errand

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
        questions.close(conn, found.id, now)
        submission_events.add(conn, found.id, "withdrawn", now)
        outbox.add(conn, LANE, KIND, found.id, order_key(found.id), _PRIORITY, now, now, found.system)
        hooks.tell(conn, parts, hooks.WITHDRAWN, found.id, now)
        notices.withdrawn(conn, parts, found)
        return Done(ActAnswer("done", submission_id=found.id), (LANE, notices.LANE))

    answer = acts.once(parts, act.action, act_key, do)
    about = answer.submission_id
    logs.event("submission.withdrawal", submission_id=about, outcome=answer.outcome, channel=caller.channel)
    return answer


def too_young(parts: Parts, found: StoredSubmission, now: datetime) -> bool:
    """Whether another number took the demand over so lately that it may be a thief's."""
    new_s = parts.settings.holdings.new_sim_s
    return found.moved_at is not None and now - found.moved_at < timedelta(seconds=new_s)


def order_key(submission_id: int) -> str:
    """What keeps a withdrawal behind the hand-over of the same demand."""
    return f"handover:{submission_id}"


def prepare(parts: Parts, conn: Connection, row: Claimed) -> Errand | None:
    """What the institution is told of a withdrawn demand; None when it never heard of it, or it was erased."""
    material = handed.for_hand_over(conn, parts.seals, row.target_id)
    if material is None or not telling.was_offered(conn, row.target_id):
        return None
    request, case = material.request, material.case_number
    return Errand(
        material.id, material.system, lambda system: system.withdraw(request.reference, request.idempotency_key, case)
    )

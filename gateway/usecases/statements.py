"""What a citizen says about her demand: the answer to a question, or a correction; kept, and passed on.

An answer by SMS has the code of the question with it; by USSD a one-time code is typed back first. A statement, the
move of the demand, its history and the work of passing it on are one transaction.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway import logs
from gateway.engine import compose
from gateway.engine.outcomes import Act, ActAnswer
from gateway.messages import BackofficeAnswer, HandOver, StatementKind, SubmissionState
from gateway.store import chain_data, outbox, questions, statements, submission_events, submissions
from gateway.store import holdings as stored_holdings
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.questions import Question
from gateway.store.sealed import SealBroken
from gateway.store.statements import NewStatement
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import acts, holdings, hooks, proof, telling, withdrawals
from gateway.usecases.acts import Done
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.questions import LATE, NOT_HERS, digest_of, is_correctable, is_hers, is_over, waiting
from gateway.usecases.telling import Errand

KIND: outbox.Kind = "statement"
LANE = "backoffice"
_PRIORITY = 10
#: The longest answer by SMS, in characters: two SMS. A screen of USSD takes less.
TEXT_MAX = 300
#: How long the code of a settled question still says what became of it.
_REMEMBERED = timedelta(days=30)
#: The demand is not with its institution: nothing can be said about it yet.
_NOT_THERE = (SubmissionState.RECEIVED, SubmissionState.DEAD)
_NOT_THERE_S = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer by SMS: who sent it when, and what it says."""

    holding_id: int
    code: str = field(repr=False)
    text: str = field(repr=False)
    channel: str
    received_at: datetime


def answer_question(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action that answers the open question about `args["reference"]` by `args["text"]`, after a one-time code.

    `done`, `late` (answered before, or no longer waited for), `not_yours` or `unavailable`.
    """
    args = act.args if isinstance(act.args, dict) else {}
    text = str(args.get("text", ""))[:TEXT_MAX]

    def do(conn: Connection, now: datetime) -> Done:
        found = _hers(conn, parts, act, caller, now)
        if found is None or (found.sensitive and caller.mo_id is not None):
            return Done(NOT_HERS)
        submissions.hold(conn, found.id)
        current = submissions.by_id(conn, parts.seals, found.id)
        asked = None if current is None else waiting(conn, parts, current, now)
        if asked is None or not _answer(conn, parts, found, asked, text, caller.channel, now):
            return Done(LATE)
        return Done(ActAnswer("done", submission_id=found.id), (LANE,))

    answer = acts.once(parts, act.action, act_key, do)
    logs.event("question.answered", outcome=answer.outcome, channel=caller.channel, submission_id=answer.submission_id)
    return answer


def correct(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action that tells that `args["wrong"]` in the demand `args["reference"]` should be `args["right"]`.

    After a one-time code; `done`, `late` (decided, withdrawn), `not_yours` or `unavailable`.
    """
    args = act.args if isinstance(act.args, dict) else {}
    wrong, right = str(args.get("wrong", ""))[:TEXT_MAX], str(args.get("right", ""))[:TEXT_MAX]

    def do(conn: Connection, now: datetime) -> Done:
        found = _hers(conn, parts, act, caller, now)
        if found is None:
            return Done(NOT_HERS)
        submissions.hold(conn, found.id)
        current = submissions.by_id(conn, parts.seals, found.id)
        if current is None or not is_correctable(current):
            return Done(LATE)
        text = _correction(parts, wrong, right, caller.language)
        _say(conn, parts, current, StatementKind.CORRECTION, text, caller.channel, None, now)
        return Done(ActAnswer("done", submission_id=current.id), (LANE,))

    answer = acts.once(parts, act.action, act_key, do)
    logs.event(
        "submission.correction", outcome=answer.outcome, channel=caller.channel, submission_id=answer.submission_id
    )
    return answer


def answer_by_sms(conn: Connection, parts: Parts, said: Answer, now: datetime) -> tuple[str, StoredSubmission | None]:
    """What became of an answer by SMS, by the key of the sentence that says so, and the demand when it was taken.

    A code that opens nothing of hers is wrong, whoever it was sent to; it counts against every question of hers.
    """
    most = parts.settings.codes.wrong
    held = stored_holdings.by_id(conn, said.holding_id)
    if held is None or holdings.sim_changed(parts, held, now):
        return "sms_answer_wrong", None
    mine = questions.of_holding(conn, parts.seals, said.holding_id, now - _REMEMBERED)
    meant = next((one for one in mine if _opens(parts, one, said.code)), None)
    if meant is None:
        still = [one for one in mine if one.outcome is None]
        questions.note_wrong(conn, [one.id for one in still])
        return ("sms_answer_tries" if any(one.wrong + 1 >= most for one in still) else "sms_answer_wrong"), None
    submissions.hold(conn, meant.submission_id)
    found = submissions.by_id(conn, parts.seals, meant.submission_id)
    if found is None or not is_hers(parts, found, said.holding_id, now):
        return "sms_answer_wrong", None
    if meant.outcome == "answered":
        return "sms_answer_again", None
    waits = meant.outcome is None and found.state is SubmissionState.MORE_NEEDED
    if not waits or is_over(meant, said.received_at):
        return "sms_answer_over", None
    if meant.wrong >= most:
        return "sms_answer_tries", None
    if len(said.text) > TEXT_MAX:
        return "sms_answer_too_long", None
    if not _answer(conn, parts, found, meant, said.text, said.channel, now):
        return "sms_answer_over", None
    return "sms_answer_taken", found


def tell(parts: Parts, row: Claimed) -> None:
    """Passes one claimed statement on, and settles it; not before its demand is there. Raises StoreUnavailable.

    The order of the outbox keeps it behind the hand-over; one that was given up is handed over again by a person.
    """
    now = parts.now()
    with parts.database.begin() as conn:
        try:
            about = statements.material(conn, parts.seals, row.target_id)
        except SealBroken:
            about = None  # telling says so
        if about is not None and about.state in _NOT_THERE:
            again = now + timedelta(seconds=_NOT_THERE_S)
            outbox.retry(conn, row.id, row.token, again, "not_handed_over", now)
            return
    telling.tell(parts, row, lambda conn, claimed: prepare(parts, conn, claimed))


def prepare(parts: Parts, conn: Connection, row: Claimed) -> Errand | None:
    """What the institution is told; None when it was erased, or the demand was withdrawn. Raises SealBroken."""
    material = statements.material(conn, parts.seals, row.target_id)
    if material is None or material.state is SubmissionState.WITHDRAWN:
        return None
    statement = material.statement
    return Errand(material.submission_id, material.system, lambda system: _known(system.state(statement)))


def _known(answer: BackofficeAnswer) -> BackofficeAnswer:
    """A system that does not know the demand (404) has not got what was said: tried again, then a person looks."""
    return replace(answer, outcome=HandOver.RETRY) if answer.code == "http_404" else answer


def _hers(conn: Connection, parts: Parts, act: Act, caller: Caller, now: datetime) -> StoredSubmission | None:
    """The demand, when this phone speaks for it and typed its code back."""
    args = act.args if isinstance(act.args, dict) else {}
    number = reference.parse(str(args.get("reference", "")))
    holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
    found = submissions.by_reference(conn, parts.seals, number or "")
    if holding is None or not is_hers(parts, found, holding, now):
        return None
    return found if proof.proved(conn, parts, holding, act.proof, now) else None


def _answer(
    conn: Connection, parts: Parts, found: StoredSubmission, asked: Question, text: str, channel: str, now: datetime
) -> bool:
    """Whether the question waited: it is then answered, and the institution goes on with the demand."""
    if not questions.settle(conn, asked.id, "answered", now):
        return False
    submissions.set_state(conn, parts.seals, found.id, SubmissionState.IN_PROGRESS, now)
    _say(conn, parts, found, StatementKind.ANSWER, text, channel, asked.id, now)
    return True


def _say(
    conn: Connection,
    parts: Parts,
    found: StoredSubmission,
    kind: StatementKind,
    text: str,
    channel: str,
    question_id: int | None,
    now: datetime,
) -> None:
    new = NewStatement(found.id, kind, text, channel, parts.new_id(), question_id)
    statement_id = statements.add(conn, parts.seals, new, now)
    covered = chain_data.of_statement(conn, parts.seals, found.id, kind, new.idempotency_key, text)
    happened = "corrected" if kind is StatementKind.CORRECTION else "answered"
    submission_events.add(conn, found.id, happened, now, data_digest=covered)
    key = withdrawals.order_key(found.id)
    outbox.add(conn, LANE, KIND, statement_id, key, _PRIORITY, now, now, found.system)
    hooks.tell(conn, parts, hooks.CORRECTED if kind is StatementKind.CORRECTION else hooks.STATEMENT, found.id, now)


def _correction(parts: Parts, wrong: str, right: str, language: str) -> str:
    menus = parts.shelf.current
    named = [compose.text(menus, key, language, {}) for key in ("word_wrong", "word_right")]
    return f"{named[0]}: {wrong}\n{named[1]}: {right}"


def _opens(parts: Parts, one: Question, code: str) -> bool:
    return hmac.compare_digest(one.code_digest, digest_of(parts, one.submission_id, code))

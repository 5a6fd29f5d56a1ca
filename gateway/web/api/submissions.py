"""Submissions to an institution: listed, read, acknowledged, asked about, decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.backoffice.words import clean
from gateway.messages import EventType
from gateway.store.desk import Waiting
from gateway.usecases import api_submissions as use
from gateway.usecases.api_keys import Scope
from gateway.usecases.api_submissions import Move, MoveRefused
from gateway.web.api import values
from gateway.web.api.operations import Answer, Call, Operation, Write
from gateway.web.api.refusals import Error, Refused

_SUBJECT = "Submissions"


def list_submissions(call: Call) -> Answer:
    query: values.SubmissionsQuery = call.query
    found = use.page(call.parts, call.key, query.state, query.service, query.after or "", query.limit + 1)
    page = found[: query.limit]
    more = page[-1].reference if len(found) > query.limit else None
    return Answer(values.Submissions(submissions=[_submission(one) for one in page], next=more))


def get_submission(call: Call, reference: str) -> Answer:
    opened = use.open_(call.parts, call.key, reference)
    request = opened.request
    applicant = None
    if request is not None:
        applicant = values.Applicant(
            msisdn=request.msisdn,
            assurance=request.assurance,
            language=request.language,
            on_behalf=request.on_behalf or "",
            relation=request.relation,
            helper_msisdn=request.helper_msisdn,
        )
    return Answer(
        values.FullSubmission(
            submission=_submission(opened.line),
            applicant=applicant,
            fields=None if request is None else dict(request.fields),
            said=[values.Said(at=one.at, kind=one.kind, text=dict(one.text)) for one in opened.said],  # type: ignore[arg-type]
            history=[values.Entry(at=one.at, kind=one.kind, code=one.code) for one in opened.events],
        )
    )


def acknowledge_submission(call: Call, write: Write, reference: str) -> Answer:
    return _moved(call, write, reference, Move(EventType.ACKNOWLEDGED, clean(call.body.case_number)))


def work_on_submission(call: Call, write: Write, reference: str) -> Answer:
    return _moved(call, write, reference, Move(EventType.IN_PROGRESS, clean(call.body.case_number)))


def ask_about_submission(call: Call, write: Write, reference: str) -> Answer:
    body: values.Question = call.body
    if body.answer_by is not None and body.answer_by <= write.now:
        raise Refused("invalid", errors=(Error("/answer_by", "this time is over"),))
    words = _words(body.question, "question")
    move = Move(EventType.MORE_NEEDED, clean(body.case_number), words=words, answer_by=body.answer_by)
    return _moved(call, write, reference, move)


def decide_submission(call: Call, write: Write, reference: str) -> Answer:
    body: values.NewDecision = call.body
    words = _words(body.message, "message")
    return _moved(call, write, reference, Move(EventType.DECIDED, clean(body.case_number), body.decision, words))


def _words(said: Mapping[Any, str], where: str) -> dict[str, str]:
    cleaned = {language: clean(text) for language, text in said.items()}
    empty = [Error(f"/{where}/{language}", "it says nothing") for language, text in cleaned.items() if not text]
    if empty:
        raise Refused("invalid", errors=empty)
    return cleaned


def _moved(call: Call, write: Write, reference: str, move: Move) -> Answer:
    try:
        line = use.move(write.conn, call.parts, call.key, reference, move, write.now)
    except MoveRefused as refused:
        raise Refused(refused.code) from None
    return Answer(_submission(line), lanes=use.LANES)


def _submission(line: Waiting) -> values.Submission:
    return values.Submission(
        reference=line.reference,
        service=line.service,
        system=line.system,
        state=line.state,
        submitted_at=line.submitted_at,
        promised_on=line.promised_on,
        in_hand_of=line.assignee,
    )


_NAMES = {"reference": "The 12 digits of the submission."}
_LATE = ("held", "late")


def _move(path: str, view: object, summary: str, body: type[values._In], description: str = "") -> Operation:
    return Operation(
        method="POST",
        path=f"/submissions/{{reference}}/{path}",
        view=view,  # type: ignore[arg-type]
        scope=Scope.HANDLE_SUBMISSIONS,
        subject=_SUBJECT,
        summary=summary,
        description=description,
        names=_NAMES,
        body=body,
        answer=values.Submission,
        writes=True,
        refusals=_LATE,
    )


OPERATIONS: Sequence[Operation] = (
    Operation(
        method="GET",
        path="/submissions",
        view=list_submissions,
        scope=Scope.READ_SUBMISSIONS,
        subject=_SUBJECT,
        summary="Submissions to your systems",
        query=values.SubmissionsQuery,
        answer=values.Submissions,
    ),
    Operation(
        method="GET",
        path="/submissions/{reference}",
        view=get_submission,
        scope=Scope.READ_SUBMISSIONS,
        subject=_SUBJECT,
        summary="A submission and all it says",
        description="Who read it is kept, before it is shown.",
        names=_NAMES,
        answer=values.FullSubmission,
    ),
    _move("acknowledge", acknowledge_submission, "Take a submission", values.Acknowledgement),
    _move("progress", work_on_submission, "Say that somebody works on it", values.Acknowledgement),
    _move(
        "ask", ask_about_submission, "Ask the citizen for more", values.Question,
        "She is asked by SMS, and answers by SMS or USSD: the answer comes as the event `submission.statement`.",
    ),
    _move("decide", decide_submission, "Decide", values.NewDecision, "The citizen is told by SMS."),
)  # fmt: skip

"""The act "submit": one transaction stores the submission, its récépissé and the work that follows, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer, Raw, Saved, Submission
from gateway.menu.model import Menus, Service
from gateway.messages import OnBehalf, SubmissionState
from gateway.store import chain_data, outbox, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.submissions import AlreadyOpen, NewSubmission, ReferenceTaken
from gateway.text import reference
from gateway.usecases import (
    acts,
    agreements,
    hand_over,
    hooks,
    identifiers,
    notices,
    preferences,
    proof,
    spend,
    withdrawals,
)
from gateway.usecases import holdings as held
from gateway.usecases.acts import Done, Undone
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.shelf import VersionLost

BACKOFFICE_LANE = "backoffice"
_PRIORITY = 10
#: With 10**11 references, ten collisions in a row mean that the random source is broken.
_REFERENCE_TRIES = 10


def submit(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The answer of the act: `submitted`, `proposed`, `already`, `closed` or `unavailable`; the same when repeated.

    `proposed`: stored for somebody else, who is asked by SMS whether she agrees. `already`: another submission of the
    same citizen about the same subject waits for an answer; its reference is told. `closed`: no such
    service or system any more. `unavailable`: it could not be stored. A limit that is reached is a closing sentence.
    """

    def do(conn: Connection, now: datetime) -> Done:
        answer = _store(conn, parts, act, caller, now)
        return Done(answer, (notices.LANE, BACKOFFICE_LANE) if answer.outcome in ("submitted", "proposed") else ())

    answer = acts.once(parts, act.action, act_key, do)
    logs.event(
        "submission.answered",
        submission_id=answer.submission_id,
        service=act.service,
        outcome=answer.closing or answer.outcome,
        channel=caller.channel,
    )
    return answer


def _store(conn: Connection, parts: Parts, act: Act, caller: Caller, now: datetime) -> ActAnswer:
    assert isinstance(act.args, Submission)
    menus = _menus(parts, act.menus)
    service = menus.services.get(act.service)
    system = parts.settings.systems.get(act.args.system)
    if service is None or system is None:
        logs.event("submission.closed", level="error", service=act.service, system=act.args.system)
        return ActAnswer("closed")
    if parts.stops.closed(act.service):
        return ActAnswer("closed")
    if spend.spent(conn, parts, caller.msisdn, act.service, now):
        return acts.UNAVAILABLE
    if not identifiers.allowed(conn, parts, caller, act.args.identifiers, now):
        return ActAnswer("unavailable", closing=identifiers.CLOSING)
    holding = held.met(conn, parts, caller.msisdn, now, caller.network, caller.imsi)
    for_another = _is_for_another(act.args, caller)
    coded = act.args.assurance == "number+code" or for_another or bool(act.args.relation)
    if coded and not proof.proved(conn, parts, holding, act.proof, now):
        return acts.UNAVAILABLE
    if for_another:
        return _propose(conn, parts, act, caller, menus, holding, now)
    return _file(conn, parts, act, caller, menus, holding, now)


def _file(
    conn: Connection, parts: Parts, act: Act, caller: Caller, menus: Menus, holding: int, now: datetime
) -> ActAnswer:
    """The citizen's own demand, or that of a person without a phone: récépissé and hand-over begin at once."""
    assert isinstance(act.args, Submission)
    declared = bool(act.args.relation) and menus.services[act.service].on_behalf == "declared"
    behalf = _Behalf(holding, OnBehalf.DECLARED if declared else None, holding if declared else None)
    local_day = now.astimezone(parts.zone).date()
    promised = _promised(menus.services[act.service], local_day)
    try:
        submission_id = _insert(conn, parts, act, caller, menus, behalf, promised, now)
    except AlreadyOpen as first:
        return _already(conn, parts, first)
    stored = submissions.by_id(conn, parts.seals, submission_id)
    assert stored is not None
    covered = chain_data.of_demand(conn, parts.seals, submission_id)
    submission_events.add(conn, submission_id, "received", now, data_digest=covered)
    verification = reference.code(parts.receipt_keys, stored.reference, stored.service, local_day.isoformat())
    notices.receipt(conn, parts, stored, verification)
    key = withdrawals.order_key(submission_id)
    outbox.add(conn, BACKOFFICE_LANE, "submission", submission_id, key, _PRIORITY, now, now, stored.system)
    hooks.tell(conn, parts, hooks.RECEIVED, submission_id, now)
    values = {**_shown(stored.reference, promised), "verification": Saved(verification)}
    return ActAnswer("submitted", values, submission_id)


def _propose(
    conn: Connection, parts: Parts, act: Act, caller: Caller, menus: Menus, helper: int, now: datetime
) -> ActAnswer:
    """A demand for somebody who is asked first: it goes nowhere until she agrees."""
    assert isinstance(act.args, Submission)
    number = act.args.number
    if not spend.answerable(parts, number):
        raise Undone(agreements.NOT_ASKED)
    if not agreements.may_ask(conn, parts, caller, now):
        return ActAnswer("unavailable", closing="agree_too_many")
    person = held.addressed(conn, parts, number, now)
    behalf = _Behalf(person, OnBehalf.AGREED, helper)
    chosen = preferences.of(conn, person).language
    if chosen in menus.languages:  # she is the one who is written to
        act = replace(act, args=replace(act.args, language=chosen))
    promised = _promised(menus.services[act.service], now.astimezone(parts.zone).date())
    try:
        submission_id = _insert(conn, parts, act, caller, menus, behalf, promised, now)
    except AlreadyOpen as first:
        return _already(conn, parts, first)
    stored = submissions.by_id(conn, parts.seals, submission_id)
    assert stored is not None
    covered = chain_data.of_demand(conn, parts.seals, submission_id)
    submission_events.add(conn, submission_id, "proposed", now, data_digest=covered)
    agreements.ask(conn, parts, stored, number, caller, now)
    return ActAnswer("proposed", {"reference": _shown(stored.reference, None)["reference"]}, submission_id)


@dataclass(frozen=True, slots=True)
class _Behalf:
    """Whose demand it is, how it came, and who dialled when that was somebody else."""

    holding_id: int
    how: OnBehalf | None
    helper_id: int | None


def _is_for_another(args: Submission, caller: Caller) -> bool:
    return bool(args.number) and args.number != caller.msisdn


def _insert(
    conn: Connection,
    parts: Parts,
    act: Act,
    caller: Caller,
    menus: Menus,
    behalf: _Behalf,
    promised: date | None,
    now: datetime,
) -> int:
    """The id of the stored demand. Raises AlreadyOpen when the same citizen has one about the same subject.

    One of somebody else about it is not told, nor does it stand in her way: else whoever types an NPI learns that its
    holder has a demand, or keeps her from making one. Staff see it in the history, and the institution decides.
    """
    args = act.args
    assert isinstance(args, Submission)
    subject = args.subject
    own = (*subject, ("of", f"{behalf.holding_id}:{behalf.helper_id or ''}")) if subject else ()
    earlier = submissions.find_open(conn, parts.seals, act.service, own)
    if earlier is not None:
        raise AlreadyOpen(earlier.reference, earlier.holding_id)
    try:
        return _insert_about(conn, parts, act, caller, menus, behalf, promised, subject, now)
    except AlreadyOpen as first:
        if _is_same(conn, parts, first, behalf):
            raise
    made = _insert_about(conn, parts, act, caller, menus, behalf, promised, own, now)
    submission_events.add(conn, made, "same_subject", now)
    return made


def _is_same(conn: Connection, parts: Parts, first: AlreadyOpen, behalf: _Behalf) -> bool:
    """Whether a demand is of the same citizen: what a helper proposed for her is not, until she agrees."""
    if first.holding_id != behalf.holding_id:
        return False
    stored = submissions.by_reference(conn, parts.seals, first.reference)
    assert stored is not None
    if behalf.how is OnBehalf.AGREED:
        return stored.helper_id == behalf.helper_id
    return stored.state is not SubmissionState.PROPOSED


def _insert_about(
    conn: Connection,
    parts: Parts,
    act: Act,
    caller: Caller,
    menus: Menus,
    behalf: _Behalf,
    promised: date | None,
    subject: Sequence[tuple[str, Raw]],
    now: datetime,
) -> int:
    service, args = menus.services[act.service], act.args
    assert isinstance(args, Submission)
    for _ in range(_REFERENCE_TRIES):
        new = NewSubmission(
            reference=reference.make(parts.random_bytes),
            service=service.id,
            menu_version=menus.version,
            system=args.system,
            institution=parts.settings.systems[args.system].institution,
            holding_id=behalf.holding_id,
            channel=caller.channel,
            language=args.language,
            assurance=args.assurance,
            sensitive=service.sensitive,
            fields=args.fields,
            subject=subject,
            label=args.label,
            idempotency_key=parts.new_id(),
            receipt_key_id=next(iter(parts.receipt_keys)),
            promised_on=promised,
            keep_s=service.keep_s,
            state=SubmissionState.PROPOSED if behalf.how is OnBehalf.AGREED else SubmissionState.RECEIVED,
            on_behalf=behalf.how,
            relation=args.relation if behalf.how is OnBehalf.DECLARED else "",
            helper_id=behalf.helper_id,
            hand_over_by=None if behalf.how is OnBehalf.AGREED else hand_over.deadline(service, now),
        )
        try:
            return submissions.insert(conn, parts.seals, new, now)
        except ReferenceTaken:
            continue
    raise RuntimeError("no free reference was found: the random source repeats itself")


def _already(conn: Connection, parts: Parts, first: AlreadyOpen) -> ActAnswer:
    stored = submissions.by_reference(conn, parts.seals, first.reference)
    assert stored is not None
    return ActAnswer("already", _shown(stored.reference, stored.promised_on), stored.id)


def _shown(number: str, promised: date | None) -> dict[str, Saved]:
    return {
        "reference": Saved(number, reference.show(number)),
        "promised_date": Saved(promised.isoformat(), f"{promised:%d/%m}") if promised else Saved(""),
    }


def _promised(service: Service, local_day: date) -> date | None:
    return None if service.promise_days is None else local_day + timedelta(days=service.promise_days)


def _menus(parts: Parts, version: str) -> Menus:
    """The menus that the dialogue began with; the current ones when those are gone."""
    try:
        return parts.shelf.version(version) if version else parts.shelf.current
    except VersionLost:
        return parts.shelf.current

"""The act "submit": one transaction stores the submission, its récépissé and the work that follows, or nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer, Saved, Submission
from gateway.menu.model import Menus, Service
from gateway.store import acts, outbox, submission_events, submissions
from gateway.store.acts import ActExists, StoredAct
from gateway.store.db import Connection, StoreUnavailable, Why
from gateway.store.submissions import AlreadyOpen, NewSubmission, ReferenceTaken
from gateway.text import reference
from gateway.usecases import holdings as held
from gateway.usecases import notices, spend
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.shelf import VersionLost

BACKOFFICE_LANE = "backoffice"
_PRIORITY = 10
#: With 10**11 references, ten collisions in a row mean that the random source is broken.
_REFERENCE_TRIES = 10


def submit(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The answer of the act: `submitted`, `already`, `closed` or `unavailable`; the same however often it is asked.

    `already`: another submission about the same subject waits for an answer; its reference is told only to the
    number that made it. `closed`: no such service or system any more. `unavailable`: it could not be stored.
    """
    answer: ActAnswer | None
    try:
        answer = _submit(parts, act, caller, act_key)
    except ActExists:  # another delivery of this turn was first
        answer = find_act(parts, act_key)
    except StoreUnavailable as error:
        logs.event("submission.not_stored", level="error", why=error.why, code=error.code)
        # The connection broke, perhaps while committing: only the database knows, if it answers again.
        answer = _look_again(parts, act_key) if error.why is Why.AWAY else None
    return answer or ActAnswer("unavailable")


def find_act(parts: Parts, act_key: bytes) -> ActAnswer | None:
    """The stored answer of an act, None when it was never done. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        stored = acts.find(conn, parts.seals, act_key)
    return None if stored is None else _answer(stored)


def _look_again(parts: Parts, act_key: bytes) -> ActAnswer | None:
    try:
        return find_act(parts, act_key)
    except StoreUnavailable:
        return None


def _submit(parts: Parts, act: Act, caller: Caller, key: bytes) -> ActAnswer:
    now = parts.now()
    with parts.database.begin() as conn:
        stored = acts.find(conn, parts.seals, key)
        if stored is not None:
            return _answer(stored)
        answer, submission_id = _store(conn, parts, act, caller, now)
        values = {name: [saved.raw, saved.shown] for name, saved in answer.values.items()}
        acts.insert(conn, parts.seals, key, act.action, answer.outcome, values, now)
    if submission_id is not None:
        parts.announce((notices.LANE, BACKOFFICE_LANE))
    logs.event(
        "submission.answered",
        submission_id=submission_id,
        service=act.service,
        outcome=answer.outcome,
        channel=caller.channel,
    )
    return answer


def _store(conn: Connection, parts: Parts, act: Act, caller: Caller, now: datetime) -> tuple[ActAnswer, int | None]:
    assert isinstance(act.args, Submission)
    menus = _menus(parts, act.menus)
    service = menus.services.get(act.service)
    system = parts.settings.systems.get(act.args.system)
    if service is None or system is None:
        logs.event("submission.closed", level="error", service=act.service, system=act.args.system)
        return ActAnswer("closed"), None
    if parts.stops.closed(act.service):
        return ActAnswer("closed"), None
    if spend.spent(conn, parts, caller.msisdn, act.service, now):
        return ActAnswer("unavailable"), None
    holding = held.met(conn, parts, caller.msisdn, now, caller.network)
    local_day = now.astimezone(parts.zone).date()
    promised = _promised(service, local_day)
    try:
        submission_id = _insert(conn, parts, act, caller, menus, holding, promised, now)
    except AlreadyOpen as first:
        return _already(conn, parts, first, holding), None
    stored = submissions.by_id(conn, parts.seals, submission_id)
    assert stored is not None
    submission_events.add(conn, submission_id, "received", now)
    verification = reference.code(parts.receipt_keys, stored.reference, stored.service, local_day.isoformat())
    notices.receipt(conn, parts, stored, verification)
    outbox.add(conn, BACKOFFICE_LANE, "submission", submission_id, None, _PRIORITY, now, now)
    values = {**_shown(stored.reference, promised), "verification": Saved(verification)}
    return ActAnswer("submitted", values), submission_id


def _insert(
    conn: Connection,
    parts: Parts,
    act: Act,
    caller: Caller,
    menus: Menus,
    holding: int,
    promised: date | None,
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
            holding_id=holding,
            channel=caller.channel,
            language=args.language,
            assurance=args.assurance,
            sensitive=service.sensitive,
            fields=args.fields,
            subject=args.subject,
            label=args.label,
            idempotency_key=parts.new_id(),
            receipt_key_id=next(iter(parts.receipt_keys)),
            promised_on=promised,
            keep_s=service.keep_s,
        )
        try:
            return submissions.insert(conn, parts.seals, new, now)
        except ReferenceTaken:
            continue
    raise RuntimeError("no free reference was found: the random source repeats itself")


def _already(conn: Connection, parts: Parts, first: AlreadyOpen, holding: int) -> ActAnswer:
    if first.holding_id != holding:
        return ActAnswer("already")
    stored = submissions.by_reference(conn, parts.seals, first.reference)
    assert stored is not None
    return ActAnswer("already", _shown(stored.reference, stored.promised_on))


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


def _answer(stored: StoredAct) -> ActAnswer:
    return ActAnswer(stored.outcome, {name: Saved(raw, shown) for name, (raw, shown) in stored.values.items()})

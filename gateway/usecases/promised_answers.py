"""A lookup whose time was spent: the screen says that the answer comes by SMS, and it does.

The promise is an act, once for its turn. A worker asks the system with patience; when it stays silent for
`limits.promise_valid_s`, the SMS says so: what was promised is never just forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway import logs
from gateway.backoffice.base import Fault, LookupResult
from gateway.engine import compose
from gateway.engine.outcomes import Act, ActAnswer, LookupAnswer, Promise
from gateway.menu.message_keys import SERVICE_SIZE
from gateway.menu.model import Menus
from gateway.messages import Category
from gateway.settings import HttpSystem
from gateway.store import holdings as stored
from gateway.store import outbox, promised_answers
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.promised_answers import PromisedAnswer
from gateway.store.sealed import SealBroken
from gateway.store.tables import OutboxState
from gateway.text import fit
from gateway.usecases import acts, breakers, holdings, spend, writing
from gateway.usecases.acts import Done
from gateway.usecases.backoff import wait_s
from gateway.usecases.caller import Caller
from gateway.usecases.notices import short_title
from gateway.usecases.parts import Parts
from gateway.usecases.shelf import VersionLost
from gateway.usecases.system_answers import UNAVAILABLE, meant

KIND: outbox.Kind = "lookup"
LANE = "backoffice"
_PRIORITY = 5  # somebody waits for it, where a hand-over waits for nobody
PROMISED = ActAnswer("promised")


def promise(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action `promise_answer`: `promised`, or `unavailable` when no SMS could bring the answer."""
    assert isinstance(act.args, Promise)
    args, lookup = act.args, act.args.lookup
    system = _system_of(parts, lookup.source)

    def do(conn: Connection, now: datetime) -> Done:
        if system is None or not spend.answerable(parts, caller.msisdn):
            return Done(acts.UNAVAILABLE)
        if spend.spent(conn, parts, caller.msisdn, act.service, now):
            return Done(acts.UNAVAILABLE)
        holding = holdings.met(conn, parts, caller.msisdn, now, caller.network, caller.imsi)
        if promised_answers.count_open(conn, holding) >= parts.settings.limits.promises_per_number:
            return Done(acts.UNAVAILABLE)
        promised = PromisedAnswer(
            holding_id=holding,
            service=act.service,
            screen=args.screen,
            menu_version=act.menus,
            source=lookup.source,
            channel=caller.channel,
            network=caller.network,
            language=caller.language,
            valid_until=now + timedelta(seconds=parts.settings.limits.promise_valid_s),
            args=lookup.args,
            identified=bool(lookup.identifiers),
        )
        promised_id = promised_answers.add(conn, parts.seals, promised, now)
        outbox.add(conn, LANE, KIND, promised_id, None, _PRIORITY, now, now, system)
        return Done(PROMISED, (LANE,))

    answer = acts.once(parts, act.action, act_key, do)
    logs.event("lookup.promised", service=act.service, source=lookup.source, outcome=answer.outcome)
    return answer


@dataclass(frozen=True, slots=True)
class _Due:
    promised: PromisedAnswer
    system: str  #: that answers; "" when none does any more
    msisdn: str = field(repr=False)


def keep(parts: Parts, row: Claimed) -> None:
    """Asks once for what was promised, and sends the answer or tries again later. Raises StoreUnavailable."""
    due = _begin(parts, row)
    if due is None:
        return
    result, promised = _ask(parts, due), due.promised
    answer = meant(result, identified=promised.identified)
    now, code = parts.now(), answer.outcome
    with parts.database.begin() as conn:
        breakers.note(conn, parts, due.system, result.fault, now)
        system = parts.settings.systems[due.system]
        asked_s = None if result.fault is None else result.fault.retry_after_s
        delay_s = wait_s(row.attempts + 1, system.first_retry_s, system.longest_retry_s, asked_s, parts.random_bytes)
        again_at = now + timedelta(seconds=delay_s)
        if answer.outcome == UNAVAILABLE.outcome and again_at < promised.valid_until:
            outbox.retry(conn, row.id, row.token, again_at, code, now)
        elif outbox.done(conn, row.id, row.token, code, now):
            _send(conn, parts, due, answer, now)
            promised_answers.settle(conn, row.target_id, code, now)
    parts.announce((writing.URGENT,))
    logs.event("lookup.answered", service=promised.service, source=promised.source, system=due.system, outcome=code)


def expire(parts: Parts, conn: Connection, limit: int, now: datetime) -> int:
    """How many were told that no answer comes, as their time is over while nobody asks: their system is away.

    Announce nothing: the relay sees the rows.
    """
    told = 0
    for promised_id in promised_answers.overdue(conn, now, limit):
        try:
            due, to = _waiting(conn, parts, promised_id), OutboxState.DONE
        except SealBroken:
            due, to = None, OutboxState.DEAD
        rows = outbox.of_target(conn, KIND, promised_id)
        ended = [outbox.end(conn, row.id, to, "too_late" if due else "unreadable", now) for row in rows]
        if due is not None and any(ended):  # else it is being asked now
            _send(conn, parts, due, UNAVAILABLE, now)
            promised_answers.settle(conn, promised_id, "too_late", now)
            told += 1
    return told


def _begin(parts: Parts, row: Claimed) -> _Due | None:
    """What to ask; None when nobody waits for it any more, or the row is no longer mine."""
    now = parts.now()
    with parts.database.begin() as conn:
        try:
            due = _waiting(conn, parts, row.target_id)
        except SealBroken:
            outbox.dead(conn, row.id, row.token, "unreadable", now)
            return None
        if due is None:
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return None
        if outbox.start_call(conn, row.id, row.token, now) is None:
            return None
    if not due.system:
        _nobody(parts, row, due)
        return None
    return due


def _waiting(conn: Connection, parts: Parts, promised_id: int) -> _Due | None:
    """What was promised, while its number waits for it. Raises SealBroken."""
    promised = promised_answers.open_one(conn, parts.seals, promised_id)
    if promised is None:
        return None
    msisdn = stored.msisdn_of(conn, parts.seals, promised.holding_id)
    if holdings.find(conn, parts, msisdn) != promised.holding_id:
        promised_answers.settle(conn, promised_id, "not_needed", parts.now())
        return None
    return _Due(promised, _system_of(parts, promised.source) or "", msisdn)


def _system_of(parts: Parts, source: str) -> str | None:
    """The name of the system that answers a source; None when it is no longer configured."""
    systems = parts.settings.systems.items()
    return next((name for name, one in systems if isinstance(one, HttpSystem) and source in one.sources), None)


def _nobody(parts: Parts, row: Claimed, due: _Due) -> None:
    """The system that would answer is no longer configured: she is told that no answer comes."""
    now = parts.now()
    with parts.database.begin() as conn:
        if outbox.done(conn, row.id, row.token, "no_system", now):
            _send(conn, parts, due, UNAVAILABLE, now)
            promised_answers.settle(conn, row.target_id, "no_system", now)


def _ask(parts: Parts, due: _Due) -> LookupResult:
    promised, system, declared = due.promised, parts.systems[due.system], parts.settings.systems[due.system]
    assert isinstance(declared, HttpSystem)
    patience_s = declared.connect_timeout_s + declared.read_timeout_s
    try:
        return system.lookup(promised.source, promised.args, due.msisdn, promised.language, patience_s)
    except Exception as error:  # a fault of ours must not stop the lane; a lookup changes nothing
        logs.failure("lookup.failed", error, system=due.system, source=promised.source)
        return LookupResult(UNAVAILABLE.outcome, fault=Fault("failed"))


def _send(conn: Connection, parts: Parts, due: _Due, answer: LookupAnswer, now: datetime) -> None:
    promised, menus = due.promised, _menus(parts, due.promised.menu_version)
    code = parts.settings.service_code
    text = compose.late_answer(
        menus, promised.service, promised.screen, answer.outcome, promised.language, answer.values, code
    )
    if text is None:
        if answer.outcome != UNAVAILABLE.outcome:
            logs.event("lookup.unknown_outcome", level="error", service=promised.service, source=promised.source)
        service = menus.services.get(promised.service)
        title = short_title(menus, service, promised.language) if service is not None else promised.service
        policy = parts.settings.sender_of(parts.settings.sms.sender).transliteration
        shown = {"service": fit.shortened(title, SERVICE_SIZE, policy), "code": code}
        text = compose.text(menus, "no_answer", promised.language, shown)
    written = writing.Text(
        holding_id=promised.holding_id,
        msisdn=due.msisdn,
        text=text,
        template="late_answer",
        category=Category.REPLY,
        language=promised.language,
        priority=writing.REPLY_PRIORITY,
        network=promised.network,
        private=promised.identified,
        caused_by=promised.service,
    )
    writing.write(conn, parts, written, now)


def _menus(parts: Parts, version: str) -> Menus:
    try:
        return parts.shelf.version(version) if version else parts.shelf.current
    except VersionLost:
        return parts.shelf.current

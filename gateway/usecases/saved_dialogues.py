"""Dialogues that dropped: kept while their service says, offered once, taken up on any channel.

The number that held one is offered it; another number needs the code that was sent, or the reference of a demand made
in it. What the offer was answered is an act of the turn that answered it: the same turn gets the same again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway import logs
from gateway.engine import compose, session
from gateway.engine.session import State
from gateway.menu.message_keys import SERVICE_SIZE
from gateway.menu.model import Menus, Service
from gateway.messages import Category
from gateway.store import counters, holdings, persons, saved_dialogues
from gateway.store.conversations import Conversation
from gateway.store.db import Connection
from gateway.store.saved_dialogues import DroppedDialogue, Outcome, Settled
from gateway.store.sealed import SealBroken
from gateway.text import fit, reference
from gateway.usecases import holdings as held
from gateway.usecases import writing
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.stops import Barred

#: Counted per number and day, and per number and hour.
_RESUME_SMS, _RESUME_CODES = "resume_sms", "resume_codes"


def is_resumable(parts: Parts, running: Conversation, now: datetime) -> bool:
    """Whether a conversation's dialogue is under way and worth keeping: resumable, and with an answer in it."""
    if running.state is None or running.dialogue_until is None or running.dialogue_until <= now:
        return False
    return worth_keeping(parts.shelf.current, session.decode(running.state))


def worth_keeping(menus: Menus, state: State) -> bool:
    """Whether a dialogue can be taken up: its service says so, and something was answered, or a code is awaited."""
    service = menus.services.get(state.service)
    resumable = service is not None and service.resume_s is not None
    return resumable and bool(state.values or state.challenge) and not state.offered


def save(parts: Parts, menus: Menus, state: State, caller: Caller, at: datetime) -> None:
    """Keeps a dropped USSD dialogue if its service can be taken up again and something was answered.

    After a few answered screens the citizen is told so by SMS, once a day at most. `menus` are those that the dialogue
    began with; `at` is when it was last answered: one of somebody who lost the number or was erased since is not kept.
    Raises StoreUnavailable.
    """
    if not worth_keeping(menus, state):
        return
    service, now = menus.services[state.service], parts.now()
    with parts.database.begin() as conn:
        digest = holdings.digest_of(parts.seals, caller.msisdn)
        if holdings.ended_since(conn, digest, at) or persons.erased_since(conn, digest, at):
            logs.event("dialogue.not_saved", level="info", service=state.service, code="changed_hands")
            return
        holding = held.met(conn, parts, caller.msisdn, now, caller.network)
        saved = keep(conn, parts, holding, service, state, caller.channel, now)
        told = _tell(conn, parts, holding, saved, service, state, caller, now)
    if told:
        parts.announce((writing.URGENT,))
    logs.event("dialogue.saved", saved_id=saved, service=state.service, screen=state.screen, told=told)


def keep(
    conn: Connection, parts: Parts, holding: int, service: Service, state: State, channel: str, now: datetime
) -> int:
    """The id of the dialogue, kept in place of an earlier one of the same service."""
    made = state.values.get("reference")
    dropped = DroppedDialogue(
        holding_id=holding,
        service=state.service,
        channel=channel,
        language=state.language,
        screen=state.screen,
        state=session.encode(state),
        expires_at=now + timedelta(seconds=service.resume_s or 0),
        reference_digest=_digest(parts, str(made[0])) if made else None,
    )
    return saved_dialogues.save(conn, parts.seals, dropped, now)


def settle(parts: Parts, saved_id: int, outcome: Outcome, act_key: bytes) -> Settled | None:
    """What became of an offered dialogue; None: it was taken up elsewhere, or expired. Raises StoreUnavailable.

    "It was not me" closes the holding: whoever dials now starts with nothing of the person before.
    """
    with parts.database.begin() as conn:
        try:
            settled = saved_dialogues.settle_once(conn, parts.seals, saved_id, outcome, act_key, parts.now())
            if settled is not None and settled.outcome == "disowned":  # the same number is somebody else's
                held.close(conn, parts, settled.holding_id, held.Why.DISOWNED, parts.now())
        except SealBroken:  # it stays settled: offered again it would fail again
            logs.event("dialogue.unreadable", level="error", saved_id=saved_id)
            return None
    logs.event("dialogue.settled", saved_id=saved_id, outcome=settled.outcome if settled else "gone")
    return settled


def settled_by(parts: Parts, act_key: bytes) -> Settled | None:
    """What a turn settled when it was answered before; None when it answered no offer. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        try:
            return saved_dialogues.by_settler(conn, parts.seals, act_key)
        except SealBroken:
            return None


def take_by_code(parts: Parts, typed: str, msisdn: str, act_key: bytes, language: str) -> Settled | Barred | None:
    """The dialogue that a code opens, whoever asks; None for a wrong code, and for too many tries: they look alike.

    Barred: its service is stopped; it is left where it waits. Raises StoreUnavailable.
    """
    again = settled_by(parts, act_key)
    if again is not None:
        return again
    now, code = parts.now(), reference.parse(typed)
    hour = now.replace(minute=0, second=0, microsecond=0)
    asker = holdings.digest_of(parts.seals, msisdn).hex()
    with parts.database.begin() as conn:
        most = parts.settings.limits.resume_codes_per_number_hour
        allowed = counters.take(conn, _RESUME_CODES, asker, hour, 1, most, now) is not None
        found = saved_dialogues.by_code(conn, _digest(parts, code or ""), now)
    if found is None or not allowed:
        return None
    barred = parts.stops.barred(found.service, language, parts.zone, begun=True)
    return barred or settle(parts, found.id, "continued", act_key)


def _tell(
    conn: Connection,
    parts: Parts,
    holding: int,
    saved: int,
    service: Service,
    state: State,
    caller: Caller,
    now: datetime,
) -> bool:
    """Whether an SMS says how to go on: not for a sensitive service, because others may read it."""
    settings = parts.settings
    if service.sensitive or state.turns < settings.sms.resume_sms_after:
        return False
    day = now.astimezone(parts.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    number = holdings.digest_of(parts.seals, caller.msisdn).hex()
    if counters.take(conn, _RESUME_SMS, number, day, 1, 1, now) is None:
        return False
    code = reference.make(parts.random_bytes)
    sender = settings.sender_of(settings.sms.sender)
    titles = (service.short_title or service.title).by_language
    values = {
        "service": fit.shortened(titles.get(state.language, service.id), SERVICE_SIZE, sender.transliteration),
        "code": settings.service_code,
        "short": next((one.short_code for one in settings.senders.values() if one.two_way), settings.service_code),
        "resume": reference.show(code),
    }
    text = writing.Text(
        holding_id=holding,
        msisdn=caller.msisdn,
        text=compose.text(parts.shelf.current, "resume_sms", state.language, values),
        template="resume_sms",
        category=Category.PROCEDURE,
        language=state.language,
        private=True,  # it holds a code
        network=caller.network,
        caused_by=service.id,
    )
    if writing.write(conn, parts, text, now) is None:
        return False
    saved_dialogues.set_code(conn, saved, _digest(parts, code))
    return True


def _digest(parts: Parts, code: str) -> bytes:
    return parts.seals.digest("resume_code", code)

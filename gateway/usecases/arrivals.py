"""A citizen dials: who the number belongs to by now, her language, what she can take up, what she must be told."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime

from gateway import logs
from gateway.engine import session
from gateway.store import acts, arrivals, conversations, saved_dialogues
from gateway.store import holdings as stored
from gateway.store.acts import ActExists
from gateway.store.arrivals import Known
from gateway.store.conversations import Conversation
from gateway.store.db import StoreUnavailable
from gateway.store.saved_dialogues import WaitingDialogue
from gateway.usecases import holdings
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.saved_dialogues import is_resumable, keep


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of who dials: the language she prefers, the dialogue that she can take up again.

    `notice`: the version of the privacy notice that she must be shown, "" for none; `told_at`: when she was shown one.
    """

    language: str | None = None
    waiting: WaitingDialogue | None = None
    notice: str = ""
    told_at: datetime | None = None


def arrive(parts: Parts, caller: Caller) -> Arrival:
    """What the first screen should know; nothing when the database is away: then she gets the menu.

    A holding that is over is closed here, before anything of it could be seen. A conversation by SMS that can be taken
    up is offered like any other, and is under way no more.
    """
    version = parts.settings.privacy.notice
    try:
        known = _known(parts, caller)
        if known is None:
            return Arrival(notice=version)
        waiting = _waiting(parts, known)
    except StoreUnavailable as error:
        logs.event("arrival.unavailable", level="warning", why=error.why)
        return Arrival()
    held = known.held
    return Arrival(known.language, waiting, "" if held.notice == version else version, held.notice_at)


def note_notice(parts: Parts, caller: Caller, version: str, act_key: bytes) -> None:
    """Keeps that this number was shown the notice, by the turn of `act_key`. Raises StoreUnavailable."""
    now = parts.now()
    with contextlib.suppress(ActExists), parts.database.begin() as conn:
        acts.insert(conn, parts.seals, act_key, "notice", "shown", {}, now)
        holding = holdings.met(conn, parts, caller.msisdn, now, caller.network, caller.imsi)
        stored.note_notice(conn, holding, version, now)


def _known(parts: Parts, caller: Caller) -> Known | None:
    """Whoever holds the number, after one whose holding is over was shown out."""
    now = parts.now()
    with parts.database.read() as conn:
        known = arrivals.of(conn, parts.seals, caller.msisdn, now)
    if known is None:
        return None
    held = known.held
    is_over = holdings.over(parts, held, caller.imsi) is not None
    # What was written to her is told to be undeliverable later: that she dialled since must be known then.
    news = known.written or holdings.worth_noting(parts, held, now, caller.network, caller.imsi)
    if not (is_over or news):
        return known
    with parts.database.begin() as conn:
        current = holdings.current_of(conn, parts, caller.msisdn, now, caller.imsi)
        if current is None or current.id != held.id:
            return None if current is None else Known(current, None, talking=False, waits=False)
        digest = holdings.imsi_digest(parts, caller.imsi)
        stored.note_seen(conn, held.id, now, caller.network, digest)
    return known


def _waiting(parts: Parts, known: Known) -> WaitingDialogue | None:
    if not (known.talking or known.waits):
        return None
    now, holding = parts.now(), known.held.id
    with parts.database.read() as conn:
        waiting = saved_dialogues.waiting(conn, holding, now)
        running = conversations.load(conn, parts.seals, holding)
    moved = _suspend(parts, running) if is_resumable(parts, running, now) else None
    return moved or (waiting[0] if waiting else None)


def _suspend(parts: Parts, running: Conversation) -> WaitingDialogue | None:
    """The dialogue of a conversation, moved to where dropped ones wait; None when it went on in the meantime."""
    assert running.state is not None
    now, state = parts.now(), session.decode(running.state)
    service = parts.shelf.current.services[state.service]
    with parts.database.begin() as conn:
        over = replace(running, state=None, dialogue_until=None)
        if not conversations.save(conn, parts.seals, over, now):
            return None
        saved = keep(conn, parts, running.holding_id, service, state, running.channel, now)
        waiting = saved_dialogues.waiting(conn, running.holding_id, now)
    return next((one for one in waiting if one.id == saved), None)

"""Dialogues that dropped: kept while their service says, taken up again once, by the number that held them."""

from __future__ import annotations

from datetime import timedelta

from gateway import logs
from gateway.engine import session
from gateway.engine.session import State
from gateway.menu.model import Menus
from gateway.store import holdings, saved_dialogues
from gateway.store.saved_dialogues import DroppedDialogue, WaitingDialogue
from gateway.store.sealed import SealBroken
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts


def save(parts: Parts, menus: Menus, state: State, caller: Caller) -> None:
    """Keeps a dropped dialogue if its service can be taken up again and something was answered.

    `menus` are those that the dialogue began with. Raises StoreUnavailable.
    """
    service = menus.services.get(state.service)
    if service is None or service.resume_s is None or not state.values:
        return
    now = parts.now()
    with parts.database.begin() as conn:
        holding = holdings.open_holding(conn, parts.seals, caller.msisdn, now)
        dropped = DroppedDialogue(
            holding_id=holding,
            service=state.service,
            channel=caller.channel,
            language=state.language,
            screen=state.screen,
            state=session.encode(state),
            expires_at=now + timedelta(seconds=service.resume_s),
        )
        saved = saved_dialogues.save(conn, parts.seals, dropped, now)
    logs.event("dialogue.saved", saved_id=saved, service=state.service, screen=state.screen)


def latest(parts: Parts, caller: Caller) -> WaitingDialogue | None:
    """The dialogue that this number left last and can still take up. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        holding = holdings.find_open(conn, parts.seals, caller.msisdn)
        waiting = saved_dialogues.waiting(conn, holding, parts.now()) if holding is not None else ()
    return waiting[0] if waiting else None


def take(parts: Parts, saved_id: int, caller: Caller) -> State | None:
    """The state of a waiting dialogue, given once; None: taken, expired, another's, unreadable.

    Raises StoreUnavailable.
    """
    with parts.database.begin() as conn:
        holding = holdings.find_open(conn, parts.seals, caller.msisdn)
        if holding is None:
            return None
        try:
            body = saved_dialogues.take_once(conn, parts.seals, saved_id, holding, parts.now())
        except SealBroken:  # it stays taken: offered again it would fail again
            logs.event("dialogue.unreadable", level="error", saved_id=saved_id)
            return None
    return None if body is None else session.decode(body)

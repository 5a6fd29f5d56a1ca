"""Asking the operator whether a SIM was changed, and what follows from its answer.

Asked when a one-time code is about to be sent, once a day per number, by a worker: the answer comes later, by
callback, and is there before the code is typed back, or counts from then on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway import logs
from gateway.messages import SimAnswer
from gateway.store import holdings as stored
from gateway.store import outbox, sim_checks
from gateway.store.db import Connection
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.usecases import holdings, writing
from gateway.usecases.backoff import wait_s
from gateway.usecases.parts import Parts

KIND: outbox.Kind = "sim_check"
_PRIORITY = 5
_ATTEMPTS = 3
_FIRST_RETRY_S, _LONGEST_RETRY_S = 2.0, 30.0

SAME, CHANGED, UNKNOWN = "same", "changed", "unknown"


def plan(conn: Connection, parts: Parts, holding_id: int, now: datetime) -> bool:
    """Whether a worker will ask about this holding's SIM: where a channel can, and nobody asked lately."""
    settings = parts.settings.holdings
    if settings.sim_check is None:
        return False
    if sim_checks.asked_since(conn, holding_id, now - timedelta(seconds=settings.sim_check_every_s)):
        return False
    outbox.add(conn, writing.URGENT, KIND, holding_id, None, _PRIORITY, now, now)
    return True


def ask(parts: Parts, row: Claimed) -> None:
    """Asks about one claimed holding. Raises StoreUnavailable. An operator that cannot be asked is asked next time."""
    now, channel = parts.now(), parts.settings.holdings.sim_check or ""
    with parts.database.begin() as conn:
        held = stored.by_id(conn, row.target_id)
        if held is None or channel not in parts.channels or outbox.start_call(conn, row.id, row.token, now) is None:
            outbox.done(conn, row.id, row.token, "not_needed", now)
            return
        try:
            number = stored.msisdn_of(conn, parts.seals, row.target_id)
        except SealBroken:
            outbox.dead(conn, row.id, row.token, "unreadable", now)
            return
    request_id = parts.channels[channel].ask_sim(number)
    now = parts.now()
    with parts.database.begin() as conn:
        if request_id is not None:
            sim_checks.add(conn, row.target_id, channel, request_id, now)
            outbox.done(conn, row.id, row.token, "asked", now)
        elif row.attempts + 1 < _ATTEMPTS:
            delay_s = wait_s(row.attempts + 1, _FIRST_RETRY_S, _LONGEST_RETRY_S, None, parts.random_bytes)
            outbox.retry(conn, row.id, row.token, now + timedelta(seconds=delay_s), "not_asked", now)
        else:
            outbox.done(conn, row.id, row.token, "not_asked", now)
    logs.event("sim.asked", holding_id=row.target_id, channel=channel, outcome="asked" if request_id else "not_asked")


def take_answer(parts: Parts, answer: SimAnswer, now: datetime) -> str:
    """What follows: SAME, CHANGED (the holding is closed) or UNKNOWN. Raises StoreUnavailable.

    UNKNOWN: nobody asked, it was answered before, or the operator could not say.
    """
    with parts.database.begin() as conn:
        holding_id = sim_checks.answer(conn, answer.channel, answer.request_id, answer.swapped_at, now)
        if holding_id is None or not answer.readable:
            outcome = UNKNOWN
            if holding_id is not None and answer.undated:
                stored.note_sim_change(conn, holding_id, now)  # it may be as young as that
        elif answer.swapped_at is None:
            outcome = SAME
        else:
            outcome = _changed(conn, parts, holding_id, answer.swapped_at, now)
    logs.event("sim.answered", holding_id=holding_id, channel=answer.channel, outcome=outcome)
    return outcome


def _changed(conn: Connection, parts: Parts, holding_id: int, at: datetime, now: datetime) -> str:
    held = stored.by_id(conn, holding_id)
    if held is None:
        return UNKNOWN
    swapped_at = min(at, now)  # the day is not over yet
    known = held.sim_changed_at
    if known is not None and at.date() <= known.astimezone(parts.zone).date():
        stored.note_sim_change(conn, holding_id, min(swapped_at, known))
        return SAME  # the change that this holding began with: `at` is the end of its day
    if at < held.opened_at:
        stored.note_sim_change(conn, holding_id, swapped_at)
        return SAME
    try:
        number = stored.msisdn_of(conn, parts.seals, holding_id)
    except SealBroken:
        number = ""
    holdings.close(conn, parts, holding_id, holdings.Why.OPERATOR, now)
    if number:  # whoever has it now is known to have a new SIM
        fresh = stored.found_or_opened(conn, parts.seals, number, now)
        stored.note_sim_change(conn, fresh, swapped_at)
    return CHANGED

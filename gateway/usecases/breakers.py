"""What each answer of a system says about the system itself: whether it is there, and how long it wants to be left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway import logs
from gateway.backoffice.base import Fault
from gateway.messages import BackofficeAnswer, HandOver
from gateway.settings import Settings, SystemSettings
from gateway.store import breakers
from gateway.store.claims import Limit
from gateway.store.db import Connection, StoreUnavailable
from gateway.usecases import hooks
from gateway.usecases.parts import Parts

#: No answer at all: whoever asks such a system waits until the call times out. Or its folder takes no line.
_SILENT = ("no_connection", "too_slow", "cut", "no_room", "no_folder", "not_written")
#: A server answers for a program, or for a member of X-Road, that does not.
_BROKEN = ("http_5", "xroad.server.")
#: Nobody was called, or the fault is ours.
_NO_CALL = ("no_system", "failed", "no_case", "cannot_be_told", "cannot_be_asked")
#: Answers whose Retry-After is about the whole system (RFC 9110 §10.2.3, RFC 6585 §4).
_BUSY = ("http_429", "http_503")


def limits(settings: Settings) -> Mapping[str, Limit]:
    """How often each system, and each endpoint of webhooks, may be called."""
    endpoints = {hooks.system_of(name): Limit() for name in settings.hooks}
    return endpoints | {name: limit_of(system) for name, system in settings.systems.items()}


def limit_of(system: SystemSettings) -> Limit:
    """How often one system may be called."""
    return Limit(system.max_in_flight, system.ask_every_s)


def sign_of(answer: BackofficeAnswer) -> Fault | None:
    """Why a call was not settled, or was none; None when its system decided something."""
    if answer.outcome is not HandOver.RETRY and answer.code not in _NO_CALL:
        return None
    return Fault(answer.code, answer.misconfigured, answer.retry_after_s)


def note(conn: Connection, parts: Parts, system: str, fault: Fault | None, now: datetime) -> None:
    """Keeps what a call says about its system; told after each call, whatever becomes of the row. None: it answered."""
    settings = parts.settings.systems.get(system)
    if settings is None or (fault is not None and fault.code in _NO_CALL):
        return
    code = "answered" if fault is None else fault.code
    if fault is not None and _is_away(fault):
        # Spread: systems that went away together with a network are not all asked at one moment.
        ask_at = now + timedelta(seconds=settings.ask_every_s * (1 + _spread(parts) / 4))
        if breakers.failed(conn, system, settings.breaker_after, ask_at, code, now):
            logs.event("breaker.opened", level="error", system=system, code=code)
    elif breakers.answered(conn, system, now):
        logs.event("breaker.closed", level="warning", system=system, code=code)
    if fault is not None and fault.code in _BUSY and fault.retry_after_s:
        until = now + timedelta(seconds=fault.retry_after_s * (1 + _spread(parts) / 10))
        breakers.rest(conn, system, until, code, now)


def may_ask(parts: Parts, system: str) -> bool:
    """Whether a citizen's turn may wait for the system now: not while it is away, or asked to be left alone.

    The calls that find out whether it is back are left to what waits for it in the outbox, which has more patience.
    Where nothing does, a turn finds out.
    """
    now = parts.now()
    every = timedelta(seconds=parts.settings.systems[system].ask_every_s)
    try:
        with parts.database.read() as conn:
            one = breakers.of(conn, (system,)).get(system)
        if one is None or one.opened_at is None:
            return one is None or not one.holds_back(now)
        if one.holds_back(now - every):
            return False
        with parts.database.begin() as conn:
            return breakers.ask(conn, system, now + every, now - every, now)
    except StoreUnavailable as error:
        logs.event("breaker.unavailable", level="warning", system=system, why=error.why)
        return True


def note_turn(parts: Parts, system: str, fault: Fault | None) -> None:
    """Keeps what a call within a citizen's turn says; that it cannot be kept is no reason not to show the answer."""
    try:
        with parts.database.read() as conn:
            known = breakers.of(conn, (system,)).get(system)
        if fault is None and (known is None or not known.failures):
            return  # all is well: a turn takes no writer's place
        with parts.database.begin() as conn:
            note(conn, parts, system, fault, parts.now())
    except StoreUnavailable as error:
        logs.event("breaker.unavailable", level="warning", system=system, why=error.why)


def _is_away(fault: Fault) -> bool:
    return fault.code in _SILENT or (fault.code.startswith(_BROKEN) and not fault.misconfigured)


def _spread(parts: Parts) -> float:
    """Between 0 and 1."""
    return int.from_bytes(parts.random_bytes(4)) / 2**32

"""What each answer of a system says about the system itself: whether it is there, and how long it wants to be left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway import logs
from gateway.messages import BackofficeAnswer, HandOver
from gateway.settings import Settings, SystemSettings
from gateway.store import breakers
from gateway.store.claims import Limit
from gateway.store.db import Connection
from gateway.usecases.parts import Parts

#: No answer at all: whoever asks such a system waits until the call times out.
_SILENT = ("no_connection", "too_slow", "cut")
#: Its server answers for a program that does not.
_BROKEN = "http_5"
#: Nobody was called, or the fault is ours.
_NO_CALL = ("no_system", "failed")
#: Answers whose Retry-After is about the whole system (RFC 9110 §10.2.3, RFC 6585 §4).
_BUSY = ("http_429", "http_503")


def limits(settings: Settings) -> Mapping[str, Limit]:
    """How often each system may be called."""
    return {name: limit_of(system) for name, system in settings.systems.items()}


def limit_of(system: SystemSettings) -> Limit:
    """How often one system may be called."""
    return Limit(system.max_in_flight, system.ask_every_s)


def note(conn: Connection, parts: Parts, system: str, answer: BackofficeAnswer, now: datetime) -> None:
    """Keeps what the answer to a call says about its system; told after each call, whatever becomes of the row."""
    settings = parts.settings.systems.get(system)
    if settings is None or answer.code in _NO_CALL:
        return
    if answer.code in _SILENT or answer.code.startswith(_BROKEN):
        # Spread: systems that went away together with a network are not all asked at one moment.
        ask_at = now + timedelta(seconds=settings.ask_every_s * (1 + _spread(parts) / 4))
        if breakers.failed(conn, system, settings.breaker_after, ask_at, answer.code, now):
            logs.event("breaker.opened", level="error", system=system, code=answer.code)
    elif breakers.answered(conn, system, now):
        logs.event("breaker.closed", level="warning", system=system, code=answer.code)
    if answer.outcome is HandOver.RETRY and answer.code in _BUSY and answer.retry_after_s:
        until = now + timedelta(seconds=answer.retry_after_s * (1 + _spread(parts) / 10))
        breakers.rest(conn, system, until, answer.code, now)


def _spread(parts: Parts) -> float:
    """Between 0 and 1."""
    return int.from_bytes(parts.random_bytes(4)) / 2**32

"""The spend guard: what the SMS that citizens cause may cost, counted in the transaction that writes each of them.

Four ceilings, always locked in this order, so that two transactions never wait for each other: the number's day, the
service's hour, the sender's hour, the F CFA of the whole gateway's hour. Vital SMS are counted and never stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway import logs, metrics
from gateway.messages import Category
from gateway.store import counters, holdings
from gateway.store.db import Connection
from gateway.text import msisdn
from gateway.usecases.parts import Parts

NUMBER, BY_SERVICE, BY_SENDER, FRANCS = "sms_number", "sms_service", "sms_sender", "sms_francs"
SCOPES = (NUMBER, BY_SERVICE, BY_SENDER, FRANCS)


@dataclass(frozen=True, slots=True)
class _Ceiling:
    scope: str
    subject: str
    window_at: datetime
    limit: int
    amount: int = 0


def answerable(parts: Parts, number: str) -> bool:
    """Whether SMS to this number are paid for by the State: a mobile one of the countries that are answered."""
    return msisdn.region_of(number) in parts.settings.sms.reply_countries and msisdn.is_mobile(number)


def take(
    conn: Connection,
    parts: Parts,
    number: str,
    service: str,
    sender: str,
    segments: int,
    category: Category,
    now: datetime,
) -> bool:
    """Whether an SMS that a citizen caused may be written: counted against every ceiling, or against none."""
    taken: list[_Ceiling] = []
    for ceiling in _ceilings(parts, number, service, sender, segments, now):
        if category is Category.VITAL:
            total: int | None = _count(conn, ceiling, now)
        else:
            total = counters.take(
                conn, ceiling.scope, ceiling.subject, ceiling.window_at, ceiling.amount, ceiling.limit, now
            )
        if total is None:
            for earlier in reversed(taken):
                counters.add(conn, earlier.scope, earlier.subject, earlier.window_at, -earlier.amount, now)
            metrics.sms_withheld.labels(ceiling.scope).inc()
            logs.event("spend.withheld", level="warning", scope=ceiling.scope, category=category)
            return False
        taken.append(ceiling)
        _alert(parts, ceiling, total)
    return True


def spent(conn: Connection, parts: Parts, number: str, service: str, now: datetime) -> bool:
    """Whether a ceiling is reached, so that nothing that costs an SMS should be begun."""
    sender = parts.settings.sms.sender
    return any(
        counters.read(conn, ceiling.scope, ceiling.subject, ceiling.window_at)[0] + ceiling.amount > ceiling.limit
        for ceiling in _ceilings(parts, number, service, sender, 1, now)
    )


@dataclass(frozen=True, slots=True)
class Spent:
    """What this hour holds against one ceiling. `subject`: a service or a sender, "" for the F CFA of the gateway."""

    scope: str
    subject: str
    used: int
    limit: int


def this_hour(conn: Connection, parts: Parts, now: datetime) -> tuple[Spent, ...]:
    """Every ceiling of an hour with what is used of it, those that nothing was counted against too."""
    most = parts.settings.ceilings
    known: dict[str, tuple[int, Iterable[str]]] = {
        BY_SERVICE: (most.per_service_hour, parts.shelf.current.services),
        BY_SENDER: (most.per_sender_hour, parts.settings.senders),
        FRANCS: (most.francs_hour, ("",)),
    }
    spent_now: list[Spent] = []
    for scope, (limit, subjects) in known.items():
        used = dict.fromkeys(subjects, 0) | counters.of_window(conn, scope, _hour(now))
        spent_now += [Spent(scope, subject, amount, limit) for subject, amount in sorted(used.items())]
    return tuple(spent_now)


def _hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _ceilings(parts: Parts, number: str, service: str, sender: str, segments: int, now: datetime) -> Iterator[_Ceiling]:
    most = parts.settings.ceilings
    day = now.astimezone(parts.zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    hour = _hour(now)
    francs = segments * parts.settings.sender_of(sender).cost_f
    yield _Ceiling(NUMBER, holdings.digest_of(parts.seals, number).hex(), day, most.per_number_day, 1)
    yield _Ceiling(BY_SERVICE, service, hour, most.per_service_hour, 1)
    yield _Ceiling(BY_SENDER, sender, hour, most.per_sender_hour, 1)
    yield _Ceiling(FRANCS, "", hour, most.francs_hour, francs)


def _count(conn: Connection, ceiling: _Ceiling, now: datetime) -> int:
    return counters.add(conn, ceiling.scope, ceiling.subject, ceiling.window_at, ceiling.amount, now)


def _alert(parts: Parts, ceiling: _Ceiling, total: int) -> None:
    """One error when a ceiling comes in sight, one when it is reached; a single number's is nobody's emergency."""
    if ceiling.scope == NUMBER:
        return
    before, near = total - ceiling.amount, ceiling.limit * parts.settings.ceilings.alert_at
    subject = ceiling.subject or "gateway"
    if before < ceiling.limit <= total:
        logs.event("spend.reached", level="error", scope=ceiling.scope, subject=subject, limit=ceiling.limit)
    elif before < near <= total:
        logs.event("spend.alert", level="error", scope=ceiling.scope, subject=subject, limit=ceiling.limit)

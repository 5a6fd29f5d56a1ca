"""How many different identifiers one number may type in a day: else a phone finds out who has a demand, or an NPI."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gateway import logs
from gateway.store import counters, holdings
from gateway.store.db import Connection
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts

#: The sentence that ends a dialogue which typed too many.
CLOSING = "too_many_identifiers"
_EACH, _ALL = "identifier", "identifiers"


def allowed(conn: Connection, parts: Parts, caller: Caller, typed: Iterable[str], now: datetime) -> bool:
    """Whether this number may go on with what it typed: the same identifier again costs nothing."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    number = holdings.digest_of(parts.seals, caller.msisdn).hex()
    most = parts.settings.limits.identifiers_per_number_day
    for identifier in typed:
        known = parts.seals.digest("identifier", f"{number}|{identifier}").hex()
        if counters.add(conn, _EACH, known, day, 1, now) > 1:
            continue
        if counters.take(conn, _ALL, number, day, 1, most, now) is None:
            counters.clear(conn, _EACH, known, day)
            logs.event("identifiers.too_many", level="warning", channel=caller.channel)
            return False
    return True

"""Whether a one-time code was typed back for an act: the act itself looks, whatever was asked before."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.engine.outcomes import Act
from gateway.store import codes
from gateway.store import holdings as stored
from gateway.store.db import Connection
from gateway.usecases import holdings
from gateway.usecases.parts import Parts

#: A time server corrects a clock by moments. One that went back further must make no code live longer.
CORRECTION = timedelta(seconds=60)


def proved(conn: Connection, parts: Parts, holding_id: int, purpose: str, now: datetime) -> bool:
    """Whether the citizen typed back a code for this purpose lately, on a SIM that is not new. It is then used up."""
    held = stored.by_id(conn, holding_id)
    if not purpose or held is None or holdings.sim_changed(parts, held, now):
        return False
    since = now - timedelta(seconds=parts.settings.codes.valid_s)
    return codes.use(conn, holding_id, purpose, since, now + CORRECTION, now)


def allowed(conn: Connection, parts: Parts, act: Act, holding_id: int, now: datetime) -> bool:
    """Whether an act may be done: it needs no code, or its code was typed back, which is then used up."""
    return not act.proof or proved(conn, parts, holding_id, act.proof, now)

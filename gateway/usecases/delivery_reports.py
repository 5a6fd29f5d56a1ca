"""Delivery reports: what an aggregator tells later about an SMS."""

from __future__ import annotations

from datetime import datetime

from gateway import logs
from gateway.messages import Dlr, MtState
from gateway.store import mts, outbox, stray_dlrs
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.usecases.parts import Parts

MOVED = "moved"
UNCHANGED = "unchanged"
STRAY = "stray"
UNKNOWN_STATUS = "unknown_status"


def take_dlr(parts: Parts, dlr: Dlr, now: datetime) -> str:
    """What became of a report: MOVED, UNCHANGED, STRAY or UNKNOWN_STATUS. Raises StoreUnavailable.

    UNCHANGED: repeated, or older than what is known. STRAY: it names no SMS we know, perhaps because it came before
    the answer to the call; kept until the id is stored. UNKNOWN_STATUS: kept too, for a person to read the word.
    """
    with parts.database.begin() as conn:
        known = mts.by_external_id(conn, parts.seals, dlr.channel, dlr.external_id, dlr.msisdn)
        if known is None or dlr.state is None:
            stray_dlrs.add(conn, dlr, now)
            outcome = STRAY if known is None else UNKNOWN_STATUS
        else:
            outcome = MOVED if settle(conn, known.id, dlr.state, dlr.reason, now) else UNCHANGED
    logs.event(
        "dlr.taken",
        level="warning" if outcome in (STRAY, UNKNOWN_STATUS) else "info",
        channel=dlr.channel,
        mt_id=known.id if known else None,
        state=dlr.state,
        outcome=outcome,
    )
    return outcome


def settle(conn: Connection, mt_id: int, state: MtState, reason: str, now: datetime) -> bool:
    """Whether the report moved the SMS. One whose sending had no known end is settled with it."""
    moved = mts.move(conn, mt_id, state, "dlr", reason, now)
    if moved:
        outbox.settle_unknown(conn, "mt", mt_id, f"dlr_{state.value}", now)
    return moved


def match_strays(conn: Connection, seals: Seals, channel: str, external_id: str, now: datetime) -> int:
    """How many waiting reports moved the SMS that now has this id. Call it when the id has been stored."""
    waiting = stray_dlrs.take(conn, channel, external_id, now)
    known = mts.by_external_id(conn, seals, channel, external_id) if waiting else None
    if known is None:
        return 0
    return sum(settle(conn, known.id, stray.state, stray.code, now) for stray in waiting if stray.state is not None)

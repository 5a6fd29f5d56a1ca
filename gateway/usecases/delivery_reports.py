"""Delivery reports: what an aggregator tells later about an SMS."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway import logs
from gateway.messages import Dlr, MtState
from gateway.store import holdings as stored_holdings
from gateway.store import mts, outbox, stray_dlrs
from gateway.store.db import Connection
from gateway.store.mts import Mt
from gateway.usecases import holdings, mt_moves
from gateway.usecases.parts import Parts

MOVED = "moved"
UNCHANGED = "unchanged"
ADOPTED = "adopted"
STRAY = "stray"
UNKNOWN_STATUS = "unknown_status"
#: The longest that an SMS is kept for a phone that is off: a report about an unknown one comes within it.
_ADOPTED_WITHIN = timedelta(hours=72)


def take_dlr(parts: Parts, dlr: Dlr, now: datetime) -> str:
    """What became of a report: MOVED, UNCHANGED, ADOPTED, STRAY or UNKNOWN_STATUS. Raises StoreUnavailable.

    UNCHANGED: repeated, or older than what is known. ADOPTED: its id is new to us, and the answer to exactly one SMS
    to its number was lost with the id. STRAY: it names no SMS we know, perhaps because it came before the answer to
    the call; kept until the id is stored. UNKNOWN_STATUS: kept too, for a person to read the word.
    """
    with parts.database.begin() as conn:
        known = mts.by_external_id(conn, parts.seals, dlr.channel, dlr.external_id, dlr.msisdn)
        outcome = ""
        if known is None and dlr.state is not None:
            known = _adopted(conn, parts, dlr, now)
            outcome = ADOPTED if known else ""
        if known is None or dlr.state is None:
            stray_dlrs.add(conn, parts.seals, dlr, now)
            outcome = STRAY if known is None else UNKNOWN_STATUS
        else:
            moved = settle(conn, parts, known.id, dlr.state, dlr.reason, now)
            outcome = outcome or (MOVED if moved else UNCHANGED)
            if dlr.gone:
                _gone(conn, parts, known, now)
    logs.event(
        "dlr.taken",
        level="warning" if outcome in (STRAY, UNKNOWN_STATUS) else "info",
        channel=dlr.channel,
        mt_id=known.id if known else None,
        submission_id=known.submission_id if known else None,
        state=dlr.state,
        outcome=outcome,
    )
    return outcome


def _gone(conn: Connection, parts: Parts, mt: Mt, now: datetime) -> None:
    """Nobody has the number any more: whoever gets it next starts with nothing. Not if she dialled since."""
    held = stored_holdings.by_id(conn, mt.holding_id)
    if held is not None and held.last_seen_at < mt.created_at:
        holdings.close(conn, parts, mt.holding_id, holdings.Why.GONE, now)


def _adopted(conn: Connection, parts: Parts, dlr: Dlr, now: datetime) -> Mt | None:
    """The one SMS of unknown fate that this report must be about, which has its id from now on.

    With two of them nobody can tell: both wait for a person. The reports that came for the id before are applied too.
    """
    if dlr.msisdn is None:
        return None
    digest = stored_holdings.digest_of(parts.seals, dlr.msisdn)
    candidates = mts.unknown_to(conn, dlr.channel, digest, now - _ADOPTED_WITHIN)
    if len(candidates) != 1:
        return None
    mts.set_external(conn, candidates[0].id, dlr.external_id, "", now)
    match_strays(conn, parts, dlr.channel, dlr.external_id, now)
    return candidates[0]


def adopt_waiting(conn: Connection, parts: Parts, limit: int, now: datetime) -> int:
    """How many SMS of unknown fate were settled by reports that came before it was known that their answer was lost.

    As for a report that comes later: one such SMS to a number, and reports of one id about that number.
    """
    adopted = 0
    for mt_id, channel, external_id in stray_dlrs.adoptable(conn, limit):
        mts.set_external(conn, mt_id, external_id, "", now)
        match_strays(conn, parts, channel, external_id, now)
        adopted += 1
    return adopted


def settle(conn: Connection, parts: Parts, mt_id: int, state: MtState, reason: str, now: datetime) -> bool:
    """Whether the report moved the SMS. One whose sending had no known end is settled with it."""
    moved = mt_moves.move(conn, parts, mt_id, state, "dlr", reason, now)
    if moved:
        outbox.settle_unknown(conn, "mt", mt_id, f"dlr_{state.value}", now)
    return moved


def match_strays(conn: Connection, parts: Parts, channel: str, external_id: str, now: datetime) -> int:
    """How many waiting reports moved the SMS that now has this id. Call it when the id has been stored."""
    waiting = stray_dlrs.take(conn, channel, external_id, now)
    known = mts.by_external_id(conn, parts.seals, channel, external_id) if waiting else None
    if known is None:
        return 0
    moved = sum(
        settle(conn, parts, known.id, stray.state, stray.code, now) for stray in waiting if stray.state is not None
    )
    logs.event("dlr.matched", channel=channel, mt_id=known.id, submission_id=known.submission_id, moved=moved)
    return moved

"""The one place that moves an SMS: what its institution wants to hear of a notification is told in the same breath."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from gateway.messages import MtState
from gateway.store import campaign_rows, mts
from gateway.store.db import Connection
from gateway.store.mts import Source
from gateway.usecases import hooks
from gateway.usecases.parts import Parts

_M = MtState
#: What a state of an SMS is called in the events of a notification; the others are told of by no event.
TOLD = {
    _M.ACCEPTED: "accepted",
    _M.DELIVERED: "delivered",
    _M.FAILED_PERMANENT: "failed",
    _M.REJECTED: "failed",
    _M.EXPIRED: "failed",
    _M.SUPPRESSED: "failed",
    _M.UNKNOWN: "unknown",
}


def move(conn: Connection, parts: Parts, mt_id: int, to: MtState, source: Source, code: str, now: datetime) -> bool:
    """As `mts.move`: whether the SMS moved."""
    moved = mts.move(conn, mt_id, to, source, code, now)
    if moved:
        tell(conn, parts, (mt_id,), to, code, now)
    return moved


def move_many(
    conn: Connection, parts: Parts, mt_ids: Collection[int], to: MtState, source: Source, code: str, now: datetime
) -> frozenset[int]:
    """As `mts.move_many`: the ids of those that moved."""
    moved = mts.move_many(conn, mt_ids, to, source, code, now)
    tell(conn, parts, moved, to, code, now)
    return moved


def tell(conn: Connection, parts: Parts, mt_ids: Collection[int], to: MtState, code: str, now: datetime) -> None:
    """Tells the institutions of these SMS that they are in this state now, where they want to hear it."""
    state = TOLD.get(to)
    if state is None or not mt_ids:
        return
    found = campaign_rows.origins(conn, mt_ids)
    hooks.tell_notifications(conn, parts, found, state, code, now)

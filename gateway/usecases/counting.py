"""Dialogues counted in Redis, with the commit of their first turn, moved into the database day by day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from gateway import logs
from gateway.store import counters, daily
from gateway.store.db import StoreUnavailable
from gateway.store.sessions import Opening, Sessions, Taken
from gateway.usecases.parts import Parts

#: An upkeep that was away for longer than this loses what was counted before.
_DAYS = 45
#: Counts already stored are known by their id as long as these marks are kept (upkeep forgets them after two days,
#: and only once this has dropped what they mark).
_MARK = "sessions_moved"


def opening(channel: str, network: str, day: date) -> Opening:
    """What a dialogue counts as that opens on this local day."""
    return Opening(day, f"{channel}|{network[:15]}")


def move_sessions(parts: Parts, sessions: Sessions) -> int:
    """How many dialogues were moved into `daily`, each once, whoever dies in between. Raises StoreUnavailable.

    Redis renames the counts and keeps them until the database has them. What the database has is marked with their id
    in the same transaction: counts that come again after a crash are only dropped.
    """
    now, moved = parts.now(), 0
    today = now.astimezone(parts.zone).date()
    days = [today + timedelta(days=1 - back) for back in range(_DAYS)]  # another machine's clock may be past midnight
    for taken in sessions.take_counts(days, parts.new_id()):
        if _store(parts, taken, now):
            moved += sum(taken.counts.values())
        sessions.drop_counts(taken)
    return moved


def sweep(parts: Parts, sessions: Sessions) -> None:
    """As `move_sessions`; a failure is logged and waits for the next round."""
    try:
        moved = move_sessions(parts, sessions)
    except StoreUnavailable as error:
        logs.event("counting.failed", level="error", why=error.why, code=error.code)
        return
    except Exception as error:  # a fault of ours: the other sweeps have their own work
        logs.failure("counting.failed", error)
        return
    if moved:
        logs.event("counting.moved", sessions=moved)


def _store(parts: Parts, taken: Taken, now: datetime) -> bool:
    """Whether the counts were new to the database and are now in it."""
    window = datetime.combine(taken.day, datetime.min.time(), parts.zone)
    with parts.database.begin() as conn:
        if counters.take(conn, _MARK, taken.id, window, 1, 1, now) is None:
            return False
        daily.add(conn, taken.day, daily.SESSIONS, taken.counts)
    return True

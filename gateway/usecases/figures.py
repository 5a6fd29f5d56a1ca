"""How the gateway stands, as the database knows it: what waits, what is stopped, what was spent, who was last seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.messages import SubmissionState
from gateway.store import beats, breakers, late, mts, outbox, stops, submissions
from gateway.store.breakers import Breaker
from gateway.store.outbox import LaneCount
from gateway.store.tables import LANES, OPEN_OUTBOX
from gateway.usecases import spend
from gateway.usecases.parts import Parts
from gateway.usecases.spend import Spent


@dataclass(frozen=True, slots=True)
class Figures:
    """One look at the database; ages in seconds, of a lane without work 0."""

    at: datetime
    lanes: tuple[LaneCount, ...]
    oldest_s: Mapping[str, float]  #: by lane, of its oldest row that waits
    submissions: Mapping[SubmissionState, int]
    sms_unknown: int
    spent: tuple[Spent, ...]
    stopped: tuple[str, ...]
    breakers: tuple[Breaker, ...]  #: of the systems that were called
    late: Mapping[str, int]  #: demands past their promised date, by system
    beat_ages_s: Mapping[str, float]  #: by process ("relay", "worker-urgent"), and "backup"


def read(parts: Parts, now: datetime) -> Figures:
    """The figures of this moment. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        lanes = outbox.counts(conn)
        waiting = [count for count in lanes if count.state in OPEN_OUTBOX]
        return Figures(
            at=now,
            lanes=lanes,
            oldest_s={
                lane: max((_age_s(one.oldest_at, now) for one in waiting if one.lane == lane), default=0.0)
                for lane in LANES
            },
            submissions=submissions.count_by_state(conn),
            sms_unknown=mts.count_unknown(conn),
            spent=spend.this_hour(conn, parts, now),
            stopped=tuple(stops.active(conn)),
            breakers=breakers.every(conn),
            late=late.count(conn, now.astimezone(parts.zone).date(), tuple(parts.settings.systems)),
            beat_ages_s={name: _age_s(at, now) for name, at in beats.every(conn).items()},
        )


def _age_s(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())

"""The relay: the only one that puts jobs in the queues. It tells the workers which lanes have work.

It waits for wake-ups and, every 2 s, asks the database, which alone is believed. Two relays do no harm: a lane that
was just woken is not woken twice.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from gateway import logs
from gateway.store import beats, outbox
from gateway.store.db import StoreUnavailable
from gateway.store.wake import WakeUnavailable
from gateway.wiring import RELAY, Gateway
from gateway.workers.lanes import JOB, UPKEEP, woken_key

#: How often the database is asked which lanes are due.
LOOK_S = 2.0
#: How often upkeep is due, and how often the relay says that it is alive.
UPKEEP_S = 30.0
BEAT_S = 5.0
#: A lane just woken is not woken again before its job begins, or before this many seconds if the job was lost.
_WOKEN_S = 60
#: A job that nobody took by then is forgotten: the lane has been woken again since.
_JOB_TTL_S = 120
_FAILURE_TTL_S = 3600


def run_relay(gateway: Gateway) -> None:
    """Relays until SIGTERM or SIGINT. A Redis or a database that is away is waited for."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    logs.event("relay.started")
    relay = Relay(gateway, Redis.from_url(gateway.queues_url, socket_timeout=2, socket_connect_timeout=2))
    try:
        while not stop.is_set():
            if not relay.turn():
                stop.wait(LOOK_S)
    finally:
        relay.queues.close()
        logs.event("relay.stopped")


@dataclass
class Relay:
    """One relay. `turn` does one round; the times are the monotonic clock's."""

    gateway: Gateway
    queues: Redis
    _look_at: float = 0.0
    _upkeep_at: float = 0.0
    _beat_at: float = 0.0
    _away: set[str] = field(default_factory=set)

    def turn(self) -> bool:
        """Waits at most LOOK_S for a wake-up, and wakes the lanes that have work; False: Redis could not be asked."""
        waited, lanes = self._announced()
        clock = self.gateway.monotonic()
        if clock >= self._look_at:
            lanes |= self._due()
            self._look_at = clock + LOOK_S
        if clock >= self._upkeep_at:
            lanes |= {UPKEEP}
            self._upkeep_at = clock + UPKEEP_S
        if clock >= self._beat_at:
            self._beat()
            self._beat_at = clock + BEAT_S
        for lane in sorted(lanes):
            self._wake(lane)
        return waited

    def _announced(self) -> tuple[bool, frozenset[str]]:
        left_s = self._look_at - self.gateway.monotonic()
        try:
            lanes = self.gateway.wake.wait(min(max(left_s, 0.1), LOOK_S))
        except WakeUnavailable:
            self._told("redis", "away")
            return False, frozenset()
        self._told("redis", "back")
        return True, lanes

    def _due(self) -> frozenset[str]:
        try:
            with self.gateway.database.read() as conn:
                lanes = outbox.due_lanes(conn, self.gateway.now())
        except StoreUnavailable:
            self._told("database", "away")
            return frozenset()
        self._told("database", "back")
        return lanes

    def _beat(self) -> None:
        try:
            with self.gateway.database.begin() as conn:
                beats.beat(conn, RELAY, self.gateway.now())
        except StoreUnavailable:
            self._told("database", "away")

    def _wake(self, lane: str) -> None:
        """One job in the lane's queue, unless one is on its way."""
        try:
            if not self.queues.set(woken_key(lane), b"1", nx=True, ex=_WOKEN_S):
                return
            queue = Queue(lane, connection=self.queues, serializer=JSONSerializer)
            queue.enqueue_call(JOB, args=(lane,), result_ttl=0, ttl=_JOB_TTL_S, failure_ttl=_FAILURE_TTL_S, timeout=600)
        except RedisError:
            self._told("redis", "away")
            self._unmark(lane)

    def _unmark(self, lane: str) -> None:
        """The lane was marked but perhaps not woken: whoever comes next may wake it."""
        try:
            self.queues.delete(woken_key(lane))
        except RedisError:
            return  # the mark ends by itself

    def _told(self, what: str, state: str) -> None:
        """Logs once when something goes away, and once when it is back."""
        if (state == "away") == (what in self._away):
            return
        self._away ^= {what}
        logs.event(f"relay.{what}_{state}", level="error" if state == "away" else "info")

"""A worker process: one queue of RQ, jobs in the process itself, no result kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from gateway import logs
from gateway.store import beats
from gateway.store.db import StoreUnavailable
from gateway.wiring import Gateway
from gateway.workers import lanes

#: RQ waits this much less 15 s for a job before it says that it is alive.
_TTL_S = 60
_CONNECT_S = 5
#: How long to wait before trying a Redis that was away again.
_PAUSE_S = 1.0
#: A busy worker notes no more often that it is alive.
BEAT_S = 15.0


class _NoPenalty(BaseDeathPenalty):  # type: ignore[misc]  # RQ is not typed for us
    """No alarm signal in the middle of a settling: every call and every drain has its own bound."""

    def setup_death_penalty(self) -> None:
        return

    def cancel_death_penalty(self) -> None:
        return


class _WakeUp(Job):  # type: ignore[misc]  # RQ is not typed for us
    """A job that can only wake a lane. RQ calls whatever function Redis names: who writes there would be us."""

    success_callback = failure_callback = stopped_callback = None

    def perform(self) -> None:
        if self.func_name != lanes.JOB or list(self.args) not in [[lane] for lane in lanes.LANES] or self.kwargs:
            logs.event("worker.job_refused", level="error", lane=self.origin)
            return
        lanes.drain(self.args[0])


class _LaneWorker(SimpleWorker):  # type: ignore[misc]  # RQ is not typed for us
    death_penalty_class = _NoPenalty
    max_connection_wait_time = 5.0  # a Redis that is back is found within this
    log_job_description = False
    log_result_lifespan = False
    stop_asked = False
    #: whether a stop was asked before RQ listened to signals
    asked_before: Callable[[], bool] = staticmethod(lambda: False)
    #: told at each sign of life that RQ gives: after a job, and every 45 s without one
    alive: Callable[[], None] = staticmethod(lambda: None)

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()
        if self.asked_before():  # else the worker would wait for a job before it looks
            self.stop_asked = self._stop_requested = True

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stop_asked = True
        super().request_stop(signum, frame)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        super().heartbeat(timeout, pipeline)
        self.alive()

    def subscribe(self) -> None:
        """No commands by Redis: whoever can write there must not stop a worker."""


def run_worker(gateway: Gateway, lane: str) -> None:
    """Serves the queue of `lane` until SIGTERM or SIGINT; the batch in hand is finished first."""
    stop = threading.Event()
    queues = connect(gateway.queues_url)
    logs.event("worker.started", lane=lane)
    try:
        with ThreadPoolExecutor(lanes.threads(gateway, lane), thread_name_prefix=lane) as pool:  # ends with its calls
            while not stop.is_set():
                _serve(gateway, lane, queues, pool, stop)
    finally:
        lanes.start(None)
        queues.close()
        logs.event("worker.stopped", lane=lane)


def lane_worker(lane: str, queues: Redis) -> _LaneWorker:
    """RQ's worker of one lane; it does nothing yet."""
    queue = Queue(lane, connection=queues, serializer=JSONSerializer, death_penalty_class=_NoPenalty, job_class=_WakeUp)
    return _LaneWorker([queue], connection=queues, serializer=JSONSerializer, worker_ttl=_TTL_S, job_class=_WakeUp)


def connect(url: str) -> Redis:
    """A client that waits for an answer as long as a worker waits for a job: redis-py gives up after 5 s by itself."""
    return Redis.from_url(url, socket_timeout=_TTL_S, socket_connect_timeout=_CONNECT_S)


@dataclass
class Beat:
    """Called often, it says in the database that this worker is at work, every BEAT_S at most."""

    gateway: Gateway
    name: str
    _due_at: float = 0.0

    def __call__(self) -> None:
        clock = self.gateway.monotonic()
        if clock < self._due_at:
            return
        self._due_at = clock + BEAT_S
        with suppress(StoreUnavailable), self.gateway.database.begin() as conn:  # the next one says it
            beats.beat(conn, self.name, self.gateway.now())


def _serve(gateway: Gateway, lane: str, queues: Redis, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
    """One life of an RQ worker; it ends on a stop request, or when Redis fails in the middle of a job."""
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        # A job of ours may have died with the process before: without this its lane would wait for a minute.
        queues.delete(lanes.woken_key(lane))
        gateway.wake.announce((lane,))
        worker = lane_worker(lane, queues)
        lanes.start(lanes.Process(gateway, queues, lambda: worker.stop_asked or stop.is_set(), pool))
        worker.asked_before = stop.is_set
        worker.alive = Beat(gateway, f"worker-{lane}")
        worker.work(logging_level="WARNING")
        if worker.stop_asked:
            stop.set()
    except RedisError as error:
        logs.event("worker.redis_away", level="error", lane=lane, code=type(error).__name__)
    if not stop.is_set():
        stop.wait(_PAUSE_S)

"""A worker's connection to its queue, and how it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rq import Queue, SimpleWorker
from sqlalchemy import delete

from gateway.store import beats, tables
from gateway.workers.worker import Beat, connect, lane_worker


@pytest.fixture
def handlers() -> Iterator[None]:
    """RQ takes the signals of the process it works in: they are given back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_an_idle_worker_does_not_take_silence_for_a_failure(redis_url: str) -> None:
    with connect(redis_url) as queues:
        queues.ping()  # the connection that a worker will wait on is made before it
        worker = SimpleWorker([Queue("bulk", connection=queues)], connection=queues, worker_ttl=60)
        waiting = queues.connection_pool.get_connection()
        assert waiting.socket_timeout is not None
        assert waiting.socket_timeout > worker.dequeue_timeout
        queues.connection_pool.release(waiting)


@pytest.mark.timeout(20)
def test_a_stop_asked_while_the_worker_starts_is_heard(redis_url: str, handlers: None) -> None:
    """A signal that comes before RQ listens: without a look at it the worker would wait 45 s for a job."""
    with connect(redis_url) as queues:
        worker = lane_worker("bulk", queues)
        worker.asked_before = lambda: True
        worker.work(logging_level="WARNING")
        assert worker.stop_asked


def test_a_worker_that_waits_says_that_it_is_alive(gateway, redis_url: str, handlers: None) -> None:
    with connect(redis_url) as queues:
        worker = lane_worker("bulk", queues)
        worker.alive = Beat(gateway, "worker-bulk")
        worker.work(burst=True, logging_level="WARNING")
    with gateway.database.read() as conn:
        assert beats.last(conn, "worker-bulk") is not None


def test_a_busy_worker_says_it_now_and_then(gateway) -> None:
    clock = [100.0]
    beat = Beat(replace(gateway, monotonic=lambda: clock[0]), "worker-bulk")

    def seen() -> bool:
        with gateway.database.begin() as conn:
            noted = beats.last(conn, "worker-bulk")
            conn.execute(delete(tables.beats))
        return noted is not None

    for clock[0], noted in ((100.0, True), (114.9, False), (115.0, True)):
        beat()
        assert seen() == noted

"""A worker's connection to its queue."""

from __future__ import annotations

from rq import Queue, SimpleWorker

from gateway.workers.worker import connect


def test_an_idle_worker_does_not_take_silence_for_a_failure(redis_url: str) -> None:
    with connect(redis_url) as queues:
        queues.ping()  # the connection that a worker will wait on is made before it
        worker = SimpleWorker([Queue("bulk", connection=queues)], connection=queues, worker_ttl=60)
        waiting = queues.connection_pool.get_connection()
        assert waiting.socket_timeout is not None
        assert waiting.socket_timeout > worker.dequeue_timeout
        queues.connection_pool.release(waiting)

"""What a worker does when it is woken: drain one lane of the outbox, in batches, for a while.

A job holds nothing but the name of its lane: whatever is lost of the queues, the database knows what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway import logs
from gateway.store import outbox
from gateway.store.db import StoreUnavailable
from gateway.store.outbox import Claimed
from gateway.usecases import dialogues, hand_over, sending, upkeep
from gateway.usecases.parts import Parts
from gateway.wiring import Gateway

#: What the relay puts in the queues: `drain`, with the name of the lane.
JOB = "gateway.workers.lanes.drain"
#: The queues of RQ have the names of the lanes. One worker process serves one of them.
LANES = ("urgent", "bulk", "backoffice", "upkeep")
UPKEEP = "upkeep"
#: A drain ends after this long and asks to be woken again: a stop request is never far from being seen.
DRAIN_S = 20.0
#: Calls made at the same time by one worker: they wait for others, not for us.
THREADS = 8
#: Rows claimed at once. Short texts to one citizen each need one call per row: four calls of a thread fit a lease.
#: Mass sendings share calls. A back office is called for one row at a time.
_ROWS = {"urgent": 4 * THREADS, "bulk": 200, "backoffice": THREADS}

Task = Callable[[], None]


def woken_key(lane: str) -> str:
    """The Redis key that says that a job for this lane is already on its way."""
    return f"passerelle:woken:{lane}"


@dataclass(frozen=True, slots=True)
class Process:
    """What this worker process has: built once, at its start."""

    gateway: Gateway
    queues: Any  #: a redis.Redis, or what can delete a key of it
    stopping: Callable[[], bool]
    pool: ThreadPoolExecutor


_started: list[Process] = []


def start(process: Process | None) -> None:
    """Says what the jobs of this process use; None at its end. RQ passes nothing to a job but its arguments."""
    _started[:] = [process] if process is not None else []


def drain(lane: str) -> None:
    """The job: does what is due in `lane`. Nothing that happens in it is an error of the job."""
    (process,) = _started
    try:
        _drain(process, lane)
    except StoreUnavailable as error:
        logs.event("lane.unavailable", level="error", lane=lane, why=error.why)
    except Exception as error:
        logs.failure("lane.failed", error, lane=lane)


def _drain(process: Process, lane: str) -> None:
    # First: work that is decided from here on finds the lane free to be woken again.
    process.queues.delete(woken_key(lane))
    gateway = process.gateway
    if lane == UPKEEP:
        upkeep.sweep(gateway.parts)
        dialogues.sweep_dropped(gateway.ussd)
        return
    ends_at = gateway.monotonic() + DRAIN_S
    while not process.stopping():
        if gateway.monotonic() >= ends_at:
            gateway.wake.announce((lane,))
            return
        if not drain_once(gateway.parts, lane, process.pool):
            return


def drain_once(parts: Parts, lane: str, pool: ThreadPoolExecutor) -> int:
    """How many rows were claimed and dealt with. Raises StoreUnavailable once every task of the batch has ended."""
    with parts.database.begin() as conn:
        lease_s = hand_over.lease_s(parts) if lane == hand_over.LANE else parts.settings.sms.lease_s
        rows = outbox.claim(conn, lane, parts.new_id(), _ROWS[lane], lease_s, parts.now())
    running = [pool.submit(task) for task in _tasks(parts, rows)]
    _wait(running)
    return len(rows)


def _tasks(parts: Parts, rows: Sequence[Claimed]) -> list[Task]:
    letters = [row for row in rows if row.kind == "mt"]
    tasks: list[Task] = [partial(hand_over.hand_over, parts, (row,)) for row in rows if row.kind == "submission"]
    if letters:
        tasks += [partial(sending.send, parts, batch) for batch in sending.prepare(parts, letters)]
    return tasks


def _wait(running: Sequence[Future[None]]) -> None:
    """Waits for all; a fault of one task is logged and stops none of the others."""
    unavailable: StoreUnavailable | None = None
    for task in running:
        error = task.exception()
        if isinstance(error, StoreUnavailable):
            unavailable = error
        elif error is not None:
            logs.failure("lane.task_failed", error)
    if unavailable is not None:
        raise unavailable

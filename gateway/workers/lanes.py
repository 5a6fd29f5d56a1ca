"""What a worker does when it is woken: drain one lane of the outbox, in batches, for a while.

A job holds nothing but the name of its lane: whatever is lost of the queues, the database knows what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway import logs
from gateway.store import outbox
from gateway.store.db import StoreUnavailable
from gateway.store.outbox import Claimed
from gateway.usecases import (
    breakers,
    campaign_work,
    counting,
    dialogues,
    hand_over,
    hooks,
    late,
    letters,
    polling,
    promised_answers,
    sending,
    sim_checks,
    sms_in,
    statements,
    stops,
    telling,
    upkeep,
    withdrawals,
)
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
THREADS = letters.WAVE_CALLS
#: Rows claimed at once. Short texts to one citizen each need one call per row; mass sendings share calls.
_ROWS = {"urgent": 64, "bulk": 1000, "backoffice": THREADS}
#: While calls to institutions are under way: how soon work for others is seen.
_LOOK_S = 0.2
#: What a throttled lane claims at least: what it put back would only be claimed again.
_FEWEST = 16

#: What is done although no SMS may leave. A campaign is checked, and none of its SMS is written.
_NO_SMS: tuple[outbox.Kind, ...] = (
    "submission", "withdrawal", "statement", "reminder", "mo", "sim_check", "lookup", "poll", "hook",
    "campaign",
)  # fmt: skip

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
    calls: set[Future[None]] = field(default_factory=set)  #: to institutions, under way; they may outlast a job


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
        counting.sweep(gateway.parts, gateway.ussd.sessions)  # before old marks are forgotten
        upkeep.sweep(gateway.parts)
        dialogues.sweep_dropped(gateway.ussd)
        return
    ends_at = gateway.monotonic() + DRAIN_S
    if lane == hand_over.LANE:
        _drain_calls(process, lane, ends_at)
        return
    limit = _ROWS[lane]
    while not process.stopping():
        if gateway.monotonic() >= ends_at:
            gateway.wake.announce((lane,))
            return
        claimed, put_back = drain_once(gateway, lane, process.pool, limit)
        if not claimed:
            return
        limit = max(_FEWEST, (claimed - put_back) * 2) if put_back else min(_ROWS[lane], limit * 2)


def threads(gateway: Gateway, lane: str) -> int:
    """How many threads the worker of a lane has: every institution can be called as often as it may, all at a time."""
    if lane != hand_over.LANE:
        return THREADS
    return max(THREADS, sum(one.in_flight for one in breakers.limits(gateway.settings).values()) + 1)


def _drain_calls(process: Process, lane: str, ends_at: float) -> None:
    """Calls institutions, each row in a thread of its own: while slow ones are waited for, others are served.

    Ends when nothing is due and no call is under way, or in time for another job: then it leaves the calls to
    themselves. Raises StoreUnavailable.
    """
    gateway, calls = process.gateway, process.calls
    most = threads(gateway, lane)
    while not process.stopping():
        if gateway.monotonic() >= ends_at:
            gateway.wake.announce((lane,))
            return
        calls.difference_update([call for call in calls if call.done()])
        rows = _claim(gateway, lane, most - len(calls)) if len(calls) < most else ()
        calls.update(process.pool.submit(_guarded, _task(gateway, row)) for row in rows)
        if not calls:
            return
        if not rows:
            wait(calls, _LOOK_S, FIRST_COMPLETED)


def _guarded(task: Task) -> None:
    """Does it; whatever happens in it is logged, and told to nobody who waits."""
    try:
        task()
    except StoreUnavailable as error:  # the lease ends, and the row is claimed again
        logs.event("lane.unavailable", level="error", lane=hand_over.LANE, why=error.why)
    except Exception as error:
        logs.failure("lane.task_failed", error)


def drain_once(gateway: Gateway, lane: str, pool: ThreadPoolExecutor, limit: int | None = None) -> tuple[int, int]:
    """How many rows were claimed and dealt with, and how many of them were put back because of their sender's rate.

    Raises StoreUnavailable once every task of the batch has ended.
    """
    parts = gateway.parts
    rows = _claim(gateway, lane, _ROWS[lane] if limit is None else limit)
    running = [pool.submit(_task(gateway, row)) for row in rows if row.kind != "mt"]
    mts = [row for row in rows if row.kind == "mt"]
    try:
        put_back = sending.send_all(parts, mts, pool, urgent=lane == "urgent") if mts else 0
    finally:
        _wait(running)
    return len(rows), put_back


def _claim(gateway: Gateway, lane: str, most: int) -> tuple[Claimed, ...]:
    parts = gateway.parts
    lease_s = hand_over.lease_s(parts) if lane == hand_over.LANE else parts.settings.sms.lease_s
    limits = breakers.limits(parts.settings)
    with parts.database.begin() as conn:
        return outbox.claim(conn, lane, parts.new_id(), most, lease_s, parts.now(), _kinds(parts, lane), limits)


def _task(gateway: Gateway, row: Claimed) -> Task:
    """What is done about a claimed row that is no SMS of ours."""
    parts = gateway.parts
    match row.kind:
        case "submission":
            return partial(hand_over.hand_over, parts, (row,))
        case "mo":
            return partial(sms_in.handle, gateway.talk, row)
        case "sim_check":
            return partial(sim_checks.ask, parts, row)
        case "poll":
            return partial(polling.poll, parts, row)
        case "statement":
            return partial(statements.tell, parts, row)
        case "hook":
            return partial(hooks.deliver, parts, row)
        case "withdrawal":
            return partial(telling.tell, parts, row, partial(withdrawals.prepare, parts))
        case "campaign":
            return partial(campaign_work.work, parts, row)
        case "lookup":
            return partial(promised_answers.keep, parts, row)
        case "reminder":
            return partial(telling.tell, parts, row, partial(late.prepare, parts))
    raise ValueError(f"nothing handles a row of kind {row.kind}")


def _kinds(parts: Parts, lane: str) -> tuple[outbox.Kind, ...]:
    """What may be done in the lane now: an operator may have stopped all SMS, or campaigns."""
    stopped = parts.stops.active()
    if stops.SMS in stopped or (lane == "bulk" and stops.CAMPAIGNS in stopped):
        return _NO_SMS
    return (*_NO_SMS, "mt")


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

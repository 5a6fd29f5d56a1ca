"""A worker that is killed at a chosen step: reads `LANE STEP` lines, and for each forks a process that drains the lane
and kills itself (SIGKILL) when it comes to that step. Answers `killed NAME` or `finished`.

A step is each edge of a transaction, of a call to the outside and of the job itself. Nothing of the gateway is changed:
what is counted is wrapped around it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from redis import Redis

from gateway import settings, wiring
from gateway.store.db import Database
from gateway.workers import lanes, worker


class Steps:
    """Counts, and dies at the chosen one."""

    def __init__(self, dies_at: int, report: int) -> None:
        self.left, self.report = dies_at, report

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.write(self.report, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


class Stepped:
    """An object whose named method has a step before it and one after it."""

    def __init__(self, inner: Any, method: str, name: str, step: Steps) -> None:
        self._inner, self._method, self._name, self._step = inner, method, name, step

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._inner, attribute)
        if attribute != self._method:
            return value

        def stepped(*args: Any, **more: Any) -> Any:
            self._step(f"before {self._name}")
            answer = value(*args, **more)
            self._step(f"after {self._name}")
            return answer

        return stepped


def drain(lane: str, step: Steps) -> None:
    begin = Database.begin

    @contextmanager
    def stepped_begin(self: Database) -> Iterator[Any]:
        with begin(self) as conn:
            yield conn
            step("before commit")
        step("after commit")

    gateway = wiring.build(settings.load())
    parts = replace(
        gateway.parts,
        channels={name: Stepped(channel, "send", "call", step) for name, channel in gateway.parts.channels.items()},
        systems={name: Stepped(system, "submit", "call", step) for name, system in gateway.parts.systems.items()},
    )
    Database.begin = stepped_begin  # type: ignore[method-assign]
    queues = Stepped(Redis.from_url(gateway.queues_url), "delete", "unmarking the lane", step)
    with ThreadPoolExecutor(1) as pool:
        lanes.start(lanes.Process(replace(gateway, parts=parts), queues, lambda: False, pool))
        step("start of the job")
        lanes.drain(lane)
        step("end of the job")


def dequeue(lane: str, step: Steps) -> None:
    """A real RQ worker that dies between taking a job and starting it."""

    def dies(*_: Any) -> None:
        step.left = 1
        step("dequeue")

    worker._LaneWorker.execute_job = dies  # type: ignore[method-assign]
    worker.run_worker(wiring.build(settings.load()), lane)


def main() -> None:
    for line in sys.stdin:
        what, lane, at = line.split()
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                (drain if what == "drain" else dequeue)(lane, Steps(int(at), writes))
            finally:
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads, "rb") as pipe:
            name = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        print(f"killed {name}" if os.WIFSIGNALED(status) else "finished", flush=True)


if __name__ == "__main__":
    main()

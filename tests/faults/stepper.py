"""A process that is killed at a chosen step: reads `WHAT LANE STEP` lines, and for each forks a process that does that
(drains the lane, takes a job of it, files a demand) and kills itself (SIGKILL) when it comes to that step. Answers
`killed NAME` or `finished`.

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
from gateway.engine.outcomes import Act, Submission
from gateway.store.db import Database
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from gateway.wiring import Gateway
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


def watch(step: Steps) -> None:
    """Puts a step on both sides of each commit from now on."""
    begin = Database.begin

    @contextmanager
    def stepped_begin(self: Database) -> Iterator[Any]:
        with begin(self) as conn:
            yield conn
            step("before commit")
        step("after commit")

    Database.begin = stepped_begin  # type: ignore[method-assign]


def drain(gateway: Gateway, lane: str, step: Steps) -> None:
    parts = replace(
        gateway.parts,
        channels={name: Stepped(channel, "send", "call", step) for name, channel in gateway.parts.channels.items()},
        systems={name: Stepped(system, "submit", "call", step) for name, system in gateway.parts.systems.items()},
    )
    watch(step)
    queues = Stepped(Redis.from_url(gateway.queues_url), "delete", "unmarking the lane", step)
    with ThreadPoolExecutor(1) as pool:
        lanes.start(lanes.Process(replace(gateway, parts=parts), queues, lambda: False, pool))
        step("start of the job")
        lanes.drain(lane)
        step("end of the job")


def dequeue(gateway: Gateway, lane: str, step: Steps) -> None:
    """A real RQ worker that dies between taking a job and starting it."""

    def dies(*_: Any) -> None:
        step.left = 1
        step("dequeue")

    worker._LaneWorker.execute_job = dies  # type: ignore[method-assign]
    worker.run_worker(gateway, lane)


def file(gateway: Gateway, _lane: str, step: Steps) -> None:
    """What a web process does with the last turn of a dialogue."""
    watch(step)
    args = Submission("etat-civil", {"npi": "9" * 10}, frozenset({"npi"}), (("npi", "9" * 10),), "", "fr", "number")
    caller = Caller("+2290197000000", "africastalking", "61603", "fr")
    submit(gateway.parts, Act("submit", "acte-naissance", 0, args), caller, b"f" * 32)


#: What a line may ask for.
_WORK = {"drain": drain, "dequeue": dequeue, "submit": file}


def main() -> None:
    gateway = wiring.build(settings.load())
    gateway.database.close()  # no connection is open when a process is forked
    for line in sys.stdin:
        what, lane, at = line.split()
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _WORK[what](gateway, lane, Steps(int(at), writes))
            finally:
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads, "rb") as pipe:
            name = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        print(f"killed {name}" if os.WIFSIGNALED(status) else "finished", flush=True)


if __name__ == "__main__":
    main()

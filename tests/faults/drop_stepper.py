"""A process that is killed at a chosen step of its work on an institution's files: as stepper.py, for what the disk and
the database do. Reads `WHAT STEP` lines; for each it forks a process that does WHAT and kills itself (SIGKILL) there.

A step is each change of the disk (made half, where it can be: a write) and each edge of a transaction.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from gateway import settings, wiring
from gateway.messages import BackofficeRequest
from gateway.store.db import Database
from gateway.usecases import drop
from gateway.usecases.parts import Parts

_CHANGES = ("open", "fsync", "replace", "rename", "unlink", "ftruncate", "mkdir", "fchmod")


class Steps:
    """Counts, and dies at the chosen one."""

    def __init__(self, dies_at: int, report: int) -> None:
        self.left, self.report, self.write = dies_at, report, os.write

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.write(self.report, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def watch(step: Steps) -> None:
    """Puts a step after each change of the disk and around each commit; nothing of the gateway is changed."""

    def stepped(name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def change_then_step(*args: Any, **more: Any) -> Any:
            answer = change(*args, **more)
            step(f"after {name}")
            return answer

        return change_then_step

    def write(file: int, content: Any) -> int:
        half = bytes(content)[: len(content) // 2]
        if len(half) and file != step.report:
            written = step.write(file, half)
            step("in the middle of write")
            return written + step.write(file, bytes(content)[written:])
        return step.write(file, content)

    for name in _CHANGES:
        setattr(os, name, stepped(name, getattr(os, name)))
    os.write = write  # type: ignore[assignment]
    begin = Database.begin

    @contextmanager
    def stepped_begin(self: Database) -> Iterator[Any]:
        with begin(self) as conn:
            yield conn
            step("before commit")
        step("after commit")

    Database.begin = stepped_begin  # type: ignore[method-assign]


def request(key: str) -> BackofficeRequest:
    at = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
    number, fields = "+2290197000000", {"a": "b"}
    return BackofficeRequest(key, "482109375625", "acte-naissance", at, "", "fr", number, "number", fields)


def do(parts: Parts, what: str, step: Steps) -> None:
    (office,) = drop.drops(parts).values()
    kind, _, argument = what.partition(":")
    watch(step)
    step("start")
    if kind == "submit":
        office.submit(request(argument))
    elif kind == "close":
        office.close_days(early=True)
    elif kind == "read":
        drop.read_answers(parts, office)
    step("end")


def main() -> None:
    gateway = wiring.build(settings.load())
    gateway.database.close()  # no connection is open when a process is forked
    for line in sys.stdin:
        what, at = line.split()
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                do(gateway.parts, what, Steps(int(at), writes))
            except BaseException as error:
                os.write(2, repr(error).encode())
            finally:
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads, "rb") as pipe:
            name = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        print(f"killed {name}" if os.WIFSIGNALED(status) else "finished", flush=True)


if __name__ == "__main__":
    main()

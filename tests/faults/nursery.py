"""Workers and relays that start at once: a process that has imported everything forks one for each that is asked for.

What runs in them is `gateway worker LANE` or `gateway relay`, with an environment, a log and an end of its own; only
the second of imports is saved, some hundred times in these tests.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LIVES = "lives"


@dataclass
class Nursery:
    """The process that forks. Safe to share between threads."""

    _process: subprocess.Popen[str] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        watched = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        command = [*watched, sys.executable, "-m", "tests.faults.nursery"]
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, words: Sequence[str], environ: Mapping[str, str], log: Path) -> Born:
        """`gateway <words>` as a process of its own."""
        return Born(self, int(self.ask({"words": list(words), "environ": dict(environ), "log": str(log)})))

    def ask(self, request: Mapping[str, Any]) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with self._lock:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            return stdout.readline().strip()

    def close(self) -> None:
        """Nothing that it forked is left."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@dataclass
class Born:
    """One forked process, with what tests use of a Popen."""

    nursery: Nursery
    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            said = self.nursery.ask({"poll": self.pid})
            self.returncode = None if said == _LIVES else int(said)
        return self.returncode

    def wait(self, timeout: float) -> int:
        ends_at = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > ends_at:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(0.02)  # between two looks at it
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(request: Mapping[str, Any]) -> None:
    """In the child: becomes `gateway <words>`."""
    from gateway.cli import main

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = ["gateway", *request["words"]]
    code: object = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _main() -> None:
    # What a worker and a relay import when they run.
    from gateway.cli import migrate, workers  # noqa: F401
    from gateway.store import migrate as _migrate  # noqa: F401
    from gateway.text import msisdn
    from gateway.workers import relay, worker  # noqa: F401

    msisdn.normalise("+2290197000000")
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            print(_LIVES if pid == 0 else os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _run(request)
        print(child, flush=True)


if __name__ == "__main__":
    _main()

"""Starts processes, starts again those that die, stops them in order. Nothing here knows what they do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.supervise import guardian
from gateway.supervise.plan import Planned

FIRST_WAIT_S = 0.5  # before the first restart; doubles at each death in a row
LONGEST_WAIT_S = 30.0
STEADY_S = 60.0  # a process that lived this long starts again with the first wait
LARGEST_LOG_BYTES = 10_000_000  # when its process starts, a longer log is set aside as .1
_FOR_ANY_PROGRAM = frozenset({"HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV"})
GUARDIAN_GRACE_S = 5.0  # a watcher was killed: how long its processes may take to stop by themselves


@dataclass(slots=True)
class _Watched:
    planned: Planned
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0  #: monotonic
    deaths: int = 0  #: in a row
    due_at: float | None = None  #: monotonic; when to start it again


class Watch:
    """The running processes. `tick` must be called after each SIGCHLD, and when a restart may be due.

    The caller blocks signals (it waits for them with sigtimedwait); the processes start with none blocked. The
    watcher must be single-threaded: a few lines run in each child between fork and exec.
    """

    def __init__(
        self, monotonic: Callable[[], float], say: Callable[[str], None], lock: int, run_folder: Path | None
    ) -> None:
        self._monotonic = monotonic
        self._say = say
        self._lock = lock
        self._run_folder = run_folder
        self._watched: dict[str, _Watched] = {}
        self._guardian: subprocess.Popen[bytes] | None = None
        self._start_guardian()

    def start(self, planned: Planned) -> None:
        """Starts a process and keeps it alive from now on."""
        watched = _Watched(planned)
        self._watched[planned.name] = watched
        self._spawn(watched)

    def deaths(self, name: str) -> int:
        """How many times in a row this process has died."""
        return self._watched[name].deaths

    def tick(self) -> None:
        """Buries what died, starts again what is due."""
        if self._guardian is not None and self._guardian.poll() is not None:
            self._start_guardian()
        now = self._monotonic()
        for watched in self._watched.values():
            code = self._bury(watched)
            if code is not None:
                self._plan_restart(watched, code, now)
            if watched.due_at is not None and watched.due_at <= now:
                self._spawn(watched)

    def next_due_s(self) -> float | None:
        """Seconds until the next restart is due; None when none is planned."""
        due = [watched.due_at for watched in self._watched.values() if watched.due_at is not None]
        return max(0.0, min(due) - self._monotonic()) if due else None

    def stop(self, *, last: str, grace_s: float, hurry: Callable[[float], bool]) -> None:
        """Stops all together, and the process named `last` when the others are gone.

        A process that takes longer than `grace_s` is killed. `hurry(seconds)` waits that long at most and says
        whether the person at the terminal asked again: then all are killed at once.
        """
        others = [watched for name, watched in self._watched.items() if name != last]
        final = [watched for name, watched in self._watched.items() if name == last]
        for together in (others, final):
            self._stop_together(together, grace_s, hurry)
        self._watched.clear()
        if self._guardian is not None and self._guardian.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.close()
            self._guardian.wait(timeout=GUARDIAN_GRACE_S + 5)

    def _stop_together(self, together: list[_Watched], grace_s: float, hurry: Callable[[float], bool]) -> None:
        for watched in together:
            watched.due_at = None
            if watched.process is not None:
                watched.process.terminate()
        deadline = self._monotonic() + grace_s
        while True:
            for watched in together:
                self._bury(watched)
            alive = [watched for watched in together if watched.process is not None]
            if not alive:
                return
            if hurry(0.2) or self._monotonic() > deadline:
                for watched in alive:
                    self._kill(watched)
                return

    def _spawn(self, watched: _Watched) -> None:
        watched.due_at = None
        watched.started_at = self._monotonic()

        def before_exec() -> None:
            # In the child: it enters itself with the guardian before it can do anything, so that even a watcher
            # killed at this very moment leaves no orphan.
            self._tell(b"+%d\n" % os.getpid())
            signal.pthread_sigmask(signal.SIG_SETMASK, ())

        with _log(watched.planned.log) as log:
            watched.process = subprocess.Popen(
                watched.planned.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**_inherited(watched.planned), **watched.planned.environment},
                start_new_session=True,  # its own group: Ctrl-C reaches the watcher alone, which stops all in order
                preexec_fn=before_exec,  # noqa: PLW1509  # safe: the watcher has one thread
            )

    def _bury(self, watched: _Watched) -> int | None:
        """How the process died (its code, or minus the signal), None while it lives; nothing of its group is left."""
        process = watched.process
        if process is None:
            return None
        # Seen but not yet reaped, so that its number, which is its group's, cannot belong to another process.
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self._kill(watched)
        return process.returncode

    def _kill(self, watched: _Watched) -> None:
        """Kills what is left of the process's group, and takes it off the guardian's list."""
        process = watched.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        watched.process = None
        with contextlib.suppress(BrokenPipeError):  # the next guardian is told of the living only
            self._tell(b"-%d\n" % process.pid)

    def _tell(self, line: bytes) -> None:
        if self._guardian is not None and self._guardian.stdin is not None:
            os.write(self._guardian.stdin.fileno(), line)

    def _plan_restart(self, watched: _Watched, code: int, now: float) -> None:
        watched.deaths = 1 if now - watched.started_at >= STEADY_S else watched.deaths + 1
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (watched.deaths - 1))
        watched.due_at = now + wait_s
        how = f"signal {-code}" if code < 0 else f"code {code}"
        self._say(f"{watched.planned.name} stopped ({how}); it starts again in {wait_s:g} s. See {watched.planned.log}")

    def _start_guardian(self) -> None:
        command = [sys.executable, "-I", "-S", guardian.__file__, str(GUARDIAN_GRACE_S)]
        if self._run_folder is not None:
            command.append(str(self._run_folder))
        self._guardian = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(self._lock,),  # the data stay locked until the guardian has cleared up
            bufsize=0,
        )
        for watched in self._watched.values():
            if watched.process is not None:
                self._tell(b"+%d\n" % watched.process.pid)


def _log(path: Path) -> BinaryIO:
    """The process's log, to append to; one that grew too long is set aside first."""
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _inherited(planned: Planned) -> dict[str, str]:
    if not planned.stranger:
        return dict(os.environ)
    return {name: value for name, value in os.environ.items() if name in _FOR_ANY_PROGRAM}

"""The life of `gateway run`: start all, say where it is, watch, stop all."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.keys import Keyring
from gateway.settings import Settings, address_of
from gateway.supervise import embedded_redis, plan
from gateway.supervise.claim import StartError
from gateway.supervise.watch import Watch

READY_S = 60.0  # a slow machine imports everything eight times
WORKER_GRACE_S = 30.0  # a worker may drain its lane for 20 s more, then stops
LONGEST_NAP_S = 2.0  # two children that die together raise one SIGCHLD, a parent that dies none: look now and then
DEATHS_AT_START = 3  # then it will not start: say so instead of trying for ever

_STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_WAITED = {*_STOP, signal.SIGCHLD}


def run(
    settings: Settings,
    keys: Keyring,
    environ: Mapping[str, str],
    lock: int,
    parent: int | None,
    monotonic: Callable[[], float],
    say: Callable[[str], None],
    accounts: str = "",
) -> None:
    """Runs the whole system until Ctrl-C or SIGTERM; `StartError` when it does not become ready.

    `lock` is the claimed data folder's. `parent` is the process whose end also stops us; None when none does. `say`
    writes one line for the person at the terminal; `accounts` is told once all is ready.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    embedded = settings.redis in {"auto", "path", "wheel"}
    logs = settings.data / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(plan.metrics_folder(settings), ignore_errors=True)  # of the run before
    plan.metrics_folder(settings).mkdir(mode=0o700)
    socket, run_folder = embedded_redis.socket_path(settings.data)
    watch = Watch(monotonic, say, lock, run_folder)
    try:
        redis_url = settings.redis
        if embedded:
            server = embedded_redis.binary(settings.redis)  # type: ignore[arg-type]  # compared just above
            watch.start(plan.redis(embedded_redis.command(server, settings.data, socket), logs))
            redis_url = embedded_redis.url(socket)
            if not _redis_answers(watch, socket, logs, monotonic):
                return
        processes = plan.gateway_processes(settings, keys, environ, redis_url, logs)
        for planned in processes:
            watch.start(planned)
        names = ["redis"] * embedded + [planned.name for planned in processes]
        if _becomes_ready(watch, settings, names, logs, monotonic):
            say("\n".join(filter(None, (_three_lines(settings), accounts))))
            _watch_on(watch, parent)
    finally:
        watch.stop(last="redis", grace_s=WORKER_GRACE_S, hurry=lambda seconds: _signal(seconds) in _STOP)


def _redis_answers(watch: Watch, socket: Path, logs: Path, monotonic: Callable[[], float]) -> bool:
    """True when Redis has loaded its file and answers; False when a person stopped the start."""
    deadline = monotonic() + READY_S
    while not embedded_redis.answers(socket):
        if _signal(0.05) in _STOP:
            return False
        watch.tick()
        if watch.deaths("redis") >= DEATHS_AT_START or monotonic() > deadline:
            raise StartError(f"Redis does not start; the reason is at the end of {logs / 'redis.log'}")
    return True


def _becomes_ready(
    watch: Watch, settings: Settings, names: list[str], logs: Path, monotonic: Callable[[], float]
) -> bool:
    """True when the gateway and the simulator answer; False when a person stopped the start."""
    deadline = monotonic() + READY_S
    while not _ready(settings):
        if _signal(0.1) in _STOP:
            return False
        watch.tick()
        for name in names:
            if watch.deaths(name) >= DEATHS_AT_START:
                raise StartError(f"{name} does not start; the reason is at the end of {logs / f'{name}.log'}")
        if monotonic() > deadline:
            raise StartError(f"the system is not ready after {READY_S:g} s; see the logs in {logs}")
    return True


def _watch_on(watch: Watch, parent: int | None) -> None:
    while parent in {None, os.getppid()}:
        due_s = watch.next_due_s()
        if _signal(LONGEST_NAP_S if due_s is None else min(LONGEST_NAP_S, due_s)) in _STOP:
            return
        watch.tick()


def _signal(seconds: float) -> int | None:
    """The next signal that comes within `seconds`."""
    info = signal.sigtimedwait(_WAITED, seconds)
    return info.si_signo if info else None


def _ready(settings: Settings) -> bool:
    if not _answers(settings.bind, "/readyz"):
        return False
    return not settings.simulator_bind or _answers(settings.simulator_bind, "/")


def _answers(bind: str, path: str) -> bool:
    host, port = address_of(bind)
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _three_lines(settings: Settings) -> str:
    lines = [f"gateway     http://{settings.bind}/", f"dial        {settings.service_code}"]
    if settings.simulator_bind:
        lines.insert(0, f"phone page  http://{settings.simulator_bind}/")
    return "\n".join(lines)

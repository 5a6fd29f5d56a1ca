"""A whole installation in processes of its own, as `gateway run` plans them; what is killed is started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from gateway import settings, wiring
from gateway.store import migrate
from gateway.supervise import embedded_redis, plan
from tests.e2e.running import ROOT, free_ports
from tests.supervise.processes import wait_until

READY_S = 120
#: From a death to the next start.
RESTART_S = 0.3
#: The outside world: it is never killed, because what it received is the evidence.
OUTSIDE = "simulator"
_FOR_ANY_PROGRAM = {
    name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SIMULATOR_"))
}
#: How long the outside world takes: seconds here where it may be days there; and its answers take so long that what is
#: killed is often killed in the middle of a call.
_WORLD = {
    **_FOR_ANY_PROGRAM,
    "SIMULATOR_ACK_S": "1",
    "SIMULATOR_DECISION_S": "4",
    "SIMULATOR_HOLD_S": "6",
    "SIMULATOR_ANSWER_S": "0.4",
}
#: What takes a minute in life takes seconds here: the storm is short.
_FAST: dict[str, Any] = {
    "ceilings": {"per_number_day": 10_000, "per_service_hour": 10**6, "per_sender_hour": 10**6, "francs_hour": 10**8},
    "sms": {
        "lease_s": 4,
        "sending_deadline_s": 5,
        "first_retry_s": 0.5,
        "longest_retry_s": 2,
        "attempts": 1000,
        "resend_vital_after_s": 10,
        "resume_sms_after": 50,  # a dropped dialogue is taken up by dialling
    },
    "systems": {
        "etat-civil": {
            "lease_s": 5,
            "read_timeout_s": 3,
            "first_retry_s": 0.5,
            "longest_retry_s": 2,
            "attempts": 10_000,
        }
    },
    "channels": {"africastalking": {"read_timeout_s": 3}},
    "senders": {"court": {"tps": 500}},
    "privacy": {"notice": ""},
    "limits": {"token_surge_floor": 10**6},
}


@dataclass
class Started:
    """One planned process. `due_at`: when it is started again; `frozen_until`: when it goes on (monotonic)."""

    planned: plan.Planned
    process: subprocess.Popen[bytes]
    due_at: float | None = None
    frozen_until: float | None = None


@dataclass
class Installation:
    """The processes on a folder and a database. One thread starts, kills and looks after them."""

    folder: Path
    database_url: str = ""  #: "": SQLite in the folder
    ports: list[int] = field(default_factory=lambda: free_ports(2))
    started: dict[str, Started] = field(default_factory=dict)
    _socket_folder: Path | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    @property
    def redis_url(self) -> str:
        return embedded_redis.url(self._socket)

    def start(self) -> None:
        """Starts all; returns when citizens can dial."""
        self.data.mkdir(mode=0o700)
        self._config = write_configuration(self.folder)
        environ = self._environ()
        chosen = settings.load(environ)
        keys = wiring.prepare(chosen)
        migrate.upgrade(wiring.database_url(chosen))
        self._socket, self._socket_folder = embedded_redis.socket_path(self.data)
        logs = self.folder / "logs"
        logs.mkdir()
        plan.metrics_folder(chosen).mkdir()
        server = embedded_redis.binary("auto")
        self._spawn(plan.redis(embedded_redis.command(server, self.data, self._socket), logs))
        wait_until(lambda: embedded_redis.answers(self._socket), READY_S, "Redis")
        for planned in plan.gateway_processes(chosen, keys, environ, self.redis_url, logs):
            self._spawn(planned)
        wait_until(self._ready, READY_S, f"a running system, see {logs}")
        self.gateway = wiring.build(settings.load({**environ, "GATEWAY_REDIS": self.redis_url}))

    def names(self) -> list[str]:
        """What may be killed now."""
        return [name for name, one in self.started.items() if name != OUTSIDE and one.process.poll() is None]

    def kill(self, name: str, pick: Callable[[list[int]], int]) -> None:
        """SIGKILL to one process of those that `name` is made of (a web server has several)."""
        with suppress(ProcessLookupError):
            os.kill(pick(_group(self.started[name].process.pid)), signal.SIGKILL)

    def freeze(self, name: str, seconds: float) -> None:
        """Stops it in the middle of what it does, and lets it go on later: it finds that time has passed."""
        one = self.started[name]
        with suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGSTOP)
            one.frozen_until = time.monotonic() + seconds

    def tick(self) -> None:
        """Starts again what is dead, and lets go on what was frozen for long enough."""
        now = time.monotonic()
        for one in list(self.started.values()):
            if one.frozen_until is not None and one.frozen_until <= now:
                one.frozen_until = None
                with suppress(ProcessLookupError):
                    os.killpg(one.process.pid, signal.SIGCONT)
            if one.process.poll() is None:
                continue
            if one.due_at is None:
                with suppress(ProcessLookupError):
                    os.killpg(one.process.pid, signal.SIGKILL)  # what is left of a web server
                one.due_at = now + RESTART_S
            elif one.due_at <= now:
                self._spawn(one.planned)

    def calm(self) -> None:
        """Nothing is frozen, everything runs."""
        for one in self.started.values():
            one.frozen_until = 0.0 if one.frozen_until is not None else None

        def all_run() -> bool:
            self.tick()
            return all(one.process.poll() is None for one in self.started.values())

        wait_until(all_run, READY_S, "all processes run")

    def stop(self) -> None:
        """Whatever state it is in, nothing is left."""
        for one in self.started.values():
            with suppress(ProcessLookupError):
                os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait(READY_S)
        if hasattr(self, "gateway"):
            self.gateway.close()
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _spawn(self, planned: plan.Planned) -> None:
        watched = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with planned.log.open("ab") as log:
            process = subprocess.Popen(
                [*watched, *planned.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**(_WORLD if planned.stranger else self._environ()), **planned.environment},
                cwd=ROOT,
                start_new_session=True,
            )
        self.started[planned.name] = Started(planned, process)

    def _environ(self) -> dict[str, str]:
        gateway, simulator = self.ports
        return {
            **_FOR_ANY_PROGRAM,
            "GATEWAY_CONFIG": str(self._config),
            "GATEWAY_DATA": str(self.data),
            "GATEWAY_MENUS": str(ROOT / "menus"),
            "GATEWAY_REDIS": "auto",
            "GATEWAY_LOCAL": "1",
            "GATEWAY_BIND": f"127.0.0.1:{gateway}",
            "GATEWAY_SIMULATOR_BIND": f"127.0.0.1:{simulator}",
            "PYTHONPATH": str(ROOT),
            **({"GATEWAY_DATABASE_URL": self.database_url} if self.database_url else {}),
        }

    def _ready(self) -> bool:
        addresses = (f"http://127.0.0.1:{self.ports[0]}/readyz", self.simulator_url)
        with suppress(requests.RequestException):
            return all(requests.get(url, timeout=5).status_code == 200 for url in addresses)
        return False


def write_configuration(folder: Path) -> Path:
    """The shipped configuration with short waits."""
    shutil.copytree(ROOT / "config", folder / "config")
    file = folder / "config" / "gateway.yaml"
    declared: dict[str, Any] = yaml.safe_load(file.read_text())
    _merge(declared, _FAST)
    file.write_text(yaml.safe_dump(declared, allow_unicode=True))
    return file


def _merge(declared: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict):
            _merge(declared.setdefault(name, {}), value)
        else:
            declared[name] = value


def _group(leader: int) -> list[int]:
    """The living processes of a group, its leader first."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            _, _, after = (folder / "stat").read_text().rpartition(")")
            if folder.name.isdigit() and int(after.split()[2]) == leader and after.split()[0] != "Z":
                found.append(int(folder.name))
    return sorted(found) or [leader]

"""A whole installation for faults: real processes, real Redis, a real database, and the outside world on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from gateway import settings, wiring
from gateway.engine.outcomes import Act, Submission
from gateway.store import mts, outbox, submissions
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60
MSISDN = "+2290197000000"


def wait_until(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """What `condition` gives once it is true; the test fails when it does not become so in time."""
    ends_at = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > ends_at:
            pytest.fail(f"not within {deadline_s} s: {what}")
        time.sleep(0.05)  # between two looks at the condition


@dataclass
class World:
    """The aggregator and the institution: what they received, and how they answer.

    `texts` are the SMS received, one entry for each recipient of each call; `keys` the idempotency keys received. While
    `open` is cleared, a call is received and its answer waits. `statuses` are the next answers of the aggregator.
    """

    server: ThreadingHTTPServer
    texts: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    office_statuses: list[int] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def sms(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        numbers = form["to"][0].split(",")
        self.texts += [form["message"][0] for _ in numbers]
        self.open.wait(DEADLINE_S)
        status = self.statuses.pop(0) if self.statuses else 201
        recipients = [
            {
                "statusCode": 101,
                "number": n,
                "status": "Success",
                "cost": "XOF 15",
                "messageId": f"ATXid_{next(self.ids)}",
            }
            for n in numbers
        ]
        return status, {"SMSMessageData": {"Message": "Sent", "Recipients": recipients}}

    def submission(self, key: str) -> tuple[int, Any]:
        self.keys.append(key)
        self.open.wait(DEADLINE_S)
        return (self.office_statuses.pop(0) if self.office_statuses else 202), {"status": "accepted", "case": "EC-1"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/messaging"):
            status, answer = self.world.sms(parse_qs(body.decode()))
        else:
            status, answer = self.world.submission(self.headers["Idempotency-Key"])
        raw = json.dumps(answer).encode()
        with contextlib.suppress(OSError):  # the caller may have been killed while it waited
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def world() -> Iterator[World]:
    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.world = World(server)
    Handler.world.open.set()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Handler.world
    Handler.world.open.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class Town:
    """One installation: its environment, what a process of it would build, and the processes that a test starts."""

    world: World
    environ: dict[str, str]
    gateway: wiring.Gateway
    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """`gateway <words>` as a process of its own."""
        return self.run([sys.executable, "-m", "gateway.cli", *words])

    def run(self, command: list[str], **pipes: Any) -> subprocess.Popen[bytes]:
        watched = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*watched, *command], env=self.environ, cwd=ROOT, stderr=log, **{"stdout": log, **pipes}
            )
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait(DEADLINE_S)
        self.running.remove(process)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Waits for a condition of this installation."""
        return wait_until(condition, f"{what}\n{self.log()[-4000:]}")

    def stop(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(DEADLINE_S)
        self.running.clear()

    def submit(self) -> str:
        """The reference of a new submission, stored as a web process stores it."""
        turn = next(self._turns)
        npi = f"{turn:010d}"
        args = Submission(
            system="etat-civil",
            fields={"npi": npi},
            personal=frozenset({"npi"}),
            subject=(("npi", npi),),
            label=f"...{npi[-4:]}",
            language="fr",
            assurance="number",
        )
        caller = Caller(MSISDN, "africastalking", "61603", "fr")
        answer = submit(self.gateway.parts, Act("submit", "acte-naissance", 0, args), caller, turn.to_bytes(32))
        assert answer.outcome == "submitted"
        return str(answer.values["reference"].raw)

    def submission(self, reference: str) -> submissions.StoredSubmission:
        with self.gateway.database.read() as conn:
            found = submissions.by_reference(conn, self.gateway.parts.seals, reference)
        assert found is not None
        return found

    def sms(self, reference: str) -> tuple[mts.Mt, ...]:
        with self.gateway.database.read() as conn:
            return mts.of_submission(conn, self.submission(reference).id)

    def work(self, kind: outbox.Kind, target_id: int) -> outbox.OutboxRow:
        with self.gateway.database.read() as conn:
            (row,) = outbox.of_target(conn, kind, target_id)
        return row

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""  # no process was started yet


def _configuration(world: World) -> dict[str, Any]:
    """Short leases and waits: what takes a minute in life takes a second here."""
    return {
        "channels": {
            "africastalking": {
                "kind": "africastalking",
                "username": "test",
                "api_key_env": "AT_API_KEY",
                "base_url": f"{world.url}/version1",
                "sms": True,
                "dlr": "handset",
                "read_timeout_s": 5,
            }
        },
        "ceilings": {"per_number_day": 100_000},
        "senders": {"s": {"channel": "africastalking", "tps": 10_000, "cost_f": 10}},
        "sms": {
            "sender": "s",
            "lease_s": 1.5,
            "sending_deadline_s": 1.5,
            "first_retry_s": 0.2,
            "longest_retry_s": 1,
        },
        "institutions": {"anip": {"name": {"fr": "ANIP", "en": "ANIP"}, "budget_f": 1_000_000}},
        "systems": {
            "etat-civil": {
                "institution": "anip",
                "kind": "rest",
                "url": f"{world.url}/office",
                "read_timeout_s": 5,
                "lease_s": 1.5,
                "first_retry_s": 0.2,
                "longest_retry_s": 1,
            }
        },
    }


def _town(world: World, tmp_path: Path, redis_url: str, database_url: str) -> Iterator[Town]:
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(_configuration(world)))
    data = tmp_path / "data"
    data.mkdir()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
        "GATEWAY_CONFIG": str(config),
        "GATEWAY_DATA": str(data),
        "GATEWAY_MENUS": str(ROOT / "menus"),
        "GATEWAY_REDIS": redis_url,
        "GATEWAY_DATABASE_URL": database_url,
        "GATEWAY_SIMULATOR_BIND": "none",
        "AT_API_KEY": "key-of-the-tests",
        "PYTHONPATH": str(ROOT),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AT_API_KEY", environ["AT_API_KEY"])
        gateway = wiring.build(settings.load(environ))
    town = Town(world, environ, gateway, tmp_path)
    try:
        yield town
    finally:
        world.open.set()
        town.stop()
        gateway.close()


@pytest.fixture
def town(world: World, tmp_path: Path, redis_url: str, sqlite_url: str) -> Iterator[Town]:
    """An installation on SQLite."""
    yield from _town(world, tmp_path, redis_url, sqlite_url)


@pytest.fixture
def any_town(world: World, tmp_path: Path, redis_url: str, database_url: str) -> Iterator[Town]:
    """An installation on SQLite, then one on PostgreSQL."""
    yield from _town(world, tmp_path, redis_url, database_url)

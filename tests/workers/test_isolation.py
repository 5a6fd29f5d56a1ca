"""A slow institution never delays another: real workers, two institutions over HTTP, one of which hangs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from gateway import settings, wiring
from gateway.engine.outcomes import Act, Submission
from gateway.messages import SubmissionState
from gateway.store import submissions
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from gateway.workers import lanes
from tests.supervise.processes import wait_until

pytestmark = pytest.mark.timeout(240)
ROOT = Path(__file__).parents[2]
LIMIT = 4
#: Their names in gateway.yaml: the shipped menus name the first.
SLOW, QUICK = "etat-civil", "mairie"


class _Server(ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True


@dataclass
class Offices:
    """Two institutions behind one address: `/slow` holds every call while `open` is cleared, `/quick` never does."""

    server: ThreadingHTTPServer
    open: threading.Event = field(default_factory=threading.Event)
    taken: dict[str, list[str]] = field(default_factory=lambda: {"slow": [], "quick": []})
    answered: dict[str, int] = field(default_factory=lambda: {"slow": 0, "quick": 0})
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, office: str, key: str) -> None:
        with self.lock:
            self.taken[office].append(key)
            self.at_once += office == "slow"
            self.most_at_once = max(self.most_at_once, self.at_once)
        if office == "slow":
            self.open.wait(200)
        with self.lock:
            self.answered[office] += 1
            self.at_once -= office == "slow"


@pytest.fixture
def offices() -> Iterator[Offices]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            both.take(self.path.split("/")[1], self.headers["Idempotency-Key"])
            raw = json.dumps({"status": "accepted"}).encode()
            with contextlib.suppress(OSError):
                self.send_response(202)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, *args: object) -> None:
            return

    both = Offices(_Server(("127.0.0.1", 0), Handler))
    thread = threading.Thread(target=both.server.serve_forever, daemon=True)
    thread.start()
    yield both
    both.open.set()
    both.server.shutdown()
    both.server.server_close()
    thread.join(5)


@dataclass
class House:
    """One installation with both institutions, and the processes that a test starts."""

    gateway: wiring.Gateway
    environ: dict[str, str]
    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *words: str) -> None:
        watched = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        command = [*watched, sys.executable, "-m", "gateway.cli", *words]
        with (self.folder / "log").open("ab") as log:
            self.running.append(subprocess.Popen(command, env=self.environ, cwd=ROOT, stdout=log, stderr=log))

    def stop(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(60)

    def file(self, system: str, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            args = Submission(system, {"npi": f"{number:010d}"}, frozenset({"npi"}), (), "", "fr", "number")
            caller = Caller("+2290197000000", "africastalking", "61603", "fr")
            act = Act("submit", "acte-naissance", 0, args)
            answer = submit(self.gateway.parts, act, caller, f"{system}{number}".encode())
            assert answer.outcome == "submitted"

    def taken(self) -> int:
        with self.gateway.database.read() as conn:
            return submissions.count_by_state(conn).get(SubmissionState.ACKNOWLEDGED, 0)


@pytest.fixture
def house(
    offices: Offices, tmp_path: Path, redis_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    system = {
        "institution": "anip",
        "kind": "rest",
        "read_timeout_s": 100,
        "lease_s": 120,
        "max_in_flight": LIMIT,
    }
    config = tmp_path / "gateway.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "channels": {
                    "africastalking": {
                        "kind": "africastalking",
                        "username": "t",
                        "api_key_env": "AT_API_KEY",
                        "base_url": "http://127.0.0.1:9",
                        "sms": True,
                    }
                },
                "senders": {"s": {"channel": "africastalking"}},
                "sms": {"sender": "s"},
                "ceilings": {"per_number_day": 100_000},
                "institutions": {"anip": {"name": {"fr": "ANIP", "en": "ANIP"}}},
                "systems": {
                    name: {**system, "url": f"http://127.0.0.1:{offices.server.server_address[1]}/{office}"}
                    for name, office in ((SLOW, "slow"), (QUICK, "quick"))
                },
            }
        )
    )
    (tmp_path / "data").mkdir()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
        "GATEWAY_CONFIG": str(config),
        "GATEWAY_DATA": str(tmp_path / "data"),
        "GATEWAY_MENUS": str(ROOT / "menus"),
        "GATEWAY_REDIS": redis_url,
        "GATEWAY_DATABASE_URL": database_url,
        "GATEWAY_SIMULATOR_BIND": "none",
        "AT_API_KEY": "key-of-the-tests",
    }
    monkeypatch.setenv("AT_API_KEY", environ["AT_API_KEY"])
    built = House(wiring.build(settings.load(environ)), environ, tmp_path)
    yield built
    offices.open.set()
    built.stop()
    built.gateway.close()


def test_200_demands_that_hang_do_not_delay_those_of_another(house: House, offices: Offices) -> None:
    house.file(SLOW, 200)
    house.start("relay")
    house.start("worker", "backoffice")
    wait_until(lambda: len(offices.taken["slow"]) == LIMIT, what="the slow one has all that it may have")
    house.file(QUICK, 10, 500)
    wait_until(lambda: house.taken() == 10, what="the quick one's demands left")
    house.file(QUICK, 10, 600)
    wait_until(lambda: house.taken() == 20, what="and those that came later")
    assert offices.answered["slow"] == 0, "all of them while the slow one still held its calls"
    assert len(offices.taken["slow"]) == LIMIT


def test_two_workers_together_keep_the_limit(house: House, offices: Offices) -> None:
    house.file(SLOW, 40)
    house.file(QUICK, 20, 500)
    house.start("relay")
    for _ in range(2):
        house.start("worker", "backoffice")
    wait_until(lambda: house.taken() == 20, what="the quick one's demands left")
    wait_until(lambda: offices.at_once == LIMIT, what="the slow one has all that it may have")
    offices.open.set()
    wait_until(lambda: house.taken() == 60, what="all left in the end")
    assert offices.most_at_once == LIMIT
    assert sorted(offices.taken["slow"]) == sorted(set(offices.taken["slow"])), "each was offered once"


@pytest.fixture
def started(house: House, redis_url: str) -> Iterator[Callable[..., lanes.Process]]:
    """Makes this test process a worker of the house."""
    with Redis.from_url(redis_url) as queues, ThreadPoolExecutor(lanes.THREADS) as pool:

        def start(calls: set[Any]) -> lanes.Process:
            clock = chain((0.0, 0.0), repeat(lanes.DRAIN_S))  # one round, then the job's time is over
            gateway = replace(house.gateway, monotonic=clock.__next__)
            process = lanes.Process(gateway, queues, lambda: False, pool, calls)
            lanes.start(process)
            return process

        yield start
        lanes.start(None)


def test_calls_outlast_a_job(house: House, offices: Offices, started: Callable[..., lanes.Process]) -> None:
    """A job ends in its time although calls hang; the next one serves others, and begins no call too many."""
    house.file(SLOW, 20)
    calls = started(set()).calls
    try:
        lanes.drain("backoffice")
        wait_until(lambda: len(offices.taken["slow"]) == LIMIT, what="the slow one has all that it may have")
        assert house.gateway.wake.wait(5) >= {"backoffice"}
        house.file(QUICK, 3, 500)
        started(calls)
        lanes.drain("backoffice")
        wait_until(lambda: house.taken() == 3, what="the quick one's demands left")
        assert len(offices.taken["slow"]) == LIMIT
        assert len([call for call in calls if not call.done()]) == LIMIT
    finally:
        offices.open.set()

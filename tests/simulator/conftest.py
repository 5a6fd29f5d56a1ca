"""A stand-in for the gateway on a real port, and the simulator in front of it on another."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from gateway.simulator.app import Server
from gateway.simulator.config import SimulatorConfig
from gateway.simulator.world import World

PHONE = "+2290197000000"
MADAPI_PHONE = "+2290166000000"


@dataclass
class Got:
    """One request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class StandIn:
    """Answers each path from its script: (status, content type, body), the last one for ever."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    script: dict[str, list[tuple[int, str, bytes]]] = field(default_factory=dict)
    hold_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, path: str) -> list[Got]:
        with self.lock:
            return [got for got in self.got if got.path == path]

    def take(self, got: Got) -> tuple[int, str, bytes]:
        with self.lock:
            self.got.append(got)
            answers = self.script.get(got.path, [(200, "text/plain", b"")])
            return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def gateway() -> Iterator[StandIn]:
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, content_type, answer = stand_in.take(Got(self.path, dict(self.headers), body))
            if stand_in.hold_s:
                threading.Event().wait(stand_in.hold_s)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield stand_in
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Simulator:
    """The simulator as a client sees it."""

    url: str
    world: World

    def call(self, method: str, path: str, json: Any = None) -> requests.Response:
        return requests.request(method, self.url + path, json=json, timeout=10)

    def turn(self, what: str, json: Any, phone: str = PHONE) -> dict[str, Any]:
        answer = self.call("POST", f"/api/phones/{phone}/{what}", json)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result


@pytest.fixture
def config(gateway: StandIn) -> SimulatorConfig:
    """Everything that is later comes at once; a test slows down what it looks at."""
    return SimulatorConfig(
        api_key="demo-key",
        backoffice_token="demo-token",
        webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        gateway_url=gateway.url,
        bind="127.0.0.1:0",
        ack_s=0.02,
        decision_s=0.04,
        dlr_s=0.02,
        reply_s=2.0,
        hold_s=5.0,
        retry_s=0.02,
    )


@pytest.fixture
def start(config: SimulatorConfig) -> Iterator[Callable[..., Simulator]]:
    """Starts a simulator with some of the configuration changed."""
    running: list[tuple[Server, threading.Thread]] = []

    def start(**changes: Any) -> Simulator:
        server = Server(dataclasses.replace(config, **changes))
        thread = threading.Thread(target=server.run, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return Simulator(server.url, server.world)

    yield start
    for server, thread in running:
        server.stop()
        thread.join()


@pytest.fixture
def simulator(start: Callable[..., Simulator]) -> Simulator:
    return start()


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Waits for something true, at most five seconds, and gives it."""

    def until(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 5
        while not (found := condition()):
            assert time.monotonic() < deadline, "nothing happened in time"
            threading.Event().wait(0.01)
        return found

    return until

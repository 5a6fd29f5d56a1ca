"""The web server itself: smuggled requests, headers that never end, odd paths, and no token in anything it writes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from gateway import settings, wiring
from gateway.cli.web import HEADER_TIMEOUT_MS
from gateway.store import migrate
from tests.e2e.running import free_ports
from tests.supervise.processes import wait_until

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
START_S = 30


@dataclass
class Server:
    """A `gateway web` of its own process."""

    port: int
    token: str
    log: Path
    redis_url: str
    slow: socket.socket  #: a connection that began a request when the server started, and never ends its headers
    slow_since: float

    def raw(self, request: bytes) -> bytes:
        """All that comes back for these bytes, until the server closes or is silent for a while."""
        with closing(self.connect()) as sock:
            sock.sendall(request)
            answer = b""
            sock.settimeout(5)
            while chunk := sock.recv(65536):
                answer += chunk
            return answer

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def status(self, request: bytes) -> int:
        return int(self.raw(request).split(b" ", 2)[1])

    def said(self) -> str:
        return self.log.read_text()


@pytest.fixture(scope="module")
def server(_redis_server: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        (port,) = free_ports(1)
        given = {"GATEWAY_DATA": folder, "GATEWAY_REDIS": _redis_server, "GATEWAY_LOCAL": "1"}
        given |= {"GATEWAY_BIND": f"127.0.0.1:{port}", "GATEWAY_LOG_LEVEL": "debug"}
        declared = settings.load(given)
        token = wiring.prepare(declared).channel_tokens["africastalking"][0]
        migrate.upgrade(wiring.database_url(declared))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        log = Path(folder) / "log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "gateway.cli", "web"]
            process = subprocess.Popen(command, cwd=ROOT, env=inherited | given, stdout=out, stderr=out)
        try:
            wait_until(lambda: _listens(port) or process.poll() is not None, START_S, "a web server")
            slow = socket.create_connection(("127.0.0.1", port), timeout=5)
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Never: e")
            yield Server(port, token, log, _redis_server, slow, time.monotonic())
            slow.close()
        finally:
            process.terminate()
            process.wait(START_S)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body", "remark"),
    [
        (("Content-Length: 6", "Transfer-Encoding: chunked"), b"0\r\n\r\n" + SMUGGLED, "both, chunked believed"),
        (("Transfer-Encoding: chunked", "Content-Length: 60"), b"0\r\n\r\n" + SMUGGLED, "both, in the other order"),
        (("Content-Length: 0", "Content-Length: 40"), SMUGGLED, "two lengths"),
        (("Content-Length: 0, 40",), SMUGGLED, "two lengths in one"),
        (("Content-Length: +0",), SMUGGLED, "a sign"),
        (("Transfer-Encoding: xchunked",), b"0\r\n\r\n" + SMUGGLED, "another encoding"),
        (("Transfer-Encoding : chunked", "Content-Length: 0"), SMUGGLED, "a space before the colon"),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), b"0\r\n\r\n" + SMUGGLED, "two encodings"),
        ((" Transfer-Encoding: chunked", "Content-Length: 0"), SMUGGLED, "a folded line"),
    ],
)
def test_a_request_hidden_in_another_is_not_answered(
    server: Server, headers: tuple[str, ...], body: bytes, remark: str
) -> None:
    """Neither an answer to the second one, nor one request that two programs would cut in different places."""
    for keep in ("close", "keep-alive"):
        head = request("POST", "/healthz", *headers).replace(b"Connection: close", f"Connection: {keep}".encode())
        answer = server.raw(head + body)
        assert answer.count(b"HTTP/1.1 ") == 1, remark
        assert answer.split(b" ", 2)[1] in (b"400", b"405", b"503"), remark


def test_a_chunked_callback_is_refused(server: Server) -> None:
    path = f"/channels/africastalking/{server.token}/ussd"
    form = b"5\r\nhello\r\n0\r\n\r\n"
    assert server.status(request("POST", path, "Transfer-Encoding: chunked", body=form)) == 411


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request("GET", "/healthz", *(f"X-{number}: 1" for number in range(80))), 431),
        (request("GET", "/healthz", *(f"X-{number}: 1" for number in range(500))), 431),
        (request("GET", "/healthz", "X: " + "x" * 20_000), 431),
        (request("GET", "/healthz", "X: " + "x" * 500_000), 431),
        (request("GET", "/" + "x" * 1000), 414),
        (request("GET", "/" + "x" * 70_000), 431),
        (request("GET", "/verify?" + "x" * 3000), 414),
        (request("POST", "/verify", "Content-Length: 99999999"), 413),
        (request("TRACE", "/"), 405),
        (request("GET", "/a\x00b"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 400),
        (request("GET", "/healthz"), 200),
    ],
)
def test_bounds_hold_in_the_server(server: Server, raw: bytes, status: int) -> None:
    try:
        assert server.status(raw) == status
    except (ConnectionResetError, BrokenPipeError):  # it stopped reading what is far too long
        assert status in (431, 413)


def test_what_is_said_about_the_server_names_no_version(server: Server) -> None:
    answer = server.raw(request("GET", "/healthz")).lower()
    assert b"\r\nserver: granian\r\n" in answer
    assert b"werkzeug" not in answer
    assert b"python" not in answer


def tricks(token: str) -> list[str]:
    at = f"channels/africastalking/{token}"
    return [
        f"/{at}/nothing", f"//{at}/ussd", f"/{at}//ussd", f"/{at}/ussd/", f"/./{at}/ussd", f"/x/../{at}/ussd",
        f"/%2e%2e/{at}/ussd", f"/{at}%2Fussd", f"/{at};v=1/ussd", f"/{at}/ussd;v=1", f"/{at}%00/ussd",
        f"/{at}%0d%0aX-Evil:1/ussd", f"/{at}/ussd?token={token}", f"/{at}/ussd#x", f"/{at.upper()}/ussd",
        f"/channels/{token}/africastalking/ussd", f"/{token}", f"/{at}/{'x' * 400}", f"/{at}/{'x' * 70_000}",
        f"/{at}/\x01", f"/{at}%ff%fe/ussd", f"http://evil.example/{at}/nothing", f"/verify?next=/{at}/ussd",
    ]  # fmt: skip


def test_no_token_reaches_a_line_of_the_server(server: Server) -> None:
    path = f"/channels/africastalking/{server.token}/ussd"
    form = b"sessionId=s1&serviceCode=%2A229%23&phoneNumber=%2B2290197000000&networkCode=61603&text="
    turn = request("POST", path, f"Content-Length: {len(form)}", body=form)
    assert server.raw(turn).startswith(b"HTTP/1.1 200 "), "the token is right"
    for target in tricks(server.token):
        for method in ("GET", "POST", "EVIL"):
            head = request(method, target, "Content-Length: 3", f"Referer: {path}", f"Cookie: {server.token}")
            answer = server.raw(head + b"abc")
            assert server.token.encode() not in answer, target
            assert b"\r\nX-Evil" not in answer
    with closing(server.connect()) as gone:  # it goes away in the middle of its body
        gone.sendall(request("POST", path, "Content-Length: 100", body=b"sessionId="))
    _without_sessions(server, turn)
    wait_until(lambda: "ussd.turn" in server.said(), what="the log of a turn")
    assert server.token not in server.said()
    assert server.token[:16] not in server.said()
    assert "2290197000000" not in server.said()
    assert "Traceback" not in server.said()


def _without_sessions(server: Server, turn: bytes) -> None:
    """A turn whose connection to Redis was cut: what becomes of it is logged too."""
    with redis.Redis.from_url(server.redis_url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    server.raw(turn)


def test_headers_that_never_end_lose_their_connection(server: Server) -> None:
    """The connection has been open since the server started."""
    left_s = HEADER_TIMEOUT_MS / 1000 + 5 - (time.monotonic() - server.slow_since)
    server.slow.settimeout(max(left_s, 0.1))
    assert server.slow.recv(100) in (b"", b"HTTP/1.1 408 Request Timeout\r\n")

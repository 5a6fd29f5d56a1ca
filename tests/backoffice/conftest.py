"""An institution's server on loopback that answers exactly the bytes a test says."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

Play = Callable[[socket.socket], None]


@dataclass
class Received:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Institution:
    """Answers each request with the next of `answers` (the last one again when they run out)."""

    listener: socket.socket
    answers: list[bytes | Play] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/api"

    def serve(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            while (request := _read_request(connection)) is not None:
                self.received.append(request)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if callable(answer):
                    answer(connection)
                    return
                connection.sendall(answer)


def _read_request(connection: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (row.split(": ", 1) for row in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Received(line, headers, body)


@pytest.fixture
def institution() -> Iterator[Institution]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Institution(listener)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.stopping.set()
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.fixture
def answering() -> Callable[..., bytes]:
    """Makes the bytes of an HTTP answer: status, body (JSON unless it is bytes), further headers."""

    def make(status: int, body: object = b"", **headers: str) -> bytes:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw

    return make

"""A bounded load of HTTP requests on loopback: raw sockets, one thread, answers checked by their first bytes."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Makes the requests of one dialogue: (request bytes, bytes the answer's body must begin with).
Dialogue = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Load:
    """What was seen: answers a second, and latencies in milliseconds."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


class _Citizen:
    """One connection that plays dialogue after dialogue."""

    def __init__(self, address: tuple[str, int], dialogues: Iterator[Dialogue]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.dialogues = dialogues
        self.turns: Dialogue = []
        self.buffer = b""
        self.sent_at = 0.0
        self.expected = b""

    def send(self) -> None:
        if not self.turns:
            self.turns = list(next(self.dialogues))
        request, self.expected = self.turns.pop(0)
        self.buffer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def received(self) -> float | None:
        """Seconds the answer took, or None while it is not whole."""
        self.buffer += self.socket.recv(65536)
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        lower = head.lower()
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return None
        if b" 200 " not in head[:16] or not body.startswith(self.expected):
            raise AssertionError(f"unexpected answer: {head[:40]!r} {body[:60]!r}")
        return time.perf_counter() - self.sent_at


def play(address: tuple[str, int], connections: int, seconds: float, dialogue: Callable[[int], Dialogue]) -> Load:
    """Plays dialogues on `connections` connections for `seconds`, one request at a time on each."""

    def numbered() -> Iterator[Dialogue]:
        number = 0
        while True:
            yield dialogue(number)
            number += 1

    dialogues = numbered()
    citizens = [_Citizen(address, dialogues) for _ in range(connections)]
    latencies: list[float] = []
    with selectors.EpollSelector() as selector:
        for citizen in citizens:
            selector.register(citizen.socket, selectors.EVENT_READ, citizen)
            citizen.send()
        started = time.perf_counter()
        until = started + seconds
        while time.perf_counter() < until:
            for key, _ in selector.select(1.0):
                took = key.data.received()
                if took is not None:
                    latencies.append(took)
                    key.data.send()
        elapsed = time.perf_counter() - started
    for citizen in citizens:
        citizen.socket.close()
    latencies.sort()
    return Load(
        len(latencies),
        elapsed,
        latencies[len(latencies) // 2] * 1000,
        latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))] * 1000,
    )

"""The outside world of these tests: an aggregator and an institution that say what they received."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs

#: The longest that an answer is held back, so that no test hangs.
HELD_S = 60


@dataclass
class World:
    """The aggregator and the institution: what they received, and how they answer.

    `texts` are the SMS received, one entry for each recipient of each call; `taken` those that were answered 2xx; `ids`
    the id that each text was given; `keys` the idempotency keys received. While `open` is cleared, a call is received
    and its answer waits. `statuses` are the next answers of the aggregator, `always` the one it gives after them; the
    same of the institution.
    """

    server: ThreadingHTTPServer
    texts: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    office_statuses: list[int] = field(default_factory=list)
    always: int = 201
    office_always: int = 202
    open: threading.Event = field(default_factory=threading.Event)
    lines: set[socket.socket] = field(default_factory=set)  #: open connections
    _next_id: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def forget(self) -> None:
        """As new, for the next scenario on the same installation."""
        for one in (self.texts, self.taken, self.ids, self.keys, self.statuses, self.office_statuses):
            one.clear()
        self.always, self.office_always = 201, 202
        self.open.set()

    def sms(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        numbers, text = form["to"][0].split(","), form["message"][0]
        given = [f"ATXid_{next(self._next_id)}" for _ in numbers]
        self.ids[text] = given[0]
        self.texts += [text for _ in numbers]
        self.open.wait(HELD_S)
        status = self.statuses.pop(0) if self.statuses else self.always
        self.taken += [text for _ in numbers if status < 300]
        recipients = [
            {"statusCode": 101, "number": number, "status": "Success", "cost": "XOF 15", "messageId": given_id}
            for number, given_id in zip(numbers, given, strict=True)
        ]
        return status, {"SMSMessageData": {"Message": "Sent", "Recipients": recipients}}

    def submission(self, key: str) -> tuple[int, Any]:
        self.keys.append(key)
        self.open.wait(HELD_S)
        status = self.office_statuses.pop(0) if self.office_statuses else self.office_always
        return status, {"status": "accepted", "case": "EC-1"}

    def close(self) -> None:
        """Nobody listens any more."""
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
        for line in list(self.lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def reopen(self) -> None:
        """Listens again, at the same address."""
        self.server = _serve(self, self.server.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World

    def setup(self) -> None:
        super().setup()
        self.world.lines.add(self.connection)

    def finish(self) -> None:
        self.world.lines.discard(self.connection)
        with contextlib.suppress(OSError):  # it was cut
            super().finish()

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


@contextlib.contextmanager
def outside() -> Iterator[World]:
    """A world that listens until the end of the block."""
    world = World(_serve(None, 0))
    world.server.RequestHandlerClass.world = world  # type: ignore[attr-defined]  # a class of its own for each
    world.open.set()
    yield world
    world.close()


def _serve(world: World | None, port: int) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"world": world})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server

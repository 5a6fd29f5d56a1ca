"""What stands before several web processes: the aggregator, and the proxy by which it reaches them."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from tests.faults.town import MSISDN, Process, Town

TURN_S = 12  # the aggregator gives up after 10
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Front:
    """A turn that one web process does not answer goes to the other."""

    town: Town
    ports: list[int]
    _seconds: Any = field(default_factory=itertools.count)

    @property
    def token(self) -> str:
        return self.town.gateway.keys.channel_tokens["africastalking"][0]

    def start(self, port: int) -> Process:
        environ = {**self.town.environ, "GATEWAY_BIND": f"127.0.0.1:{port}"}
        process = replace(self.town, environ=environ).start("web")
        which = self.ports.index(port)
        self.town.until(
            lambda: self.call(which, "/healthz", None)[0] == 200 or process.poll() is not None, "a web process"
        )
        assert process.poll() is None, self.town.log()[-4000:]
        return process

    def turn(self, number: str, session: str, text: str) -> str:
        """The reply to a delivery, offered to one process after the other until one answers."""
        first = next(self._seconds) % len(self.ports)
        count = len(self.ports)
        for which in [(first + one) % count for one in range(2 * count - 1)]:
            said = self.deliver(which, number, session, text)
            if said is not None:
                return said
        return "nobody answered"

    def deliver(self, which: int, number: str, session: str, text: str) -> str | None:
        """What one web process replies to a turn; None when it does not."""
        form = {"sessionId": session, "phoneNumber": number, "networkCode": "61603", "serviceCode": "*229#"}
        status, said = self.call(which, self._path("ussd"), urlencode({**form, "text": text}).encode())
        return said if status == 200 else None

    def walk(self, session: str, *steps: str, number: str = MSISDN) -> str:
        """The reply after these answers, given one after the other."""
        return [self.turn(number, session, "*".join(steps[:end])) for end in range(len(steps) + 1)][-1]

    def post(self, which: int, route: str, form: Mapping[str, str]) -> int:
        """The status with which one web process answers a text, a report or an opt-out; 0 when it does not."""
        return self.call(which, self._path(route), urlencode(form).encode())[0]

    def call(
        self, which: int, path: str, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and body; (0, "") when nobody answers. A body of None is asked for with GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[which], timeout=TURN_S)
        try:
            connection.request(
                "GET" if body is None else "POST", path, body, dict(_FORM if headers is None else headers)
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def _path(self, route: str) -> str:
        return f"/channels/africastalking/{self.token}/{route}"

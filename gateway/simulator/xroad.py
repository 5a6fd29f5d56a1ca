"""A security server of X-Road in front of the demo back office: Message Protocol for REST 1.0.4 (PR-REST).

It plays both sides' servers at once: checks what a consumer must send, passes the call on, adds the headers that prove
it, and fails in each of the ways that X-Road fails (the switch `security_server`).
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from gateway.simulator.backoffice import Backoffice
from gateway.simulator.config import SimulatorConfig
from gateway.simulator.switches import SwitchPanel

PREFIX = "/xroad"  #: where this server stands on the simulator
SERVICE = ("BJ", "GOV", "ANIP", "ETATCIVIL", "demandes")  #: what can be called through it
CLIENT = "BJ/GOV/ASIN/PASSERELLE"  #: who may call it
LONGEST_URL = 2000  #: PR-REST §4.2: what most implementations take

#: Since PR-REST 1.0.3 an identifier has no other characters.
_IDENTIFIER = re.compile(r"[A-Za-z0-9'()+,.=?-]{1,255}")
#: The switch -> HTTP status and X-Road-Error; released versions write CamelCase, current sources snake case.
_FAILURES = {
    "client_error": (400, "Client.BadRequest"),
    "consumer_error": (500, "Server.ClientProxy.OutdatedGlobalConf"),
    "provider_error": (500, "Server.ServerProxy.NetworkError"),
    "denied": (500, "Server.ServerProxy.AccessDenied"),
    "snake_case": (500, "server.clientproxy.global_conf_outdated"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the consumer gets. `cut`: nothing at all; `hold`: after a long while."""

    status: int = 0
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hold: bool = False
    cut: bool = False


class SecurityServer:
    """Safe to share between threads."""

    def __init__(self, config: SimulatorConfig, switches: SwitchPanel, backoffice: Backoffice) -> None:
        self._config = config
        self._switches = switches
        self._backoffice = backoffice

    def call(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to one call; header names in small letters.

        `target` is the request line's, percent-encoded, below this server's address.
        """
        how = self._switches.now.security_server
        if how == "down":
            return Reply(cut=True)
        if how in _FAILURES:
            return _failure(*_FAILURES[how])
        refused = _refusal(target, headers)
        if refused is not None:
            return refused
        key = headers.get("idempotency-key", "")
        path = target.partition("?")[0].split("/")[2 + len(SERVICE) :]
        status, answer = self._passed_on(method, path, key, body)
        return Reply(status, answer, _proof(headers, body), hold=how == "slow")

    def _passed_on(self, method: str, path: list[str], key: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The institution believes its own security server: the token is between the two of them."""
        authorization = f"Bearer {self._config.backoffice_token}"
        match (method, *map(unquote, path)):
            case ("POST", "submissions"):
                return self._backoffice.submit(authorization, key, body)
            case ("GET", "submissions", reference):
                return self._backoffice.status(authorization, reference)
            case ("POST", "submissions", reference, "withdrawal"):
                return self._backoffice.withdraw(authorization, reference)
            case ("POST", "submissions", reference, "statements"):
                return self._backoffice.take_statement(authorization, key, reference, body)
        return 404, {"status": "unknown"}


def _refusal(target: str, headers: Mapping[str, str]) -> Reply | None:
    version, *service = target.partition("?")[0].split("/")[1 : 2 + len(SERVICE)]
    parts = [unquote(part) for part in (*service, *headers.get("x-road-client", "").split("/"))]
    malformed = len(target) > LONGEST_URL or version != "r1" or not all(_IDENTIFIER.fullmatch(part) for part in parts)
    if malformed or "authorization" in headers or "x-road-request-hash" in headers:
        return _failure(400, "Client.BadRequest")
    if headers["x-road-client"] != CLIENT:
        return _failure(500, "Server.ServerProxy.AccessDenied")
    if tuple(unquote(part) for part in service) != SERVICE:
        return _failure(500, "Server.ServerProxy.UnknownService")
    return None


def _proof(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """What proves the exchange; its digest is over those of the headers and of the body, if any (PR-REST §4.3)."""
    written = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    digest = hashlib.sha512(written.encode()).digest()
    if body:
        digest = hashlib.sha512(digest + hashlib.sha512(body).digest()).digest()
    return {
        "X-Road-Client": headers["x-road-client"],
        "X-Road-Service": "/".join(SERVICE),
        "X-Road-Id": headers.get("x-road-id") or str(uuid.uuid4()),
        "X-Road-Request-Id": str(uuid.uuid4()),
        "X-Road-Request-Hash": base64.b64encode(digest).decode(),
    }


def _failure(status: int, kind: str) -> Reply:
    body = {"type": kind, "message": "simulated", "detail": str(uuid.uuid4())}
    return Reply(status, body, {"X-Road-Error": kind})

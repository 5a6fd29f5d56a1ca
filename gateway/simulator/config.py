"""What the simulator plays with: `SIMULATOR_*` in the environment, read once, every fault at once."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field


class SimulatorConfigError(Exception):
    """Everything wrong with the environment, one sentence each, in `faults`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The three secrets are those of the gateway it plays with; the rest has values that suit one machine."""

    api_key: str = field(repr=False)  #: what the SDK must send in `apiKey`
    backoffice_token: str = field(repr=False)  #: the bearer the gateway presents to the demo back office
    webhook_secret: str = field(repr=False)  #: whsec_..., signs the demo back office's events
    gateway_url: str = "http://127.0.0.1:8000"
    bind: str = "127.0.0.1:8001"
    token: str = field(default="local", repr=False)  #: of both channels' callback addresses
    service_code: str = "*229#"
    short_code: str = "22900"  #: where phones send their texts
    sender: str = "eGouv-BJ"  #: shown on phones when a send names none: the aggregator's shared default
    ack_s: float = 3.0  #: from a submission to its acknowledgement
    decision_s: float = 6.0  #: from a submission to its decision
    dlr_s: float = 0.7  #: from a send to the report `Sent`, and from there to `Success`
    slow_s: float = 15.0  #: from a send to the phone, when the phone is slow
    idle_s: float = 180.0  #: a network closes a dialogue that waits longer; the longest that is published
    reply_s: float = 10.0  #: the aggregator gives up on the gateway: Africa's Talking's own limit
    answer_s: float = 0.0  #: how long the aggregator and the back office take to answer, once it had its effect
    hold_s: float = 30.0  #: how long a send that must time out is held
    retry_s: float = 1.0  #: before the second try of a report or an event; doubles each time

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.bind.rpartition(":")
        return host.strip("[]"), int(port)


_TEXTS = {
    "gateway_url": "SIMULATOR_GATEWAY_URL",
    "bind": "SIMULATOR_BIND",
    "token": "SIMULATOR_TOKEN",
    "service_code": "SIMULATOR_SERVICE_CODE",
    "short_code": "SIMULATOR_SHORT_CODE",
    "sender": "SIMULATOR_SENDER",
}
_SECRETS = {
    "api_key": "SIMULATOR_API_KEY",
    "backoffice_token": "SIMULATOR_BACKOFFICE_TOKEN",
    "webhook_secret": "SIMULATOR_WEBHOOK_SECRET",
}
_SECONDS = {
    "ack_s": "SIMULATOR_ACK_S",
    "decision_s": "SIMULATOR_DECISION_S",
    "dlr_s": "SIMULATOR_DLR_S",
    "slow_s": "SIMULATOR_SLOW_S",
    "idle_s": "SIMULATOR_IDLE_S",
    "reply_s": "SIMULATOR_REPLY_S",
    "answer_s": "SIMULATOR_ANSWER_S",
    "hold_s": "SIMULATOR_HOLD_S",
    "retry_s": "SIMULATOR_RETRY_S",
}
_SHAPES = {
    "SIMULATOR_GATEWAY_URL": (re.compile(r"https?://[^\s/]+"), "must look like http://127.0.0.1:8000"),
    "SIMULATOR_BIND": (re.compile(r"\S+:\d{1,5}"), "must look like 127.0.0.1:8001"),
    "SIMULATOR_TOKEN": (re.compile(r"[A-Za-z0-9_-]+"), "must be letters, digits, - and _"),
    "SIMULATOR_SERVICE_CODE": (re.compile(r"\*[0-9]+(\*[0-9]+)*#"), "must look like *229#"),
    "SIMULATOR_SHORT_CODE": (re.compile(r"[0-9]{3,15}"), "must be digits, like 22900"),
    "SIMULATOR_SENDER": (re.compile(r".{1,15}"), "must have 1 to 15 characters"),
}


def from_environment(environ: Mapping[str, str] | None = None) -> SimulatorConfig:
    """The configuration that the environment describes; raises `SimulatorConfigError` with all its faults."""
    environ = os.environ if environ is None else environ
    faults: list[str] = []
    secrets = {name: environ.get(key, "") for name, key in _SECRETS.items()}
    faults += [f"{_SECRETS[name]} is missing" for name, value in secrets.items() if not value]
    if secrets["webhook_secret"] and not _is_webhook_secret(secrets["webhook_secret"]):
        faults.append("SIMULATOR_WEBHOOK_SECRET must be whsec_ and base64")
    texts = {name: environ[key].rstrip("/") for name, key in _TEXTS.items() if environ.get(key)}
    for name, value in texts.items():
        shape, fault = _SHAPES[_TEXTS[name]]
        if not shape.fullmatch(value):
            faults.append(f"{_TEXTS[name]} {fault}")
    seconds: dict[str, float] = {}
    for name, key in _SECONDS.items():
        if environ.get(key):
            try:
                seconds[name] = _seconds(environ[key])
            except ValueError:
                faults.append(f"{key} must be a number of seconds")
    if faults:
        raise SimulatorConfigError(faults)
    return SimulatorConfig(**secrets, **texts, **seconds)  # type: ignore[arg-type]  # one table per type


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(value)
    return seconds


def _is_webhook_secret(secret: str) -> bool:
    if not secret.startswith("whsec_"):
        return False
    try:
        return bool(base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False))
    except binascii.Error:
        return False

"""A whole gateway in this process, spoken to by SMS: what a phone texts and what it gets back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from gateway import settings, wiring
from gateway.messages import BackofficeAnswer, HandOver, MtSms, SendOutcome, SendResult
from gateway.store import migrate, mts, outbox, submissions
from gateway.usecases import sms_in
from gateway.wiring import Gateway
from gateway.workers import lanes
from tests.ussd.conftest import Clock

NUMBER = "+2290197000000"
OTHER = "+2290166000000"


@dataclass
class Network:
    """Takes every SMS and keeps it."""

    name: str = "africastalking"
    sent: list[tuple[str, str]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def send(self, sms: MtSms) -> tuple[SendResult, ...]:
        self.sent += [(number, sms.text) for number in sms.recipients]
        return tuple(SendResult(n, SendOutcome.ACCEPTED, f"ATX_{next(self.ids)}", "101") for n in sms.recipients)


@dataclass
class Office:
    """An institution that is always there."""

    name: str = "etat-civil"

    def submit(self, request: object) -> BackofficeAnswer:
        return BackofficeAnswer(HandOver.RETRY, code="not_asked")


@dataclass
class Texter:
    """One phone that texts. `says` gives what comes back, one SMS or more or none."""

    gateway: Gateway
    network: Network
    clock: Clock
    number: str = NUMBER
    to: str = "22900"
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))

    def text(self, words: str, external_id: str = "", network: str = "61603") -> str:
        """Delivers one SMS to the gateway; what became of it."""
        from gateway.messages import MoSms

        name = external_id or f"{self.number}-{next(self.ids)}"
        mo = MoSms("africastalking", name, self.number, self.to, words, self.clock.now, network)
        return sms_in.take_mo(self.gateway.parts, mo, self.clock.now)

    def work(self) -> None:
        """The worker of the lane does all that is due."""
        for _ in range(20):
            if lanes.drain_once(self.gateway, "urgent", self.pool) == (0, 0):
                return

    def says(self, words: str, external_id: str = "") -> list[str]:
        before = len(self.network.sent)
        self.text(words, external_id)
        self.work()
        return [text for number, text in self.network.sent[before:] if number == self.number]

    def asks(self, words: str) -> str:
        """The one SMS that answers."""
        (answer,) = self.says(words)
        return answer

    def later(self, **step: float) -> None:
        self.clock.now += timedelta(**step)

    def as_number(self, number: str) -> Texter:
        return replace(self, number=number, ids=count(1))


Build = Callable[..., Texter]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def build(tmp_path: Path, redis_url: str, clock: Clock) -> Iterator[Build]:
    """Builds gateways on one data folder; `menus` replaces the shipped folder, `changes` the settings."""
    made: list[Gateway] = []

    def _build(menus: Path = Path("menus"), **changes: object) -> Texter:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        declared = settings.load(
            {
                "GATEWAY_DATA": str(data),
                "GATEWAY_MENUS": str(menus),
                "GATEWAY_REDIS": redis_url,
                "GATEWAY_LOCAL": "1",
                "GATEWAY_LOG_LEVEL": "error",
            }
        )
        # The tests of ceilings set their own.
        declared = declared.model_copy(
            update={
                "ceilings": declared.ceilings.model_copy(update={"per_number_day": 1000}),
                "privacy": declared.privacy.model_copy(update={"notice": ""}),
                **changes,
            }
        )
        migrate.upgrade(wiring.database_url(declared))
        gateway = wiring.build(declared, clock)
        network = Network()
        parts = replace(gateway.parts, channels={"africastalking": network}, systems={"etat-civil": Office()})  # type: ignore[dict-item]
        gateway = replace(gateway, parts=parts, talk=replace(gateway.talk, parts=parts))
        made.append(gateway)
        return Texter(gateway, network, clock)

    yield _build
    for gateway in made:
        gateway.close()


@pytest.fixture
def phone(build: Build) -> Texter:
    return build()


@pytest.fixture
def other_menus(tmp_path: Path) -> Path:
    """A copy of the shipped menus, free to change."""
    folder = tmp_path / "menus"
    shutil.copytree("menus", folder)
    return folder


def stored(gateway: Gateway) -> int:
    """How many submissions there are."""
    with gateway.database.read() as conn:
        return sum(submissions.count_by_state(conn).values())


def waiting_rows(gateway: Gateway) -> int:
    """How many rows of the outbox are not done."""
    with gateway.database.read() as conn:
        return sum(one.rows for one in outbox.counts(conn) if one.lane == "urgent")


def written(gateway: Gateway) -> int:
    """How many SMS were ever written."""
    with gateway.database.read() as conn:
        return sum(mts.count_by_state(conn).values())

"""A whole gateway in this process, with real Redis and SQLite, spoken to turn by turn."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import settings, wiring
from gateway.messages import UssdEvent, UssdReply, UssdTurn
from gateway.store import migrate, submissions
from gateway.usecases import ussd
from gateway.wiring import Gateway

NUMBER = "+2290197000000"
NPI = "1234567890"
#: *Acte de naissance*, for oneself: transcripts from the first dial to the confirmation.
ACTE = ("", "1", "1*1", f"1*1*{NPI}", f"1*1*{NPI}*1", f"1*1*{NPI}*1*1")


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Phone:
    """One dialogue of one number, through `take_turn`."""

    def __init__(
        self, gateway: Gateway, session: str = "s1", number: str = NUMBER, channel: str = "africastalking"
    ) -> None:
        self.gateway = gateway
        self.session = session
        self.number = number
        self.channel = channel

    def deliver(self, text: str, **changes: str) -> UssdReply:
        """One delivery of a cumulative transcript."""
        turn = UssdTurn(self.channel, self.session, self.number, "*229#", UssdEvent.CUMULATIVE, text)
        return ussd.take_turn(self.gateway.ussd, dataclasses.replace(turn, **changes))

    def last_input(self, text: str, new: bool = False, turn_id: str | None = None) -> UssdReply:
        """One delivery on a channel that sends only the last input."""
        event = UssdEvent.NEW if new else UssdEvent.INPUT
        turn = UssdTurn(self.channel, self.session, self.number, "*229#", event, text, turn_id)
        return ussd.take_turn(self.gateway.ussd, turn)

    def walk(self, *transcripts: str) -> list[UssdReply]:
        return [self.deliver(text) for text in transcripts]


Build = Callable[..., Gateway]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def build(tmp_path: Path, redis_url: str, clock: Clock) -> Iterator[Build]:
    """Builds gateways on one data folder and one Redis; `menus` and `config` replace what is shipped."""
    made: list[Gateway] = []

    def _build(
        menus: Path = Path("menus"), redis: str = redis_url, config: Path = Path("config/gateway.yaml")
    ) -> Gateway:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        declared = settings.load(
            {
                "GATEWAY_DATA": str(data),
                "GATEWAY_CONFIG": str(config),
                "GATEWAY_MENUS": str(menus),
                "GATEWAY_REDIS": redis,
                "GATEWAY_LOCAL": "1",
                "GATEWAY_LOG_LEVEL": "error",
            }
        )
        # The notice has tests of its own (tests/trust/test_persons.py): here each dial starts at the menu.
        declared = declared.model_copy(update={"privacy": declared.privacy.model_copy(update={"notice": ""})})
        migrate.upgrade(wiring.database_url(declared))
        gateway = wiring.build(declared, clock)
        made.append(gateway)
        return gateway

    yield _build
    for gateway in made:
        gateway.close()


@pytest.fixture
def gateway(build: Build) -> Gateway:
    return build()


@pytest.fixture
def phone(gateway: Gateway) -> Phone:
    return Phone(gateway)


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

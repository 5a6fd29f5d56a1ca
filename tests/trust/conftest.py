"""A whole gateway in this process, dialled and texted to by the same phones, its privacy notice switched off."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from gateway.messages import UssdReply
from gateway.store import codes, holdings, mts, submissions
from gateway.store.submissions import StoredSubmission
from gateway.usecases import holdings as held
from gateway.usecases import ussd  # noqa: F401 - as the phones use it
from gateway.wiring import Gateway
from tests.sms.conftest import NUMBER, OTHER, Network, Texter, build, clock, other_menus, phone  # noqa: F401
from tests.usecases.conftest import caller, delivery_settings, shipped_menus, sqlite_bench  # noqa: F401
from tests.ussd.conftest import NPI, Phone

__all__ = ["NPI", "NUMBER", "OTHER", "Handset"]

FILED = ("1", "1", NPI, "1", "1")
_REFERENCE = re.compile(r"\d{4} \d{4} \d{4}")


@dataclass
class Handset:
    """One phone that dials and texts."""

    texter: Texter
    number: str = NUMBER
    sessions: int = 0
    dialled: str = ""
    imsi: str = ""
    network: str = ""  #: the operator's code, as a callback names it

    @property
    def gateway(self) -> Gateway:
        return self.texter.gateway

    def dial(self, *inputs: str, tail: str = "") -> UssdReply:
        """A new dialogue, and the answers typed in it; the last screen."""
        self.sessions += 1
        self.dialled = tail
        reply = self._deliver()
        for typed in inputs:
            reply = self.type(typed)
        return reply

    def type(self, typed: str) -> UssdReply:
        self.dialled = f"{self.dialled}*{typed}" if self.dialled else typed
        return self._deliver()

    def hang_up(self) -> None:
        from gateway.messages import EndStatus, UssdEnd
        from gateway.usecases import dialogues

        session = f"{self.number}-{self.sessions}"
        dialogues.take_end(self.gateway.ussd, UssdEnd("africastalking", session, EndStatus.DROPPED))

    def _deliver(self) -> UssdReply:
        phone_ = Phone(self.gateway, f"{self.number}-{self.sessions}", self.number)
        return phone_.deliver(self.dialled, imsi=self.imsi, network=self.network)

    def says(self, words: str) -> list[str]:
        return self.texter.as_number(self.number).says(words, f"{self.number}-{words}-{self.texter.clock.now}")

    def inbox(self) -> list[str]:
        """What it was sent so far, once the workers did their work."""
        self.texter.work()
        return [text for number, text in self.texter.network.sent if number == self.number]

    def code(self) -> str:
        """The six digits of the last code it was sent."""
        codes = [found[0] for text in self.inbox() if (found := re.search(r"(?<=Code )\d{6}(?= pour)", text))]
        return codes[-1]

    def proves(self, purpose: str) -> None:
        """As if a code for this purpose had been typed back just now."""
        gateway, now = self.gateway, self.texter.clock.now
        with gateway.database.begin() as conn:
            holding = held.met(conn, gateway.parts, self.number, now)
            code = codes.add(conn, holding, purpose, b"d" * 32, now, now + timedelta(minutes=10))
            codes.prove(conn, code, b"k" * 32, now)

    def files(self) -> str:
        """A demand of its own; its reference."""
        reply = self.dial(*FILED)
        assert reply.final, reply.text
        return "".join(_REFERENCE.findall(reply.text)[0].split())

    def holding(self) -> int | None:
        parts = self.gateway.parts
        with self.gateway.database.read() as conn:
            return holdings.find_open(conn, parts.seals, self.number, parts.silent_since)


def demand(gateway: Gateway, reference: str) -> StoredSubmission:
    with gateway.database.read() as conn:
        found = submissions.by_reference(conn, gateway.parts.seals, reference)
    assert found is not None
    return found


def templates(gateway: Gateway, holding_id: int) -> list[tuple[str, str]]:
    """What was written to a holding, and how it stands."""
    with gateway.database.read() as conn:
        return [(mt.template, mt.state.value) for mt in reversed(mts.of_holding(conn, holding_id, 50))]


@pytest.fixture
def handset(phone: Texter) -> Handset:  # noqa: F811 - the fixture
    return Handset(phone)


@pytest.fixture
def stranger(phone: Texter) -> Handset:  # noqa: F811 - the fixture
    return Handset(phone, OTHER)


Make = Callable[[str], Handset]

"""The delivery half with a clock that tests turn, an aggregator and an institution that say what tests say."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway.backoffice.base import LookupResult
from gateway.engine.outcomes import Act, Submission
from gateway.menu import load
from gateway.menu.model import Menus
from gateway.messages import (
    BackofficeAnswer,
    BackofficeRequest,
    BackofficeStatement,
    HandOver,
    MtSms,
    SendOutcome,
    SendResult,
)
from gateway.settings import ChannelSettings, Institution, RestSystem, Sender, Settings, SmsSettings, SystemSettings
from gateway.store import mts, outbox, submissions
from gateway.store.db import Database
from gateway.store.limits import open_throttle
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.shelf import Shelf
from gateway.usecases.stops import Stops

ROOT = Path(__file__).parents[2]
MSISDN = "+2290197000000"
OTHER = "+2290197000001"


@dataclass
class Aggregator:
    """A channel that answers what `results` says for each number; ACCEPTED with a new id by default."""

    name: str = "at"
    calls: list[MtSms] = field(default_factory=list)
    results: dict[str, SendResult | Exception] = field(default_factory=dict)
    during: Callable[[], None] = lambda: None  #: what happens while the call is under way
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def send(self, sms: MtSms) -> tuple[SendResult, ...]:
        self.calls.append(sms)
        self.during()
        return tuple(self._answer(number) for number in sms.recipients)

    def _answer(self, number: str) -> SendResult:
        said = self.results.get(number)
        if isinstance(said, Exception):
            raise said
        if said is not None:
            return replace(said, msisdn=number)
        return SendResult(number, SendOutcome.ACCEPTED, f"ATX_{next(self.ids)}", "100", "XOF 25")


@dataclass
class Office:
    """An institution's system that gives `answers` in turn, the last one again and again."""

    settings: SystemSettings
    name: str = "etat-civil"
    answers: list[BackofficeAnswer] = field(default_factory=lambda: [BackofficeAnswer(HandOver.ACCEPTED)])
    received: list[BackofficeRequest] = field(default_factory=list)
    said: list[BackofficeStatement] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    reading: LookupResult = field(default_factory=lambda: LookupResult("unavailable"))
    patience_s: list[float] = field(default_factory=list)  #: how long each lookup may take

    def submit(self, request: BackofficeRequest) -> BackofficeAnswer:
        self.received.append(request)
        self.during()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def state(self, statement: BackofficeStatement) -> BackofficeAnswer:
        self.said.append(statement)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def lookup(self, *args: Any) -> LookupResult:
        self.patience_s.append(args[-1])
        return self.reading


@dataclass
class Bench:
    """The parts of one installation, and shortcuts to look at what they stored."""

    parts: Parts
    aggregator: Aggregator
    office: Office
    time: datetime
    announced: list[str]

    def later(self, **step: float) -> None:
        """Turns the clock."""
        self.time += timedelta(**step)

    def with_service(self, **changes: Any) -> Bench:
        """The same installation, its one service changed."""
        menus = self.parts.shelf.current
        service = replace(menus.services["acte-naissance"], **changes)
        changed = replace(menus, services={**menus.services, "acte-naissance": service})
        self.parts = replace(self.parts, shelf=replace(self.parts.shelf, current=changed))
        return self

    def claim(self, lane: str, limit: int = 100) -> tuple[outbox.Claimed, ...]:
        with self.parts.database.begin() as conn:
            return outbox.claim(conn, lane, self.parts.new_id(), limit, 60, self.time)

    def submission(self, reference: str) -> submissions.StoredSubmission:
        with self.parts.database.read() as conn:
            found = submissions.by_reference(conn, self.parts.seals, reference)
        assert found is not None
        return found

    def sms(self, reference: str) -> list[mts.Mt]:
        submission = self.submission(reference)
        with self.parts.database.read() as conn:
            return list(mts.of_submission(conn, submission.id))

    def texts(self, reference: str) -> list[str]:
        ids = [mt.id for mt in self.sms(reference)]
        with self.parts.database.read() as conn:
            found = mts.for_sending(conn, self.parts.seals, ids)
        return [found[mt_id].text for mt_id in ids if mt_id in found]

    def row(self, kind: outbox.Kind, target_id: int) -> outbox.OutboxRow:
        with self.parts.database.read() as conn:
            (row,) = outbox.of_target(conn, kind, target_id)
        return row


@pytest.fixture(scope="session")
def shipped_menus() -> Menus:
    loaded = load.load(load.read_folder(ROOT / "menus"), ("fr", "en"))
    assert loaded.menus is not None, loaded.faults
    return loaded.menus


@pytest.fixture(scope="session")
def delivery_settings() -> Settings:
    system = RestSystem(institution="anip", kind="rest", url="http://127.0.0.1:1", attempts=3)
    return Settings(
        channels={"at": ChannelSettings(kind="africastalking", sms=True, max_recipients_per_call=3)},
        senders={"s": Sender(channel="at", name="PASSERELLE", tps=100_000)},
        sms=SmsSettings(sender="s", attempts=4),
        institutions={"anip": Institution(name={"fr": "ANIP", "en": "ANIP"})},
        systems={"etat-civil": system},
    )


@pytest.fixture
def bench(
    database: Database, seals: Any, keys: Any, shipped_menus: Menus, delivery_settings: Settings, now: datetime
) -> Bench:
    return build_bench(database, seals, keys, shipped_menus, delivery_settings, now)


@pytest.fixture
def sqlite_bench(
    sqlite_database: Database,
    seals: Any,
    keys: Any,
    shipped_menus: Menus,
    delivery_settings: Settings,
    now: datetime,
) -> Bench:
    return build_bench(sqlite_database, seals, keys, shipped_menus, delivery_settings, now)


def build_bench(database: Database, seals: Any, keys: Any, menus: Menus, settings: Settings, now: datetime) -> Bench:
    ids = count(1)
    announced: list[str] = []
    aggregator, office = Aggregator(), Office(settings.systems["etat-civil"])
    parts = Parts(
        database=database,
        seals=seals,
        receipt_keys=keys.receipts,
        shelf=Shelf(current=menus, changed_at=None, database=database),
        settings=settings,
        channels={"at": aggregator},
        systems={"etat-civil": office},
        announce=announced.extend,
        now=lambda: bench.time,
        monotonic=lambda: bench.time.timestamp(),  # noqa: PLW0108 - the bench's clock is turned by tests
        new_id=lambda: f"id-{next(ids)}",
        random_bytes=os.urandom,
        throttle=open_throttle("unix:///nonexistent/redis", time.monotonic),  # away: the process's own bucket
        stops=Stops(database, lambda: bench.time.timestamp()),  # noqa: PLW0108 - as above
        signing=lambda: keys.signing,
    )
    bench = Bench(parts, aggregator, office, now, announced)
    return bench


@pytest.fixture
def caller() -> Caller:
    return Caller(msisdn=MSISDN, channel="at", network="61603", language="fr")


@pytest.fixture
def other() -> Caller:
    return Caller(msisdn=OTHER, channel="at", network="61603", language="en")


@pytest.fixture
def act() -> Callable[..., Act]:
    """Makes the act of a citizen who asks for the birth certificate of the person with this NPI."""

    def make(npi: str = "1234564412", language: str = "fr", system: str = "etat-civil", **more: Any) -> Act:
        args = Submission(
            system=system,
            fields={"npi": npi, "commune": "cotonou"},
            personal=frozenset({"npi"}),
            subject=(("npi", npi),),
            label=f"...{npi[-4:]}",
            language=language,
            assurance="number",
        )
        return Act("submit", more.pop("service", "acte-naissance"), 0, args, **more)

    return make

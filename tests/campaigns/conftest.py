"""Two institutions that send, people with rights in each, templates, and a worker that drains the lane by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.engine.notification_text import Body, encode
from gateway.menu.model import Menus
from gateway.messages import Category, MtState, Role
from gateway.settings import Institution, Sender, Settings
from gateway.store import campaign_rows, campaigns, mts, outbox, templates
from gateway.store.campaigns import StoredCampaign
from gateway.store.db import Database
from gateway.usecases import campaigns as use
from gateway.usecases.actors import Actor
from gateway.usecases.campaigns import NewCampaign, Recipient
from gateway.workers import lanes
from tests.usecases.conftest import Bench, act, build_bench, caller, delivery_settings, other, shipped_menus

__all__ = ["act", "caller", "delivery_settings", "other", "shipped_menus"]

A, B = "anip", "mairie"
AWA, KOFI, BIO = "+2290197000000", "+2290196000001", "+2290195000002"
SENDER = Actor("sender@anip", A, frozenset({Role.SENDER}), person_id=1)
APPROVER = Actor("approver@anip", A, frozenset({Role.APPROVER}), person_id=2)
BOTH = Actor("both@anip", A, frozenset({Role.SENDER, Role.APPROVER}), person_id=3)
READER = Actor("reader@anip", A, frozenset({Role.READER}), person_id=4)
STRANGER = Actor("sender@mairie", B, frozenset(Role) - {Role.ADMINISTRATOR, Role.AUDITOR}, person_id=5)
ADMINISTRATOR = Actor("administrator", None, frozenset({Role.ADMINISTRATOR}), person_id=6)


@dataclass
class Town:
    """One installation where institutions send."""

    bench: Bench
    pool: ThreadPoolExecutor
    names: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    @property
    def parts(self) -> Any:
        return self.bench.parts

    def template(
        self,
        text: str = "Bonjour {nom}, votre demande est validée.",
        *,
        institution: str = A,
        category: Category = Category.PROCEDURE,
        sizes: dict[str, int] | None = None,
        sender: str | None = None,
        policy: Any = "plain",
        **languages: str,
    ) -> int:
        """The id of a template with one version; French, and other languages by name."""
        placeholders = {"nom": 20} if sizes is None else sizes
        body = Body({"fr": text, **languages}, ("fr", *languages), placeholders)
        with self.parts.database.begin() as conn:
            template = templates.add(conn, institution, f"t{next(self.names)}", "author@x", self.bench.time)
            assert template is not None
            said = templates.NewVersion(category, sender, policy, encode(body))
            templates.add_version(conn, template, 1, said, "author@x", self.bench.time)
        return template

    def start(self, *numbers: str, actor: Actor = SENDER, template: int | None = None, **more: Any) -> str:
        """The public id of a new campaign to these numbers, checked."""
        chosen = self.template() if template is None else template
        if numbers:
            more["recipients"] = tuple(Recipient(number, {"nom": "Awa"}) for number in numbers)
        more.setdefault("source", "single" if len(numbers) == 1 else "list")
        public_id = use.start(self.parts, actor, actor.institution or A, NewCampaign(template_id=chosen, **more))
        self.work()
        return public_id

    def file(self, content: str | bytes, name: str = "f.csv", **more: Any) -> str:
        raw = content.encode() if isinstance(content, str) else content
        return self.start(source="file", content=raw, name=name, **more)

    def work(self, *, times: int = 50) -> None:
        """Does what is due in the lane, as a worker does."""
        gateway: Any = SimpleNamespace(parts=self.parts)
        for _ in range(times):
            if not lanes.drain_once(gateway, "bulk", self.pool)[0]:
                return

    def stored(self, public_id: str) -> StoredCampaign:
        with self.parts.database.read() as conn:
            found = campaigns.by_public_id(conn, public_id)
        assert found is not None
        return found

    def rows(self, public_id: str) -> tuple[campaign_rows.StoredRow, ...]:
        with self.parts.database.read() as conn:
            return campaign_rows.page(conn, self.parts.seals, self.stored(public_id).id, 0, 1_000_000)

    def states(self, public_id: str) -> list[str]:
        return [str(row.state) for row in self.rows(public_id)]

    def texts(self) -> list[tuple[str, str]]:
        """Number and text of every SMS that is stored, in the order of their ids."""
        with self.parts.database.read() as conn:
            ids = [mt.id for mt in reversed(mts.list_page(conn, 100_000))]
            found = mts.for_sending(conn, self.parts.seals, ids)
        return [(mt.msisdn, mt.text) for one in ids if (mt := found.get(one)) is not None]

    def mt_states(self) -> dict[MtState, int]:
        with self.parts.database.read() as conn:
            return mts.count_by_state(conn)

    def outbox(self, kind: outbox.Kind, target_id: int) -> list[outbox.OutboxRow]:
        with self.parts.database.read() as conn:
            return list(outbox.of_target(conn, kind, target_id))


def settings_of(delivery: Settings, **changes: Any) -> Settings:
    """Two institutions, and a sender that only one operator carries."""
    senders = {
        "s": Sender(channel="at", name="PASSERELLE", tps=100_000, cost_f=10),
        "anip": Sender(channel="at", name="ANIP", tps=100_000, cost_f=20, registered=("mtn",)),
    }
    institutions = {
        A: Institution(name={"fr": "ANIP", "en": "ANIP"}, senders=("s", "anip"), budget_f=100_000),
        B: Institution(name={"fr": "Mairie", "en": "Town hall"}, senders=("s",), budget_f=100_000),
    }
    from gateway.settings.model import Operator

    operators = {"mtn": Operator(name="MTN", networks=("61603",)), "moov": Operator(name="Moov", networks=("61602",))}
    return delivery.model_copy(
        update={"senders": senders, "institutions": institutions, "operators": operators, **changes}
    )


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture
def build(
    seals: Any, keys: Any, shipped_menus: Menus, delivery_settings: Settings, now: datetime, pool: ThreadPoolExecutor
) -> Callable[..., Town]:
    """Makes a Town on a database, its settings changed; it is Monday, 14:05."""

    def make(database: Database, **changes: Any) -> Town:
        settings = settings_of(delivery_settings, **changes)
        return Town(build_bench(database, seals, keys, shipped_menus, settings, now), pool)

    return make


@pytest.fixture
def town(build: Callable[..., Town], database: Database) -> Town:
    """On SQLite, then on PostgreSQL."""
    return build(database)


@pytest.fixture
def sqlite_town(build: Callable[..., Town], sqlite_database: Database) -> Town:
    return build(sqlite_database)

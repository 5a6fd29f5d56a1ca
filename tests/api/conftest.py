"""An installation with two institutions whose systems call the API, on a clock that tests turn."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text
from werkzeug.serving import make_server

from gateway import settings, wiring
from gateway.messages import Category, Role
from gateway.settings import DeskSystem, Institution, RestSystem, Settings
from gateway.store import migrate
from gateway.usecases import api_keys, templates
from gateway.usecases.actors import Actor
from gateway.usecases.api_keys import Scope
from gateway.usecases.templates import Draft
from gateway.web.site import build_web
from gateway.wiring import Gateway
from tests.campaigns.conftest import (
    AWA,
    A,
    B,
    act,
    build,
    caller,
    delivery_settings,
    other,
    pool,
    shipped_menus,
    sqlite_town,
    town,
)

__all__ = [
    "act", "build", "caller", "delivery_settings", "other", "pool", "shipped_menus", "sqlite_town", "town",
]  # fmt: skip

MANAGER = Actor("chief@anip", A, frozenset({Role.MANAGER}), person_id=9)
THEIR_MANAGER = Actor("chief@mairie", B, frozenset({Role.MANAGER}), person_id=10)
API = "/api/v1"


def new_key(town: Any, institution: str = A, **changes: Any) -> tuple[str, Any]:
    """A key of everything, live unless said otherwise; the secret and what is kept."""
    chosen = {"name": "essai", "scopes": tuple(Scope), "live": True, **changes}
    manager = MANAGER if institution == A else THEIR_MANAGER
    return api_keys.create(town.parts, manager, institution, api_keys.NewKey(**chosen))


@dataclass
class Served:
    """A gateway whose site listens on loopback, on a clock that tests turn: Tuesday 24 November 2026, 10:00."""

    gateway: Gateway
    url: str
    time: datetime
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def parts(self) -> Any:
        return self.gateway.parts

    def later(self, **step: float) -> None:
        self.time += timedelta(**step)

    def call(self, method: str, path: str, key: str, body: Any = None, idem: str | None = "", **headers: str) -> Any:
        """One call; idem is its Idempotency-Key, a new one unless said, None for no such header."""
        said = {"Authorization": f"Bearer {key}", **headers}
        if idem is not None and method == "POST":
            said["Idempotency-Key"] = idem or f"auto-{next(self.numbers)}"
        return requests.request(method, f"{self.url}{API}{path}", json=body, headers=said, timeout=30)

    def get(self, path: str, key: str) -> Any:
        return self.call("GET", path, key)

    def post(self, path: str, key: str, body: Any, **more: Any) -> Any:
        return self.call("POST", path, key, body, **more)

    def template(self, institution: str = A, texts: dict[str, str] | None = None, **more: Any) -> int:
        author = Actor("author@x", institution, frozenset({Role.AUTHOR}))
        said = texts or {"fr": "Bonjour {nom}, votre carte est prete."}
        draft = Draft(f"modele-{next(self.numbers)}", Category.VITAL, said, **more)
        return templates.create(self.parts, author, institution, draft).id

    def count(self, table: str) -> int:
        with self.parts.database.read() as conn:
            return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def two_institutions(declared: Settings) -> Settings:
    """The shipped settings with another institution that has a desk."""
    theirs = Institution(name={"fr": "Mairie", "en": "Town hall"}, budget_f=100_000)
    systems = {
        **declared.systems,
        "guichet": DeskSystem(institution=A, kind="desk"),
        "la-bas": RestSystem(institution=B, kind="rest", url="http://127.0.0.1:1"),
    }
    return declared.model_copy(update={"institutions": {**declared.institutions, B: theirs}, "systems": systems})


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path, redis_url: str) -> Iterator[Serve]:
    """Makes a Served on a database."""
    ends: list[Callable[[], object]] = []

    def make(database_url: str, **changes: Any) -> Served:
        given = {"GATEWAY_DATA": str(tmp_path), "GATEWAY_REDIS": redis_url, "GATEWAY_LOG_LEVEL": "error"}
        given |= {"GATEWAY_LOCAL": "1", "GATEWAY_DATABASE_URL": database_url, "GATEWAY_WEB_THREADS": "32"}
        declared = two_institutions(settings.load(given)).model_copy(update=changes)
        migrate.upgrade(database_url)
        served: Served | None = None
        start = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
        gateway = wiring.build(declared, lambda: start if served is None else served.time)
        server = make_server("127.0.0.1", 0, build_web(gateway), threaded=True)  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        served = Served(gateway, f"http://127.0.0.1:{server.server_port}", start)
        ends.extend((gateway.close, server.server_close, server.shutdown))
        return served

    yield make
    for end in reversed(ends):
        end()


@pytest.fixture
def served(serve: Serve, database_url: str) -> Served:
    """On SQLite, then on PostgreSQL."""
    return serve(database_url)


@pytest.fixture
def sqlite_served(serve: Serve, sqlite_url: str) -> Served:
    return serve(sqlite_url)


def to(number: str = AWA, template: int = 1, **more: Any) -> dict[str, Any]:
    """The body of one notification."""
    return {"template_id": template, "to": number, "values": {"nom": "Awa"}, **more}

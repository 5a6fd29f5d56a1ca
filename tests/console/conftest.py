"""The console of a gateway in this process: real database and Redis, a clock that tests turn, browsers with cookies."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from werkzeug.test import Client, TestResponse

from gateway import settings, wiring
from gateway.messages import Role
from gateway.settings import DeskSystem, Institution
from gateway.store import migrate, people
from gateway.usecases import own_account, second_factor
from gateway.usecases import people as inviting
from gateway.usecases.actors import PLATFORM_ROLES
from gateway.usecases.people import NewPerson
from gateway.web.site import build_web
from gateway.wiring import Gateway

PASSWORD = "une phrase que je retiens"
HOME, OTHER = "anip", "mairie-abomey"
#: Institution -> its inbox; that of HOME beside the system that `gateway.yaml` gives it.
DESKS = {HOME: "guichet-anip", OTHER: "guichet-abomey"}


@dataclass
class Browser:
    """One browser: keeps cookies, sends the token of the form it looks at."""

    office: Office
    client: Client
    page: TestResponse | None = None
    more: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> TestResponse:
        self.page = self.client.get(path, headers={**self.more, **headers})
        return self.page

    def post(self, path: str, at: str = "", **form: Any) -> TestResponse:
        """The form of the page at `at` (the same path unless said), sent with its token."""
        token = self.token(at or path)
        self.page = self.client.post(path, data={"csrf_token": token, **form}, headers=self.more)
        return self.page

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        if found is None:  # a page that this person has not: any other of the console has a form too
            found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/console/nowhere").text)
        assert found is not None, path
        return found.group(1)

    def sign_in(self, login: str, password: str = PASSWORD) -> TestResponse:
        """Through both forms; the answer to the second, or to the first when it went no further."""
        answer = self.post("/console/sign-in", login=login, password=password)
        if answer.status_code != 303:
            return answer
        return self.post("/console/second-factor", code=self.office.code(login))

    def cookie(self, name: str = "console") -> str:
        found = self.client.get_cookie(name, domain="127.0.0.1")
        return "" if found is None else found.value


@dataclass
class Office:
    """A gateway with two institutions."""

    gateway: Gateway
    time: datetime
    secrets: dict[str, str] = field(default_factory=dict)

    def later(self, **step: float) -> None:
        self.time += timedelta(**step)

    def browser(self, address: str = "127.0.0.1") -> Browser:
        client = Client(self.application)
        client_open = client.open

        def opened(*args: Any, **kwargs: Any) -> TestResponse:
            kwargs.setdefault("environ_base", {"REMOTE_ADDR": address})
            kwargs.setdefault("base_url", "http://127.0.0.1:8000")
            return client_open(*args, **kwargs)

        client.open = opened  # type: ignore[method-assign]
        return Browser(self, client)

    def __post_init__(self) -> None:
        self.application = build_web(self.gateway)

    def person(self, login: str, *roles: Role, institution: str | None = HOME, invited_only: bool = False) -> int:
        """A person who joined with an authenticator; the id."""
        parts, platform = self.gateway.parts, bool(PLATFORM_ROLES & set(roles))
        new = NewPerson(login, login.title(), frozenset(roles))
        invited = inviting.invite(parts, inviting.operator("tests"), None if platform else institution, new)
        if not invited_only:
            own_account.join_with_password(parts, invited.token, PASSWORD)
            secret = second_factor.new_secret(parts.random_bytes)
            pending = second_factor.seal_pending(parts.seals, invited.person_id, secret)
            self.secrets[login] = secret
            own_account.join_with_code(parts, invited.token, pending, pyotp.TOTP(secret).at(self.time))
            self.later(seconds=60)  # the step of that code is used
        return invited.person_id

    def code(self, login: str) -> str:
        """A code that was not used: a new step each time."""
        self.later(seconds=30)
        return pyotp.TOTP(self.secrets[login]).at(self.time)

    def signed_in(self, login: str, *roles: Role, institution: str | None = HOME) -> Browser:
        self.person(login, *roles, institution=institution)
        browser = self.browser()
        assert browser.sign_in(login).status_code == 303
        return browser

    def id_of(self, login: str) -> int:
        with self.gateway.database.read() as conn:
            found = people.by_login(conn, login)
        assert found is not None
        return found.id


def text_of(answer: TestResponse) -> str:
    """What a person reads of a page."""
    return " ".join(html.unescape(re.sub(r"(?s)<[^>]+>", " ", answer.text)).split())


Declare = Callable[..., Office]


@pytest.fixture
def open_office(tmp_path: Path, redis_url: str) -> Iterator[Declare]:
    """Makes an Office; `environment` is added to what it is started with. `desks`: the institutions with an inbox."""
    opened: list[Gateway] = []

    def make(desks: tuple[str, ...] = (HOME, OTHER), **environment: str) -> Office:
        given = {"GATEWAY_DATA": str(tmp_path), "GATEWAY_REDIS": redis_url, "GATEWAY_LOG_LEVEL": "error"}
        declared = settings.load({"GATEWAY_LOCAL": "1", **given, **environment})
        there = {**declared.institutions, OTHER: Institution(name={"fr": "Mairie d'Abomey", "en": "Abomey town hall"})}
        inboxes = {DESKS[one]: DeskSystem(institution=one, kind="desk") for one in desks}
        systems = {**declared.systems, **inboxes}
        declared = declared.model_copy(update={"institutions": there, "systems": systems})
        migrate.upgrade(wiring.database_url(declared))
        office: Office | None = None
        start = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        gateway = wiring.build(declared, lambda: start if office is None else office.time)
        opened.append(gateway)
        office = Office(gateway, start)
        return office

    yield make
    for gateway in opened:
        gateway.close()


@pytest.fixture
def office(open_office: Declare) -> Office:
    return open_office()

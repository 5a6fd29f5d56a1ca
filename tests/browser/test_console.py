"""The console in a real browser: on a narrow phone, with and without scripts, by the keyboard, and without barriers."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gateway import settings, wiring
from gateway.messages import Role
from gateway.settings import Settings
from gateway.store import migrate
from gateway.store import people as stored
from gateway.usecases import own_account, people, second_factor
from gateway.usecases.people import NewPerson
from gateway.web.site import build_web

pytestmark = pytest.mark.browser

#: Where to keep what the pages look like, for a person to look at; "": nowhere.
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
PASSWORD = "trois chats noirs"
WCAG_22_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Office:
    """A gateway that serves, and the people who joined it."""

    def __init__(self, url: str, gateway: wiring.Gateway) -> None:
        self.url, self.gateway = url, gateway
        self.secrets: dict[str, str] = {}

    def invite(self, login: str, *roles: Role, institution: str | None = "anip") -> str:
        """The path of a new invitation."""
        new = NewPerson(login, f"{login.title()} Dossou", frozenset(roles))
        invited = people.invite(self.gateway.parts, people.operator("tests"), institution, new)
        return f"/console/invitation/{invited.token}"

    def person(self, login: str, *roles: Role, institution: str | None = "anip") -> None:
        """Somebody who joined by a card and has an authenticator whose code was never used."""
        parts = self.gateway.parts
        token = self.invite(login, *roles, institution=institution).rsplit("/", 1)[1]
        own_account.join_with_password(parts, token, PASSWORD)
        codes = own_account.join_with_card(parts, token)
        entered = own_account.join_with_code(parts, token, "", codes[0])
        secret = self.secrets[login] = second_factor.new_secret(parts.random_bytes)
        with parts.database.begin() as conn:
            stored.set_totp(conn, parts.seals, entered.person.id, secret)

    def code(self, login: str) -> str:
        return pyotp.TOTP(self.secrets[login]).at(datetime.now(UTC))


@pytest.fixture
def office(tmp_path: Path, redis_url: str) -> Iterator[Office]:
    declared = settings.load(
        {"GATEWAY_DATA": str(tmp_path), "GATEWAY_REDIS": redis_url, "GATEWAY_LOCAL": "1", "GATEWAY_LOG_LEVEL": "error"}
    )
    with served(declared) as office:
        yield office


@contextmanager
def served(declared: Settings) -> Iterator[Office]:
    """An office of these settings, on a port of its own."""
    migrate.upgrade(wiring.database_url(declared))
    gateway = wiring.build(declared)
    server = make_server("127.0.0.1", 0, build_web(gateway), _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Office(f"http://127.0.0.1:{server.server_port}", gateway)
    server.shutdown()
    server.server_close()
    thread.join()
    gateway.close()


def _pages(browser: Browser, *, scripts: bool, size: dict[str, int]) -> Iterator[Page]:
    """A page that fails its test when its policy refuses anything, or anything is thrown on it."""
    context = browser.new_context(viewport=size, locale="fr-FR", java_script_enabled=scripts)  # type: ignore[arg-type]
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    refused = re.compile(r"Failed to load resource: the server responded with a status of 4(00|04|29)")
    assert [fault for fault in faults if not refused.match(fault)] == []


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from _pages(browser, scripts=request.param, size=NARROW)


@pytest.fixture(params=[NARROW, WIDE], ids=["360", "1280"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from _pages(browser, scripts=True, size=request.param)


def kept(page: Page, name: str) -> None:
    if SCREENSHOTS and page.viewport_size:
        page.screenshot(path=f"{SCREENSHOTS}/console_{name}_{page.viewport_size['width']}.png", full_page=True)


def fits(page: Page) -> bool:
    """Nothing is wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def sign_in(page: Page, office: Office, login: str) -> None:
    page.goto(f"{office.url}/console/")
    page.get_by_label("Identifiant").fill(login)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Continuer").click()
    page.get_by_label("Code").fill(office.code(login))
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bonjour")


def test_signing_in_by_the_keyboard_alone(phone: Page, office: Office) -> None:
    office.person("awa", Role.MANAGER)
    phone.goto(f"{office.url}/console/acts")
    expect(phone).to_have_title("Connexion · Passerelle")
    assert fits(phone)
    phone.keyboard.press("Tab")
    expect(phone.get_by_role("link", name="Aller au contenu")).to_be_focused()
    phone.keyboard.press("Tab")
    phone.keyboard.press("Tab")
    expect(phone.get_by_label("Identifiant")).to_be_focused()
    phone.keyboard.type("awa")
    phone.keyboard.press("Tab")
    phone.keyboard.type("not the password")
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("alert")).to_have_text("L'identifiant ou le mot de passe ne va pas.")
    expect(phone.get_by_label("Identifiant")).to_have_value("awa")
    expect(phone.get_by_label("Mot de passe")).to_have_value("")
    phone.get_by_label("Mot de passe").focus()
    phone.keyboard.type(PASSWORD)
    phone.keyboard.press("Enter")
    expect(phone).to_have_title("Deuxième preuve · Passerelle")
    assert fits(phone)
    code = phone.get_by_label("Code")
    code.focus()
    phone.keyboard.type("12")
    phone.keyboard.press("Enter")
    expect(code).to_have_accessible_description("Ce code n'ouvre pas, ou a déjà servi.")
    expect(code).to_be_focused()
    phone.keyboard.type(office.code("awa"))
    phone.keyboard.press("Enter")
    expect(phone).to_have_url(f"{office.url}/console/acts")  # where one wanted to go
    phone.get_by_role("button", name="Se déconnecter").click()
    expect(phone.get_by_role("status")).to_have_text("Vous êtes déconnecté.")


def test_joining_with_a_card(phone: Page, office: Office) -> None:
    phone.goto(office.url + office.invite("bio", Role.SENDER))
    expect(phone.get_by_role("heading", level=1)).to_have_text("Bienvenue, Bio Dossou")
    assert fits(phone)
    for label in ("Nouveau mot de passe", "Le même mot de passe"):
        phone.get_by_label(label).fill("court")
    phone.get_by_role("button", name="Continuer").click()
    described = phone.get_by_label("Nouveau mot de passe")
    expect(described).to_have_accessible_description(re.compile("Il faut 12 caractères au moins"))
    for label in ("Nouveau mot de passe", "Le même mot de passe"):
        phone.get_by_label(label).fill(PASSWORD)
    phone.get_by_role("button", name="Continuer").click()
    expect(phone.get_by_role("img", name="Image à lire")).to_be_visible()
    assert fits(phone)
    phone.get_by_role("button", name="Faire ma carte").click()
    codes = phone.locator(".codes li")
    expect(codes).to_have_count(10)
    assert fits(phone)
    kept(phone, "card")
    phone.get_by_label("Pour finir").fill(codes.nth(4).inner_text())
    phone.get_by_role("button", name="J'ai gardé ma carte").click()
    expect(phone.get_by_role("status")).to_have_text("Votre compte est prêt.")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Bonjour, Bio Dossou")


def test_the_record_is_filtered_in_place(page: Page, office: Office) -> None:
    """With htmx the table changes and the field keeps its place; without it the button does the same."""
    office.person("chef", Role.MANAGER)
    office.person("bio", Role.READER)
    sign_in(page, office, "chef")
    page.goto(f"{office.url}/console/acts")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    page.evaluate("window.stays = true")
    page.get_by_label("Qui").fill("bio")
    page.keyboard.press("Tab")
    who = page.locator("td[data-label=Qui]")
    expect(who.filter(has_text="chef")).to_have_count(0)
    expect(who.first).to_have_text("bio")
    assert page.evaluate("window.stays") is True
    assert "who=bio" in page.url


def test_no_barrier_on_any_screen(page: Page, office: Office) -> None:
    """axe-core finds nothing; nothing is wider than the screen; every target is large enough; 200 % still fits."""
    office.person("chef", Role.MANAGER)
    office.person("racine", Role.ADMINISTRATOR, institution=None)
    office.person("bio", Role.READER, Role.SENDER)
    joining = office.invite("cosi", Role.CASE_WORKER)
    with office.gateway.database.read() as conn:
        found = stored.by_login(conn, "bio")
        chef = stored.by_login(conn, "chef")
    assert found is not None
    assert chef is not None
    _looked_at(page, office, "sign_in", "/console/sign-in")
    page.get_by_label("Identifiant").fill("x")
    page.get_by_label("Mot de passe").fill("x")
    page.get_by_role("button", name="Continuer").click()
    _judged(page, "sign_in_wrong")
    _looked_at(page, office, "join_password", joining)
    for label in ("Nouveau mot de passe", "Le même mot de passe"):
        page.get_by_label(label).fill(PASSWORD)
    page.get_by_role("button", name="Continuer").click()
    _judged(page, "join_factor")
    page.get_by_role("button", name="Faire ma carte").click()
    _judged(page, "join_card")
    sign_in(page, office, "chef")
    _judged(page, "home")
    for name, path in {
        "people": "/console/people",
        "invite": "/console/institutions/anip/people/new",
        "person": f"/console/people/{found.id}",
        "myself": f"/console/people/{chef.id}",
        "acts": "/console/acts",
        "account": "/console/account",
        "password": "/console/account/password",
        "authenticator": "/console/account/authenticator",
        "new_card": "/console/account/card",
        "not_found": "/console/nowhere",
    }.items():
        _looked_at(page, office, name, path)
    page.goto(f"{office.url}/console/institutions/anip/people/new")
    page.get_by_label("Nom").fill("Dédé")
    page.get_by_label("Identifiant").fill("b b")
    page.get_by_role("button", name="Inviter").click()
    _judged(page, "invite_wrong")
    page.goto(f"{office.url}/console/people/{found.id}")
    page.get_by_role("button", name="Refaire l'accès").click()
    _judged(page, "link")
    page.get_by_role("button", name="English").click()
    page.goto(f"{office.url}/console/acts")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    _judged(page, "acts_en")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Français").click()
    sign_in(page, office, "racine")
    _judged(page, "home_administrator")
    _looked_at(page, office, "institutions", "/console/institutions")
    _looked_at(page, office, "stops", "/console/stops")
    page.get_by_label("Quoi").select_option("campaigns")
    page.get_by_label("Raison").fill("Essai de l'arrêt")
    page.get_by_role("button", name="Arrêter maintenant").click()
    _judged(page, "stopped")


def _looked_at(page: Page, office: Office, name: str, path: str) -> None:
    page.goto(office.url + path)
    _judged(page, name)


def _judged(page: Page, name: str) -> None:
    page.wait_for_load_state()
    kept(page, name)
    found = Axe().run(page, options=WCAG_22_AA)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    assert fits(page), name
    small: list[str] = page.evaluate(
        """[...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')].filter(e => {
             const box = e.getBoundingClientRect()
             return !e.classList.contains('skip') && (box.height < 24 || box.width < 24)
           }).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert small == [], name  # WCAG 2.5.8
    page.evaluate("document.documentElement.style.fontSize = '200%'")  # WCAG 1.4.4
    assert fits(page), f"{name} at 200 %"
    page.evaluate("document.documentElement.style.fontSize = ''")

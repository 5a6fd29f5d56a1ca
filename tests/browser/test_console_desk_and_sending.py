"""Notifications and demands in a real browser: no barrier on any screen, at both widths, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway import settings
from gateway.messages import Category, Decision, Role
from gateway.settings import DeskSystem
from gateway.store import desk as stored
from gateway.usecases import desk
from gateway.usecases.actors import Actor
from gateway.usecases.campaigns import approve, send
from gateway.usecases.desk import Agent, Words
from tests.browser.test_console import Office, _judged, _looked_at, page, served, sign_in
from tests.console.furnishing import campaign, demand, template, work

__all__ = ["page"]
pytestmark = pytest.mark.browser
FILE = """téléphone;nom;référence
0197000001;Awa;A-1
97000002;Bio;A-2
01970000;Cosi;A-3
0197000001;Awa encore;A-4
0197000004;;A-5
""".encode()


@pytest.fixture
def office(tmp_path: Path, redis_url: str) -> Iterator[Office]:
    given = {
        "GATEWAY_DATA": str(tmp_path),
        "GATEWAY_REDIS": redis_url,
        "GATEWAY_LOCAL": "1",
        "GATEWAY_LOG_LEVEL": "error",
    }
    declared = settings.load(given)
    inbox = DeskSystem(institution="anip", kind="desk")
    few = declared.institutions["anip"].model_copy(update={"approval_above": 2})
    declared = declared.model_copy(
        update={"systems": {**declared.systems, "guichet-anip": inbox}, "institutions": {"anip": few}}
    )
    with served(declared) as office:
        yield office


def english(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/console/account")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_no_barrier_where_one_sends(page: Page, office: Office) -> None:
    office.person("awa", Role.SENDER)
    office.person("bio", Role.APPROVER)
    chosen = template(office, "Bonjour {nom}, venez à {lieu} demain.", en="Hello {nom}, come to {lieu} tomorrow.")
    plain = template(office, "Santé: la vaccination reprend lundi.", category=Category.INFORMATION, name="Vaccination")
    found = template(office, name="Demande validée")
    wrong = campaign(office, file=FILE, template_id=found, own_reference="CAMP-2026-14")
    many = campaign(office, *(f"01970{number:05d}" for number in range(1, 40)), template_id=found)
    actor = Actor("envoi", "anip", frozenset({Role.SENDER}))
    waiting = campaign(office, "0197000001", "0197000002", "0197000003", template_id=found)
    send(office.gateway.parts, actor, waiting)
    send(office.gateway.parts, actor, many)
    approve(office.gateway.parts, Actor("chef", "anip", frozenset({Role.APPROVER})), many)
    stopped = campaign(office, "0197000009", template_id=found, start_at=office.gateway.now() + timedelta(days=2))
    refused = campaign(office, file=b"nom\nAwa\n", template_id=found)
    sign_in(page, office, "awa")
    at = "/console/notifications"
    every = {
        "home_sender": "/console/",
        "notifications": at,
        "notifications_none": f"{at}?state=stopped",
        "choose": f"{at}/new",
        "new_single": f"{at}/new/{chosen}",
        "new_list": f"{at}/new/{chosen}?to=list",
        "new_file": f"{at}/new/{chosen}?to=file",
        "new_state": f"{at}/new/{plain}?to=state",
        "new_topic": f"{at}/new/{plain}?to=topic",
        "new_missing": f"{at}/new/{chosen}?to=topic",
        "ready_wrong": f"{at}/{wrong}",
        "rows": f"{at}/{many}/rows",
        "rows_wrong": f"{at}/{wrong}/rows?state=wrong",
        "sending": f"{at}/{many}",
        "waiting": f"{at}/{waiting}",
        "later": f"{at}/{stopped}",
        "refused": f"{at}/{refused}",
    }
    for name, path in every.items():
        _looked_at(page, office, name, path)
    page.goto(f"{office.url}{at}/new/{chosen}?to=list")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.get_by_role("button", name="Vérifier").click()
    _judged(page, "new_list_wrong")
    described = page.get_by_label("Numéros")
    expect(described).to_have_accessible_description(re.compile("un par ligne.* Collez au moins un numéro"))
    expect(described).to_be_focused()
    page.goto(f"{office.url}{at}/{wrong}")
    page.get_by_label("Numéro de la ligne").fill("1")
    page.get_by_role("button", name="Voir", exact=True).click()
    expect(page.locator(".sms")).to_have_text("Bonjour Awa, votre demande est validée.")
    _judged(page, "previewed")
    page.get_by_role("button", name="Envoyer 2 SMS").click()
    expect(page.get_by_label("Envoyer seulement")).to_be_focused()
    _judged(page, "ready_wrong_part")
    page.get_by_text("Abandonner", exact=True).click()
    _judged(page, "ready_wrong_stop")
    english(page, office)
    for name, path in every.items():
        _looked_at(page, office, f"{name}_en", path)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Français").click()
    sign_in(page, office, "bio")
    _judged(page, "home_approver")
    _looked_at(page, office, "approving", f"{at}/{waiting}")


def test_no_barrier_at_the_desk(page: Page, office: Office) -> None:
    office.person("awa", Role.CASE_WORKER)
    office.person("bio", Role.CASE_WORKER)
    office.person("zoe", Role.READER)
    today = office.gateway.now().date()
    first = demand(office, promised=today - timedelta(days=1))
    for days in range(3):
        demand(office, promised=today + timedelta(days=days))
    held, asked, decided = demand(office), demand(office), demand(office)
    parts = office.gateway.parts
    with parts.database.read() as conn:
        at = desk.desk_of(parts, "anip")
        of = {one: found.reference for one in (held, asked, decided) if (found := stored.numbered(conn, at, one))}
    bio = Agent("bio", "anip")
    desk.take(parts, bio, of[held])
    desk.ask(parts, Agent("awa", "anip"), of[asked], "p1", Words({"fr": "Quelle est la date de naissance?"}))
    desk.decide(parts, bio, of[decided], "p2", Decision.GRANTED, Words({"fr": "Venez lundi, bureau 4."}, "D-12"))
    sign_in(page, office, "awa")
    every = {
        "home_case_worker": "/console/",
        "demands": "/console/demands",
        "demands_granted": "/console/demands?state=granted",
        "demands_none": "/console/demands?state=withdrawn",
        "demand": f"/console/demands/{first}",
        "demand_held": f"/console/demands/{held}",
        "demand_asked": f"/console/demands/{asked}",
        "demand_decided": f"/console/demands/{decided}",
    }
    for name, path in every.items():
        _looked_at(page, office, name, path)
    page.goto(f"{office.url}/console/demands/{first}")
    page.get_by_text("Demander une précision").click()
    page.get_by_role("button", name="Envoyer la question").click()
    expect(page.get_by_label("Vos mots en français").first).to_be_focused()
    page.get_by_text("Décider", exact=True).click()
    _judged(page, "demand_wrong")
    page.goto(f"{office.url}/console/demands")
    page.get_by_label("Numéro de la demande").fill("1")
    page.get_by_role("button", name="Ouvrir").click()
    _judged(page, "demands_not_found")
    english(page, office)
    for name, path in every.items():
        _looked_at(page, office, f"{name}_en", path)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Français").click()
    sign_in(page, office, "zoe")
    _looked_at(page, office, "demands_reader", "/console/demands")
    work(office, "bulk")

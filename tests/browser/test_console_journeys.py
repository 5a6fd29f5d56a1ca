"""Whole journeys before the whole system: a file of few rows without scripts, a longer list with them, a demand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway import settings, wiring
from gateway.messages import Role
from tests.browser.test_console import NARROW, WIDE, Office, _pages, fits, kept, sign_in
from tests.console.furnishing import template
from tests.e2e.running import ROOT, Running
from tests.supervise.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.processes]
FILE = """Nom et prénoms;Téléphone
Awa;01 97 00 00 01
Bio;97000002
Cosi;01 97 00
Dédé;+229 01 97 00 00 04
"""


_DESK = "  guichet:\n    institution: anip\n    kind: desk\n"


@dataclass
class System:
    running: Any
    office: Office


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """All processes; three SMS need an approver, and birth certificates are asked of a desk."""
    running: Any = Running(tmp_path_factory.mktemp("console") / "data")
    declared = Path(running.environment["GATEWAY_CONFIG"])
    text = declared.read_text().replace("approval_above: 100 ", "approval_above: 2 ")
    declared.write_text(text.replace("\nsystems:\n", f"\nsystems:\n{_DESK}"))
    menus = Path(shutil.copytree(ROOT / "menus", running.data.parent / "menus"))
    asks = menus / "acte-naissance.yaml"
    asks.write_text(asks.read_text().replace("to: etat-civil\n", "to: guichet\n"))
    running.environment["GATEWAY_MENUS"] = str(menus)
    try:
        running.start()
        here = {name: value for name, value in running.environment.items() if name.startswith("GATEWAY_")}
        gateway = wiring.build(settings.load({**here, "GATEWAY_LOCAL": "1", "GATEWAY_LOG_LEVEL": "error"}))
        yield System(running, Office(running.gateway_url, gateway))
        gateway.close()
    finally:
        running.end()


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A narrow phone without scripts."""
    yield from _pages(browser, scripts=False, size=NARROW)


@pytest.fixture
def scripted(browser: Browser) -> Iterator[Page]:
    yield from _pages(browser, scripts=True, size=WIDE)


def reloaded_until(page: Page, said: str) -> None:
    """Presses the link that a page without scripts has, until it says so."""

    def says() -> bool:
        if said in page.locator("main").inner_text():
            return True
        page.get_by_role("link", name="Actualiser").click()
        return False

    wait_until(says, 30, said)


def test_a_file_without_scripts_until_it_is_on_the_phones(plain: Page, system: System, tmp_path: Path) -> None:
    office, page = system.office, plain
    office.person("awa", Role.SENDER)
    office.person("bio", Role.APPROVER)
    template(office, name="Demande validée")  # type: ignore[arg-type]
    file = tmp_path / "liste.csv"
    file.write_text(FILE, encoding="cp1252")
    sign_in(page, office, "awa")
    page.get_by_role("link", name="Envois").click()
    page.get_by_role("link", name="Préparer un envoi").click()
    page.get_by_role("link", name="Demande validée").click()
    page.get_by_role("link", name="Un fichier").click()
    assert fits(page)
    page.get_by_label("Fichier CSV ou XLSX").set_input_files(file)
    page.get_by_role("button", name="Vérifier").click()
    reloaded_until(page, "Prêt à envoyer")
    cells = page.get_by_role("row").filter(has_text="B4")
    expect(cells).to_contain_text("aucun réseau n'a de numéro comme celui-ci")
    expect(page.get_by_text("ancien numéro à 8 chiffres, converti: 1")).to_be_visible()
    page.get_by_label("Numéro de la ligne").fill("2")
    page.get_by_role("button", name="Voir", exact=True).click()
    expect(page.locator(".sms")).to_have_text("Bonjour Bio, votre demande est validée.")
    with page.expect_download() as report:
        page.get_by_role("link", name="Télécharger les lignes").click()
    assert report.value.suggested_filename == "lignes-a-corriger.csv"
    page.get_by_role("button", name="Demander l'approbation de 3 SMS").click()
    part = page.get_by_label("Envoyer seulement les 3 bonnes lignes")
    expect(part).to_have_accessible_description(re.compile("Des lignes sont à corriger"))
    part.check()
    page.get_by_role("button", name="Demander l'approbation de 3 SMS").click()
    expect(page.get_by_role("status")).to_have_text("L'approbation est demandée.")
    expect(page.get_by_role("button", name="Approuver")).to_have_count(0)
    page.get_by_role("button", name="Se déconnecter").click()

    sign_in(page, office, "bio")
    page.get_by_role("link", name="Envois qui attendent une approbation: 1").click()
    page.get_by_role("link", name="Demande validée").click()
    page.get_by_role("button", name="Approuver et envoyer 3 SMS").click()
    expect(page.get_by_role("status")).to_have_text("Approuvé: l'envoi est en route.")
    reloaded_until(page, "remis\n3")
    kept(page, "delivered")
    for number, name in (("+2290197000001", "Awa"), ("+2290197000002", "Bio"), ("+2290197000004", "Dédé")):
        assert system.running.phone(number).waits_for_sms(1) == [f"Bonjour {name}, votre demande est validée."]


def test_a_list_whose_progress_is_seen_live(scripted: Page, system: System) -> None:
    office, page = system.office, scripted
    office.person("cosi", Role.SENDER)
    office.person("dede", Role.APPROVER)
    template(office, "Réunion lundi à 9 h.", name="Réunion")  # type: ignore[arg-type]
    sign_in(page, office, "cosi")
    page.goto(f"{office.url}/console/notifications/new")
    page.get_by_role("link", name="Réunion").click()
    page.get_by_role("link", name="Une liste collée").click()
    page.get_by_label("Numéros").fill("\n".join(f"01960{number:05d}" for number in range(300)))
    page.get_by_role("button", name="Vérifier").click()
    page.get_by_role("button", name="Demander l'approbation de 300 SMS").click()
    one = page.url
    page.get_by_role("button", name="Se déconnecter").click()
    sign_in(page, office, "dede")
    page.goto(one)
    page.get_by_role("button", name="Approuver et envoyer 300 SMS").click()
    expect(page.get_by_text("Envoi en cours", exact=True)).to_be_visible()
    page.evaluate("window.stays = true")
    bar = page.get_by_role("progressbar", name="Avancement de l'envoi")
    first = bar.evaluate("one => one.value")
    wait_until(lambda: bar.evaluate("one => one.value") > first, 30, "progress")
    kept(page, "live")
    assert page.evaluate("window.stays") is True  # in its place
    expect(page.get_by_text("Terminé", exact=True)).to_be_visible(timeout=60_000)  # and nobody pressed anything
    expect(page.get_by_role("progressbar")).to_have_count(0)


def test_a_demand_from_the_phone_to_the_desk_and_back(plain: Page, system: System) -> None:
    office, page = system.office, plain
    office.person("efi", Role.CASE_WORKER)
    phone = system.running.phone("+2290197000077")
    said = phone.dial("*229#", "1", "1", "1234567890", "cot", "1", "1")
    reference = re.search(r"\d{4} \d{4} \d{4}", said)
    assert reference is not None, said
    sign_in(page, office, "efi")
    page.get_by_role("link", name="Demandes à lire").click()
    page.get_by_role("link", name=reference[0]).click()
    expect(page.get_by_text("1234567890")).to_be_visible()
    page.get_by_text("Demander une précision").click()
    page.get_by_label("Vos mots en français").first.fill("Quel est votre quartier?")
    page.get_by_role("button", name="Envoyer la question").click()
    expect(page.get_by_role("status")).to_have_text("Question envoyée à l'usager.")
    asked = phone.waits_for_sms(2)
    assert "Quel est votre quartier?" in asked[-1], asked
    code = re.search(r"REPONSE (\d+) ", asked[-1])
    assert code is not None, asked
    phone.text(f"REPONSE {code[1]} Placodji")

    def answered() -> bool:
        page.reload()
        return "Placodji" in page.locator("main").inner_text()

    wait_until(answered, 30, "the answer")
    page.get_by_text("Décider", exact=True).click()
    page.get_by_label("Accordée").check()
    page.get_by_label("Vos mots en français").nth(1).fill("Venez lundi, guichet 4.")
    page.get_by_role("button", name="Enregistrer la décision").click()
    expect(page.get_by_role("status")).to_have_text("Décision enregistrée; l'usager est prévenu.")
    wait_until(lambda: any("Venez lundi, guichet 4." in one for one in phone.inbox()), 30, "the decision")
    kept(page, "demand_done")
    assert fits(page)

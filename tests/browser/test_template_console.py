"""The editor of templates and the budgets in a real browser: measured as one types, without barriers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from gateway.messages import Role
from gateway.store import budgets
from tests.browser.test_console import Office, _judged, fits, office, page, phone, sign_in

__all__ = ["office", "page", "phone"]

pytestmark = pytest.mark.browser
FRENCH = "Bonjour {nom}, votre acte de naissance est prêt[. Rendez-vous le {date} à {heure}]."


def test_the_text_is_measured_as_one_types(page: Page, office: Office) -> None:
    office.person("awa", Role.AUTHOR)
    sign_in(page, office, "awa")
    page.get_by_role("link", name="Modèles").click()
    page.get_by_role("link", name="Nouveau modèle").click()
    _judged(page, "template_new")
    page.evaluate("window.stays = true")
    text = page.get_by_label("Texte en français")
    text.focus()
    page.keyboard.type("Bonjour {nom}", delay=5)
    said = page.get_by_role("status").filter(has_text="français")
    expect(said).to_have_text("français: 1 SMS, 12 F CFA (GSM-7, 38)")
    expect(page.get_by_label("Longueur de nom")).to_have_value("30")
    expect(text).to_be_focused()
    page.keyboard.type(", votre acte est prêt à Ɖangbo" + " et nous vous attendons" * 4, delay=1)
    expect(page.locator(".letters")).to_contain_text("ê devient e")
    expect(page.locator(".letters")).to_contain_text("Ɖ devient D")
    page.get_by_label("Exacte").check()
    expect(said).to_have_text(re.compile("français: 3 SMS, 36 F CFA"))
    text.fill("")
    expect(page.locator("#sum-fr")).to_have_text("")
    text.fill("Bonjour {nom}, votre acte est prêt")
    example = page.get_by_label("Exemple pour nom")
    example.focus()
    page.keyboard.type("Awa Dossou", delay=150)  # slower than the editor waits: what is typed must stay
    expect(page.locator(".sms").first).to_contain_text("Bonjour Awa Dossou, votre acte est prêt")
    expect(example).to_have_value("Awa Dossou")
    expect(example).to_be_focused()
    assert page.evaluate("window.stays") is True
    assert fits(page)


def test_written_revised_retired(page: Page, office: Office) -> None:
    office.person("awa", Role.AUTHOR)
    sign_in(page, office, "awa")
    page.goto(f"{office.url}/console/templates/new")
    page.get_by_label("Texte en français").fill("Donnez votre code sur bit.ly/x {Nom}")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("alert")).to_contain_text("« bit.ly » n'est ni un lien")
    expect(page.get_by_label("Texte en français")).to_have_accessible_description(re.compile("« Donnez votre code »"))
    _judged(page, "template_wrong")
    page.get_by_role("link", name=re.compile("Donnez un nom au modèle")).click()
    page.get_by_label("Nom", exact=True).fill("Acte de naissance prêt")
    page.get_by_label("Texte en français").fill(FRENCH)
    page.get_by_label("Texte en anglais").fill("Hello {nom}, your birth certificate is ready.")
    page.get_by_label("Ajouter une langue").select_option("fon")
    page.get_by_role("button", name="Ajouter").click()
    page.get_by_label("Texte en fon").fill("Kúdó {nom}, wěma towe ɖò fí.")
    page.get_by_label("Exemple pour nom").fill("Awa Dossou")
    page.get_by_label("Longueur de heure").fill("6")
    expect(page.get_by_role("status").filter(has_text="fon: 1 SMS")).to_be_visible()
    _judged(page, "template_editor")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("status")).to_have_text("Modèle enregistré.")
    page.get_by_role("link", name="Modifier").click()
    page.get_by_label("La moins chère").check()
    page.get_by_role("button", name="Enregistrer une version").click()
    expect(page.get_by_role("row", name=re.compile("Version 2"))).to_be_visible()
    _judged(page, "template")
    page.get_by_role("link", name="Version 1", exact=True).click()
    _judged(page, "template_old")
    page.goto(f"{office.url}/console/templates")
    _judged(page, "templates")
    page.get_by_role("link", name="Acte de naissance prêt").click()
    page.get_by_role("button", name="Retirer ce modèle").click()
    _judged(page, "template_retired")
    page.get_by_role("button", name="English").click()
    page.goto(f"{office.url}/console/templates/new")
    _judged(page, "template_new_en")


def test_an_editor_without_scripts(phone: Page, office: Office) -> None:
    office.person("awa", Role.AUTHOR)
    sign_in(phone, office, "awa")
    phone.goto(f"{office.url}/console/templates/new")
    phone.get_by_label("Nom", exact=True).fill("Prêt")
    phone.get_by_label("Texte en français").fill("Votre acte est prêt, {nom}")
    phone.get_by_role("button", name="Mesurer").click()
    expect(phone.locator("#sum-fr")).to_have_text(re.compile("français: 1 SMS, 12 F CFA"))
    phone.get_by_label("Longueur de nom").fill("160")
    phone.get_by_label("Longueur de nom").press("Enter")  # the first button of the form: nothing is saved yet
    expect(phone.locator("#sum-fr")).to_have_text(re.compile("français: 2 SMS, 24 F CFA"))
    assert fits(phone)
    phone.get_by_role("button", name="Enregistrer").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Prêt")
    assert fits(phone)


def test_budgets(page: Page, office: Office) -> None:
    office.person("racine", Role.ADMINISTRATOR, institution=None)
    office.person("envoi", Role.SENDER)
    with office.gateway.database.begin() as conn:
        month = office.gateway.now().date().replace(day=1)
        earlier = month.replace(year=month.year - 1)
        budgets.take(conn, "anip", earlier, 61_200, 100_000)
        budgets.take(conn, "anip", month, 24_000, 100_000)
    sign_in(page, office, "racine")
    page.get_by_role("link", name="Budget").click()
    _judged(page, "budgets")
    page.get_by_role("main").get_by_role("link", name="ANIP").click()
    page.get_by_label("Limite par mois").fill("beaucoup")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_label("Limite par mois")).to_have_accessible_description(re.compile("Écrivez un nombre entier"))
    _judged(page, "budget_wrong")
    page.get_by_label("Limite par mois").fill("20 000")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("main")).to_contain_text("dépassé de 4 000 F CFA")
    page.get_by_role("button", name="Se déconnecter").click()
    sign_in(page, office, "envoi")
    page.get_by_role("link", name="Budget").click()
    _judged(page, "budget")

"""Templates and budgets in the console."""

from __future__ import annotations

import re
from typing import Any

from gateway.messages import Role
from gateway.store import budgets as stored
from gateway.usecases.template_draft import languages_of
from gateway.usecases.template_measures import POLICIES
from gateway.web.console.words.templates import WORDS
from tests.console.conftest import HOME, OTHER, Browser, Office, text_of
from tests.console.test_screens import LIGHT, rows

NEW = "/console/templates/new"
FRENCH = "Bonjour {nom}[, rendez-vous le {date}]. Fête à Cotonou"


def form(**more: Any) -> dict[str, Any]:
    given = {
        "name": "Acte prêt",
        "category": "procedure",
        "sender": "court",
        "policy": "plain",
        "language": ["fr", "en"],
        "text.fr": FRENCH,
        "text.en": "",
        "size.nom": "40",
        "example.nom": "Awa Dossou",
        "do": "save",
    }
    return given | more


def saved(author: Browser, **more: Any) -> str:
    """The address of a new template."""
    answer = author.post(NEW, **form(**more))
    assert answer.status_code == 303, text_of(answer)
    return str(answer.location)


def value_of(page: str, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found is not None, name
    return found.group(1)


def test_an_author_writes_revises_and_retires(office: Office) -> None:
    author = office.signed_in("auteur", Role.AUTHOR)
    assert "Aucun modèle." in text_of(author.get("/console/templates"))
    address = saved(author)
    page = text_of(author.get(address))
    for said in ("Modèle enregistré.", FRENCH, "nom 40 Awa Dossou", "date (facultatif) 30", "Bonjour Awa Dossou"):
        assert said in page
    assert "ê ×2" not in page
    assert "ê devient e" in page
    (row,) = rows(author, "/console/templates")
    assert "Acte prêt" in row

    edit = author.get(f"{address}/revise").text
    assert value_of(edit, "based_on") == "1"
    assert value_of(edit, "size.nom") == "40"
    assert 'id="name"' not in edit
    again = form(based_on="1", category="vital", policy="exact", **{"text.fr": "Bonjour {nom}"})
    assert author.post(f"{address}/revise", **again).location == address
    late = author.post(f"{address}/revise", **form(based_on="1", **{"text.fr": "Bonsoir {nom}"}))
    assert (late.status_code, "Quelqu'un a enregistré une autre version" in text_of(late)) == (400, True)
    assert "Bonsoir {nom}" in late.text  # what was typed is still there
    assert "Version 1. La dernière est la 2." in text_of(author.get(f"{address}?version=1"))
    assert FRENCH in text_of(author.page)
    assert author.get(f"{address}?version=3").status_code == 404
    assert author.get(f"{address}?version=x").status_code == 200

    assert author.post(f"{address}/retire", at=address).location == address
    assert "Retiré" in text_of(author.get(address))
    assert author.get(f"{address}/revise").status_code == 404
    assert rows(author, "/console/templates") == []
    assert len(rows(author, "/console/templates?retired=1")) == 1
    manager = office.signed_in("chef", Role.MANAGER)
    said = text_of(manager.get("/console/acts"))
    for act in ("modèle créé Acte prêt 1", "modèle modifié Acte prêt 2", "modèle retiré Acte prêt"):
        assert act in said


def test_others_of_the_institution_read(office: Office) -> None:
    address = saved(office.signed_in("auteur", Role.AUTHOR))
    for role in (Role.READER, Role.SENDER, Role.APPROVER, Role.MANAGER):
        browser = office.signed_in(f"moi-{role}", role)
        assert FRENCH in text_of(browser.get(address))
        assert "Modifier" not in text_of(browser.page)
        assert NEW not in browser.get("/console/templates").text
        for path in (NEW, f"{address}/revise", f"{address}/retire", "/console/templates/measure"):
            assert browser.post(path, at="/console/", **form()).status_code == 404
    for role in (Role.CASE_WORKER, Role.ADMINISTRATOR, Role.AUDITOR):
        browser = office.signed_in(f"moi-{role}".replace("_", "-"), role)
        assert browser.get(address).status_code == 404
        assert browser.get("/console/templates").status_code == 404


def test_what_is_wrong_is_told_at_its_field(office: Office) -> None:
    author = office.signed_in("auteur", Role.AUTHOR)
    wrong = {"text.fr": "Donnez votre code sur bit.ly {Nom}", "size.nom": "4", "example.nom": "0197000002"}
    page = author.post(NEW, **form(name="", sender="autre", **wrong, **{"text.en": "Hello {nom}"}))
    assert page.status_code == 400
    for element in ("name", "sender", "text-fr", "size-nom", "example-nom"):
        assert page.text.count(f'id="{element}-error"') == 1, element
        assert re.search(rf'id="{element}"[^>]*aria-describedby="[^"]*{element}-error"', page.text), element
        assert re.search(rf'id="{element}"[^>]*aria-invalid="true"', page.text), element
        assert f'<a href="#{element}">' in page.text
    for said in ("« bit.ly » n'est ni un lien", "« Donnez votre code »", "{Nom} n'est pas un nom de champ"):
        assert said in text_of(page)
    assert "Donnez votre code sur bit.ly {Nom}" in page.text
    author.post("/console/language", at=NEW, language="en", next=NEW)
    assert "is no link or number that is allowed" in text_of(author.post(NEW, **form(**{"text.fr": "bit.ly"})))


def test_measured_without_scripts(office: Office) -> None:
    author = office.signed_in("auteur", Role.AUTHOR)
    page = author.post(NEW, **form(do="measure", name="", **{"text.fr": "Fête {nom} {lieu}", "policy": "exact"}))
    assert page.status_code == 200
    said = text_of(page)
    assert "français: 2 SMS, 24 F CFA" in said
    assert "UCS-2" in said
    assert value_of(page.text, "size.lieu") == "30"
    assert value_of(page.text, "size.nom") == "40"
    page = author.post(NEW, **form(do="add", add="fon"))
    assert 'name="text.fon"' in page.text
    assert 'value="fon"' not in page.text.partition('id="add"')[2].partition("</select>")[0]
    page = author.post(NEW, **form(**{"rank.fr": "2", "rank.en": "1", "text.en": "Hello", "do": "measure"}))
    assert page.text.index('name="text.en"') < page.text.index('name="text.fr"')


def test_measured_as_one_types(office: Office) -> None:
    author = office.signed_in("auteur", Role.AUTHOR)
    author.more["HX-Request"] = "true"
    part = author.post("/console/templates/measure", at=NEW, **form(known=["nom", "date"]))
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "Bonjour Awa Dossou, rendez-vous le date. Fete à Cotonou" in text_of(part)
    assert 'id="fields"' not in part.text  # the same ones: what is being typed there stays
    part = author.post("/console/templates/measure", at=NEW, **form(known=["nom"]))
    assert '<div id="fields" hx-swap-oob="true">' in part.text
    assert 'name="size.date"' in part.text
    for odd in (
        {"policy": "x", "category": "y", "sender": "z"},
        {"size.nom": "99999999999"},
        {"size.nom": "-1"},
        {"size.nom": "٣"},
        {"language": ["xx", "fr", "fr"], "rank.fr": "x"},
        {"text.fr": "{" * 4000},
        {"text.fr": "{a}" * 1000},
        {"text.fr": ""},
        {"text.fr": "\x00\ud7ff"},
    ):
        assert author.post("/console/templates/measure", at=NEW, **form(**odd)).status_code == 200, odd


def test_no_page_is_heavy(office: Office) -> None:
    """Six languages with long texts, ten fields, everything wrong."""
    author = office.signed_in("auteur", Role.AUTHOR)
    languages = languages_of(office.gateway.parts)[:6]
    text = "Fête {champ_numero} " + " ".join(f"{{champ_{number}}}" for number in range(9)) + " bit.ly " + "abcdé " * 60
    typed = form(language=list(languages), **{f"text.{one}": text for one in languages})
    for do in ("measure", "save"):
        page = author.post(NEW, **typed | {"do": do})
        assert len(page.data) < LIGHT, (do, len(page.data))
        assert not re.search(r"<style| style=| on\w+=|javascript:", page.text)


def test_words() -> None:
    assert set(WORDS["fr"]["language_names"]) == set(WORDS["en"]["language_names"])
    for words in WORDS.values():
        assert set(words["policies"]) == set(words["policy_hints"]) == set(POLICIES)


def test_what_one_types_is_text(office: Office) -> None:
    author = office.signed_in("auteur", Role.AUTHOR)
    odd = "<b>{{7+7}}</b> &amp; {nom}"
    address = saved(author, **{"text.fr": odd, "name": "<i>x</i>", "example.nom": "<u>y</u>"})
    for path in (address, "/console/templates", f"{address}/revise"):
        page = author.get(path).text
        assert not re.search(r"<[biu]>", page), path
        assert "&lt;i&gt;" in page
        assert "7+7" in page or path == "/console/templates"


def test_budgets(office: Office) -> None:
    administrator = office.signed_in("racine", Role.ADMINISTRATOR)
    page = text_of(administrator.get("/console/budgets"))
    assert "ANIP 100 000 F CFA 0 F CFA" in page
    assert "Mairie d'Abomey" in page
    own = f"/console/institutions/{HOME}/budget"
    assert "Rien avant ce mois." in text_of(administrator.get(own))
    for typed in ("", "x", "-1", "1,5", "12.5.5x", "10000000001", "٣", "1e9"):
        refused = administrator.post(f"{own}/limit", at=own, limit=typed)
        assert (refused.status_code, "Écrivez un nombre entier" in text_of(refused)) == (400, True), typed
    for typed, shown in (("0", "0"), ("10000000000", "10 000 000 000"), ("50 000 F CFA", "50 000")):
        assert administrator.post(f"{own}/limit", at=own, limit=typed).location == own
        assert f"Limite {shown} F CFA" in text_of(administrator.get(own))
    with office.gateway.database.begin() as conn:
        month = office.time.date().replace(day=1)
        assert stored.take(conn, HOME, month, 20_000, 50_000)
    office.later(days=40)

    sender = office.signed_in("envoi", Role.SENDER)
    assert sender.get("/console/budgets").location == own
    said = text_of(sender.get(own))
    assert "Ce mois (01/2027) Limite 50 000 F CFA Utilisé 0 F CFA" in said
    assert "11/2026 50 000 F CFA 20 000 F CFA 30 000 F CFA" in said
    assert "Changer la limite" not in said
    assert sender.post(f"{own}/limit", at="/console/", limit="1").status_code == 404
    assert sender.get(f"/console/institutions/{OTHER}/budget").status_code == 404
    auditor = office.signed_in("audit", Role.AUDITOR)
    assert auditor.get(own).status_code == 200
    assert auditor.post(f"{own}/limit", at="/console/", limit="1").status_code == 404
    manager = office.signed_in("chef", Role.MANAGER)
    assert "budget fixé anip 50000" in text_of(manager.get("/console/acts"))
    assert office.signed_in("lecture", Role.READER).get("/console/budgets").status_code == 404

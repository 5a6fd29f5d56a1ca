"""The screens: what one does with them, what they weigh, what they let in."""

from __future__ import annotations

import html
import re

import pytest

from gateway.messages import Role
from gateway.store import stops
from gateway.web.console import assets
from tests.console.conftest import HOME, PASSWORD, Browser, Office, text_of

LIGHT = 30_000


def link_in(page: str) -> str:
    found = re.search(r'<textarea id="link" readonly rows="3">([^<]+)</textarea>', page)
    assert found is not None, page
    return found.group(1)


def rows(browser: Browser, path: str) -> list[str]:
    return re.findall(r"(?s)<tr role=\"row\"><td.*?</tr>", browser.get(path).text)


def test_a_manager_invites_changes_resets_and_disables(office: Office) -> None:
    manager = office.signed_in("chef", Role.MANAGER)
    new = f"/console/institutions/{HOME}/people/new"
    for typed, fault in (
        ({"name": "", "login": "bio", "roles": ["reader"]}, "Écrivez un nom"),
        ({"name": "Bio", "login": "b", "roles": ["reader"]}, "3 à 64 lettres"),
        ({"name": "Bio", "login": "chef", "roles": ["reader"]}, "existe déjà"),
        ({"name": "Bio", "login": "bio", "roles": []}, "au moins un rôle"),
        ({"name": "Bio", "login": "bio", "roles": ["manager"]}, "au moins un rôle"),
        ({"name": "Bio", "login": "bio", "roles": ["wizard"]}, "au moins un rôle"),
    ):
        refused = manager.post(new, **typed)
        assert refused.status_code == 400
        assert fault in text_of(refused)
    shown = manager.post(new, name="Bio", login="bio@m.bj", roles=["reader", "sender"], language="en")
    link = link_in(shown.text)
    assert link.startswith("http://127.0.0.1:8000/console/invitation/")
    person = f"/console/people/{office.id_of('bio@m.bj')}"
    assert "Invitation ouverte jusqu'au 25/11/2026" in text_of(manager.get(person))
    assert link.rsplit("/", 1)[1] not in manager.page.text  # shown once
    assert manager.post(f"{person}/roles", at=person, roles=["approver"]).status_code == 303
    assert "Approbation" in text_of(manager.get(person))

    path = link.removeprefix("http://127.0.0.1:8000")
    bio = office.browser()
    for typed, fault in ((("court", "court"), "12 caractères au moins"), (("a" * 12, "b" * 12), "différents"),
                         (("motdepasse123",) * 2, "trop connu")):  # fmt: skip
        refused = bio.post(path, password=typed[0], again=typed[1])
        assert refused.status_code == 400
        assert fault in text_of(refused)
    assert bio.post(path, password=PASSWORD, again=PASSWORD).location == f"{path}/second-factor"
    card = bio.post(f"{path}/second-factor", make="card")
    codes = re.findall(r"<li><code>(\d{4} \d{4})</code>", card.text)
    assert len(codes) == 10
    wrong = bio.post(f"{path}/second-factor", kind="card", code="1")
    assert wrong.status_code == 400
    assert codes[0] not in wrong.text  # shown once
    assert bio.post(f"{path}/second-factor", kind="card", code=codes[0]).location == "/console/"
    assert "Your account is ready." in text_of(bio.get("/console/")) or "Votre compte est prêt." in text_of(bio.page)
    assert bio.get(path).status_code == 404

    assert manager.post(f"{person}/disable", at=person).status_code == 303
    assert bio.get("/console/").status_code == 303
    assert manager.post(f"{person}/reset", at=person).status_code == 400
    assert "Réactivez d'abord" in text_of(manager.page)
    assert manager.post(f"{person}/enable", at=person).status_code == 303
    again = link_in(manager.post(f"{person}/reset", at=person).text)
    assert office.browser().get(again.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_nobody_changes_himself(office: Office) -> None:
    manager = office.signed_in("chef", Role.MANAGER)
    mine = f"/console/people/{office.id_of('chef')}"
    page = manager.get(mine)
    assert "C'est votre compte" in text_of(page)
    assert "<form" not in page.text.partition("<main")[2]
    for act in ("roles", "reset", "disable"):
        refused = manager.post(f"{mine}/{act}", at=mine, roles=["sender"])
        assert (refused.status_code, "Personne ne change son propre accès." in text_of(refused)) == (400, True)


def test_the_list_in_pages_and_by_name(office: Office) -> None:
    manager = office.signed_in("chef", Role.MANAGER)
    for number in range(27):
        office.person(f"person{number:02d}", Role.READER, invited_only=True)
    at = f"/console/institutions/{HOME}/people"
    assert manager.get("/console/people").location == at
    assert len(rows(manager, at)) == 25
    further = re.search(r'href="([^"]+after=[^"]+)"', manager.page.text)
    assert further is not None
    assert len(rows(manager, html.unescape(further.group(1)))) == 3
    assert len(rows(manager, f"{at}?q=PERSON0")) == 10
    assert "Personne." in text_of(manager.get(f"{at}?q=<script>"))
    assert "<script" not in manager.page.text
    assert "Personnes invitées qui n'ont pas encore rejoint: 27" in text_of(manager.get("/console/"))


def test_an_administrator_names_managers_and_stops(office: Office) -> None:
    administrator = office.signed_in("racine", Role.ADMINISTRATOR)
    assert "Institutions sans responsable: 2" in text_of(administrator.get("/console/"))
    page = administrator.get("/console/institutions")
    assert "Mairie d'Abomey (mairie-abomey)" in text_of(page)
    invite = "/console/institutions/mairie-abomey/people/new"
    assert "Gestion de l'institution" in text_of(administrator.get(invite))
    assert "Approbation" not in text_of(administrator.page)
    link_in(administrator.post(invite, name="Chef", login="chef2", roles=["manager"]).text)
    for typed, fault in (
        ({"subject": "sms", "reason": ""}, "Écrivez pourquoi."),
        ({"subject": "x", "reason": "y"}, "Choisissez"),
    ):
        assert fault in text_of(administrator.post("/console/stops", **typed))
        assert administrator.page.status_code == 400
    assert administrator.post("/console/stops", subject="campaigns", reason="essai").status_code == 303
    with office.gateway.database.read() as conn:
        assert stops.active(conn)["campaigns"].who == "racine"
    assert "Les envois en nombre" in text_of(administrator.get("/console/stops"))
    assert administrator.post("/console/stops/start", at="/console/stops", subject="campaigns").status_code == 303
    with office.gateway.database.read() as conn:
        assert stops.active(conn) == {}


def test_who_did_what(office: Office) -> None:
    office.person("bio", Role.READER)
    manager = office.signed_in("chef", Role.MANAGER)
    office.signed_in("racine", Role.ADMINISTRATOR)
    said = text_of(manager.get("/console/acts"))
    assert "compte ouvert bio par l'application anip" in said
    assert "racine" not in said
    assert len(rows(manager, "/console/acts?who=bio&act=join")) == 1
    part = manager.get("/console/acts?who=bio", **{"HX-Request": "true"})
    assert part.text.lstrip().startswith("<table")
    assert "<html" not in part.text
    for odd in (
        "since=x",
        "since=9999-99-99",
        "until=0001-01-01",
        "before=x",
        "before=999999999999999999999",
        "act=%00",
        "since=2026-11-24",
    ):
        assert manager.get(f"/console/acts?{odd}").status_code == 200, odd
    file = manager.get("/console/acts.csv?act=join")
    assert file.content_type == "text/csv; charset=utf-8"
    assert file.headers["Content-Disposition"] == 'attachment; filename="journal.csv"'
    assert file.text.splitlines()[0] == '\ufeff"Quand";"Qui";"Acte";"Sur quoi";"Précision";"Institution"'
    auditor = office.signed_in("audit", Role.AUDITOR)
    assert "racine" in text_of(auditor.get("/console/acts"))
    assert auditor.get("/console/stops").status_code == 404
    assert auditor.get("/console/people/999999999999999999999").status_code == 404
    assert auditor.get("/console/institutions/-/people?after=999999999999999999999&q=%00").status_code == 200


def test_own_account(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    elsewhere = office.browser()
    elsewhere.sign_in("awa")
    wrong = awa.post(
        "/console/account/password", current="no", password="quatre chiens gris", again="quatre chiens gris"
    )
    assert (wrong.status_code, "Ce n'est pas votre mot de passe" in text_of(wrong)) == (400, True)
    done = awa.post(
        "/console/account/password", current=PASSWORD, password="quatre chiens gris", again="quatre chiens gris"
    )
    assert done.location == "/console/account"
    assert "Vos autres sessions sont fermées." in text_of(awa.get("/console/account"))
    assert elsewhere.get("/console/").status_code == 303
    card = awa.post("/console/account/card", current="quatre chiens gris")
    assert len(re.findall(r"<li><code>\d{4} \d{4}</code>", card.text)) == 10
    assert "carte: 10 codes restants" in text_of(awa.get("/console/account"))
    first = awa.get("/console/account/authenticator").text
    pending = re.search(r'name="pending" value="([^"]+)"', first)
    assert pending is not None
    wrong = awa.post("/console/account/authenticator", current="quatre chiens gris", pending=pending.group(1), code="1")
    assert wrong.status_code == 400
    secret = re.compile(r'<code class="secret">([^<]+)<')
    assert secret.findall(wrong.text) == secret.findall(first)  # the image that was read stays the right one
    assert awa.post("/console/account/everywhere", at="/console/account").location == "/console/sign-in"
    assert awa.get("/console/").status_code == 303


@pytest.mark.parametrize("role", sorted(Role))
def test_every_screen_is_light_and_needs_nothing_from_elsewhere(office: Office, role: Role) -> None:
    browser = office.signed_in("moi", role)
    for number in range(30):
        office.person(f"person{number:02d}", Role.READER, invited_only=True)
    entries = re.findall(r'<li><a href="(/console/[^"]*)"', browser.get("/console/").text)
    others = ["/console/account/password", "/console/account/authenticator", "/console/account/card"]
    others += [f"/console/institutions/{HOME}/people/new", f"/console/people/{office.id_of('person01')}"]
    seen = 0
    for address in (*entries, *others, "/console/nowhere"):
        page = browser.get(address)
        if page.status_code == 303:
            page = browser.get(page.location)
        seen += page.status_code == 200
        assert len(page.data) < LIGHT, address
        assert not re.findall(r'(?:src|href|action)="(?!/console/|#|data:,")[^"]*"', page.text), address
        assert not re.search(r"<style| style=| on\w+=|javascript:", page.text), address
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        policy = dict(one.split(" ", 1) for one in page.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["style-src"] == policy["form-action"] == "'self'"
        assert ("script-src" in policy) is ("<script" in page.text)
        assert page.text.count("<h1>") == 1
        assert not re.findall(r'<input(?![^>]*type="hidden")(?![^>]* id=)', page.text)
    assert seen >= 5


def test_style_and_script_are_kept_by_browsers(office: Office) -> None:
    browser = office.browser()
    for name, kind in (("console.css", "text/css; charset=utf-8"), ("htmx.min.js", "text/javascript; charset=utf-8")):
        for encoding in ("gzip", "identity"):
            answer = browser.get(assets.address(name), **{"Accept-Encoding": encoding})
            assert answer.status_code == 200
            assert answer.content_type == kind
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers.get("Content-Encoding") == ("gzip" if encoding == "gzip" else None)
            assert "Set-Cookie" not in answer.headers
    assert browser.get("/console/static/console.css").status_code == 404
    assert browser.get("/console/static/htmx.LICENSE").status_code == 404

"""Sending from the console: what is asked, what is refused and where it says so, who may do what."""

from __future__ import annotations

import html
import io
import re

import pytest
from openpyxl import Workbook

from gateway.messages import CampaignState, Category, Role, RowState
from gateway.store import campaigns as stored
from gateway.store import holdings, preferences
from gateway.usecases import budgets, campaigns, templates
from gateway.usecases.actors import Actor
from gateway.usecases.campaigns import MAX_FILE, Campaign
from gateway.web.console.notifications import duration
from gateway.web.console.words.notifications import WORDS
from tests.console.conftest import HOME, OTHER, Browser, Office, text_of
from tests.console.furnishing import campaign, campaigns_of, demand, template, work

AT = "/console/notifications"
FILE = """téléphone;nom
0197000001;Awa
97000002;Bio
01970000;=1+1
0197000001;Awa encore
0197000004;
""".encode()


def made(browser: Browser) -> str:
    """The public id of the notification that the last answer leads to."""
    assert browser.page is not None
    assert browser.page.status_code == 303, text_of(browser.page)
    return browser.page.location.rsplit("/", 1)[1]


def upload(browser: Browser, at: str, content: bytes, name: str = "liste.csv") -> None:
    """Sends the form of `at` with a file, as a browser does."""
    head = "--edge\r\nContent-Disposition: form-data; name="
    fields = f'{head}"csrf_token"\r\n\r\n{browser.token(at)}\r\n{head}"file"; filename="{name}"\r\n\r\n'
    body = fields.encode() + content + b"\r\n--edge--\r\n"
    browser.page = browser.client.post(at, data=body, content_type="multipart/form-data; boundary=edge")


def figures(office: Office, public_id: str) -> Campaign:
    return campaigns.show(office.gateway.parts, Actor("x", HOME, frozenset({Role.READER})), public_id)


def error_of(browser: Browser, field: str) -> str:
    """What is said of a field, where the field itself points at it."""
    assert browser.page is not None
    page = browser.page.text
    said = re.search(rf'<p class="error" id="{field}-error">([^<]*)</p>', page)
    assert said is not None, text_of(browser.page)
    assert re.search(rf'<(?:input|textarea|select) id="{field}"[^>]*aria-describedby="[^"]*{field}-error"', page)
    return html.unescape(said.group(1))


def test_from_a_number_to_its_sms(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    chosen = template(office, name="Demande validée")
    assert "Demande validée" in text_of(awa.get(f"{AT}/new"))
    at = f"{AT}/new/{chosen}"
    assert "Bonjour {nom}, votre demande est validée." in text_of(awa.get(at))
    awa.post(at, **{"number": "01 97 00 00 01", "value-nom": "Awa", "own_reference": "R-1"})
    public_id = made(awa)
    said = text_of(awa.get(f"{AT}/{public_id}"))
    for part in (
        "Prêt à envoyer",
        "à envoyer 1",
        "Coût 12 F CFA",
        "vitale: part à toute heure",
        "Votre référence R-1",
        "Segments (SMS facturés) 1",
        "Approbation pas nécessaire",
        "après cet envoi: 99 988 F CFA",
    ):
        assert part in said.replace("\N{NO-BREAK SPACE}", " "), part
    assert awa.post(f"{AT}/{public_id}/send", at=f"{AT}/{public_id}").location == f"{AT}/{public_id}"
    assert "L'envoi est en route." in text_of(awa.get(f"{AT}/{public_id}"))
    work(office, "bulk")
    assert figures(office, public_id).state is CampaignState.DONE
    assert "en attente 1" in text_of(awa.get(f"{AT}/{public_id}"))  # the simulator is not there: it waits
    # Pressed twice: the second press says where it is, and nothing more is sent.
    again = awa.post(f"{AT}/{public_id}/send", at=f"{AT}/{public_id}")
    assert again.status_code == 303
    assert "Cet envoi avait déjà changé" in text_of(awa.get(again.location))


def test_a_double_click_prepares_one_and_a_changed_form_another(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    at = f"{AT}/new/{template(office)}"
    form = {"number": "0197000001", "value-nom": "Awa", "press": "one-press"}
    ids = []
    for change in ({}, {}, {"number": "0197000002"}, {"press": "another"}, {"own_reference": "R"}):
        awa.post(at, **{**form, **change})
        ids.append(made(awa))
    assert [ids.index(one) for one in ids] == [0, 0, 2, 3, 4]
    bio = office.signed_in("bio", Role.SENDER)  # the press of another person is another press
    bio.post(at, **form)
    assert made(bio) not in ids
    assert len(campaigns_of(office, HOME)) == 5


@pytest.mark.parametrize(
    ("to", "form", "field", "fault"),
    [
        ("single", {"number": "", "value-nom": "Awa"}, "number", "Écrivez un numéro"),
        ("single", {"number": "\x00\n", "value-nom": "Awa"}, "number", "Écrivez un numéro"),
        ("single", {"number": "0197000001", "value-nom": " "}, "value-nom", "Écrivez cette valeur"),
        ("list", {"numbers": " ;\n, ", "value-nom": "Awa"}, "numbers", "Collez au moins un numéro"),
        ("list", {"numbers": "1\n" * 100_001, "value-nom": "Awa"}, "numbers", "Plus de 100"),
        ("file", {}, "file", "Choisissez un fichier"),
        ("single", {"number": "1", "value-nom": "A", "start_day": "x", "start_hour": "8:00"}, "start_day", "une date"),
        ("single", {"number": "1", "value-nom": "A", "start_day": "2026-12-01"}, "start_hour", "une heure"),
        ("single", {"number": "1", "value-nom": "A", "start_day": "24/11/2026", "start_hour": "9:01"}, "start_day",
         "est passée"),
        ("single", {"number": "1", "value-nom": "A", "start_day": "9999-12-31", "start_hour": "9:01"}, "start_day",
         "une date"),
        ("single", {"number": "1", "value-nom": "A", "start_day": "2028-01-01", "start_hour": "9:01"}, "start_day",
         "Un an"),
    ],
)  # fmt: skip
def test_faults_stand_at_their_fields(office: Office, to: str, form: dict[str, str], field: str, fault: str) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    awa.post(f"{AT}/new/{template(office)}?to={to}", **form)
    assert awa.page is not None
    assert awa.page.status_code == 400
    assert fault in error_of(awa, field)
    assert len(awa.page.data) < 30_000
    assert campaigns_of(office, HOME) == ()
    if form.get("value-nom", "").strip():
        assert f'value="{form["value-nom"]}"' in awa.page.text  # nothing is typed twice


def test_audiences_and_their_faults(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    plain = template(office, "Les bureaux ferment lundi.", category=Category.PROCEDURE)
    named = template(office, "Bonjour {nom}.")
    for to in ("state", "topic"):
        page = awa.get(f"{AT}/new/{named}?to={to}")
        assert "Ce modèle a besoin de {nom}" in text_of(page)
        assert "<button>" not in page.text.partition("<main")[2]
        awa.post(f"{AT}/new/{plain}?to={to}", state="x", topic="x")
        assert awa.page is not None
        assert (awa.page.status_code, "Choisissez un" in error_of(awa, to)) == (400, True)
    demand(office)
    demand(office)
    awa.post(f"{AT}/new/{plain}?to=state", state="queued", service="nothing-such")
    public_id = made(awa)
    assert "Vérification en cours" in text_of(awa.get(f"{AT}/{public_id}"))
    work(office, "bulk")
    assert figures(office, public_id).rows == {RowState.GOOD: 2}
    awa.post(f"{AT}/new/{plain}?to=topic", topic="sante")
    assert "Vérification en cours" in text_of(awa.get(f"{AT}/{made(awa)}"))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_with_wrong_rows(office: Office, kind: str) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    at = f"{AT}/new/{template(office)}?to=file"
    content = FILE if kind == "csv" else workbook(FILE)
    upload(awa, at, content, f"../../<b>Awa 0197000001</b>.{kind.upper()}")
    public_id = made(awa)
    one = f"{AT}/{public_id}"
    with office.gateway.database.read() as conn:
        found = stored.by_public_id(conn, public_id)
        assert found is not None
        kept = stored.file_of(conn, office.gateway.parts.seals, found.id)
    assert kept == (f"table.{kind}", content)  # nothing of the name it came under
    work(office, "bulk")
    said = text_of(awa.get(one))
    for part in ("à envoyer 2", "à corriger 2", "en double, comptées une fois 1", "converti: 1", "3 A4", "5 B6",
                 "il manque la valeur de nom"):  # fmt: skip
        assert part in said, part
    assert "<b>Awa" not in awa.page.text  # type: ignore[union-attr]
    report = awa.get(f"{one}/errors.csv")
    assert report.headers["Content-Disposition"] == 'attachment; filename="lignes-a-corriger.csv"'
    assert report.content_type == "text/csv; charset=utf-8"
    assert report.text.startswith('\ufeff"ligne";"cellule";"contenu";"raison"\r\n')
    assert '"3";"A4"' in report.text
    refused = awa.post(f"{one}/send", at=one)
    assert refused.status_code == 400
    assert 'aria-describedby="part-error"' in refused.text
    assert figures(office, public_id).state is CampaignState.READY
    assert awa.post(f"{one}/send", at=one, part_allowed="yes").status_code == 303
    assert figures(office, public_id).state is CampaignState.SENDING


def workbook(content: bytes) -> bytes:
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for line in content.decode().splitlines():
        sheet.append(line.replace("=1+1", "x").split(";"))
    book.save(out)
    return out.getvalue()


def test_no_cell_of_the_report_is_a_formula(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    upload(awa, f"{AT}/new/{template(office)}?to=file", b"telephone;nom\n=cmd|' /C calc'!A0;Awa\n0197000001;B\n")
    public_id = made(awa)
    work(office, "bulk")
    assert "\"'=cmd|" in awa.get(f"{AT}/{public_id}/errors.csv").text


def test_the_largest_file_and_one_byte_more(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    at = f"{AT}/new/{template(office)}?to=file"
    upload(awa, at, b"1" * MAX_FILE)
    assert made(awa)
    upload(awa, at, b"1" * (MAX_FILE + 1))
    assert awa.page is not None
    assert (awa.page.status_code, error_of(awa, "file")) == (400, "Le fichier est trop gros: 20 Mo au plus.")
    upload(awa, at, b"1" * (MAX_FILE + 300_000))
    assert (awa.page.status_code, "Trop grand" in text_of(awa.page)) == (413, True)
    upload(awa, at, b"")
    assert error_of(awa, "file") == "Ce fichier est vide."


def test_a_large_body_is_read_of_nobody_who_may_not_send(office: Office) -> None:
    at = f"{AT}/new/{template(office)}?to=file"
    for browser in (office.browser(), office.signed_in("bio", Role.READER)):
        upload(browser, at, b"1" * 100_000)
        assert browser.page is not None
        assert browser.page.status_code == 413


def test_what_is_uploaded_stays_in_memory(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """No temporary file: there is nowhere to make one."""
    awa = office.signed_in("awa", Role.SENDER)
    at = f"{AT}/new/{template(office)}?to=file"
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    upload(awa, at, b"0197000001;x\n" * 60_000)
    assert made(awa)


def test_another_approves(office: Office) -> None:
    numbers = "\n".join(f"01970{number:05d}" for number in range(101))
    both = office.signed_in("awa", Role.SENDER, Role.APPROVER)
    chosen = template(office)
    both.post(f"{AT}/new/{chosen}?to=list", **{"numbers": numbers, "value-nom": "Awa"})
    public_id = made(both)
    one = f"{AT}/{public_id}"
    assert "nécessaire, par une autre personne" in text_of(both.get(one))
    both.post(f"{one}/send", at=one)
    assert "L'approbation est demandée." in text_of(both.get(one))
    assert "Vous avez préparé ou demandé cet envoi: une autre personne doit l'approuver." in text_of(both.page)
    assert "Approuver et envoyer" not in text_of(both.page)
    own = both.post(f"{one}/approve", at=one)
    assert (own.status_code, "Vous avez préparé cet envoi" in text_of(own)) == (400, True)
    assert figures(office, public_id).state is CampaignState.WAITING

    bio = office.signed_in("bio", Role.APPROVER)
    assert "Envois qui attendent une approbation: 1" in text_of(bio.get("/console/"))
    assert bio.post(f"{one}/refuse", at=one).status_code == 303
    assert "L'approbateur a refusé." in text_of(both.get(one))
    assert "Envois vérifiés, prêts à partir: 1" in text_of(both.get("/console/"))
    both.post(f"{one}/send", at=one)
    assert bio.post(f"{one}/approve", at=one).status_code == 303
    assert figures(office, public_id).approved_by == "bio"
    stop = bio.post(f"{one}/stop", at=one)
    assert stop.status_code == 303
    assert "Arrêté" in text_of(bio.get(one))
    assert "Arrêté par bio" in text_of(bio.page)
    chef = office.signed_in("chef", Role.MANAGER)
    for act in ("awa envoi préparé", "awa envoi lancé", "bio envoi refusé", "bio envoi approuvé", "bio envoi arrêté"):
        assert act in text_of(chef.get("/console/acts")), act


def test_a_budget_that_is_too_small_is_said_before_and_refused(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    public_id = campaign(office, *(f"01970{number:05d}" for number in range(90)))
    administrator = Actor("racine", None, frozenset({Role.ADMINISTRATOR}))
    budgets.set_limit(office.gateway.parts, administrator, HOME, 1000)
    one = f"{AT}/{public_id}"
    assert "il manque 80 F CFA" in text_of(awa.get(one))
    refused = awa.post(f"{one}/send", at=one)
    assert (refused.status_code, "cet envoi coûte 1080 F CFA, il en reste 1000" in text_of(refused)) == (400, True)


@pytest.mark.parametrize(
    ("role", "sees", "sends", "approves"),
    [
        (Role.READER, True, False, False),
        (Role.AUTHOR, True, False, False),
        (Role.MANAGER, True, False, False),
        (Role.SENDER, True, True, False),
        (Role.APPROVER, True, False, True),
        (Role.CASE_WORKER, False, False, False),
        (Role.ADMINISTRATOR, False, False, False),
        (Role.AUDITOR, False, False, False),
    ],
)
def test_buttons_and_answers_by_role(office: Office, role: Role, sees: bool, sends: bool, approves: bool) -> None:
    ready = campaign(office, file=FILE)
    waiting = campaign(office, *(f"01970{number:05d}" for number in range(101)))
    campaigns.send(office.gateway.parts, Actor("envoi", HOME, frozenset({Role.SENDER})), waiting)
    browser = office.signed_in("moi", role)
    assert browser.get(AT).status_code == (200 if sees else 404)
    assert ('href="/console/notifications"' in browser.get("/console/").text) is sees
    assert browser.get(f"{AT}/new").status_code == (200 if sends else 404)
    page = browser.get(f"{AT}/{ready}")
    assert page.status_code == (200 if sees else 404)
    shown = set(
        re.findall(rf'(?:action|href)="{AT}/[0-9a-f]+/([a-z.]+)', page.text + browser.get(f"{AT}/{waiting}").text)
    )
    wanted = {"rows"} if sees else set()
    wanted |= {"preview", "errors.csv", "stop"} if sends or approves else set()
    wanted |= ({"send"} if sends else set()) | ({"approve", "refuse"} if approves else set())
    assert shown == wanted
    either = sends or approves
    assert browser.get(f"{AT}/{ready}/errors.csv").status_code == (200 if either else 404)
    assert browser.post(f"{AT}/{ready}/preview", at="/console/", number="1").status_code == (200 if either else 404)
    for act, may in (("send", sends), ("approve", approves), ("refuse", approves), ("stop", either)):
        answer = browser.post(f"{AT}/{waiting if act != 'send' else ready}/{act}", at="/console/")
        assert (answer.status_code == 404) is not may, act


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        ("1", 200, "Bonjour Awa, votre demande est validée."),
        ("5", 200, "Cette ligne n'a pas de SMS: il manque la valeur de nom."),
        ("0", 400, "Écrivez un numéro de ligne de 1 à 5."),
        ("6", 400, "Écrivez un numéro de ligne de 1 à 5."),
        ("²", 400, "Écrivez un numéro de ligne de 1 à 5."),
        ("9" * 12, 400, "Écrivez un numéro de ligne de 1 à 5."),
        ("", 400, "Écrivez un numéro de ligne de 1 à 5."),
    ],
)
def test_the_preview_of_any_row(office: Office, number: str, status: int, said: str) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    one = f"{AT}/{campaign(office, file=FILE)}"
    page = awa.post(f"{one}/preview", at=one, number=number)
    assert page.status_code == status
    assert said in text_of(page)
    awa.more = {"HX-Request": "true"}
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    part = awa.client.post(f"{one}/preview", data={"csrf_token": token.group(1), "number": number}, headers=awa.more)
    assert part.status_code == 200  # htmx shows no other
    assert said in text_of(part)
    assert "<html" not in part.text
    assert awa.client.get(f"{one}/preview").status_code == 405  # what it says belongs into no address


def test_rows_by_state_in_pages(office: Office) -> None:
    bio = office.signed_in("bio", Role.READER)
    public_id = campaign(office, *(f"01970{number:05d}" for number in range(25)), "0197000001", "x")
    at = f"{AT}/{public_id}/rows"
    first = bio.get(at)
    rows = re.compile(r'<tr role="row"><td')
    assert len(rows.findall(first.text)) == 20
    assert not re.search(r"\+?22901970\d{5}", first.text)  # masked
    more = re.search(r'href="([^"]+after=[^"]+)"', first.text)
    assert more is not None
    assert len(rows.findall(bio.get(html.unescape(more.group(1))).text)) == 7
    assert "ce n'est pas un numéro de téléphone" in text_of(bio.get(f"{at}?state=wrong"))
    for odd in ("state=nothing", "after=x", "after=999999999999999999999", "state=%00", "state=written"):
        assert bio.get(f"{at}?{odd}").status_code == 200, odd


def test_the_list_filtered_and_in_pages(office: Office) -> None:
    bio = office.signed_in("bio", Role.READER)
    chosen = template(office)
    for number in range(22):
        campaign(office, "0197000001", template_id=chosen, own_reference=f"R-{number}")
    campaign(office, "0197000001", institution=OTHER)
    stopped = campaigns_of(office, HOME)[0].public_id
    campaigns.stop(office.gateway.parts, Actor("envoi", HOME, frozenset({Role.SENDER})), stopped)
    rows = re.compile(r'<tr role="row"><td')
    assert len(rows.findall(bio.get(AT).text)) == 20
    more = re.search(r'href="([^"]+before=[^"]+)"', bio.page.text)  # type: ignore[union-attr]
    assert more is not None
    assert len(rows.findall(bio.get(html.unescape(more.group(1))).text)) == 2
    for query, count in (("state=stopped", 1), ("state=over", 1), ("state=ready", 20), ("reference=R-3", 1),
                         ("reference=R", 0), ("state=x", 20), ("before=x", 20), ("reference=%00%FF", 0)):  # fmt: skip
        assert len(rows.findall(bio.get(f"{AT}?{query}").text)) == count, query
    part = bio.get(AT, **{"HX-Request": "true"})
    assert "<html" not in part.text
    assert len(rows.findall(part.text)) == 20


def test_templates_to_choose_in_pages_and_by_name(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    assert "Aucun modèle. Un rédacteur" in text_of(awa.get(f"{AT}/new"))
    for number in range(23):
        template(office, "Lundi.", name=f"Vaccin {number:02d}")
    template(office, "Lundi.", name="École")
    links = re.compile(rf'href="{AT}/new/\d+"')
    assert len(links.findall(awa.get(f"{AT}/new").text)) == 20
    assert len(links.findall(awa.get(f"{AT}/new?page=1").text)) == 4
    assert len(links.findall(awa.get(f"{AT}/new?q=ÉCOLE").text)) == 1
    assert "Aucun modèle de ce nom." in text_of(awa.get(f"{AT}/new?q=x"))
    for odd in ("page=x", "page=9999", "page=-1", "q=%00"):
        assert awa.get(f"{AT}/new?{odd}").status_code == 200
    for odd in ("new/999999999999999999999", "%00", f"{'0' * 200}", "new/0x1", "%F0%9F%98%80/rows", "../people"):
        assert awa.get(f"{AT}/{odd}").status_code == 404, odd


def test_what_moves_is_asked_for_again_until_it_rests(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    upload(awa, f"{AT}/new/{template(office)}?to=file", b"telephone;nom\n0197000001;Awa\n")
    public_id = made(awa)
    one = f"{AT}/{public_id}"
    page = awa.get(one).text
    assert f'hx-get="{one}?seen=checking" hx-trigger="every 3s"' in page
    assert f'<a href="{one}">Actualiser</a>' in page  # without scripts
    assert "<progress" in page
    part = awa.get(f"{one}?seen=checking", **{"HX-Request": "true"})
    assert part.text.lstrip().startswith('<section class="card" id="progress"')
    assert "HX-Refresh" not in part.headers
    work(office, "bulk")
    part = awa.get(f"{one}?seen=checking", **{"HX-Request": "true"})
    assert part.headers["HX-Refresh"] == "true"  # another state: the buttons change too
    assert "hx-get" not in part.text
    awa.post(f"{one}/send", at=one)
    work(office, "bulk")
    said = awa.get(one)
    assert re.search(r'<progress id="bar" max="100" value="0">0 %</progress>', said.text)
    assert "0 SMS partis sur 1" in text_of(said)
    assert "Envoi en cours" in text_of(said)  # not "done", while one of them waits
    assert 'hx-trigger="every 3s"' in said.text


def test_an_open_page_alone_keeps_nobody_signed_in(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    one = f"{AT}/{campaign(office, '0197000001')}"
    for _ in range(6):  # half an hour of htmx, and no click
        office.later(minutes=5)
        last = awa.get(f"{one}?seen=ready", **{"HX-Request": "true"})
    assert last.status_code == 401
    assert last.headers["HX-Redirect"].startswith("/console/sign-in?next=")
    bio = office.signed_in("bio", Role.SENDER)
    for _ in range(6):
        office.later(minutes=5)
        assert bio.get(one).status_code == 200  # clicks do


def test_who_refused_is_counted_and_the_hours_are_said(office: Office) -> None:
    """Information on a Saturday evening waits for Monday."""
    parts = office.gateway.parts
    office.later(days=4, hours=12)
    with parts.database.begin() as conn:
        refused = holdings.open_holding(conn, parts.seals, "+2290197000001", office.time)
        preferences.note(conn, refused, "category:information", "out", "sms", office.time)
    awa = office.signed_in("awa", Role.SENDER)
    chosen = template(office, "Vaccination lundi.", category=Category.INFORMATION)
    public_id = campaign(office, "0197000001", "0197000002", template_id=chosen)
    said = text_of(awa.get(f"{AT}/{public_id}"))
    for part in ("information: part de 08:00 à 17:00, ni dimanche ni jour férié", "Premier SMS 30/11/2026 08:00",
                 "à envoyer 1", "laissées de côté 1", "ne veut pas de ces messages: 1", "(dans 1 j 10 h)"):  # fmt: skip
        assert part in said, part


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "moins d'une minute"), (59, "moins d'une minute"), (60, "1 min"), (61, "2 min"), (3599, "60 min"),
     (3600, "1 h 0 min"), (86_399, "23 h 59 min"), (86_400, "1 j 0 h"), (200_000, "2 j 7 h")],
)  # fmt: skip
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert duration(seconds, WORDS["fr"]["duration"]) == said


def test_every_screen_is_light(office: Office) -> None:
    """30 kB at most, with all that may stand on it."""
    awa = office.signed_in("awa", Role.SENDER, Role.APPROVER)
    chosen = template(office, "é{nom} " * 40, name="É" * 64, en="e{nom} " * 40)
    who = "x" * 64
    many = "\n".join(f"01970{number:05d};{'<' * 20}" for number in range(300)) + "\n0;x" * 30 + "\n0197000001;y" * 30
    public_id = campaign(
        office, file=f"telephone;nom\n{many}".encode(), template_id=chosen, own_reference="&" * 64, who=who
    )
    for _ in range(25):
        campaign(office, "0197000001", template_id=chosen, own_reference="&" * 64, who=who)
    one = f"{AT}/{public_id}"
    pages = [AT, f"{AT}/new", one, f"{one}/rows", f"{one}/rows?state=wrong", f"{AT}/new/{chosen}"]
    pages += [f"{AT}/new/{chosen}?to={to}" for to in ("list", "file")]
    for address in pages:
        page = awa.get(address)
        assert page.status_code == 200
        assert len(page.data) < 30_000, (address, len(page.data))
        assert not re.search(r"<style| style=| on\w+=|javascript:", page.text), address
        assert not re.findall(r'(?:src|href|action)="(?!/console/|#|data:,|\?)[^"]*"', page.text), address


def test_a_retired_template_is_not_there_to_send(office: Office) -> None:
    awa = office.signed_in("awa", Role.SENDER)
    chosen = template(office)
    author = Actor("auteur", HOME, frozenset({Role.AUTHOR}))
    templates.retire(office.gateway.parts, author, chosen)
    assert "Aucun modèle" in text_of(awa.get(f"{AT}/new"))
    assert awa.get(f"{AT}/new/{chosen}").status_code == 404

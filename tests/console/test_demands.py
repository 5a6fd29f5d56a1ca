"""The desk in the console: what waits, who opens it, who has it in hand, what the citizen is told."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest

from gateway.messages import Decision, Role, SubmissionState
from gateway.store import desk as inboxes
from gateway.store import mts, stops, submission_events, submissions
from gateway.store.desk import Waiting
from gateway.text import reference
from gateway.usecases import desk, people
from gateway.usecases.desk import Agent, Words
from tests.console.conftest import HOME, OTHER, Browser, Declare, Office, text_of
from tests.console.furnishing import demand

AT = "/console/demands"
_ROWS = re.compile(r'<tr role="row"><td')


def line(office: Office, submission_id: int, institution: str = HOME) -> Waiting:
    with office.gateway.database.read() as conn:
        found = inboxes.numbered(conn, desk.desk_of(office.gateway.parts, institution), submission_id)
    assert found is not None
    return found


def acts_about(office: Office, submission_id: int) -> list[tuple[str, str]]:
    with office.gateway.database.read() as conn:
        acts = stops.acts_about(conn, f"submission:{submission_id}", 100)
    return [(act.who, act.act) for act in acts][::-1]


def templates_sent(office: Office, submission_id: int) -> list[str]:
    with office.gateway.database.read() as conn:
        return [mt.template for mt in mts.of_submission(conn, submission_id)]


def do(browser: Browser, submission_id: int, act: str, **form: str) -> str:
    """Presses the button of an act; what the page says after it."""
    one = f"{AT}/{submission_id}"
    answer = browser.post(f"{one}/{act}", at=one, **form)
    return text_of(answer if answer.status_code != 303 else browser.get(answer.location))


def test_a_demand_from_the_inbox_to_its_decision(office: Office) -> None:
    made = demand(office, npi="1234567890", promised=date(2026, 12, 1))
    awa = office.signed_in("awa", Role.CASE_WORKER)
    assert "Demandes à lire: 1" in text_of(awa.get("/console/"))
    listed = awa.get(AT)
    number = reference.show(line(office, made).reference)
    for part in ("à lire 1", "entre les mains de personne 1", f"{number} à lire", "nouvelle", "01/12/2026", "personne"):
        assert part in text_of(listed), part
    assert "1234567890" not in listed.text  # nothing personal on the list
    opened = text_of(awa.get(f"{AT}/{made}"))
    for part in ("NPI 1234567890", "Commune cotonou", "Parle français", "ce numéro de téléphone, rien de plus"):
        assert part in opened, part
    assert acts_about(office, made) == [("awa", "desk.open")]
    assert "à lire 0" in text_of(awa.get(AT))

    assert "entre vos mains" in do(awa, made, "take")
    assert "Prise en charge" in do(awa, made, "acknowledge", press="a", **{"case-acknowledge": "D-12"})
    assert "Votre numéro de dossier D-12" in text_of(awa.page)  # type: ignore[arg-type]
    assert "Mise en traitement" in do(awa, made, "progress", press="b")
    assert "Question envoyée" in do(
        awa, made, "ask", press="c", answer_by="30/11/2026", **{"question-fr": "Le village?"}
    )
    assert "Question posée , 24/11/2026" in text_of(awa.page)  # type: ignore[arg-type]
    assert line(office, made).state is SubmissionState.MORE_NEEDED
    said = do(awa, made, "decide", press="d", decision="granted", **{"message-fr": "Venez lundi, bureau 4."})
    assert "Décision enregistrée" in said
    assert "décision: accordée" in said
    assert "Prendre en main" not in said
    assert "awa a décidé" in said
    with office.gateway.database.read() as conn:
        about = submissions.by_id(conn, office.gateway.parts.seals, made)
    assert about is not None
    assert (about.decision, about.message, about.case_number) == (
        Decision.GRANTED, {"fr": "Venez lundi, bureau 4."}, "D-12",
    )  # fmt: skip
    assert templates_sent(office, made)[1:] == [
        "acknowledged_case",
        "in_progress",
        "question_ask_until",
        "decided_granted_message",
    ]


def test_a_double_click_has_one_effect(office: Office) -> None:
    made = demand(office)
    awa = office.signed_in("awa", Role.CASE_WORKER)
    for _ in range(2):
        said = do(awa, made, "ask", press="one-press", **{"question-fr": "Le village?"})
        assert "Question envoyée" in said
    with office.gateway.database.read() as conn:
        kinds = [event.kind for event in submission_events.of(conn, made)]
    assert kinds.count("more_needed") == 1
    for _ in range(2):
        assert "Décision enregistrée" in do(awa, made, "decide", press="again", decision="refused")
    sent = templates_sent(office, made)
    assert len(sent) == len(set(sent)) == 3
    assert "avait déjà changé" in do(awa, made, "decide", press="other", decision="granted")
    assert line(office, made).state is SubmissionState.REFUSED


def test_each_page_has_its_own_press(office: Office) -> None:
    made = demand(office)
    awa = office.signed_in("awa", Role.CASE_WORKER)
    presses = re.findall(r'name="press" value="([0-9a-f]{32})"', awa.get(f"{AT}/{made}").text)
    assert len(presses) == 4
    again = re.findall(r'name="press" value="([0-9a-f]{32})"', awa.get(f"{AT}/{made}").text)
    assert not set(presses) & set(again)


def test_one_agent_has_it_in_hand(office: Office) -> None:
    made = demand(office)
    awa, bio = office.signed_in("awa", Role.CASE_WORKER), office.signed_in("bio", Role.CASE_WORKER)
    do(awa, made, "take")
    page = text_of(bio.get(f"{AT}/{made}"))
    assert "awa, depuis le" in page
    assert "Seule cette personne peut agir" in page
    assert "<button>" not in bio.page.text.partition("<main")[2]  # type: ignore[union-attr]
    tried: list[tuple[str, dict[str, str]]] = [(act, {}) for act in ("take", "acknowledge", "progress", "release")]
    tried += [("decide", {"decision": "granted"}), ("ask", {"question-fr": "x"}), ("give", {"to": "bio"})]
    tried += [("release", {"holder": who}) for who in ("awa", "nobody", "bio")]
    for act, form in tried:
        assert "awa s'en occupe déjà." in do(bio, made, act, **form), act
        assert bio.page.status_code == 400  # type: ignore[union-attr]
    assert "Choisissez un collègue." in do(awa, made, "give", to="moi-meme")
    office.person("lecteur", Role.READER)
    assert "Choisissez un collègue." in do(awa, made, "give", to="lecteur")
    assert "passée à votre collègue" in do(awa, made, "give", to="bio")
    assert line(office, made).assignee == "bio"
    assert "n'est plus entre vos mains" in do(bio, made, "release")
    assert line(office, made).assignee == ""


def test_what_a_person_who_left_had_in_hand_can_be_taken(office: Office) -> None:
    made = demand(office)
    awa, bio = office.signed_in("awa", Role.CASE_WORKER), office.signed_in("bio", Role.CASE_WORKER)
    chef = office.signed_in("chef", Role.CASE_WORKER, Role.MANAGER)
    do(awa, made, "take")
    assert "Reprendre à awa" in text_of(chef.get(f"{AT}/{made}"))
    assert "Reprendre à" not in text_of(bio.get(f"{AT}/{made}"))
    parts = office.gateway.parts
    people.set_enabled(parts, people.operator("tests"), office.id_of("awa"), False)
    assert "Reprendre à awa" in text_of(bio.get(f"{AT}/{made}"))
    do(bio, made, "release", holder="awa")
    assert line(office, made).assignee == ""


@pytest.mark.parametrize(
    ("act", "form", "said"),
    [
        ("ask", {}, "Écrivez votre question."),
        ("ask", {"question-fr": "x" * 161}, "C'est trop long"),
        ("ask", {"question-fr": "x", "answer_by": "hier"}, "Écrivez une date"),
        ("ask", {"question-fr": "x", "answer_by": "2026-11-23"}, "Cette date est passée."),
        ("decide", {}, "Choisissez: accordée ou refusée."),
        ("decide", {"decision": "perhaps"}, "Choisissez: accordée ou refusée."),
        ("decide", {"decision": "granted", "message-fr": "x" * 601}, "C'est trop long"),
        ("acknowledge", {"case-acknowledge": "x" * 25}, "C'est trop long"),
    ],
)
def test_faults_keep_what_was_typed(office: Office, act: str, form: dict[str, str], said: str) -> None:
    made = demand(office)
    awa = office.signed_in("awa", Role.CASE_WORKER)
    assert said in do(awa, made, act, press="p", **form)
    assert awa.page is not None
    assert awa.page.status_code == 400
    assert line(office, made).state is SubmissionState.QUEUED
    for name, value in form.items():
        if name != "decision":
            assert f'value="{value}"' in awa.page.text or f">\n{value}</textarea>" in awa.page.text, name


def test_a_question_of_today_and_of_160_characters_is_taken(office: Office) -> None:
    made = demand(office)
    awa = office.signed_in("awa", Role.CASE_WORKER)
    assert "Question envoyée" in do(awa, made, "ask", press="p", answer_by="2026-11-24", **{"question-fr": "x" * 160})


def test_filters_and_pages(office: Office) -> None:
    awa = office.signed_in("awa", Role.CASE_WORKER)
    made = [demand(office, promised=office.time.date() + timedelta(days=number)) for number in range(22)]
    demand(office, OTHER)
    agent = Agent("awa", HOME)
    desk.take(office.gateway.parts, agent, line(office, made[3]).reference)
    desk.open_demand(office.gateway.parts, agent, line(office, made[4]).reference)
    desk.decide(office.gateway.parts, agent, line(office, made[5]).reference, "p", Decision.GRANTED, Words())
    desk.open_demand(office.gateway.parts, agent, line(office, made[5]).reference)
    first = awa.get(AT)
    assert len(_ROWS.findall(first.text)) == 20
    more = re.search(r'href="([^"]+after=[^"]+)"', first.text)
    assert more is not None
    assert len(_ROWS.findall(awa.get(html.unescape(more.group(1))).text)) == 1
    for query, count in (("whose=mine", 1), ("state=granted", 1), ("state=withdrawn", 0), ("unread=yes&whose=mine", 1),
                         ("service=none", 0), ("service=acte-naissance", 20), ("whose=free&unread=yes", 19),
                         ("state=x", 20), ("after=x", 20), ("after=99999", 0), ("service=%00", 20)):  # fmt: skip
        assert len(_ROWS.findall(awa.get(f"{AT}?{query}").text)) == count, query
    part = awa.get(AT, **{"HX-Request": "true"})
    assert "<html" not in part.text


def test_a_demand_is_found_by_its_number_and_no_address_names_it(office: Office) -> None:
    made, theirs = demand(office), demand(office, OTHER)
    awa = office.signed_in("awa", Role.CASE_WORKER)
    found = awa.post(f"{AT}/find", at=AT, number=reference.show(line(office, made).reference))
    assert (found.status_code, found.location) == (303, f"{AT}/{made}")
    for number in (line(office, theirs, OTHER).reference, "482109375620", "", "x" * 200):
        none = awa.post(f"{AT}/find", at=AT, number=number)
        assert (none.status_code, "Aucune demande de ce numéro ici." in text_of(none)) == (400, True)
    assert acts_about(office, made) == []  # looking for it opens nothing


def test_a_reader_sees_the_list_and_opens_nothing(office: Office) -> None:
    made = demand(office)
    zoe = office.signed_in("zoe", Role.READER)
    page = zoe.get(AT)
    assert reference.show(line(office, made).reference) in text_of(page)
    assert f"{AT}/{made}" not in page.text
    assert zoe.get(f"{AT}/{made}").status_code == 404
    for act in ("take", "release", "give", "acknowledge", "progress", "ask", "decide"):
        assert zoe.post(f"{AT}/{made}/{act}", at=AT, decision="granted").status_code == 404
    assert zoe.post(f"{AT}/find", at=AT, number=line(office, made).reference).status_code == 404
    assert acts_about(office, made) == []
    assert line(office, made).unread


def test_without_a_desk_the_page_says_where_demands_go(open_office: Declare) -> None:
    office = open_office(desks=())
    awa = office.signed_in("awa", Role.CASE_WORKER)
    assert "elles vont à son propre système (etat-civil)" in text_of(awa.get(AT))
    bio = office.signed_in("bio", Role.CASE_WORKER, institution=OTHER)
    assert "Aucune démarche n'envoie de demandes à votre institution." in text_of(bio.get(AT))
    assert awa.get(f"{AT}/1").status_code == 404


def test_erased_data_are_said_to_be(office: Office) -> None:
    made = demand(office, npi="1234567890")
    awa = office.signed_in("awa", Role.CASE_WORKER)
    do(awa, made, "decide", press="p", decision="granted")
    with office.gateway.database.begin() as conn:
        submissions.erase(conn, inboxes.submissions.c.id == made, office.time)
    page = text_of(awa.get(f"{AT}/{made}"))
    assert "Les données de cette demande sont effacées." in page
    assert "1234567890" not in page


def test_what_stands_in_a_demand_is_no_markup(office: Office) -> None:
    made = demand(office, npi="<b>1</b>")
    awa = office.signed_in("awa", Role.CASE_WORKER)
    page = awa.get(f"{AT}/{made}").text
    assert "&lt;b&gt;1" in page
    assert "<b>1" not in page


def test_every_screen_is_light(office: Office) -> None:
    awa = office.signed_in("awa", Role.CASE_WORKER)
    for number in range(30):
        office.person(f"collegue-{number:02d}-{'x' * 40}", Role.CASE_WORKER, invited_only=True)
    made = [demand(office, promised=office.time.date()) for _ in range(21)]
    for number in range(15):
        do(awa, made[0], "ask", press=f"p{number}", **{"question-fr": "é" * 160, "question-en": "e" * 160})
    for address in (AT, f"{AT}/{made[0]}"):
        page = awa.get(address)
        assert page.status_code == 200
        assert len(page.data) < 30_000, (address, len(page.data))
        assert not re.search(r"<style| style=| on\w+=|javascript:", page.text), address


def test_the_manager_reads_who_opened_and_decided_what(office: Office) -> None:
    made, theirs = demand(office), demand(office, OTHER)
    awa = office.signed_in("awa", Role.CASE_WORKER)
    office.person("bio", Role.CASE_WORKER)
    do(awa, made, "give", to="bio")
    desk.open_demand(office.gateway.parts, Agent("cosi", OTHER), line(office, theirs, OTHER).reference)
    chef = office.signed_in("chef", Role.MANAGER)
    said = text_of(chef.get("/console/acts"))
    assert f"awa demande passée demande {made} bio" in said
    assert f"awa demande ouverte demande {made}" in said
    assert "cosi" not in said

"""Long texts and lists: pages, mistakes on a page, searching."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine import session, walk
from gateway.engine.outcomes import LookupAnswer
from gateway.engine.surface import Surface


def test_a_list_is_numbered_anew_on_each_page(phone):
    phone.dial()
    phone.type("1", "1", "1234567890")
    assert phone.text.startswith("Commune de naissance\nOu tapez les premières lettres\n1.Abomey\n2.Abomey-Calavi")
    assert phone.text.endswith("\n0.Retour 98.Suite")
    shown = phone.state.shown
    phone.type("98")
    assert phone.text.startswith("1.")
    assert phone.state.first == shown
    second = phone.text.split("\n")[1].removeprefix("2.")
    phone.type("2")
    assert phone.state.values["commune"][-1] == second


def test_back_on_a_later_page_shows_the_one_before(phone):
    phone.dial()
    phone.type("1", "1", "1234567890")
    pages = [phone.text]
    phone.type("98")
    pages.append(phone.text)
    phone.type("98")
    phone.type("0")
    assert phone.text == pages[1]
    phone.type("0")
    assert phone.text == pages[0]
    phone.type("0")
    assert phone.place == "demande.npi"


def test_a_mistake_on_page_two_stays_on_page_two_and_loses_no_line(phone):
    phone.dial()
    phone.type("1", "1", "1234567890", "98")
    lines = phone.text.split("\n")[:-1]
    step = phone.type("99")
    assert step.refused
    under = phone.text.removeprefix("Choix inconnu. Tapez un des numéros.\n").split("\n")[:-1]
    assert under == lines[: len(under)]
    assert len(under) < len(lines), "the sentence took some room"
    hidden = str(len(lines))
    assert phone.type(hidden).refused, "a line that the sentence pushed off the screen has no number"
    phone.type("98")
    assert phone.text.startswith("1." + lines[len(under)].split(".", 1)[1]), "More goes on where it stopped"


def test_a_text_longer_than_a_screen_is_read_page_by_page(phone):
    phone.dial()
    phone.type("3")
    read = []
    while "98.Suite" in phone.text:
        assert "1.Terminer" not in phone.text
        read.append(phone.text)
        phone.type("98")
    read.append(phone.text)
    assert sum(page.count("mot") for page in read) == 90
    assert phone.text.endswith("1.Terminer\n0.Retour 00.Accueil")
    assert len(read) == 3


def test_an_end_longer_than_a_screen_stays_open_until_its_last_page(phone):
    phone.dial()
    phone.type("3", "1")
    assert not phone.step.effect.final
    assert phone.text.endswith("98.Suite")
    assert phone.type("0").refused, "what is done is done"
    while not phone.step.effect.final:
        assert phone.type("98").refused is False
    assert phone.text.rstrip().endswith("fin")


@pytest.mark.parametrize(
    ("typed", "found", "remark"),
    [
        ("abo", ["Abomey", "Abomey-Calavi"], "first letters"),
        ("ABOMEY", ["Abomey", "Abomey-Calavi"], "upper case"),
        ("calavi", ["Abomey-Calavi", "Abomey-Calavi 2", "Abomey-Calavi 3"], "any word"),
        ("abomey calavi", ["Abomey-Calavi"], "two words"),
        ("ketou", ["Kétou", "Kétou 2", "Kétou 3"], "an accent that a keypad has not"),
        ("Kétou", ["Kétou", "Kétou 2", "Kétou 3"], "an accent"),
        ("étou", [], "the middle of a word is not its start"),
        ("xyz", [], "nothing"),
        ("%", [], "no letter"),
    ],
)
def test_letters_narrow_a_list(phone, typed, found, remark):
    phone.dial()
    phone.type("1", "1", "1234567890")
    whole = phone.text.split("\n")[2:4]
    step = phone.type(typed)
    if found:
        lines = [line.split(".", 1)[1] for line in phone.text.split("\n")[1:-1]]
        assert lines[: len(found)] == found, remark
        assert not step.refused
    else:
        assert step.refused, remark
        assert phone.text.startswith("Rien ne commence par ces lettres.\nCommune")
        assert whole[0] in phone.text, "the list again"


def test_back_from_a_search_is_the_whole_list(phone):
    phone.dial()
    phone.type("1", "1", "1234567890", "98")
    phone.type("cot", "0")
    assert (phone.place, phone.state.search, phone.state.first) == ("demande.commune", "", 0)
    phone.type("0")
    assert phone.place == "demande.npi"


def test_a_line_found_is_chosen_by_its_number(phone):
    phone.dial()
    phone.type("1", "1", "1234567890", "nikki", "2")
    assert phone.state.values["commune"] == ("nikki 2", "Nikki 2")


def test_back_to_a_searched_list_is_the_whole_list_from_its_start(small, phone_on):
    phone = phone_on(small, Surface(80, "gsm7"))
    phone.dial()
    phone.type("1", "1", "1234567890")
    whole = phone.text
    phone.type("k", "98", "1")
    assert phone.place == "demande.recap"
    phone.type("0")
    assert phone.text == whole


def test_choices_that_a_mistake_pushed_off_the_screen_come_next(small, phone_on):
    """A screen that fits as a whole does not under the sentence of a mistake."""
    phone = phone_on(small, Surface(100, "gsm7"))
    phone.dial()
    assert "98." not in phone.text
    phone.type("77")
    assert phone.text.endswith("98.Suite")
    assert "5.English" not in phone.text
    phone.type("98")
    assert phone.text.startswith(f"{phone.state.first + 1}.")
    assert "5.English" in phone.text


def test_a_list_edited_is_read_anew(small, screen_of_160, now):
    state = session.State(small.version, "fr", "demande", "commune")
    before = walk.again(small, screen_of_160, state, now).effect.text
    edited = replace(small, lists={"communes": small.lists["communes"][1:]})
    changed = replace(edited, services={**small.services, "demande": replace(small.services["demande"])})
    state.search = "ab"
    assert "1.Abomey-Calavi" in walk.again(changed, screen_of_160, state, now).effect.text
    assert before.split("\n")[2] == "1.Abomey"


def test_back_to_a_page_that_a_moving_list_has_no_more(phone, submissions):
    phone.dial()
    phone.type("2")
    phone.answer(submissions(12))
    phone.type("98", "1")
    phone.answer(LookupAnswer("own"))
    phone.type("0")
    phone.answer(submissions(2))
    assert phone.text.startswith("Vos demandes\n1.Acte, ...0001, 12/11\n2.")
    assert phone.state.first == 0

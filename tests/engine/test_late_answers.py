"""A lookup at an institution: in time, old, promised by SMS, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.engine import compose
from gateway.engine.outcomes import Act, ActAnswer, Lookup, LookupAnswer, Promise, Reply, Saved
from gateway.menu.load import load, read_folder

TESTS = Path(__file__).parents[1]
PLOT = Lookup("cadastre", {"parcelle": "12"}, keep_s=600, last_known_s=2_592_000)


@pytest.fixture(scope="module")
def plots():
    """The example menus, one of whose services asks a land register."""
    messages = (TESTS.parent / "menus" / "messages.yaml").read_text(encoding="utf-8")
    loaded = load({**read_folder(TESTS / "menu" / "examples"), "messages.yaml": messages}, ("fr", "en"))
    assert loaded.menus is not None
    return loaded.menus


@pytest.fixture
def phone(plots, phone_on, screen_of_160):
    """At the lookup of plot 12."""
    phone = phone_on(plots, screen_of_160)
    phone.dial()
    phone.type("2")
    assert phone.type("12").effect == PLOT
    return phone


def test_an_answer_that_came_in_time(phone):
    phone.answer(LookupAnswer("trouve", {"surface": Saved(600)}))
    assert phone.text == "Parcelle 12: 600 m2"


def test_an_old_answer_is_shown_with_its_day(phone):
    phone.answer(LookupAnswer("trouve", {"surface": Saved(600), "answer_day": Saved("2026-11-20", "20/11/2026")}))
    assert phone.text == "Parcelle 12: 600 m2, au 20/11/2026"


def test_what_did_not_come_in_time_is_promised(phone):
    act = phone.answer(LookupAnswer("unavailable")).effect
    assert act == Act("promise_answer", "terrain", 0, Promise("cherche", PLOT), phone.state.menus)
    assert phone.again().effect == act, "the same need until it is answered"
    step = phone.answer(ActAnswer("promised"))
    assert step.effect.final
    assert phone.text == "Le cadastre ne répond pas encore: sa réponse vient par SMS."
    assert (phone.state.acts, phone.state.promising, phone.state.trail) == (1, False, [])


def test_what_cannot_be_promised_is_said(phone):
    phone.answer(LookupAnswer("unavailable"))
    phone.answer(ActAnswer("unavailable"))
    assert phone.text == "Le cadastre ne répond pas. Réessayez plus tard."


def test_a_closing_sentence_promises_nothing(phone):
    step = phone.answer(LookupAnswer("unavailable", closing="too_many_identifiers"))
    assert isinstance(step.effect, Reply)
    assert step.effect.final


@pytest.mark.parametrize(
    ("outcome", "language", "said", "remark"),
    [
        ("trouve", "fr", "Votre parcelle: 600 m2. Autre question: *229#", "the answer"),
        ("trouve", "en", "Your plot: 600 m2. Another question: *229#", "in her language"),
        ("trouve", "fon", "Votre parcelle: 600 m2. Autre question: *229#", "else in the default one"),
        ("inconnu", "fr", "Cette parcelle est inconnue. Vérifiez son numéro et composez *229#", "another answer"),
        ("panne", "fr", None, "one that the screen does not declare"),
    ],
)
def test_the_sms_that_brings_it(plots, outcome, language, said, remark):
    values = {"surface": Saved(600), "autre": Saved("x")}
    assert compose.late_answer(plots, "terrain", "cherche", outcome, language, values, "*229#") == said, remark


@pytest.mark.parametrize(
    ("service", "screen", "remark"),
    [
        ("terrain", "numero", "no lookup"),
        ("terrain", "partie", "no such screen any more"),
        ("parti", "x", "no such service any more"),
    ],
)
def test_menus_that_changed_bring_nothing(plots, service, screen, remark):
    assert compose.late_answer(plots, service, screen, "trouve", "fr", {}, "*229#") is None, remark


def test_a_value_is_cut_to_what_was_measured(plots):
    said = compose.late_answer(plots, "terrain", "cherche", "trouve", "fr", {"surface": Saved("x" * 50)}, "*229#")
    assert said == "Votre parcelle: xxxxxx.. m2. Autre question: *229#"

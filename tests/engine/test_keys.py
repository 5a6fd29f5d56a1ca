"""Back, Home and More."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine import session, walk
from gateway.engine.surface import Keys, Surface

OTHER_KEYS = Keys(back="7", home="8", more="9")


def test_back_retraces_the_way(phone):
    phone.to_recap()
    for place in ("demande.commune", "demande.npi", "demande.qui", "main.racine"):
        step = phone.type("0")
        assert (phone.place, step.refused) == (place, False)
    assert phone.type("0").refused


def test_home_leaves_the_service_and_its_answers(phone):
    phone.to_recap()
    assert phone.text.endswith("\n0.Retour 00.Accueil")
    phone.type("00")
    assert (phone.place, phone.state.values, phone.state.trail) == ("main.racine", {}, [])


def test_back_does_not_return_into_a_service_that_was_left(phone):
    phone.dial()
    phone.type("1", "1", "1", "1")
    assert phone.place == "infos.pieces"
    phone.type("0")
    assert phone.place == "main.racine"


def test_a_key_that_could_be_an_answer_is_one(phone):
    phone.to_questions("Ali")
    assert phone.place == "questions.digits"
    assert "0.Retour" not in phone.text, "0 is a possible table number"
    phone.type("0")
    assert phone.state.values["digits"] == ("0",)
    assert phone.place == "questions.amount"
    phone.type("98")
    assert phone.place == "questions.petit"


def test_keys_are_the_surface_s(small, now, phone_on):
    phone = phone_on(small, Surface(160, "gsm7", keys=OTHER_KEYS))
    phone.dial()
    phone.type("1", "1")
    assert phone.text.endswith("7.Retour 8.Accueil")
    phone.type("7")
    assert phone.place == "demande.qui"
    phone.type("8")
    assert phone.place == "main.racine"


def test_back_passes_over_a_screen_that_refuses_it(small, screen_of_160, now, edited):
    menus = edited("demande", "npi", back=False)
    state = session.State(menus.version, "fr", "demande", "qui")
    for typed in ("1", "1234567890"):
        state = walk.advance(menus, screen_of_160, state, typed, now).state
    assert state.screen == "commune"
    assert walk.advance(menus, screen_of_160, state, "0", now).state.screen == "qui"


def test_the_trail_has_a_greatest_length(phone):
    phone.dial()
    phone.type("1")
    state = phone.state
    state.trail = [session.Crumb("qui", 0, 0, 0)] * session.MAX_TRAIL
    moved = walk.advance(phone.menus, phone.surface, state, "1", phone.now).state
    assert len(moved.trail) == session.MAX_TRAIL


def test_back_forgets_what_was_answered_since(phone):
    phone.to_recap()
    phone.type("0")
    assert list(phone.state.values) == ["npi"]
    phone.type("0")
    assert phone.state.values == {}


@pytest.mark.parametrize("target", ["accueil", "racine"])
def test_nothing_is_before_the_root_menu_however_it_is_reached(small, screen_of_160, now, target):
    root = small.services["main"]
    choices = tuple(replace(choice, go=target) for choice in root.screens["racine"].choices)
    edited = replace(root, screens={"racine": replace(root.screens["racine"], choices=choices)})
    menus = replace(small, services={**small.services, "main": edited})
    state = walk.open_dialogue(menus, screen_of_160, "fr", now).state
    step = walk.advance(menus, screen_of_160, state, "5", now)
    assert (step.state.language, step.state.trail) == ("en", [])
    assert "0.Back" not in step.effect.text

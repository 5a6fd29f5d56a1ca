"""What a dialogue cannot do: loop, grow, leak; and where a replay stops."""

from __future__ import annotations

import pytest

from gateway.engine import session, walk
from gateway.engine.outcomes import LookupAnswer, Outcome, Saved
from gateway.engine.surface import Rules, Surface


def test_a_dialogue_cannot_loop_for_ever(small, screen_of_160, now):
    state = session.State(small.version, "fr", "questions", "boucle_a")
    with pytest.raises(walk.EngineError) as raised:
        walk.again(small, screen_of_160, state, now)
    assert raised.value.code == walk.EngineCode.LOOP


def test_answers_of_one_turn_are_counted_together(phone):
    """A handler that sends the walk back to itself through needs is a loop too."""
    phone.to_questions("Ali", "12", "600", "1", "1990", "4321")
    state = phone.state
    state.steps = walk.MAX_STEPS - 1
    walk.resume(phone.menus, phone.surface, state, Outcome("right"), phone.now)
    state.steps = walk.MAX_STEPS
    with pytest.raises(walk.EngineError):
        walk.resume(phone.menus, phone.surface, state, Outcome("right"), phone.now)


def test_a_dialogue_has_a_greatest_number_of_turns(small, phone_on):
    phone = phone_on(small, Surface(160, "gsm7", rules=Rules(max_turns=2, service_code="*321#")))
    phone.dial()
    phone.type("9", "9")
    assert not phone.step.effect.final
    step = phone.type("9")
    assert step.effect.final
    assert phone.text == "Ce dialogue est trop long. Composez de nouveau *321#"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"menus": "another"}, "other_menus"),
        ({"service": "gone"}, "unknown_screen"),
        ({"screen": "gone"}, "unknown_screen"),
    ],
)
def test_a_state_that_is_not_of_these_menus(small, screen_of_160, now, changes, code):
    state = session.State(small.version, "fr", "main", "racine")
    for name, value in changes.items():
        setattr(state, name, value)
    with pytest.raises(walk.EngineError) as raised:
        walk.again(small, screen_of_160, state, now)
    assert raised.value.code == code


def test_a_state_given_is_never_changed(phone):
    phone.to_recap()
    before = phone.state
    kept = session.encode(before)
    for typed in ("1", "0", "00", "9", "98"):
        walk.advance(phone.menus, phone.surface, before, typed, phone.now)
        assert session.encode(before) == kept, typed


def test_the_state_is_small_in_the_middle_of_a_service(phone):
    phone.to_recap()
    assert len(session.encode(phone.step.state)) <= 400


def test_a_state_does_not_show_answers(phone):
    phone.to_recap()
    assert repr(phone.state) == "State(demande.recap, turns=4)"
    phone.type("1")
    assert "1234567890" not in repr(phone.step)
    assert "7890" not in repr(phone.step)


@pytest.mark.parametrize(
    ("place", "star", "stops_with_one", "stops_with_two", "remark"),
    [
        (("main", "racine"), False, False, False, "choices"),
        (("demande", "npi"), False, False, False, "digits cannot hold a star"),
        (("demande", "commune"), False, False, False, "a published list"),
        (("questions", "text"), True, False, True, "free text: where does it end?"),
        (("questions", "code"), False, True, True, "a secret"),
        (("suivi", "liste"), False, True, True, "a moving list"),
        (("suivi", "etat"), False, True, True, "shows what a lookup gave"),
        (("suivi", "saisir"), False, False, False, "a question of the same service"),
    ],
)
def test_where_a_replay_stops(small, place, star, stops_with_one, stops_with_two, remark):
    state = session.State(small.version, "fr", *place)
    assert walk.accepts_star(small, state) is star, remark
    assert walk.cannot_replay(small, state, 1) is stops_with_one, remark
    assert walk.cannot_replay(small, state, 2) is stops_with_two, remark


def test_each_turn_has_its_own_steps(phone):
    phone.to_questions("Ali", "12")
    state = phone.state
    state.steps = walk.MAX_STEPS
    assert walk.advance(phone.menus, phone.surface, state, "600", phone.now).state.screen == "grand"


def test_what_comes_from_outside_is_kept_no_larger_than_declared(phone, submissions):
    phone.dial()
    phone.type("2")
    phone.answer(submissions(1))
    phone.type("1")
    phone.answer(LookupAnswer("own", {"state_label": Saved("r" * 500, "reçue " * 100)}))
    raw, shown = phone.state.values["state_label"]
    assert len(raw) <= 64
    assert len(shown) <= 20

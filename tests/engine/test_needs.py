"""What is asked from outside, and what becomes of the answer."""

from __future__ import annotations

from functools import partial

import pytest

from gateway.engine import session, walk
from gateway.engine.outcomes import Act, ActAnswer, Call, Lookup, LookupAnswer, Outcome, Reply, Saved


def test_a_submission_is_an_act(phone):
    phone.to_recap()
    act = phone.type("1").effect
    assert isinstance(act, Act)
    assert (act.action, act.service, act.ordinal) == ("submit", "demande", 0)
    args = act.args
    assert args.system == "etat-civil"
    assert args.fields == {"npi": "1234567890", "commune": "abomey"}
    assert args.personal == {"npi"}
    assert args.subject == (("npi", "1234567890"),)
    assert (args.label, args.language, args.assurance) == ("...7890", "fr", "number")
    step = phone.answer(
        ActAnswer("submitted", {"reference": Saved("482109375628", "4821 0937 5628"), "promised_date": Saved("26/11")})
    )
    assert phone.text == "Demande 4821 0937 5628 déposée. Réponse avant le 26/11."
    assert step.effect.final
    assert phone.state.acts == 1


def test_the_same_need_again_until_it_is_answered(phone):
    phone.to_recap()
    first = phone.type("1").effect
    assert phone.again().effect == first


def test_back_never_crosses_an_act(phone):
    phone.to_recap()
    phone.type("1")
    phone.answer(ActAnswer("unavailable"))
    assert phone.place == "demande.plus_tard"
    assert phone.type("1").effect.ordinal == 1, "another act, with another ordinal"
    phone.answer(ActAnswer("unavailable"))
    phone.type("0")
    assert phone.place == "main.racine"


def test_a_moving_list_keeps_the_ids_it_showed(phone, submissions):
    phone.dial()
    need = phone.type("2").effect
    assert need == Lookup("my_submissions", {})
    phone.answer(submissions(2))
    assert phone.text == "Vos demandes\n1.Acte, ...0001, 12/11\n2.Acte, ...0002, 12/11\n3.Autre numéro\n0.Retour"
    need = phone.type("2").effect
    assert need == Lookup("submission_status", {"reference": "000000000002"})
    phone.answer(
        LookupAnswer("own", {"state_label": Saved("en cours de traitement par la mairie"), "secret": Saved("x")})
    )
    assert phone.text.startswith("Acte, ...0002, 12/11: en cours de traite..\n1.Terminer")
    assert "secret" not in phone.state.values, "only what the screen declares is kept"
    assert phone.type("0").effect == Lookup("my_submissions", {}), "read again: it may have moved"


@pytest.mark.parametrize(
    ("answer", "place", "remark"),
    [
        (LookupAnswer("unavailable"), "suivi.panne", "the source did not answer"),
        (LookupAnswer("found"), "suivi.aucune", "an empty list"),
    ],
)
def test_a_moving_list_without_lines(phone, answer, place, remark):
    phone.dial()
    phone.type("2")
    phone.answer(answer)
    assert phone.place == place, remark


def test_a_moving_list_pages_and_its_own_choice_comes_last(phone, submissions):
    phone.dial()
    phone.type("2")
    phone.answer(submissions(100))
    kept = phone.state.items
    assert len(kept) <= session.MAX_ITEMS
    assert sum(len(id_) + len(label) for id_, label in kept) <= session.MAX_ITEM_BYTES
    while "98." in phone.text:
        assert isinstance(phone.type("98").effect, Reply), "pages need no second lookup"
    last = next(line for line in phone.text.split("\n") if "Autre" in line)
    phone.type(last.split(".")[0])
    assert phone.place == "suivi.saisir"


def test_a_reference_is_read_and_shown_grouped(phone, submissions):
    phone.dial()
    phone.type("2")
    phone.answer(submissions(1))
    phone.type("2")
    assert phone.type("4821-0937 5624").refused
    need = phone.type("4821-0937 5625").effect
    assert need.args == {"reference": "482109375625"}
    phone.answer(LookupAnswer("own", {"state_label": Saved("received", "reçue")}))
    assert phone.text.startswith("4821 0937 5625: recue")


def test_a_secret_goes_to_its_handler_in_its_turn_only(phone):
    phone.to_questions("Ali", "12", "600", "1", "1990")
    call = phone.type("4321").effect
    assert isinstance(call, Call)
    assert (call.handler, call.screen, call.secret) == ("codes.check", "verifie", "4321")
    assert call.values["amount"] == Saved(600)
    assert b"4321" not in session.encode(phone.step.state)
    assert "4321" not in repr(call)
    assert phone.again().effect.secret is None
    phone.answer(Outcome("right", {"left": Saved(2), "undeclared": Saved("x")}))
    assert phone.text == "Ali, 1990, encore 2 essai(s)"
    assert "undeclared" not in phone.state.values


@pytest.mark.parametrize(
    ("inputs", "answer", "code", "remark"),
    [
        (("2",), ActAnswer("submitted"), "unexpected_answer", "another kind of answer"),
        ((), LookupAnswer("found"), "unexpected_answer", "nothing was needed"),
        (("1", "1", "1234567890", "1", "1"), ActAnswer("lost"), "unknown_outcome", "an act's outcome not declared"),
        (("4", "Ali", "1", "1", "1", "1990", "4321"), Outcome("perhaps"), "unknown_outcome", "a handler's"),
    ],
)
def test_an_answer_that_the_screen_does_not_declare(phone, inputs, answer, code, remark):
    phone.dial()
    phone.type(*inputs)
    with pytest.raises(walk.EngineError) as raised:
        phone.answer(answer)
    assert raised.value.code == code, remark


def test_a_lookup_outcome_not_declared(phone, submissions):
    phone.dial()
    phone.type("2")
    phone.answer(submissions(1))
    phone.type("1")
    with pytest.raises(walk.EngineError, match=r"suivi\.lire"):
        phone.answer(LookupAnswer("perhaps"))


@pytest.mark.parametrize(
    ("place", "values", "answer", "code", "remark"),
    [
        (("demande", "envoi"), {"npi": ("1234567890",)}, None, "missing_value", "a field was never answered"),
        (("suivi", "liste"), {}, LookupAnswer("unavailable"), "unknown_outcome", "nowhere to go without the list"),
    ],
)
def test_what_check_excludes_is_a_clear_error(small, screen_of_160, now, edited, place, values, answer, code, remark):
    menus = edited("suivi", "liste", unavailable=None)
    state = session.State(menus.version, "fr", *place, values=values)
    call = partial(walk.again, menus, screen_of_160, state, now)
    if answer is not None:
        call = partial(walk.resume, menus, screen_of_160, state, answer, now)
    with pytest.raises(walk.EngineError) as raised:
        call()
    assert raised.value.code == code, remark


def test_a_submission_after_another_has_the_next_ordinal(phone):
    phone.to_recap()
    phone.type("1")
    step = phone.answer(ActAnswer("already", {"reference": Saved("482109375625", "4821 0937 5625")}))
    assert (step.state.acts, phone.text) == (1, "Déjà déposée: 4821 0937 5625.")


def test_the_citizen_s_words_say_nothing_about_themselves_in_a_fault(phone):
    phone.to_questions("Alidou", "12", "600", "1", "1990", "4321")
    with pytest.raises(walk.EngineError) as raised:
        phone.answer(Outcome("perhaps"))
    assert str(raised.value) == "questions.verifie: the screen does not declare this outcome"


def test_a_declared_value_is_there_even_when_nobody_gave_it(phone):
    """A later screen may send it: `check` counts on the declaration, and a missing field would end the dialogue."""
    phone.to_questions("Ali", "12", "600", "1", "1990", "4321")
    phone.answer(Outcome("right"))
    assert phone.state.values["left"] == ("",)
    assert phone.text.startswith("Ali, 1990, encore  essai(s)")

"""The first screen, choices by their number, and questions asked again."""

from __future__ import annotations

import pytest

from gateway.engine import session, walk


def test_the_root_menu_opens_the_dialogue(phone):
    step = phone.dial()
    assert phone.text == ("Services publics\n1.Acte de naissance\n2.Suivre ma demande\n3.Infos\n4.Questions\n5.English")
    assert (step.effect.final, step.effect.screen, step.refused, step.consumed) == (False, "main.racine", False, 0)


@pytest.mark.parametrize(
    ("tail", "place", "consumed", "remark"),
    [
        ((), "main.racine", 0, "a bare dial"),
        (("21",), "demande.qui", 1, "a published shortcut"),
        (("21", "1"), "demande.qui", 1, "the rest is the caller's to apply"),
        (("22",), "main.racine", 0, "a shortcut that nobody published"),
        (("1",), "main.racine", 0, "a choice is applied by the caller"),
    ],
)
def test_a_dial_tail_opens_its_service(phone, tail, place, consumed, remark):
    step = phone.dial(*tail)
    assert (phone.place, step.consumed) == (place, consumed), remark


def test_a_shortcut_typed_on_the_root_screen_is_the_same_as_dialled(phone):
    phone.dial()
    phone.type("21")
    assert phone.place == "demande.qui"


def test_an_unknown_language_is_the_default_one(small, screen_of_160, now):
    assert walk.open_dialogue(small, screen_of_160, "fon", now).state.language == "fr"


@pytest.mark.parametrize(
    ("typed", "place", "remark"),
    [
        ("1", "demande.qui", "first"),
        (" 3 ", "infos.pieces", "spaces around"),
        ("\uff13", "infos.pieces", "a full-width digit"),
        ("\u0663", "infos.pieces", "an Arabic digit"),
        ("4", "questions.text", "last but one"),
        ("5", "main.racine", "last: only changes the language"),
        ("6", "main.racine", "one too many"),
        ("01", "main.racine", "a leading zero is no number of a choice"),
        ("", "main.racine", "nothing"),
        ("\U0001f600", "main.racine", "an emoji"),
        ("\x00\x07", "main.racine", "control characters"),
        ("1" * 500, "main.racine", "far too long"),
        ("0", "main.racine", "Back with nothing behind"),
        ("98", "main.racine", "More with nothing after"),
    ],
)
def test_a_choice_by_its_number(phone, typed, place, remark):
    phone.dial()
    step = phone.type(typed)
    assert phone.place == place, remark
    assert step.refused == (place == "main.racine" and typed != "5"), remark


def test_a_mistake_stands_above_the_same_screen(phone):
    phone.dial()
    screen = phone.text
    phone.type("9")
    assert phone.text == "Choix inconnu. Tapez un des numéros.\n" + screen


def test_choosing_a_language_says_the_rest_in_it(phone):
    phone.dial()
    phone.type("5")
    assert phone.text.startswith("EN Services publics\n1.EN Acte")
    assert "5." not in phone.text, "a choice that its condition hides has no number"
    phone.type("5")
    assert phone.text.startswith("Unknown choice.")


def test_conditions_renumber_the_choices(phone):
    phone.to_recap()
    assert phone.text.startswith("NPI ******7890\nAbomey\n1.Confirmer\n2.Annuler")
    phone.dial()
    phone.type("1", "1", "1234567890", "cot", "1")
    assert "2.Retirer à Cotonou\n3.Annuler" in phone.text


def test_catalogue_values_are_those_of_the_service(phone):
    phone.dial()
    phone.type("1")
    assert phone.text.startswith("Acte de naissance\nTarif: à confirmer en mairie, 3 jours\n1.Pour moi")


def test_a_date_is_asked_again_with_the_forms_it_may_have(phone):
    phone.to_questions("Ali", "12", "600", "1", "hier")
    assert phone.text.startswith("Date non lisible. Tapez JJMMAAAA ou MMAAAA ou AAAA.\nDate de naissance")


def test_a_question_may_have_its_own_sentence(small, screen_of_160, now, edited):
    menus = edited("demande", "npi", error="Relisez votre carte: {commune}")
    state = session.State(menus.version, "fr", "demande", "npi", values={"commune": ("cotonou", "Cotonou")})
    step = walk.advance(menus, screen_of_160, state, "12", now)
    assert step.refused
    assert step.effect.text.startswith("Relisez votre carte: Cotonou\nVotre NPI")
    empty = walk.advance(menus, screen_of_160, state, "", now)
    assert empty.effect.text.startswith("Réponse vide."), "nothing typed is said in the same words everywhere"


def test_a_target_that_is_nowhere(small, screen_of_160, now, edited):
    menus = edited("demande", "npi", go="nulle_part")
    state = session.State(menus.version, "fr", "demande", "npi")
    with pytest.raises(walk.EngineError, match=r"demande\.nulle_part"):
        walk.advance(menus, screen_of_160, state, "1234567890", now)

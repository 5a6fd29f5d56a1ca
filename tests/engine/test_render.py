"""Screens on handsets: alphabets, sizes, keys, pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine import render, session, walk
from gateway.engine.outcomes import Item, LookupAnswer, Reply, Saved
from gateway.engine.surface import Rules, Surface
from gateway.menu import expressions
from gateway.menu.model import Choice, End, ListItem, Mark, Pick, Screen, Service, Text
from gateway.text.segments import units

MARK = Mark("t.yaml", 1)
GSM = Surface(160, "gsm7")
UCS = Surface(80, "ucs2")
SMS = Surface(459, "gsm7", "sms")


def said(fr, sms=None):
    return Text({"fr": fr, "en": fr}, {"fr": sms, "en": sms} if sms else None, MARK)


def one_screen(menus, screen, lists=None):
    """The same menus with a service "seul" of this screen, and the state of a dialogue on it."""
    service = Service("seul", said("Seul"), screen.id, {screen.id: screen}, MARK)
    changed = replace(menus, services={**menus.services, "seul": service}, lists=lists or menus.lists)
    return changed, session.State(menus.version, "fr", "seul", screen.id)


def text_of(menus, surface, state, now):
    effect = walk.again(menus, surface, state, now).effect
    assert isinstance(effect, Reply)
    return effect.text


def choices(*labels):
    return tuple(Choice(f"c{n}", said(label), "x", MARK) for n, label in enumerate(labels))


@pytest.mark.parametrize(
    ("surface", "shown", "remark"),
    [
        (GSM, "Reçu à l'hôtel «X»".replace("ç", "c").replace("ô", "o").replace("«", '"').replace("»", '"'), "folded"),
        (UCS, "Reçu à l'hôtel «X»", "an alphabet that has them all"),
    ],
)
def test_a_text_in_the_alphabet_of_the_handset(small, now, surface, shown, remark):
    menus, state = one_screen(small, Screen("x", said("Reçu à l'hôtel «X»"), (), End(MARK), MARK))
    assert text_of(menus, surface, state, now) == shown, remark


@pytest.mark.parametrize(
    ("kept", "shown", "remark"),
    [
        (("Zoé",), "Nom: Zoé.", "in the alphabet"),
        (("Aïcha",), "Nom: Aicha.", "folded"),
        (("Ali\n1.Confirmer",), "Nom: Ali 1.Confirmer.", "a value cannot draw a line of its own"),
        (("x" * 40,), "Nom: " + "x" * 40 + ".", "the greatest size of a value that nothing declares"),
        (("x" * 41,), "Nom: " + "x" * 38 + "...", "one more: visibly cut"),
        (("€" * 30,), "Nom: " + "€" * 19 + "...", "cut by what the handset counts"),
        (("id", "Étiquette"), "Nom: Étiquette.", "shown, not raw"),
        ((12,), "Nom: 12.", "a number"),
    ],
)
def test_a_value_is_folded_and_visibly_cut(small, now, kept, shown, remark):
    menus, state = one_screen(small, Screen("x", said("Nom: {nom}."), (), End(MARK), MARK))
    state.values["nom"] = kept
    assert text_of(menus, GSM, state, now) == shown, remark


@pytest.mark.parametrize(
    ("template", "value", "shown"),
    [
        ("{v|last4}", "1234567890", "7890"),
        ("{v|mask}", "1234567890", "******7890"),
        ("{v|mask}", "12345", "***45"),
        ("{v|last4}", "1234", "34"),
        ("{v|mask}", "+2290197000000", "+22901******00"),
        ("{absent}", "", ""),
        ("{code}", "", "*229#"),
        ("{catalogue.demande.delai}", "", "3 jours"),
        ("{catalogue.v.tarif}", "demande", "à confirmer en mairie"),
        ("{catalogue.v.tarif}", "nowhere", ""),
    ],
)
def test_what_stands_in_a_place(small, now, template, value, shown):
    menus, state = one_screen(small, Screen("x", said(f"<{template}>"), (), End(MARK), MARK))
    state.values["v"] = (value,)
    assert text_of(menus, GSM, state, now) == f"<{shown}>"


def test_an_sms_has_its_own_text_and_no_keys(small, now):
    screen = Screen("x", said("Court", sms="Un texte plus long pour un SMS"), choices("Un", "Deux"), None, MARK)
    menus, state = one_screen(small, screen)
    assert text_of(menus, GSM, state, now) == "Court\n1.Un\n2.Deux\n0.Retour"
    assert text_of(menus, SMS, state, now) == "Un texte plus long pour un SMS\n1.Un\n2.Deux"


def test_an_sms_that_goes_on_says_how(small, now):
    menus, state = one_screen(
        small, Screen("x", said("Choisir"), choices(*["Une ligne assez longue"] * 30), None, MARK)
    )
    assert text_of(menus, SMS, state, now).endswith("\n98.Suite")


def test_home_is_offered_only_where_it_costs_no_page(small, now):
    # 3 lines of the screen, its footer "0.Retour 00.Accueil" and their newlines.
    menus, state = one_screen(small, Screen("x", said("Titre"), choices("Un", "Deux"), None, MARK))
    state.trail = [session.Crumb("x", 0, 0, 0)] * 2
    whole = "Titre\n1.Un\n2.Deux\n0.Retour 00.Accueil"
    assert text_of(menus, Surface(len(whole), "gsm7"), state, now) == whole
    assert text_of(menus, Surface(len(whole) - 1, "gsm7"), state, now) == "Titre\n1.Un\n2.Deux\n0.Retour"


def test_choices_keep_their_numbers_over_pages(small, now):
    menus, state = one_screen(
        small, Screen("x", said("Choisir"), choices(*["Une ligne assez longue"] * 12), None, MARK)
    )
    first = walk.again(menus, GSM, state, now)
    second = walk.advance(menus, GSM, first.state, "98", now)
    assert second.effect.text.startswith(f"{first.state.shown + 1}.Une ligne")


def test_a_mistake_takes_at_most_half_of_the_screen(small, now):
    state = session.State(small.version, "fr", "main", "racine")
    service = small.services["main"]
    shown = render.show(small, GSM, state, service, service.screens["racine"], "erreur " * 50)
    top, rest = shown.text.split("..\n", 1)
    assert len(top) + 2 <= 80
    assert rest.startswith("Services publics\n1.")
    assert units(shown.text, "gsm7") <= 160


def test_a_screen_is_the_same_read_twice_and_after_another_version(small, now):
    """What is kept of a screen is kept for that very screen."""
    state = session.State(small.version, "fr", "main", "racine")
    before = text_of(small, GSM, state, now)
    root = small.services["main"]
    edited = replace(root.screens["racine"], say=said("Autre titre"))
    menus = replace(small, services={**small.services, "main": replace(root, screens={"racine": edited})})
    assert text_of(menus, GSM, state, now) == before.replace("Services publics", "Autre titre")
    assert text_of(small, GSM, state, now) == before


def test_a_condition_is_asked_of_each_dialogue(small, now):
    """Nothing to fill in the texts does not make a screen the same for everybody."""
    hidden = Choice("c", said("Majeur"), "x", MARK, when=expressions.parse("age >= 18", MARK))
    menus, state = one_screen(small, Screen("x", said("Choisir"), (hidden, *choices("Autre")), None, MARK))
    for age, shown in ((18, "1.Majeur\n2.Autre"), (17, "1.Autre"), (19, "1.Majeur\n2.Autre")):
        state.values["age"] = (age,)
        assert text_of(menus, GSM, state, now) == f"Choisir\n{shown}\n0.Retour"


def test_no_page_of_a_long_list_is_lost(small, now):
    items = tuple(ListItem(f"i{n}", said(f"Commune numéro {n}")) for n in range(1200))
    pick = Pick("longue", "c", "x", MARK)
    menus, state = one_screen(small, Screen("x", said("Choisir"), (), pick, MARK), {"longue": items})
    surface = replace(GSM, rules=Rules(max_turns=500))
    seen = []
    step = walk.again(menus, surface, state, now)
    while True:
        lines = [line for line in step.effect.text.split("\n") if "Commune" in line]
        assert [line.split(".")[0] for line in lines] == [str(n + 1) for n in range(len(lines))]
        seen += [line.split(".", 1)[1] for line in lines]
        if "98." not in step.effect.text:
            break
        step = walk.advance(menus, surface, step.state, "98", now)
    assert seen == [f"Commune numéro {n}" for n in range(1200)]
    assert len(step.state.trail) <= session.MAX_TRAIL
    assert len(session.encode(step.state)) < 400


def test_a_second_lookup_leaves_nothing_of_the_first(phone):
    """Else the decision on one demand would be read under the number of another."""
    phone.dial()
    phone.type("2")
    phone.answer(LookupAnswer("found", items=(Item("482109375625", "A"), Item("100000000007", "B"))))
    phone.type("1")
    phone.answer(LookupAnswer("own", {"state_label": Saved("refusée")}))
    assert phone.text.startswith("A: refusée")
    phone.type("0")
    phone.answer(LookupAnswer("found", items=(Item("482109375625", "A"), Item("100000000007", "B"))))
    state = phone.state
    session.keep(state, "state_label", "refusée")  # as a menu that loops without Back would leave it
    step = walk.advance(phone.menus, phone.surface, state, "2", phone.now)
    step = walk.resume(phone.menus, phone.surface, step.state, LookupAnswer("own"), phone.now)
    assert step.effect.text.startswith("B: \n") or step.effect.text.startswith("B:\n")


def test_a_notice_stands_above_the_first_screen(small, now):
    plain = walk.open_dialogue(small, GSM, "fr", now)
    step = walk.open_dialogue(small, GSM, "fr", now, (), "interrupted")
    assert step.effect.text.startswith("Ce dialogue est interrompu. Composez de nouveau *229#\nServices publics\n1.")
    assert not step.refused
    assert walk.again(small, GSM, step.state, now).effect == plain.effect

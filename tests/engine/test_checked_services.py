"""Services as a clerk writes them: what `check` accepts walks to its end, one page where one page was promised."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine import session, walk
from gateway.engine.outcomes import Act, ActAnswer, Call, Item, LookupAnswer, Outcome, Reply, Saved
from gateway.engine.surface import Surface
from gateway.menu import load, model
from gateway.menu.check import World, check_loaded
from gateway.text.segments import units

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=ZoneInfo("Africa/Porto-Novo"))
SHIPPED = Path(__file__).parents[2] / "menus"
WRITTEN = Path(__file__).parent / "cases" / "services"
NEEDS_PER_TURN = 4
#: The longest answers of each type, and some that are refused.
ANSWERS = {
    "text": ["W" * 40, "ê" * 40, "ç€[" * 13, "œ" * 40, "😀", "a*b"],
    "digits": ["17", "18", "119", "120", "007", "9" * 30],
    "amount": ["0", "10000000", "1 500 F", "999999999999"],
    "date": ["12051990", "051990", "1990", "12/05/1990", "99999999"],
    "msisdn": ["0197000000", "97000000", "+22997000000", "1"],
    "ifu": ["3200901353510", "12"],
    "npi": ["1234567890", "12"],
    "reference": ["482109375625", "4821 0937 5628", "1"],
    "secret": ["1234", "0000", "a"],
}


@pytest.fixture(scope="module")
def checked() -> model.Menus:
    files = {**load.read_folder(SHIPPED), **load.read_folder(WRITTEN)}
    shortcuts = "shortcuts:\n  81: plainte\n  82: rendez-vous\n  83: inscription\n"
    files["main.yaml"] = files["main.yaml"].replace("shortcuts:\n", shortcuts)
    loaded = load.load(files, ("fr", "en"))
    world = World(
        handlers={"entreprise.verifier": ("bloque", "bon", "mauvais")},
        handler_values={"entreprise.verifier": frozenset({"essais"})},
        systems=frozenset({"etat-civil"}),
    )
    assert [fault.say("fr") for fault in check_loaded(loaded, world)] == []
    assert loaded.menus is not None
    return loaded.menus


@settings(max_examples=150, deadline=None)
@given(
    language=st.sampled_from(["fr", "en"]),
    shortcut=st.sampled_from(["81", "82", "83"]),
    turns=st.integers(1, 20),
    data=st.data(),
)
def test_what_was_checked_is_what_happens(checked, language, shortcut, turns, data):
    surface = Surface(160, "gsm7")
    step = walk.open_dialogue(checked, surface, language, NOW, (shortcut,))
    for _ in range(turns):
        for _ in range(NEEDS_PER_TURN):
            if isinstance(step.effect, Reply):
                break
            step = walk.resume(checked, surface, stored(step), answered(checked, step, data), NOW)
        assert isinstance(step.effect, Reply), "a turn meets no more needs than it may"
        reply, verb = step.effect, verb_of(checked, step)
        assert units(reply.text, "gsm7") <= 160
        if isinstance(verb, model.End):
            assert reply.final, "an end is one page"
        if isinstance(verb, model.Ask):
            assert "98." not in reply.text, "a question is one page, even under its error"
        if reply.final:
            return
        typed = st.sampled_from(["1", "2", "3", "0", "00", "98", "zz", ""])
        if isinstance(verb, model.Ask):
            typed = st.one_of(st.sampled_from(ANSWERS[verb.type]), st.sampled_from(ANSWERS[verb.type]), typed)
        step = walk.advance(checked, surface, stored(step), data.draw(typed), NOW)


def stored(step: walk.Step) -> session.State:
    return session.decode(session.encode(step.state))


def verb_of(menus: model.Menus, step: walk.Step) -> model.Verb:
    return menus.services[step.state.service].screens[step.state.screen].verb


def answered(menus: model.Menus, step: walk.Step, data: st.DataObject) -> ActAnswer | LookupAnswer | Outcome:
    """Any declared outcome; declared values at their greatest size, or forgotten."""
    verb = verb_of(menus, step)
    if isinstance(verb, model.Pick):
        items = tuple(Item(str(n), "W" * 60) for n in range(data.draw(st.sampled_from([0, 1, 30]))))
        return LookupAnswer(data.draw(st.sampled_from(["found", "unavailable"])), items=items)
    assert isinstance(verb, model.Lookup | model.Submit | model.CallHandler)
    outcome = data.draw(st.sampled_from(sorted(verb.outcomes)))
    if isinstance(step.effect, Act):
        return ActAnswer(outcome, {"reference": Saved("482109375628", "4821 0937 5628")})
    assert isinstance(verb, model.Lookup | model.CallHandler)
    names = data.draw(st.sets(st.sampled_from(sorted(verb.saves)))) if verb.saves else set()
    values = {name: Saved(data.draw(st.sampled_from(["acceptée", "W" * 80, "€" * 60]))) for name in sorted(names)}
    return Outcome(outcome, values) if isinstance(step.effect, Call) else LookupAnswer(outcome, values)

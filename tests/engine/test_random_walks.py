"""Whatever is typed and whatever the outside answers: no fault, every reply fits, the state stays small."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine import session, walk
from gateway.engine.outcomes import Act, ActAnswer, Answer, Call, Item, Lookup, LookupAnswer, Outcome, Reply, Saved
from gateway.engine.surface import Surface
from gateway.menu import load, model
from gateway.text.segments import units

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=ZoneInfo("Africa/Porto-Novo"))
MENUS = Path(__file__).parents[2] / "menus"
MAX_STATE = 1024

anything = st.one_of(
    st.sampled_from(["1", "1", "1", "2", "3", "4", "5", "9", "0", "00", "98", "98", "", "*", "a", "co", "porto", "é"]),
    st.sampled_from(["1234567890", "9876543210", "482109375625", "12051990", "600", "+2290197000000", "21", "22"]),
    st.text(max_size=12),
    st.text(min_size=200, max_size=300),
)
#: An answer that each type of question takes, so that walks get somewhere.
GOOD = {
    "text": "Alidou",
    "digits": "42",
    "amount": "600",
    "date": "12051990",
    "msisdn": "0197000000",
    "npi": "1234567890",
    "ifu": "3200901353510",
    "reference": "482109375625",
    "secret": "4321",
    "pattern": "a",
}
#: What the sending and the checking of a one-time code can answer, with the sentence that ends the dialogue.
CODE_OUTCOMES = {
    "send_code": [("sent", ""), ("closed", "code_too_many"), ("closed", "code_new_sim")],
    "check_code": [("proved", ""), ("wrong", ""), ("expired", ""), ("closed", "code_over")],
}
surfaces = st.builds(
    Surface,
    max_units=st.sampled_from([60, 80, 100, 160, 182]),
    alphabet=st.sampled_from(["gsm7", "ucs2"]),
    kind=st.sampled_from(["ussd", "sms"]),
)
values = st.text(max_size=150).map(Saved) | st.builds(Saved, st.text(max_size=80), st.text(max_size=150))
items = st.lists(st.builds(Item, st.text("0123456789", min_size=1, max_size=12), st.text(max_size=60)), max_size=80)


@pytest.fixture(scope="module")
def shipped() -> model.Menus:
    loaded = load.load(load.read_folder(MENUS), ("fr", "en"))
    assert loaded.menus is not None
    return loaded.menus


# 60 units hold the largest choice of the shipped menus with its key: below, a line would be cut, not misread.
@settings(max_examples=150, deadline=None)
@given(surface=surfaces, language=st.sampled_from(["fr", "en"]), turns=st.integers(1, 20), data=st.data())
def test_the_shipped_menus_survive_anything(shipped, surface, language, turns, data):
    wander(shipped, surface, language, turns, data)


@settings(max_examples=100, deadline=None)
@given(surface=surfaces, turns=st.integers(1, 20), data=st.data())
def test_every_verb_survives_anything(small, surface, turns, data):
    wander(small, surface, "fr", turns, data)


def wander(menus: model.Menus, surface: Surface, language: str, turns: int, data: st.DataObject) -> None:
    step = walk.open_dialogue(menus, surface, language, NOW)
    for _ in range(turns):
        while not isinstance(step.effect, Reply):
            step = walk.resume(menus, surface, stored(step), outside(menus, step, data), NOW)
        reply = step.effect
        assert units(reply.text, surface.alphabet) <= surface.max_units
        assert reply.text.strip()
        if reply.final:
            return
        shown_again = walk.again(menus, surface, stored(step), NOW)
        assert isinstance(shown_again.effect, Reply)
        if not step.refused:
            assert shown_again.effect.text == reply.text, "the current screen is the one that was shown"
        line = data.draw(st.one_of(sensible(menus, step), sensible(menus, step), anything))
        step = walk.advance(menus, surface, stored(step), line, NOW)


def sensible(menus: model.Menus, step: walk.Step) -> st.SearchStrategy[str]:
    verb = menus.services[step.state.service].screens[step.state.screen].verb
    return st.just(GOOD[verb.type]) if isinstance(verb, model.Ask) else st.sampled_from(["1", "2", "3", "4"])


def stored(step: walk.Step) -> session.State:
    body = session.encode(step.state)
    assert len(body) <= MAX_STATE
    return session.decode(body)


def outside(menus: model.Menus, step: walk.Step, data: st.DataObject) -> Answer:
    """Any answer that the screen declares, with values larger than it declares."""
    verb = menus.services[step.state.service].screens[step.state.screen].verb
    if isinstance(step.effect, Lookup) and isinstance(verb, model.Pick):
        outcome = data.draw(st.sampled_from(["found", "unavailable"]))
        return LookupAnswer(outcome, items=tuple(data.draw(items)))
    if isinstance(step.effect, Act) and step.effect.action in CODE_OUTCOMES:
        outcome, closing = data.draw(st.sampled_from(CODE_OUTCOMES[step.effect.action]))
        return ActAnswer(outcome, closing=closing)
    assert isinstance(verb, model.Lookup | model.Submit | model.Do | model.CallHandler)
    outcome = data.draw(st.sampled_from(sorted(verb.outcomes)))
    if isinstance(step.effect, Act):
        return ActAnswer(outcome, {name: data.draw(values) for name in ("reference", "promised_date", "code")})
    assert isinstance(verb, model.Lookup | model.CallHandler)
    names = data.draw(st.sets(st.sampled_from([*sorted(verb.saves), "undeclared"])))
    answered = {name: data.draw(values) for name in sorted(names)}
    return Outcome(outcome, answered) if isinstance(step.effect, Call) else LookupAnswer(outcome, answered)

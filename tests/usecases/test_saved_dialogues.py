"""Dialogues that dropped: offered to their number, settled once by one turn, opened elsewhere by their code only."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from gateway.engine import session
from gateway.engine.session import State
from gateway.store import conversations, holdings, mts, preferences
from gateway.store.conversations import Conversation
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import arrivals, saved_dialogues
from gateway.usecases.caller import Caller
from gateway.usecases.upkeep import sweep

KEY, OTHER_KEY = b"turn one", b"turn two"


def state(menus, **more: object) -> State:
    given = {"values": {"npi": ("1234564412",)}, **more}
    return State(menus=menus.version, language="fr", service="acte-naissance", screen="commune", **given)


def save(bench, caller, **more):
    saved_dialogues.save(
        bench.parts, bench.parts.shelf.current, state(bench.parts.shelf.current, **more), caller, bench.time
    )


def waiting(bench, caller):
    return arrivals.arrive(bench.parts, caller).waiting


@pytest.fixture
def saved(bench, caller):
    save(bench, caller)
    found = waiting(bench, caller)
    assert found is not None
    return found


def told(bench, caller) -> list[str]:
    """The SMS written to a number about dialogues to go on with."""
    with bench.parts.database.read() as conn:
        holding = holdings.find_open(conn, bench.parts.seals, caller.msisdn, bench.parts.silent_since)
        ids = [mt.id for mt in mts.of_holding(conn, holding, 10) if mt.template == "resume_sms"]
        return [one.text for one in mts.for_sending(conn, bench.parts.seals, ids).values()]


def test_offered_to_its_number_and_settled_once(bench, saved, caller, other):
    assert (saved.service, saved.screen, saved.language) == ("acte-naissance", "commune", "fr")
    assert waiting(bench, other) is None
    settled = saved_dialogues.settle(bench.parts, saved.id, "continued", KEY)
    assert settled is not None
    assert session.decode(settled.state) == state(bench.parts.shelf.current)
    assert saved_dialogues.settle(bench.parts, saved.id, "continued", KEY) == settled, "the same turn again"
    assert saved_dialogues.settle(bench.parts, saved.id, "restarted", KEY) == settled, "what was chosen first holds"
    assert saved_dialogues.settled_by(bench.parts, KEY) == settled
    assert saved_dialogues.settle(bench.parts, saved.id, "continued", OTHER_KEY) is None, "another turn"
    assert waiting(bench, caller) is None


def test_settled_once_by_many_at_once(bench, saved):
    with ThreadPoolExecutor(8) as threads:
        keys = [b"%d" % number for number in range(8)]
        got = list(threads.map(lambda key: saved_dialogues.settle(bench.parts, saved.id, "continued", key), keys))
    assert sum(one is not None for one in got) == 1


@pytest.mark.parametrize(("hours", "there"), [(71.9, True), (72, False)])
def test_it_expires_as_its_service_says(bench, saved, caller, hours, there):
    bench.later(hours=hours)
    assert (waiting(bench, caller) is not None) is there
    assert sweep(bench.parts)["dialogues_forgotten"] == (0 if there else 1)


def test_a_settled_one_is_kept_for_its_turn_and_no_longer(bench, saved):
    saved_dialogues.settle(bench.parts, saved.id, "continued", KEY)
    bench.later(minutes=59)
    assert sweep(bench.parts)["dialogues_forgotten"] == 0
    bench.later(minutes=1)
    assert sweep(bench.parts)["dialogues_forgotten"] == 1


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"values": {}}, "nothing was answered"),
        ({"service": "infos"}, "cannot be resumed"),
        ({"service": "x"}, "gone"),
        ({"offered": 1}, "an offer is no dialogue"),
    ],
)
def test_what_is_not_kept(sqlite_bench, caller, change, remark):
    menus = sqlite_bench.parts.shelf.current
    saved_dialogues.save(sqlite_bench.parts, menus, replace(state(menus), **change), caller, sqlite_bench.time)
    assert waiting(sqlite_bench, caller) is None


def test_the_language_that_she_prefers(sqlite_bench, caller, now):
    with sqlite_bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, sqlite_bench.parts.seals, caller.msisdn, now)
        preferences.note(conn, holding, "language", "en", "ussd", now)
    assert arrivals.arrive(sqlite_bench.parts, caller).language == "en"
    assert arrivals.arrive(sqlite_bench.parts, Caller("+2290166000000", "", "", "fr")) == arrivals.Arrival()


def test_a_database_that_is_away_offers_nothing(sqlite_bench, caller, monkeypatch):
    save(sqlite_bench, caller)

    def away(*_):
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(arrivals.arrivals, "of", away)
    assert arrivals.arrive(sqlite_bench.parts, caller) == arrivals.Arrival()


def test_a_conversation_by_sms_is_offered_and_is_no_longer_under_way(bench, caller, now):
    menus = bench.parts.shelf.current
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, caller.msisdn, now)
        until = now.replace(year=now.year + 1)
        running = Conversation(holding, state=session.encode(state(menus)), dialogue_until=until)
        assert conversations.save(conn, bench.parts.seals, running, now)
    found = waiting(bench, caller)
    assert found is not None
    assert found.screen == "commune"
    with bench.parts.database.read() as conn:
        assert conversations.load(conn, bench.parts.seals, holding).state is None
    assert waiting(bench, caller) == found, "asked twice it is the same one"


@pytest.mark.parametrize(("turns", "sms"), [(2, 0), (3, 1)])
def test_an_sms_says_how_to_go_on_after_the_third_answered_screen(bench, caller, turns, sms):
    save(bench, caller, turns=turns)
    assert len(told(bench, caller)) == sms


def test_one_such_sms_a_day(bench, caller):
    save(bench, caller, turns=3)
    save(bench, caller, turns=5)
    assert len(told(bench, caller)) == 1
    bench.later(days=1)
    save(bench, caller, turns=5)
    assert len(told(bench, caller)) == 2


def test_a_sensitive_service_is_not_written_about(bench, caller):
    bench.with_service(sensitive=True)
    save(bench, caller, turns=9)
    assert told(bench, caller) == []
    assert waiting(bench, caller) is not None


def test_the_code_of_the_sms_opens_it_from_another_number(bench, caller, other):
    save(bench, caller, turns=3)
    (text,) = told(bench, caller)
    code = re.search(r"\d{4} \d{4} \d{4}", text).group()
    assert saved_dialogues.take_by_code(bench.parts, "482109375625", other.msisdn, b"wrong", "fr") is None
    settled = saved_dialogues.take_by_code(bench.parts, code, other.msisdn, KEY, "fr")
    assert settled is not None
    assert session.decode(settled.state).screen == "commune"
    assert saved_dialogues.take_by_code(bench.parts, code, other.msisdn, KEY, "fr") == settled, "the same SMS again"
    assert saved_dialogues.take_by_code(bench.parts, code, other.msisdn, OTHER_KEY, "fr") is None, "it opens once"


def test_the_reference_of_a_demand_made_in_it_opens_it_too(bench, caller, other):
    save(bench, caller, values={"npi": ("1",), "reference": ("482109375625", "4821 0937 5625")})
    settled = saved_dialogues.take_by_code(bench.parts, "4821-O937-5625", other.msisdn, KEY, "fr")
    assert settled is not None


def test_too_many_codes_are_refused_like_wrong_ones(bench, caller, other):
    limits = bench.parts.settings.limits.model_copy(update={"resume_codes_per_number_hour": 2})
    bench.parts = changed(bench.parts, settings=bench.parts.settings.model_copy(update={"limits": limits}))
    save(bench, caller, values={"npi": ("1",), "reference": ("482109375625",)})
    for number in range(2):
        assert saved_dialogues.take_by_code(bench.parts, "000000000000", other.msisdn, b"%d" % number, "fr") is None
    assert saved_dialogues.take_by_code(bench.parts, "482109375625", other.msisdn, KEY, "fr") is None
    bench.later(hours=1)
    assert saved_dialogues.take_by_code(bench.parts, "482109375625", other.msisdn, OTHER_KEY, "fr") is not None

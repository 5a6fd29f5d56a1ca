"""What institutions answer to lookups: confirmed, kept for a while, the last known one in need, promised by SMS."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.backoffice.base import Fault, LookupItem, LookupResult
from gateway.engine.outcomes import Act, ActAnswer, Item, Lookup, LookupAnswer, Promise, Saved
from gateway.menu.load import load, read_folder
from gateway.store import breakers, cached_answers, holdings, mts
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import acts, persons, upkeep
from gateway.usecases import promised_answers as promises
from gateway.usecases.holdings import Why as Closed
from gateway.usecases.holdings import close, met
from gateway.usecases.system_answers import from_system

TESTS = Path(__file__).parents[1]
KEPT = Lookup("cadastre", {"parcelle": "12"}, keep_s=600, last_known_s=86_400)
FOUND = LookupResult("trouve", {"surface": 600})
KEY = b"k" * 32


@pytest.fixture
def desk(bench):
    """The example menus, whose service `terrain` asks the source `cadastre` of our one system."""
    messages = (TESTS.parent / "menus" / "messages.yaml").read_text(encoding="utf-8")
    menus = load({**read_folder(TESTS / "menu" / "examples"), "messages.yaml": messages}, ("fr", "en")).menus
    system = bench.parts.settings.systems["etat-civil"].model_copy(update={"sources": ("cadastre",)})
    settings = bench.parts.settings.model_copy(update={"systems": {"etat-civil": system}})
    bench.parts = replace(bench.parts, shelf=replace(bench.parts.shelf, current=menus), settings=settings)
    return bench


def ask(bench, caller, lookup=KEPT, left_s=2.0):
    return from_system(bench.parts, "etat-civil", lookup, caller, left_s)


def promise(bench, caller, key=KEY, lookup=KEPT):
    act = Act("promise_answer", "terrain", 0, Promise("cherche", lookup), bench.parts.shelf.current.version)
    return promises.promise(bench.parts, act, caller, key)


def keep_promises(bench):
    rows = bench.claim("backoffice")
    for row in rows:
        promises.keep(bench.parts, row)
    return len(rows)


def sent(bench):
    with bench.parts.database.read() as conn:
        ids = [row.id for row in conn.execute(text("SELECT id FROM mts ORDER BY id"))]
        found = mts.for_sending(conn, bench.parts.seals, ids)
    return [found[one].text for one in ids]


def test_an_institution_s_source(sqlite_bench, caller):
    sqlite_bench.office.reading = LookupResult("found", {"name": "AKA", "age": 3}, (LookupItem("a", "A"),))
    answer = ask(sqlite_bench, caller, Lookup("persons", {"npi": "1"}))
    assert answer == LookupAnswer("found", {"name": Saved("AKA"), "age": Saved(3)}, (Item("a", "A"),))


def test_what_the_database_took_is_no_longer_there_for_the_institution(sqlite_bench, caller):
    """All lookups of a turn share one budget: a slow database must not make the turn late."""
    ticks = iter((10.0, 10.5))
    sqlite_bench.parts = replace(sqlite_bench.parts, monotonic=lambda: next(ticks, 10.5))
    ask(sqlite_bench, caller, left_s=2.0)
    assert sqlite_bench.office.patience_s == [1.5]


@pytest.mark.parametrize(
    ("later_s", "expected", "remark"),
    [
        (0, 600, "asked again at once"),
        (600, 600, "as old as it may be"),
        (601, 700, "too old: asked again"),
    ],
)
def test_a_young_answer_is_not_asked_for_again(bench, caller, later_s, expected, remark):
    bench.office.reading = FOUND
    assert ask(bench, caller).values["surface"] == Saved(600)
    bench.office.reading = LookupResult("trouve", {"surface": 700})
    bench.later(seconds=later_s)
    answer = ask(bench, caller)
    assert answer.values == {"surface": Saved(expected)}, remark


@pytest.mark.parametrize(
    ("later_s", "outcome", "remark"),
    [(86_400, "trouve", "as old as it may be"), (86_401, "unavailable", "too old to be shown")],
)
def test_the_last_known_answer_has_its_day(bench, caller, later_s, outcome, remark):
    bench.office.reading = FOUND
    ask(bench, caller)
    bench.office.reading = LookupResult("unavailable")
    bench.later(seconds=later_s)
    answer = ask(bench, caller)
    assert answer.outcome == outcome, remark
    if outcome == "trouve":
        assert answer.values == {"surface": Saved(600), "answer_day": Saved("2026-11-23", "23/11/2026")}


@pytest.mark.parametrize(
    ("asked", "remark"),
    [
        (replace(KEPT, args={"parcelle": "13"}), "another question"),
        (replace(KEPT, source="foncier"), "another source"),
        (replace(KEPT, keep_s=0, last_known_s=0), "a menu that keeps nothing"),
    ],
)
def test_only_the_very_question_finds_it(sqlite_bench, caller, asked, remark):
    sqlite_bench.office.reading = FOUND
    ask(sqlite_bench, caller)
    sqlite_bench.office.reading = LookupResult("unavailable")
    assert ask(sqlite_bench, caller, asked).outcome == "unavailable", remark
    assert ask(sqlite_bench, replace(caller, language="en")).outcome == "unavailable", "in another language"


def test_nobody_sees_the_answer_of_another(bench, caller, other):
    """Neither another number, nor who has this one next."""
    bench.office.reading = FOUND
    ask(bench, caller)
    bench.office.reading = LookupResult("unavailable")
    other = replace(other, language=caller.language)
    with bench.parts.database.begin() as conn:
        met(conn, bench.parts, other.msisdn, bench.time)
    assert ask(bench, other).outcome == "unavailable"
    with bench.parts.database.begin() as conn:
        close(conn, bench.parts, met(conn, bench.parts, caller.msisdn, bench.time), Closed.SIM, bench.time)
        met(conn, bench.parts, caller.msisdn, bench.time)
    assert ask(bench, caller).outcome == "unavailable"


def test_an_unavailable_answer_replaces_no_good_one(sqlite_bench, caller):
    bench = sqlite_bench
    bench.office.reading = FOUND
    ask(bench, caller)
    bench.office.reading = LookupResult("unavailable")
    bench.later(seconds=700)
    for _ in range(2):
        assert ask(bench, caller).values["surface"] == Saved(600)


def test_answers_are_sealed_and_forgotten(bench, caller):
    bench.office.reading = LookupResult("trouve", {"surface": "AKAKPO"})
    ask(bench, caller)
    with bench.parts.database.read() as conn:
        (row,) = conn.execute(text("SELECT * FROM cached_answers")).all()
    assert b"AKAKPO" not in b"".join(bytes(part) for part in row if isinstance(part, bytes | memoryview))
    bench.later(seconds=86_400)
    assert upkeep.sweep(bench.parts)["answers_forgotten"] == 1


def test_a_typed_identifier_proves_nothing(sqlite_bench, caller):
    typed = replace(KEPT, identifiers=("1234567890",))
    for reading in (FOUND, LookupResult("inconnu")):
        sqlite_bench.office.reading = reading
        assert ask(sqlite_bench, caller, typed) == LookupAnswer("unknown")
    sqlite_bench.office.reading = replace(FOUND, confirmed=True)
    assert ask(sqlite_bench, replace(caller, msisdn="+2290197000099"), typed).outcome == "trouve"


def test_a_database_that_is_away_hides_no_answer(sqlite_bench, caller, monkeypatch):
    def away(*_):
        raise StoreUnavailable(Why.AWAY)

    sqlite_bench.office.reading = FOUND
    monkeypatch.setattr(cached_answers, "find", away)
    monkeypatch.setattr(cached_answers, "keep", away)
    assert ask(sqlite_bench, caller).outcome == "trouve"


def breaker(bench):
    with bench.parts.database.read() as conn:
        return breakers.of(conn, ["etat-civil"]).get("etat-civil")


def open_breaker(bench, ask_s=30, code="too_slow"):
    """As if its last calls had been left without an answer; it is asked again after `ask_s`."""
    with bench.parts.database.begin() as conn:
        ask_at = bench.time + timedelta(seconds=ask_s)
        breakers.failed(conn, "etat-civil", 1, ask_at, code, bench.time)


def test_a_turn_does_not_wait_for_a_system_that_is_away(bench, caller):
    bench.office.reading = FOUND
    ask(bench, caller)
    bench.later(seconds=601)
    open_breaker(bench)
    bench.office.reading = LookupResult("trouve", {"surface": 700})  # what a call would find
    assert ask(bench, caller).values == {"surface": Saved(600), "answer_day": Saved("2026-11-23", "23/11/2026")}
    assert ask(bench, caller, replace(KEPT, last_known_s=0)).outcome == "unavailable", "the screen promises an SMS"
    bench.later(seconds=59)
    assert ask(bench, caller).values["surface"] == Saved(600), "who waits in the outbox may ask first, for 30 s"
    bench.later(seconds=1)
    assert ask(bench, caller).values["surface"] == Saved(700), "nobody did: a turn finds out"
    assert breaker(bench).opened_at is None


def test_one_turn_finds_out_and_the_others_do_not_wait(bench, caller):
    open_breaker(bench)
    bench.office.reading = LookupResult("unavailable", fault=Fault("too_slow"))
    bench.later(seconds=60)
    assert ask(bench, caller).outcome == "unavailable"
    bench.office.reading = FOUND
    assert ask(bench, caller).outcome == "unavailable"


def test_a_turn_leaves_alone_who_asked_for_that(bench, caller):
    bench.office.reading = LookupResult("unavailable", fault=Fault("http_503", retry_after_s=100))
    ask(bench, caller)
    bench.office.reading = FOUND
    bench.later(seconds=99)
    assert ask(bench, caller).outcome == "unavailable"
    bench.later(seconds=12)  # a tenth more at most
    assert ask(bench, caller).outcome == "trouve"


@pytest.mark.parametrize(
    ("fault", "opens", "remark"),
    [
        (Fault("no_connection"), True, "nobody listens"),
        (Fault("http_500"), True, "its server answers for a program that does not"),
        (Fault("xroad.server.serverproxy.networkerror"), True, "nor does a member of X-Road"),
        (Fault("xroad.server.serverproxy.accessdenied", misconfigured=True), False, "a person must look"),
        (Fault("too_slow"), False, "a turn has less patience than the system was promised"),
        (Fault("http_401", misconfigured=True), False, "it answers"),
        (Fault("cannot_be_asked"), False, "nobody was called"),
    ],
)
def test_what_a_turn_says_of_a_system(bench, caller, fault, opens, remark):
    bench.office.reading = LookupResult("unavailable", fault=fault)
    for _ in range(5):
        assert ask(bench, caller).outcome == "unavailable"
    known = breaker(bench)
    assert (known is not None and known.opened_at is not None) == opens, remark


def test_a_database_that_is_away_keeps_nobody_from_asking(sqlite_bench, caller, monkeypatch):
    sqlite_bench.office.reading = FOUND

    def away(*_):
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(breakers, "of", away)
    assert ask(sqlite_bench, caller).outcome == "trouve"


def test_promises_open_the_breaker_and_are_taken_back_in_time_while_it_is_open(desk, caller):
    desk.office.reading = LookupResult("unavailable", fault=Fault("too_slow"))
    promise(desk, caller)
    for _ in range(5):
        desk.later(minutes=10)
        assert keep_promises(desk) == 1
    assert breaker(desk).opened_at == desk.time
    valid_s = desk.parts.settings.limits.promise_valid_s
    open_breaker(desk, ask_s=2 * valid_s)
    desk.later(seconds=valid_s - 3000 - 1)
    assert keep_promises(desk) == 0, "it is due, and nobody is asked"
    assert upkeep.sweep(desk.parts)["answers_over"] == 0
    assert sent(desk) == []
    desk.later(seconds=1)
    assert upkeep.sweep(desk.parts)["answers_over"] == 1
    assert sent(desk) == ["Mon terrain: l'institution n'a pas répondu à votre question. Reposez-la plus tard: *229#"]
    assert upkeep.sweep(desk.parts)["answers_over"] == 0
    desk.later(seconds=2 * valid_s)
    assert keep_promises(desk) == 0


def test_a_promise_that_is_being_kept_is_left_to_its_worker(desk, caller):
    promise(desk, caller)
    desk.later(seconds=desk.parts.settings.limits.promise_valid_s)
    (row,) = desk.claim("backoffice")
    assert upkeep.sweep(desk.parts)["answers_over"] == 0
    desk.office.reading = FOUND
    promises.keep(desk.parts, row)
    assert len(sent(desk)) == 1


def test_a_promised_answer_comes_by_sms(desk, caller):
    desk.office.reading = LookupResult("unavailable")
    assert promise(desk, caller) == ActAnswer("promised")
    assert promise(desk, caller) == ActAnswer("promised"), "the same turn again: the same promise"
    assert keep_promises(desk) == 1
    assert sent(desk) == [], "tried again later"
    desk.office.reading = FOUND
    desk.later(hours=1)
    assert keep_promises(desk) == 1
    assert sent(desk) == ["Votre parcelle: 600 m2. Autre question: *229#"]
    desk.later(hours=1)
    assert keep_promises(desk) == 0
    with desk.parts.database.read() as conn:
        (row,) = conn.execute(text("SELECT args_sealed, outcome FROM promised_answers")).all()
    assert (row.args_sealed, row.outcome) == (None, "trouve"), "what was asked goes with its answer"


@pytest.mark.parametrize(
    ("reading", "remark"),
    [
        (LookupResult("unavailable"), "the institution never answered"),
        (LookupResult("autre"), "it answered what the menu does not know"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_taken_back(desk, caller, reading, remark):
    desk.office.reading = reading
    promise(desk, caller)
    desk.later(seconds=desk.parts.settings.limits.promise_valid_s)
    keep_promises(desk)
    assert sent(desk) == ["Mon terrain: l'institution n'a pas répondu à votre question. Reposez-la plus tard: *229#"], (
        remark
    )
    desk.later(days=1)
    assert keep_promises(desk) == 0


def test_a_system_that_was_taken_away_is_told_too(desk, caller):
    promise(desk, caller)
    settings = desk.parts.settings
    none = settings.systems["etat-civil"].model_copy(update={"sources": ()})
    desk.parts = replace(desk.parts, settings=settings.model_copy(update={"systems": {"etat-civil": none}}))
    keep_promises(desk)
    assert len(sent(desk)) == 1
    assert promise(desk, caller, b"l" * 32) == acts.UNAVAILABLE, "and nothing more is promised"


def test_whoever_has_the_number_next_is_told_nothing(desk, caller):
    promise(desk, caller)
    with desk.parts.database.begin() as conn:
        close(conn, desk.parts, met(conn, desk.parts, caller.msisdn, desk.time), Closed.SIM, desk.time)
        holdings.open_holding(conn, desk.parts.seals, caller.msisdn, desk.time)
    desk.office.reading = FOUND
    assert keep_promises(desk) == 1
    assert sent(desk) == []


def test_only_so_many_are_promised_at_a_time(desk, caller):
    most = desk.parts.settings.limits.promises_per_number
    answers = [promise(desk, caller, bytes([n]) * 32).outcome for n in range(most + 1)]
    assert answers == ["promised"] * most + ["unavailable"]


def test_an_unconfirmed_identifier_gets_the_answer_of_an_unknown_one(desk, caller):
    """The menu has no SMS for `unknown`: it is as if nobody answered, whatever the institution said."""
    desk.office.reading = FOUND
    promise(desk, caller, lookup=replace(KEPT, identifiers=("1234567890",)))
    keep_promises(desk)
    assert "600" not in sent(desk)[0]


def test_an_erased_person_is_asked_about_no_more(desk, caller, tmp_path):
    desk.office.reading = FOUND
    ask(desk, caller)
    promise(desk, caller)
    settings = desk.parts.settings.model_copy(update={"data": tmp_path})
    desk.parts = replace(desk.parts, settings=settings)
    persons.erase(desk.parts, caller.msisdn, "person")
    with desk.parts.database.read() as conn:
        for table in ("cached_answers", "promised_answers"):
            assert conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
    keep_promises(desk)
    assert sent(desk) == []


def test_two_workers_send_one_answer(desk, caller):
    desk.office.reading = FOUND
    promise(desk, caller)
    (row,) = desk.claim("backoffice")
    promises.keep(desk.parts, row)
    promises.keep(desk.parts, row)
    assert len(sent(desk)) == 1


def test_promises_are_forgotten(desk, caller):
    promise(desk, caller)
    desk.later(seconds=desk.parts.settings.privacy.texts_s + 1)
    assert upkeep.sweep(desk.parts)["promises_forgotten"] == 1

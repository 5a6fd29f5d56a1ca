"""What citizens choose: kept with its proof, done once, never undone by another's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer, Lookup
from gateway.messages import Category, MoSms, OptOut
from gateway.store import acts, holdings, mos
from gateway.store import preferences as stored
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import preferences
from gateway.usecases.preferences import Preferences, my_preferences, set_preference, stop, take_optout
from tests.usecases.conftest import MSISDN, OTHER, Bench

KEY = b"k" * 32


def choose(bench: Bench, caller: Any, subject: str, value: str, key: bytes = KEY) -> ActAnswer:
    act = Act("set_preference", "preferences", 0, {"subject": subject, "value": value})
    return set_preference(bench.parts, act, caller, key)


def held(bench: Bench, msisdn: str = MSISDN) -> int:
    with bench.parts.database.begin() as conn:
        return holdings.open_holding(conn, bench.parts.seals, msisdn, bench.time)


def chosen(bench: Bench, msisdn: str = MSISDN) -> Preferences:
    holding = held(bench, msisdn)
    with bench.parts.database.read() as conn:
        return preferences.of(conn, holding)


def history(bench: Bench) -> tuple[stored.Choice, ...]:
    holding = held(bench)
    with bench.parts.database.read() as conn:
        return stored.history(conn, holding)


@pytest.mark.parametrize(
    ("subject", "value", "outcome", "after", "remark"),
    [
        ("language", "en", "done", Preferences(language="en"), "a language of the menus"),
        ("language", "fon", "refused", Preferences(), "none of the menus"),
        ("language", "out", "refused", Preferences(), "no language"),
        ("category:procedure", "out", "done", Preferences(out=frozenset({Category.PROCEDURE})), ""),
        ("category:information", "out", "done", Preferences(out=frozenset({Category.INFORMATION})), ""),
        ("category:procedure", "in", "done", Preferences(), "it was in: now it is said"),
        ("category:vital", "out", "refused", Preferences(), "récépissés and decisions are owed to her"),
        ("category:vital", "in", "refused", Preferences(), "nothing to choose"),
        ("category:reply", "out", "refused", Preferences(), "she asks for those herself"),
        ("category:nothing", "out", "refused", Preferences(), "no category"),
        ("topic:sante", "in", "done", Preferences(topics=frozenset({"sante"})), "a topic of the list"),
        ("topic:sante", "out", "done", Preferences(), "she had not asked for it"),
        ("topic:sport", "in", "refused", Preferences(), "no topic of the list"),
        ("sender:at", "in", "refused", Preferences(), "only an aggregator says that"),
        ("sender:at", "out", "refused", Preferences(), "only an aggregator says that"),
        ("all", "in", "done", Preferences(), ""),
        ("all", "out", "done", Preferences(out=frozenset({Category.PROCEDURE, Category.INFORMATION})), ""),
        ("all", "perhaps", "refused", Preferences(), "neither in nor out"),
        ("", "", "refused", Preferences(), "nothing"),
    ],
)
def test_a_choice(sqlite_bench, caller, subject, value, outcome, after, remark):
    assert choose(sqlite_bench, caller, subject, value) == ActAnswer(outcome)
    assert chosen(sqlite_bench) == after


def test_the_latest_choice_counts_and_all_stay(bench, caller):
    for number, value in enumerate(("out", "in", "out")):
        choose(bench, caller, "category:information", value, bytes([number]) * 32)
        bench.later(minutes=1)
    assert chosen(bench).out == {Category.INFORMATION}
    assert [choice.value for choice in history(bench)] == ["out", "in", "out"]


def test_the_proof_of_a_choice_by_ussd_is_its_act(bench, caller):
    choose(bench, caller, "category:information", "out")
    (proof,) = history(bench)
    assert proof == stored.Choice("category:information", "out", bench.time, "ussd", None, KEY.hex())


def test_the_proof_of_a_choice_by_sms_is_that_sms(bench, caller):
    with bench.parts.database.begin() as conn:
        mo = mos.add(conn, bench.parts.seals, MoSms("at", "ATX_1", MSISDN, "22900", "LANGUE EN"), bench.time)
    choose(bench, replace(caller, mo_id=mo), "language", "en")
    (proof,) = history(bench)
    assert (proof.source, proof.mo_id, proof.evidence) == ("sms", mo, "")


def test_done_once_for_its_act_key(bench, caller):
    assert choose(bench, caller, "category:information", "out") == ActAnswer("done")
    choose(bench, caller, "category:information", "in", b"l" * 32)
    assert choose(bench, caller, "category:information", "out") == ActAnswer("done")  # a repetition comes late
    assert chosen(bench).out == frozenset()
    assert len(history(bench)) == 2


def test_a_refusal_is_the_same_when_repeated(sqlite_bench, caller):
    assert choose(sqlite_bench, caller, "category:vital", "out") == ActAnswer("refused")
    assert choose(sqlite_bench, caller, "category:information", "out") == ActAnswer("refused")  # the same act key
    assert history(sqlite_bench) == ()


def test_another_delivery_of_the_turn_was_first(sqlite_bench, caller, monkeypatch):
    choose(sqlite_bench, caller, "category:information", "out")
    real, asked = acts.find, []

    def not_yet(*args: Any) -> Any:
        asked.append(args)
        return None if len(asked) == 1 else real(*args)

    monkeypatch.setattr(acts, "find", not_yet)
    assert choose(sqlite_bench, caller, "category:information", "out") == ActAnswer("done")
    assert len(history(sqlite_bench)) == 1


@pytest.mark.parametrize("why", [Why.AWAY, Why.BUSY])
def test_a_database_that_is_away(sqlite_bench, caller, monkeypatch, why):
    def away(*args: Any) -> Any:
        raise StoreUnavailable(why)

    monkeypatch.setattr(acts, "find", away)
    assert choose(sqlite_bench, caller, "category:information", "out") == ActAnswer("unavailable")
    assert chosen(sqlite_bench) == Preferences()


def test_who_asks_for_a_topic_is_informed_again(bench, caller):
    choose(bench, caller, "all", "out")
    choose(bench, caller, "topic:meteo", "in", b"l" * 32)
    assert chosen(bench) == Preferences(out=frozenset({Category.PROCEDURE}), topics=frozenset({"meteo"}))


def test_a_new_holder_of_the_number_has_chosen_nothing(bench, caller):
    choose(bench, caller, "all", "out")
    holding = held(bench)
    with bench.parts.database.begin() as conn:
        holdings.close(conn, holding, "sim", bench.time)
    assert chosen(bench) == Preferences()


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("all", ("category:procedure", "category:information")),
        ("information", ("category:information",)),
        ("category:information", ("category:information",)),
        ("procedure", ("category:procedure",)),
        ("sante", ("topic:sante",)),
        ("topic:sante", ("topic:sante",)),
    ],
)
def test_stop_says_what_changed_and_only_once(bench, what, changed):
    holding = held(bench)
    with bench.parts.database.begin() as conn:
        assert stop(conn, bench.parts, holding, what, "sms", bench.time, 7) == changed
        assert stop(conn, bench.parts, holding, what, "sms", bench.time + timedelta(hours=1), 8) == ()
    assert {choice.mo_id for choice in history(bench)} == {7}  # the first proof is the one


def test_stop_all_after_stop_of_one(bench):
    holding = held(bench)
    with bench.parts.database.begin() as conn:
        stop(conn, bench.parts, holding, "information", "sms", bench.time, 7)
        assert stop(conn, bench.parts, holding, "all", "sms", bench.time, 8) == ("category:procedure",)


@pytest.mark.parametrize("what", ["", "vital", "category:vital", "reply", "language", "sport"])
def test_what_cannot_be_stopped(sqlite_bench, what):
    holding = held(sqlite_bench)
    with sqlite_bench.parts.database.begin() as conn, pytest.raises(ValueError, match="nothing that can be stopped"):
        stop(conn, sqlite_bench.parts, holding, what, "sms", sqlite_bench.time)


def test_an_aggregator_s_opt_out_stays_whatever_the_citizen_chooses(bench, caller):
    take_optout(bench.parts, OptOut("at", "22900", MSISDN), bench.time)
    take_optout(bench.parts, OptOut("at", "22900", MSISDN), bench.time)  # delivered twice
    choose(bench, caller, "all", "in")
    mine = chosen(bench)
    assert mine.senders_out == {"at"}
    assert mine.refuses(Category.VITAL, "at")
    assert not mine.refuses(Category.VITAL, "another")
    assert [(choice.source, choice.evidence) for choice in history(bench)[:1]] == [("aggregator", "22900")]
    assert sum(choice.subject == "sender:at" for choice in history(bench)) == 1


@pytest.mark.parametrize(
    ("mine", "category", "topic", "refused", "remark"),
    [
        (Preferences(), Category.INFORMATION, None, False, "nothing chosen"),
        (Preferences(), Category.INFORMATION, "sante", True, "a topic is asked for"),
        (Preferences(topics=frozenset({"sante"})), Category.INFORMATION, "sante", False, "and she did"),
        (Preferences(topics=frozenset({"sante"})), Category.INFORMATION, "meteo", True, "another one"),
        (Preferences(out=frozenset({Category.INFORMATION})), Category.INFORMATION, None, True, "refused"),
        (
            Preferences(out=frozenset({Category.INFORMATION}), topics=frozenset({"sante"})),
            Category.INFORMATION,
            "sante",
            True,
            "the category was refused after the topic was asked for",
        ),
        (Preferences(out=frozenset({Category.INFORMATION})), Category.PROCEDURE, None, False, "another category"),
        (Preferences(out=frozenset({Category.PROCEDURE})), Category.VITAL, None, False, "vital is never refused"),
        (Preferences(out=frozenset({Category.PROCEDURE})), Category.REPLY, None, False, "nor what she asks for"),
    ],
)
def test_what_is_refused(mine, category, topic, refused, remark):
    assert mine.refuses(category, "at", topic) is refused


def test_many_at_once_in_one_query(bench, caller, other):
    choose(bench, caller, "category:information", "out")
    choose(bench, other, "language", "en", b"l" * 32)
    holding, of_other = held(bench), held(bench, OTHER)
    with bench.parts.database.read() as conn:
        asked: list[str] = []
        event.listen(conn, "before_cursor_execute", lambda *given: asked.append(given[2]))
        found = preferences.refusals(conn, (holding, of_other, 999, holding))
        assert len(asked) == 1
    assert found == {
        holding: Preferences(out=frozenset({Category.INFORMATION})),
        of_other: Preferences(language="en"),
        999: Preferences(),
    }


def words(bench: Bench, caller: Any, left_s: float = 5.0) -> tuple[str, ...]:
    answer = my_preferences(bench.parts, Lookup("my_preferences", {}), caller, left_s)
    return (answer.outcome, *(str(saved.raw) for saved in answer.values.values()))


def test_what_the_screen_says(bench, caller, other):
    assert words(bench, caller) == ("found", "Français", "oui", "oui")
    assert words(bench, other) == ("found", "English", "yes", "yes")  # nothing chosen: that of the dialogue
    choose(bench, caller, "category:information", "out")
    choose(bench, caller, "language", "en", b"l" * 32)
    assert words(bench, caller) == ("found", "English", "oui", "non")


def test_the_screen_without_a_database(sqlite_bench, caller, monkeypatch):
    assert words(sqlite_bench, caller, 0.0) == ("unavailable",)

    def away(*args: Any) -> Any:
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(holdings, "held", away)
    assert words(sqlite_bench, caller) == ("unavailable",)


def test_nothing_personal_is_logged(sqlite_bench, caller, monkeypatch):
    lines: list[bytes] = []
    logs.start("info", lambda: sqlite_bench.time)  # whatever another test left
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lines.append))
    choose(sqlite_bench, caller, "topic:sante", "in")
    take_optout(sqlite_bench.parts, OptOut("at", "22900", MSISDN), sqlite_bench.time)
    assert len(lines) == 2
    for line in lines:
        assert MSISDN[-8:].encode() not in line
        assert b"sante" not in line  # a topic can say what she suffers from

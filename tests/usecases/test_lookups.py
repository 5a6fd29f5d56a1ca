from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.engine.outcomes import Item, Lookup, LookupAnswer, Saved
from gateway.messages import SubmissionState
from gateway.store import holdings, submissions
from gateway.store.db import StoreUnavailable, Why
from gateway.text import reference
from gateway.usecases import lookups
from gateway.usecases.lookups import my_submissions, submission_status
from gateway.usecases.submissions import submit

MINE = Lookup("my_submissions", {})


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw


def status(bench, caller, typed: str, left_s: float = 5.0) -> LookupAnswer:
    return submission_status(bench.parts, Lookup("submission_status", {"reference": typed}), caller, left_s)


def words(answer: LookupAnswer) -> dict[str, str | int]:
    return {name: saved.shown or saved.raw for name, saved in answer.values.items()}


def test_my_list_tells_children_apart(bench, act, caller, other):
    assert my_submissions(bench.parts, MINE, caller, 5.0) == LookupAnswer("found")
    numbers = [
        submit(bench.parts, act(npi=f"123456441{n}"), caller, bytes([n]) * 32).values["reference"].raw for n in (2, 3)
    ]
    answer = my_submissions(bench.parts, MINE, caller, 5.0)
    assert answer.items == (
        Item(numbers[1], "Acte, ...4413, 23/11"),
        Item(numbers[0], "Acte, ...4412, 23/11"),
    )
    assert my_submissions(bench.parts, MINE, other, 5.0).items == ()


def test_a_sensitive_demand_shows_its_reference_only(sqlite_bench, act, caller):
    bench = sqlite_bench.with_service(sensitive=True)
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    (line,) = my_submissions(bench.parts, MINE, caller, 5.0).items
    assert line.label == f"{reference.show(number)}, 23/11"


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("Acte de naissance", 17, "Acte de naissance"),
        ("Acte de naissance", 16, "Acte"),
        ("Acte de naissance", 4, "Acte"),
        ("Acte de naissance", 3, ""),
        ("Birth certificate", 8, "Birth"),
    ],
)
def test_whole_words(text, room, shown):
    assert lookups._whole_words(text, room) == shown


def test_my_own_in_detail(sqlite_bench, act, caller):
    bench = sqlite_bench.with_service(promise_days=3)
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    answer = status(bench, caller, reference.show(number))
    assert answer.outcome == "own"
    assert words(answer) == {
        "state_label": "reçue",
        "service_title": "Acte de naissance",
        "promised_date": "26/11/2026",
        "case_number": "",
        "late": "",
        "decided_message": "",
        "can_withdraw": "yes",
        "can_correct": "yes",
        "can_answer": "",
    }


def test_after_the_decision(bench, number, caller):
    with bench.parts.database.begin() as conn:
        submissions.set_state(
            conn,
            bench.parts.seals,
            bench.submission(number).id,
            SubmissionState.REFUSED,
            bench.time,
            case_number="EC-1",
            message={"fr": "Acte introuvable.", "en": "Not found."},
        )
    answer = words(status(bench, caller, number))
    assert (answer["state_label"], answer["decided_message"], answer["case_number"]) == (
        "refusée",
        "Acte introuvable.",
        "EC-1",
    )


def test_another_number_is_told_the_state_only(bench, number, other):
    answer = status(bench, other, number)
    assert answer == LookupAnswer("other", {"state_label": Saved("received")})


def test_a_sim_that_changed_hands_is_another_number(bench, number, caller):
    with bench.parts.database.begin() as conn:
        holdings.close(conn, bench.submission(number).holding_id, "sim", bench.time)
        holdings.open_holding(conn, bench.parts.seals, caller.msisdn, bench.time + timedelta(days=1))
    assert status(bench, caller, number).outcome == "other"
    assert my_submissions(bench.parts, MINE, caller, 5.0).items == ()


@pytest.mark.parametrize(
    ("typed", "remark"),
    [("482109375625", "no such demand"), ("482109375628", "a wrong check digit"), ("", "nothing")],
)
def test_unknown(sqlite_bench, caller, typed, remark):
    assert status(sqlite_bench, caller, typed) == LookupAnswer("unknown")


def test_no_time_left(sqlite_bench, caller):
    assert my_submissions(sqlite_bench.parts, MINE, caller, 0.0).outcome == "unavailable"
    assert status(sqlite_bench, caller, "482109375625", 0.0).outcome == "unavailable"


def test_the_database_is_away(sqlite_bench, caller, monkeypatch):
    def away(*args):
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(holdings, "held", away)
    monkeypatch.setattr(submissions, "by_reference", away)
    assert my_submissions(sqlite_bench.parts, MINE, caller, 5.0).outcome == "unavailable"
    assert status(sqlite_bench, caller, "482109375625").outcome == "unavailable"


def test_a_demand_past_its_promised_date_is_late_until_it_is_decided(sqlite_bench, act, caller):
    bench = sqlite_bench.with_service(promise_days=3)
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    for days, late in ((3, ""), (1, "yes")):
        bench.later(days=days)
        assert words(status(bench, caller, number))["late"] == late
    with bench.parts.database.begin() as conn:
        granted = SubmissionState.GRANTED
        submissions.set_state(conn, bench.parts.seals, bench.submission(number).id, granted, bench.time)
    assert words(status(bench, caller, number))["late"] == ""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from gateway.engine.outcomes import ActAnswer
from gateway.messages import SubmissionState
from gateway.store import acts, holdings, outbox, submission_events
from gateway.store.db import StoreUnavailable, Why
from gateway.text import reference, segments
from gateway.usecases import acts as performed
from gateway.usecases import submissions
from gateway.usecases.acts import find as find_act
from gateway.usecases.submissions import submit

KEY = b"k" * 32


def test_a_submission_is_stored_with_its_receipt_and_its_work(bench, act, caller):
    answer = submit(bench.parts, act(), caller, KEY)
    assert answer.outcome == "submitted"
    number = answer.values["reference"].raw
    assert reference.parse(number) == number
    assert answer.values["reference"].shown == reference.show(number)
    stored = bench.submission(number)
    assert (stored.state, stored.service, stored.system) == (SubmissionState.RECEIVED, "acte-naissance", "etat-civil")
    assert (stored.channel, stored.language, stored.label) == ("at", "fr", "...4412")
    (receipt,) = bench.sms(number)
    assert (receipt.template, receipt.category) == ("receipt_no_promise", "vital")
    with bench.parts.database.read() as conn:
        events = submission_events.of(conn, stored.id)
        lanes = {(row.lane, row.kind) for row in outbox.of_target(conn, "mt", receipt.id)}
        lanes |= {(row.lane, row.kind) for row in outbox.of_target(conn, "submission", stored.id)}
    assert [event.kind for event in events] == ["received"]
    assert lanes == {("urgent", "mt"), ("backoffice", "submission")}
    assert sorted(bench.announced) == ["backoffice", "urgent"]


def test_the_receipt_as_the_citizen_reads_it(bench, act, caller, keys):
    bench.with_service(promise_days=3)
    answer = submit(bench.parts, act(), caller, KEY)
    number = answer.values["reference"].raw
    code = reference.code(keys.receipts, number, "acte-naissance", "2026-11-23")
    (text,) = bench.texts(number)
    assert text == (
        f"Récépissé {reference.show(number)}. Acte de naissance, demande déposée le 23/11/2026 à 14:05. "
        f"Réponse avant le 26/11. Code de vérification {code}. Suivi: *229#"
    )
    assert segments.measure(text).segments == 1
    assert answer.values["verification"].raw == code
    assert (answer.values["promised_date"].raw, answer.values["promised_date"].shown) == ("2026-11-26", "26/11")
    assert bench.submission(number).promised_on == date(2026, 11, 26)


@pytest.mark.parametrize(
    ("clock", "day", "remark"),
    [
        ("2026-11-23T22:59:59+00:00", "23/11/2026 à 23:59", "the last second of the day in Porto-Novo"),
        ("2026-11-23T23:00:00+00:00", "24/11/2026 à 00:00", "the first second of the next"),
    ],
)
def test_days_are_those_of_porto_novo(sqlite_bench, act, caller, keys, clock, day, remark):
    bench = sqlite_bench.with_service(promise_days=1)
    bench.time = bench.time.fromisoformat(clock)
    number = submit(bench.parts, act(), caller, KEY).values["reference"].raw
    (text,) = bench.texts(number)
    assert day in text
    local = f"{day[6:10]}-{day[3:5]}-{day[:2]}"
    assert reference.code(keys.receipts, number, "acte-naissance", local) in text


def test_a_sensitive_service_is_not_named(sqlite_bench, act, caller):
    bench = sqlite_bench.with_service(sensitive=True)
    number = submit(bench.parts, act(), caller, KEY).values["reference"].raw
    (text,) = bench.texts(number)
    assert "naissance" not in text
    assert reference.show(number) in text


def test_english_and_an_alphabet_that_phones_have(sqlite_bench, act, caller):
    number = submit(sqlite_bench.parts, act(language="en"), caller, KEY).values["reference"].raw
    (text,) = sqlite_bench.texts(number)
    assert text.startswith("Receipt ")
    assert segments.measure(text).encoding == "GSM-7"


def test_the_same_act_answers_the_same(bench, act, caller):
    first = submit(bench.parts, act(), caller, KEY)
    again = submit(bench.parts, act(), caller, KEY)
    assert again == first
    assert find_act(bench.parts, KEY) == first
    assert find_act(bench.parts, b"z" * 32) is None
    assert len(bench.sms(first.values["reference"].raw)) == 1
    assert len(bench.claim("backoffice")) == 1


def test_many_deliveries_at_once_make_one_submission(bench, act, caller):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: submit(bench.parts, act(), caller, KEY), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].outcome == "submitted"
    assert len(bench.claim("backoffice")) == 1
    assert len(bench.claim("urgent")) == 1


def test_a_duplicate_is_a_subject_of_one_s_own(bench, act, caller, other):
    """A demand of somebody else about the same NPI is neither told nor in the way; staff see that there are two."""
    first = submit(bench.parts, act(), caller, b"1" * 32)
    mine = submit(bench.parts, act(), caller, b"2" * 32)
    assert mine.outcome == "already"
    assert mine.values["reference"] == first.values["reference"]
    assert "verification" not in mine.values
    theirs = submit(bench.parts, act(), other, b"3" * 32)
    assert theirs.outcome == "submitted"
    assert theirs.values["reference"] != first.values["reference"]
    again = submit(bench.parts, act(), other, b"5" * 32)
    assert (again.outcome, again.values["reference"]) == ("already", theirs.values["reference"])
    with bench.parts.database.read() as conn:
        kinds = [event.kind for event in submission_events.of(conn, theirs.submission_id)]
    assert "same_subject" in kinds
    child = submit(bench.parts, act(npi="1234564413"), caller, b"4" * 32)
    assert child.outcome == "submitted"


def test_two_numbers_at_once_about_one_subject(bench, act, caller, other):
    callers = itertools.cycle((caller, other))
    turns = [(next(callers), bytes([n]) * 32) for n in range(1, 9)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda turn: submit(bench.parts, act(), *turn), turns))
    assert sorted(answer.outcome for answer in answers) == ["already"] * 6 + ["submitted"] * 2, "each its own, once"


def test_a_closed_subject_may_be_submitted_again(sqlite_bench, act, caller):
    bench = sqlite_bench
    first = submit(bench.parts, act(), caller, b"1" * 32).values["reference"].raw
    with bench.parts.database.begin() as conn:
        submissions.submissions.set_state(
            conn, bench.parts.seals, bench.submission(first).id, SubmissionState.GRANTED, bench.time
        )
    assert submit(bench.parts, act(), caller, b"2" * 32).outcome == "submitted"


@pytest.mark.parametrize("change", [{"service": "gone"}, {"system": "gone"}], ids=["service", "system"])
def test_what_is_no_longer_there_is_closed(sqlite_bench, act, caller, change):
    assert submit(sqlite_bench.parts, act(**change), caller, KEY) == ActAnswer("closed")
    assert find_act(sqlite_bench.parts, KEY) == ActAnswer("closed")


def test_a_reference_that_is_taken_is_not_given_again(sqlite_bench, act, caller):
    bench = sqlite_bench
    drawn = iter([b"\x01" * 16, b"\x01" * 16, b"\x01" * 16, b"\x02" * 16])
    bench.parts = replace(bench.parts, random_bytes=lambda size: next(drawn))
    first = submit(bench.parts, act(), caller, b"1" * 32)
    second = submit(bench.parts, act(npi="1234564413"), caller, b"2" * 32)
    assert second.outcome == "submitted"
    assert first.values["reference"] != second.values["reference"]


def test_a_random_source_that_repeats_itself_is_said(sqlite_bench, act, caller):
    bench = sqlite_bench
    bench.parts = replace(bench.parts, random_bytes=lambda size: b"\x01" * size)
    submit(bench.parts, act(), caller, b"1" * 32)
    with pytest.raises(RuntimeError, match="random source"):
        submit(bench.parts, act(npi="1234564413"), caller, b"2" * 32)
    assert len(bench.claim("backoffice")) == 1


def test_a_database_that_cannot_store_is_unavailable(sqlite_bench, act, caller, monkeypatch):
    def broken(*args, **kwargs):
        raise StoreUnavailable(Why.FULL)

    monkeypatch.setattr(submissions.outbox, "add", broken)
    assert submit(sqlite_bench.parts, act(), caller, KEY) == ActAnswer("unavailable")
    monkeypatch.undo()
    assert find_act(sqlite_bench.parts, KEY) is None
    assert sqlite_bench.announced == []
    assert submit(sqlite_bench.parts, act(), caller, KEY).outcome == "submitted"


def test_a_connection_lost_while_committing(sqlite_bench, act, caller, monkeypatch):
    """The commit took place, its answer was lost: the citizen is told what is true."""
    real = performed._once

    def loses_the_answer(*args):
        real(*args)
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(performed, "_once", loses_the_answer)
    answer = submit(sqlite_bench.parts, act(), caller, KEY)
    assert answer.outcome == "submitted"
    assert answer == find_act(sqlite_bench.parts, KEY)


def test_everything_or_nothing(bench, act, caller, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(acts, "insert", broken)
    with pytest.raises(ZeroDivisionError):
        submit(bench.parts, act(), caller, KEY)
    with bench.parts.database.read() as conn:
        assert outbox.counts(conn) == ()
        assert holdings.find_open(conn, bench.parts.seals, caller.msisdn, bench.parts.silent_since) is None

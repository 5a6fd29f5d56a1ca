"""A dead institution does not hold up the others, and one that asks for time is left alone by everybody."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.messages import BackofficeAnswer, HandOver, SubmissionState
from gateway.store import breakers, outbox
from gateway.usecases import hand_over, submissions, telling
from gateway.usecases.breakers import limits
from gateway.usecases.telling import Errand

AFTER = 5
SILENT = BackofficeAnswer(HandOver.RETRY, code="too_slow")
ACCEPTED = BackofficeAnswer(HandOver.ACCEPTED, code="accepted")


def file(bench, act, caller, count, start=0):
    for number in range(start, start + count):
        submissions.submit(bench.parts, act(f"12345644{number:02}"), caller, f"key {number}".encode())


def claim(bench, limit=100):
    with bench.parts.database.begin() as conn:
        known = limits(bench.parts.settings)
        return outbox.claim(conn, "backoffice", bench.parts.new_id(), limit, 60, bench.time, None, known)


def breaker(bench):
    with bench.parts.database.read() as conn:
        return breakers.of(conn, ["etat-civil"]).get("etat-civil")


def untried(bench):
    with bench.parts.database.read() as conn:
        rows = [row for target in range(1, 30) for row in outbox.of_target(conn, "submission", target)]
    return [row for row in rows if row.state == "ready" and row.attempts == 0]


def drain(bench):
    """One call after the other, until nothing may be claimed."""
    while rows := claim(bench, 1):
        hand_over.hand_over(bench.parts, rows)


def test_a_silent_system_is_asked_a_few_times_and_then_now_and_then(bench, act, caller):
    file(bench, act, caller, AFTER + 4)
    bench.office.answers = [SILENT]
    drain(bench)
    assert len(bench.office.received) == AFTER
    assert len(untried(bench)) == 4, "those that wait lose no attempt"
    opened = breaker(bench)
    assert (opened.opened_at, opened.last_code) == (bench.time, "too_slow")
    assert timedelta(seconds=30) <= opened.ask_at - bench.time <= timedelta(seconds=37.5)

    bench.time = opened.ask_at - timedelta(microseconds=1)
    assert claim(bench) == ()
    with bench.parts.database.read() as conn:
        assert "backoffice" not in outbox.due_lanes(conn, bench.time), "nobody is woken for nothing"
    bench.time = opened.ask_at
    with bench.parts.database.read() as conn:
        assert "backoffice" in outbox.due_lanes(conn, bench.time)
    (asks,) = claim(bench)
    assert claim(bench) == (), "one call finds out"
    hand_over.hand_over(bench.parts, [asks])
    assert len(bench.office.received) == AFTER + 1
    assert breaker(bench).opened_at == opened.opened_at
    assert claim(bench) == ()

    bench.office.answers = [ACCEPTED]
    bench.later(seconds=38)
    (asks,) = claim(bench)
    hand_over.hand_over(bench.parts, [asks])
    assert breaker(bench).opened_at is None
    assert len(claim(bench)) == 4, "as many as it may have at a time"
    bench.later(hours=2)
    drain(bench)
    with bench.parts.database.read() as conn:
        assert submissions.submissions.count_by_state(conn) == {SubmissionState.ACKNOWLEDGED: AFTER + 4}


@pytest.mark.parametrize(
    ("code", "opens", "remark"),
    [
        ("no_connection", True, "nobody listens"),
        ("cut", True, "no complete answer"),
        ("http_500", True, "its server answers for a program that does not"),
        ("http_503", True, "as above"),
        ("http_429", False, "it is there, and says so"),
        ("http_401", False, "the way is wrong: a person must look, and is told"),
        ("unreadable", False, "an answer all the same"),
        ("failed", False, "a fault of ours says nothing of it"),
        ("no_room", True, "the disk of its files is full: each row would be tried in vain"),
        ("no_folder", True, "the disk of its files is not there"),
        ("xroad.server.serverproxy.networkerror", True, "a security server answers for a member that does not"),
        ("xroad.client.internalerror", False, "our own way: a person must look"),
        ("no_case", False, "nobody was called"),
    ],
)
def test_what_opens_it(bench, act, caller, code, opens, remark):
    file(bench, act, caller, AFTER + 2)
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code=code)]
    drain(bench)
    assert len(bench.office.received) == (AFTER if opens else AFTER + 2), remark
    known = breaker(bench)
    assert (known is not None and known.opened_at is not None) == opens


def test_any_answer_begins_the_count_anew(bench, act, caller):
    file(bench, act, caller, 2 * AFTER)
    rejected = BackofficeAnswer(HandOver.REJECTED, code="npi_unknown")
    bench.office.answers = [*[SILENT] * (AFTER - 1), rejected, *[SILENT] * (AFTER - 1), ACCEPTED]
    drain(bench)
    assert len(bench.office.received) == 2 * AFTER
    assert breaker(bench).opened_at is None


@pytest.mark.parametrize("code", ["http_429", "http_503"])
def test_retry_after_is_for_the_whole_system(bench, act, caller, code):
    file(bench, act, caller, 3)
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code=code, retry_after_s=120), ACCEPTED]
    drain(bench)
    assert len(bench.office.received) == 1
    assert len(untried(bench)) == 2
    bench.later(seconds=120)
    assert claim(bench) == ()
    bench.later(seconds=12.1)  # a tenth more at most
    drain(bench)
    assert len(bench.office.received) == 4


def test_a_wait_that_was_asked_for_outlives_an_answer_to_another_call(bench, act, caller):
    file(bench, act, caller, 3)
    first, second = claim(bench, 2)
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code="http_503", retry_after_s=120), ACCEPTED]
    hand_over.hand_over(bench.parts, [first])
    hand_over.hand_over(bench.parts, [second])
    assert claim(bench) == ()


def test_a_409_is_about_its_own_row_only(bench, act, caller):
    file(bench, act, caller, 2)
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code="http_409", retry_after_s=120), ACCEPTED]
    drain(bench)
    assert len(bench.office.received) == 2


def test_what_is_told_later_counts_too(bench, act, caller):
    """A withdrawal, a statement or a reminder that is left without an answer, and the wait that one asks for."""
    file(bench, act, caller, AFTER)
    while rows := claim(bench, 1):
        telling.tell(bench.parts, rows[0], lambda conn, row: Errand(row.target_id, "etat-civil", lambda _: SILENT))
    assert breaker(bench).opened_at == bench.time
    bench.later(hours=1)
    (asks,) = claim(bench)
    busy = BackofficeAnswer(HandOver.RETRY, code="http_429", retry_after_s=600)
    telling.tell(bench.parts, asks, lambda conn, row: Errand(row.target_id, "etat-civil", lambda _: busy))
    bench.later(seconds=599)
    assert claim(bench) == ()


def test_what_cannot_be_told_is_no_sign_of_life(bench, act, caller):
    """A system with no place for a reminder was not called: it is still away."""
    file(bench, act, caller, 1)
    with bench.parts.database.begin() as conn:
        breakers.failed(conn, "etat-civil", 1, bench.time, "too_slow", bench.time)
    (asks,) = claim(bench)
    untold = BackofficeAnswer(HandOver.ACCEPTED, code="cannot_be_told")
    telling.tell(bench.parts, asks, lambda conn, row: Errand(row.target_id, "etat-civil", lambda _: untold))
    assert breaker(bench).opened_at == bench.time


def test_a_system_that_is_in_no_configuration_is_no_systems_fault(bench, act, caller):
    file(bench, act, caller, 1)
    bench.parts = replace(bench.parts, systems={})
    drain(bench)
    assert breaker(bench).failures == 0

"""A dead institution does not hold up the others."""

import pytest

from gateway.messages import BackofficeAnswer, HandOver, SubmissionState
from gateway.store.outbox import OutboxState
from gateway.usecases import hand_over, submissions
from gateway.usecases.silence import ASKED_EVERY_S, SILENT_AFTER, Silences

SILENT = BackofficeAnswer(HandOver.RETRY, code="too_slow")


def file(bench, act, caller, count):
    for number in range(count):
        submissions.submit(bench.parts, act(f"12345644{number:02}"), caller, f"key {number}".encode())


def test_a_silent_system_is_asked_a_few_times_and_then_now_and_then(bench, act, caller):
    file(bench, act, caller, SILENT_AFTER + 4)
    bench.office.answers = [SILENT]
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    assert len(bench.office.received) == SILENT_AFTER
    put_off = bench.row("submission", SILENT_AFTER + 1)
    assert (put_off.state, put_off.attempts, put_off.last_code) == (OutboxState.READY, 0, "away")
    assert bench.time < put_off.due_at
    assert not bench.claim("backoffice")

    bench.later(hours=2)
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    assert len(bench.office.received) == SILENT_AFTER + 1  # one call found out that it is still away

    bench.office.answers = [BackofficeAnswer(HandOver.ACCEPTED, code="accepted")]
    bench.later(hours=2)
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    assert len(bench.office.received) == 2 * SILENT_AFTER + 5
    with bench.parts.database.read() as conn:
        assert hand_over.submissions.count_by_state(conn) == {SubmissionState.ACKNOWLEDGED: SILENT_AFTER + 4}


@pytest.mark.parametrize("code", ["http_503", "http_429", "unreadable", "http_401"])
def test_a_system_that_answers_quickly_is_not_silent(bench, act, caller, code):
    file(bench, act, caller, SILENT_AFTER + 4)
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code=code)]
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    assert len(bench.office.received) == SILENT_AFTER + 4


def test_the_silence_of_one_is_not_that_of_another():
    silences = Silences()
    for _ in range(SILENT_AFTER):
        assert silences.away("a", 0) == 0
        silences.note("a", 0, answered=False)
    assert silences.away("a", 0) == SILENT_AFTER
    assert silences.away("b", 0) == 0
    assert silences.away("a", ASKED_EVERY_S - 0.1) == SILENT_AFTER
    assert silences.away("a", ASKED_EVERY_S) == 0  # one finds out
    assert silences.away("a", ASKED_EVERY_S) == SILENT_AFTER  # and only one
    silences.note("a", ASKED_EVERY_S, answered=True)
    assert silences.away("a", ASKED_EVERY_S) == 0

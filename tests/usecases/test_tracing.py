"""The path of one submission: everything that happened to it, once, in order, and in every log line about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway import logs
from gateway.messages import BackofficeAnswer, BackofficeEvent, Decision, Dlr, HandOver, MtState
from gateway.usecases import backoffice_events, delivery_reports, sending
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit
from gateway.usecases.tracing import trace

KEY = b"k" * 32


@pytest.fixture
def lines(monkeypatch) -> Iterator[list[dict]]:
    """The log lines of the test."""
    written: list[dict] = []
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lambda line: written.append(json.loads(line))))
    monkeypatch.setattr(logs._Sink, "threshold", 20)
    return written


@pytest.fixture
def number(bench, act, caller):
    """A submission from the turn that stored it to its decision: each step a minute after the one before."""

    def send():
        bench.later(minutes=1)
        with ThreadPoolExecutor(1) as pool:
            sending.send_all(bench.parts, bench.claim("urgent"), pool, urgent=True)

    reference = submit(bench.parts, act(), caller, KEY).values["reference"].raw
    send()
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code="http_503"), BackofficeAnswer(HandOver.ACCEPTED)]
    for _ in range(2):
        bench.later(minutes=10)
        hand_over(bench.parts, bench.claim("backoffice"))
    bench.later(minutes=1)
    report = Dlr(channel="at", external_id="ATX_1", state=MtState.DELIVERED, reason="", raw_status="Success")
    delivery_reports.take_dlr(bench.parts, report, bench.time)
    bench.later(minutes=1)
    event = BackofficeEvent(
        system="etat-civil",
        event_id="evt_7",
        type="submission.decided",
        reference=reference,
        decision=Decision.GRANTED,
        occurred_at=bench.time,
    )
    backoffice_events.take_event(bench.parts, event, bench.time)
    send()  # the acknowledgement
    send()  # the decision, which never overtakes it
    return reference


def test_everything_in_order(bench, lines, number, caller):
    found = trace(bench.parts, number)
    assert found is not None
    assert [moment.at for moment in found.moments] == sorted(moment.at for moment in found.moments)
    said = [f"{moment.about}: {moment.said}" for moment in found.moments]
    expected = [
        "submission: received",
        "SMS 1: created receipt_no_promise by s, 1 segments",
        "SMS 1: accepted 100 by send",
        "hand-over: attempt 1 retry http_503",
        "hand-over: attempt 2 done",
        "submission: acknowledged",
        "SMS 1: delivered by dlr",
        "submission: decided granted event evt_7",
        "SMS 3: accepted 100 by send",
    ]
    assert [line for line in said if line in expected] == expected, said
    assert found.due == ()
    for hidden in (caller.msisdn, "1234564412", "cotonou"):
        assert hidden not in repr(found)


def test_what_is_still_to_be_done(bench, act, caller):
    reference = submit(bench.parts, act(), caller, KEY).values["reference"].raw
    found = trace(bench.parts, reference)
    assert found is not None
    assert [(one.about, one.said) for one in found.due] == [
        ("hand-over", "due, 0 attempts"),
        ("SMS 1", "due, 0 attempts"),
    ]


def test_a_reference_of_nobody(bench):
    assert trace(bench.parts, "4821 0937 5628") is None
    assert trace(bench.parts, "what?") is None


def test_every_line_names_the_submission(bench, lines, number):
    """From the act to the decision's SMS: no step of its life is told without it."""
    told = [line["event"] for line in lines if line.get("submission_id") == 1]
    assert told == [line["event"] for line in lines]
    assert {
        "submission.answered",
        "mt.written",
        "mt.sent",
        "submission.handed_over",
        "dlr.taken",
        "backoffice.event",
    } == set(told)


def test_a_repetition_of_the_turn_is_about_the_same_submission(bench, act, caller):
    first = submit(bench.parts, act(), caller, KEY)
    assert submit(bench.parts, act(), caller, KEY).submission_id == first.submission_id is not None
    assert submit(bench.parts, act(), caller, b"j" * 32).submission_id == first.submission_id, "already"

from __future__ import annotations

import pytest

from gateway.messages import BackofficeAnswer, HandOver, SubmissionState
from gateway.text import reference
from gateway.usecases.hand_over import hand_over
from gateway.usecases.inspection import list_submissions, show
from gateway.usecases.submissions import submit
from gateway.usecases.upkeep import sweep


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw


@pytest.fixture
def dead(bench, number):
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code="http_503")]
    for _ in range(3):
        bench.time = bench.row("submission", bench.submission(number).id).due_at
        hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(number).state == SubmissionState.DEAD
    return number


def test_a_list_is_masked_and_paged(bench, act, caller):
    for n in range(3):
        submit(bench.parts, act(npi=f"123456441{n}"), caller, bytes([n]) * 32)
    first = list_submissions(bench.parts, 2)
    assert [line.state for line in first] == ["received", "received"]
    assert first[0].id > first[1].id
    (last,) = list_submissions(bench.parts, 2, before_id=first[1].id)
    assert last.id < first[1].id
    assert list_submissions(bench.parts, 9, state=SubmissionState.DEAD) == ()
    for hidden in (caller.msisdn, "12345644"):
        assert hidden not in repr(first)


def test_a_sheet(bench, number, caller):
    hand_over(bench.parts, bench.claim("backoffice"))
    sheet = show(bench.parts, reference.show(number).replace(" ", "-"))
    assert sheet is not None
    assert [event.kind for event in sheet.events] == ["received", "acknowledged"]
    assert [mt.template for mt in sheet.sms] == ["receipt_no_promise", "acknowledged"]
    assert [row.lane for row in sheet.work] == ["backoffice", "urgent", "urgent"]
    assert (sheet.line.reference, sheet.line.state) == (reference.show(number), "acknowledged")
    assert caller.msisdn not in repr(sheet)
    assert show(bench.parts, "4821 0937 5628") is None
    assert show(bench.parts, "what?") is None


def test_an_event_settles_a_dead_one(bench, dead):
    """The institution had it after all: a state may still move, and nothing is erased meanwhile."""
    assert sweep(bench.parts)["submissions_erased"] == 0
    assert show(bench.parts, dead).line.code == "http_503"

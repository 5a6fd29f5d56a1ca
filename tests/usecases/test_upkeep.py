from __future__ import annotations

import pytest

from gateway.messages import BackofficeAnswer, HandOver
from gateway.store import outbox
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import upkeep
from gateway.usecases.acts import find as find_act
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit
from gateway.usecases.upkeep import sweep


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw


def test_personal_data_go_when_they_are_due(bench, number):
    """90 days after closure: the fields, the label, the words and the SMS; the rows and their history stay."""
    bench.office.answers = [BackofficeAnswer(HandOver.REJECTED, reason={"fr": "Non."})]
    hand_over(bench.parts, bench.claim("backoffice"))
    bench.later(days=89.99)
    assert sweep(bench.parts)["submissions_erased"] == 0
    assert len(bench.texts(number)) == 2
    bench.later(days=0.01)
    assert sweep(bench.parts)["submissions_erased"] == 1
    stored = bench.submission(number)
    assert (stored.label, stored.message) == ("", {})
    assert bench.texts(number) == []
    assert len(bench.sms(number)) == 2


def test_an_open_submission_keeps_its_data(bench, number):
    bench.later(days=400)
    assert sweep(bench.parts)["submissions_erased"] == 0
    assert bench.submission(number).label == "...4412"


@pytest.mark.parametrize(("days", "there"), [(6.99, True), (7.01, False)])
def test_acts_are_kept_for_a_week(bench, number, days, there):
    bench.later(days=days)
    sweep(bench.parts)
    assert (find_act(bench.parts, b"k" * 32) is not None) is there


@pytest.mark.parametrize(("days", "there"), [(29.99, True), (30.01, False)])
def test_done_work_is_kept_for_a_month(bench, number, days, there):
    hand_over(bench.parts, bench.claim("backoffice"))
    submission = bench.submission(number).id
    bench.later(days=days)
    sweep(bench.parts)
    with bench.parts.database.read() as conn:
        assert bool(outbox.of_target(conn, "submission", submission)) is there


def test_a_sweep_that_fails_stops_no_other(sqlite_bench, monkeypatch):
    def away(*args):
        raise StoreUnavailable(Why.BUSY)

    monkeypatch.setattr(upkeep.outbox, "sweep_sending", away)
    counts = sweep(sqlite_bench.parts)
    assert "lost_sendings" not in counts
    assert "submissions_erased" in counts

"""The clock jumps by an hour while work is in hand: nothing is sent twice, nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.messages import MtState
from gateway.store import mts, outbox
from gateway.usecases import hand_over, sending
from gateway.usecases.submissions import submit
from gateway.usecases.upkeep import sweep
from tests.usecases.test_sending import NUMBERS, send_all, state, write

POOL = ThreadPoolExecutor(4)
FORWARD, BACK = 1, -1


def send(bench, rows) -> None:
    sending.send_all(bench.parts, rows, POOL, urgent=True)


@pytest.mark.parametrize("hours", [FORWARD, BACK])
def test_before_the_call(bench, hours):
    """Forward, the lease of what was claimed is over: another worker takes it, and the first one calls nobody."""
    mt = write(bench, NUMBERS[0])
    mine = bench.claim("urgent")
    bench.later(hours=hours)
    theirs = bench.claim("urgent")
    assert len(theirs) == (1 if hours == FORWARD else 0)
    send(bench, mine)
    send(bench, theirs)
    assert len(bench.aggregator.calls) == 1
    assert state(bench, mt).state is MtState.ACCEPTED


@pytest.mark.parametrize("hours", [FORWARD, BACK])
@pytest.mark.parametrize("category", ["procedure", "vital"])
def test_during_the_call(bench, hours, category):
    """Forward, the sweep takes the call for lost; its answer comes all the same and is believed."""
    mt = write(bench, NUMBERS[0], category=category)

    def jump() -> None:
        bench.later(hours=hours)
        sweep(bench.parts)
        send(bench, bench.claim("urgent"))

    bench.aggregator.during = jump
    send_all(bench)
    bench.aggregator.during = lambda: None
    assert state(bench, mt).state is MtState.ACCEPTED
    assert bench.row("mt", mt).state == "done"
    for _ in range(3):
        bench.later(minutes=30)
        sweep(bench.parts)
        send(bench, bench.claim("urgent"))
    assert len(bench.aggregator.calls) == 1


@pytest.mark.parametrize("hours", [FORWARD, BACK])
def test_a_call_that_nobody_answers(bench, hours):
    """It is never claimed again: unknown at once or when the clock is back, and a person settles it."""
    mt = write(bench, NUMBERS[0])
    (row,) = bench.claim("urgent")
    with bench.parts.database.begin() as conn:
        assert outbox.start_sending_many(conn, [row.id], row.token, 60, bench.time)
        assert mts.move(conn, mt, MtState.SENDING, "send", "", bench.time)
    bench.later(hours=hours)
    sweep(bench.parts)
    send(bench, bench.claim("urgent"))
    bench.later(hours=2)
    sweep(bench.parts)
    send(bench, bench.claim("urgent"))
    assert bench.row("mt", mt).state == "unknown"
    assert bench.aggregator.calls == []


def test_what_waits_when_the_clock_goes_back_leaves_once_it_is_due_and_once(bench):
    old = write(bench, NUMBERS[0])
    bench.later(hours=BACK)
    new = write(bench, NUMBERS[1])
    send(bench, bench.claim("urgent"))
    assert (state(bench, new).state, state(bench, old).state) == (MtState.ACCEPTED, MtState.CREATED)
    bench.later(hours=1)
    send(bench, bench.claim("urgent"))
    send(bench, bench.claim("urgent"))
    assert state(bench, old).state is MtState.ACCEPTED
    assert len(bench.aggregator.calls) == 2


def test_what_a_dead_worker_held_is_free_again_although_the_clock_went_back(bench):
    mt = write(bench, NUMBERS[0])
    assert bench.claim("urgent"), "by a worker that dies"
    bench.later(hours=BACK)
    bench.later(hours=1, seconds=61)
    send(bench, bench.claim("urgent"))
    assert state(bench, mt).state is MtState.ACCEPTED


@pytest.mark.parametrize("hours", [FORWARD, BACK])
def test_a_demand_in_hand(bench, act, caller, hours):
    """The institution may be asked twice, with one idempotency key; the citizen reads of it once."""
    answer = submit(bench.parts, act(), caller, b"k")
    reference = str(answer.values["reference"].raw)
    bench.office.during = lambda: bench.later(hours=hours)
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    bench.office.during = lambda: None
    for _ in range(3):
        for row in bench.claim("backoffice"):
            hand_over.hand_over(bench.parts, (row,))
        bench.later(minutes=61)
    assert len({one.idempotency_key for one in bench.office.received}) == 1
    assert [mt.template for mt in bench.sms(reference)] == ["receipt_no_promise", "acknowledged"]
    assert submit(bench.parts, act(), caller, b"k") == answer, "the same act"

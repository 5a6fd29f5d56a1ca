from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest
from redis import Redis

from gateway.messages import MtState
from gateway.store import mts, outbox
from gateway.store.db import StoreUnavailable, Why
from gateway.workers import lanes


@pytest.fixture
def queues(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def started(gateway, queues):
    """Makes this test process a worker of the gateway, changed as said."""
    with ThreadPoolExecutor(lanes.THREADS) as pool:

        def start(stopping=lambda: False, **changes):
            lanes.start(lanes.Process(replace(gateway, **changes), queues, stopping, pool))

        yield start
    lanes.start(None)


def rows(gateway, kind: str, target: int) -> outbox.OutboxRow:
    with gateway.database.read() as conn:
        (row,) = outbox.of_target(conn, kind, target)
    return row


def test_a_drain_does_what_is_due(gateway, work, started, queues):
    """Nobody listens outside: the call surely had no effect, and is tried again later."""
    started()
    queues.set(lanes.woken_key("urgent"), b"1")
    lanes.drain("urgent")
    lanes.drain("backoffice")
    with gateway.database.read() as conn:
        (receipt,) = mts.of_submission(conn, work)
    assert receipt.state is MtState.CREATED
    for row in (rows(gateway, "mt", receipt.id), rows(gateway, "submission", work)):
        assert (row.state, row.attempts) == ("ready", 1)
        assert row.due_at > gateway.now()
    assert not queues.exists(lanes.woken_key("urgent"))


def test_the_mark_goes_before_the_work(gateway, work, started, queues, monkeypatch):
    """What is decided while the lane is drained must be able to wake it again."""
    marked = []
    monkeypatch.setattr(
        lanes, "drain_once", lambda *_: marked.append(queues.exists(lanes.woken_key("urgent"))) or (0, 0)
    )
    started()
    queues.set(lanes.woken_key("urgent"), b"1")
    lanes.drain("urgent")
    assert marked == [0]


def test_a_long_drain_ends_and_asks_to_be_woken(gateway, started, monkeypatch):
    rounds = []
    monkeypatch.setattr(lanes, "drain_once", lambda *_: rounds.append(1) or (1, 0))
    started(monotonic=map(float, count(0, 6)).__next__)
    lanes.drain("bulk")
    assert len(rounds) == 3  # at 6, 12 and 18 s of the 20
    assert gateway.wake.wait(0.1) == {"bulk"}


def test_a_stop_request_ends_it(started, monkeypatch):
    rounds = []
    monkeypatch.setattr(lanes, "drain_once", lambda *_: rounds.append(1) or (1, 0))
    started(stopping=lambda: len(rounds) == 2)
    lanes.drain("bulk")
    assert len(rounds) == 2


@pytest.mark.parametrize("error", [StoreUnavailable(Why.AWAY), ZeroDivisionError()], ids=["database", "fault"])
def test_nothing_is_an_error_of_the_job(started, monkeypatch, capsys, error):
    def fails(*_):
        raise error

    monkeypatch.setattr(lanes, "drain_once", fails)
    started()
    lanes.drain("urgent")


def test_a_fault_of_one_task_stops_none_of_the_others(gateway, work, started, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(lanes.sms_in, "handle", fails)
    with gateway.database.begin() as conn:
        lanes.outbox.add(conn, "urgent", "mo", 1, None, 1, gateway.now(), gateway.now())
    with ThreadPoolExecutor(2) as pool:
        assert lanes.drain_once(gateway, "urgent", pool) == (2, 0)
        assert lanes.drain_once(gateway, "backoffice", pool) == (1, 0)
    assert rows(gateway, "submission", work).attempts == 1


def test_upkeep_sweeps(gateway, started, monkeypatch):
    swept = []
    monkeypatch.setattr(lanes.counting, "sweep", lambda parts, sessions: swept.append("counts"))
    monkeypatch.setattr(lanes.upkeep, "sweep", lambda parts: swept.append("store"))
    monkeypatch.setattr(lanes.dialogues, "sweep_dropped", lambda ussd: swept.append("dialogues"))
    started()
    lanes.drain("upkeep")
    assert swept == ["counts", "store", "dialogues"]


def test_lanes_are_those_of_the_store():
    from gateway.store.tables import LANES

    assert lanes.LANES == LANES

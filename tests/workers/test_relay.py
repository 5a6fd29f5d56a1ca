from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from redis import Redis

from gateway.store import beats
from gateway.store.db import StoreUnavailable, Why
from gateway.store.wake import WakeUnavailable
from gateway.workers import lanes, relay
from gateway.workers.relay import Relay


@dataclass
class Clock:
    """A monotonic clock that tests turn."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Told:
    """Wake-ups as the test says them, without waiting."""

    words: frozenset[str] = frozenset()
    away: bool = False

    def wait(self, timeout_s: float) -> frozenset[str]:
        if self.away:
            raise WakeUnavailable("ConnectionError")
        said, self.words = self.words, frozenset()
        return said


@pytest.fixture
def queues(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def new_relay(gateway, queues, clock, told) -> Callable[[], Relay]:
    return lambda: Relay(replace(gateway, monotonic=clock, wake=told), queues)


def jobs(queues: Redis, lane: str) -> int:
    return int(queues.llen(f"rq:queue:{lane}"))


def clear(queues: Redis) -> None:
    """All jobs taken and begun."""
    queues.flushall()


def test_it_finds_in_the_database_what_nobody_announced(work, new_relay, queues):
    new_relay().turn()
    assert {lane: jobs(queues, lane) for lane in lanes.LANES} == {
        "urgent": 1,
        "backoffice": 1,
        "bulk": 0,
        "upkeep": 1,
    }


def test_it_asks_every_two_seconds(gateway, new_relay, queues, clock, work):
    one = new_relay()
    one.turn()
    clear(queues)
    for at, found in ((1.9, 0), (0.1, 1)):
        clock.at += at
        one.turn()
        assert jobs(queues, "urgent") == found


def test_a_wake_up_needs_no_database(new_relay, queues, told):
    one = new_relay()
    one.turn()
    told.words = frozenset({"bulk"})
    one.turn()
    assert jobs(queues, "bulk") == 1


def test_a_lane_on_its_way_is_not_woken_again(new_relay, queues, told):
    first, second = new_relay(), new_relay()
    for one in (first, second, first, second):
        told.words = frozenset({"bulk"})
        one.turn()
    assert jobs(queues, "bulk") == 1
    assert 0 < queues.ttl(lanes.woken_key("bulk")) <= 60


def test_upkeep_every_half_minute(new_relay, queues, clock):
    one = new_relay()
    one.turn()
    assert jobs(queues, "upkeep") == 1
    clear(queues)
    for at, found in ((29.9, 0), (0.1, 1)):
        clock.at += at
        one.turn()
        assert jobs(queues, "upkeep") == found


def test_it_says_that_it_is_alive(gateway, new_relay):
    new_relay().turn()
    with gateway.database.read() as conn:
        seen = beats.last(conn, "relay")
    assert seen is not None
    assert gateway.now() - seen < timedelta(seconds=30)
    assert gateway.relay_beat() == seen


def test_the_job_holds_only_its_lane(new_relay, queues, told):
    told.words = frozenset({"bulk"})
    new_relay().turn()
    (job_id,) = queues.lrange("rq:queue:bulk", 0, -1)
    job = queues.hgetall(b"rq:job:" + job_id)
    assert job[b"description"] == b"gateway.workers.lanes.drain('bulk')"
    assert int(job[b"result_ttl"]) == 0
    assert queues.ttl(b"rq:job:" + job_id) <= 120


def test_without_redis_it_still_beats(gateway, new_relay, told, capsys):
    told.away = True
    one = new_relay()
    assert one.turn() is False
    assert one.turn() is False
    assert gateway.relay_beat() is not None
    told.away = False
    assert one.turn() is True


def test_a_queue_that_cannot_be_written_leaves_no_mark(new_relay, queues, told, monkeypatch):
    from redis.exceptions import ConnectionError as Away

    def away(*args: object, **more: object) -> None:
        raise Away

    monkeypatch.setattr(relay.Queue, "enqueue_call", away)
    told.words = frozenset({"bulk"})
    new_relay().turn()
    assert not queues.exists(lanes.woken_key("bulk"))


def test_without_the_database_wake_ups_still_go_through(gateway, queues, clock, told):
    class Away:
        @contextmanager
        def begin(self) -> Iterator[None]:
            raise StoreUnavailable(Why.AWAY)
            yield

        read = begin

    parts = replace(gateway.parts, database=Away())
    one = Relay(replace(gateway, parts=parts, monotonic=clock, wake=told), queues)
    told.words = frozenset({"urgent"})
    assert one.turn() is True
    assert jobs(queues, "urgent") == 1

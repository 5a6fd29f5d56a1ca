"""The buckets of senders: a rate kept by all workers together, urgency, refusals, and Redis that is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.store.limits import BULK_S, LONGEST_PAUSE_S, Throttle, open_throttle, per_call

TPS = 0.1  # one SMS in ten seconds: what passes while the test runs does not count


@pytest.fixture(params=["redis", "away"])
def throttle(request: pytest.FixtureRequest) -> Iterator[Throttle]:
    """A bucket in Redis, and the process's own."""
    made = open_throttle(
        request.getfixturevalue("redis_url") if request.param == "redis" else "unix:///nonexistent/redis",
        lambda: 1000.0,
    )
    yield made
    made.close()


def test_the_next_waits_for_what_left(throttle: Throttle) -> None:
    assert throttle.take("s", TPS, 1, urgent=False) == 0
    assert throttle.take("s", TPS, 1, urgent=False) == pytest.approx(10, abs=1)
    assert throttle.take("other", TPS, 1, urgent=False) == 0, "each sender has its own"


def test_a_call_of_several_is_paid_for_whole(throttle: Throttle) -> None:
    assert throttle.take("s", TPS, 5, urgent=False) == 0
    assert throttle.take("s", TPS, 1, urgent=False) == pytest.approx(50, abs=1)


def test_what_is_urgent_may_owe_a_second_more(throttle: Throttle) -> None:
    """Bulk waits until nearly all is paid; an urgent call leaves sooner, so that bulk never keeps it waiting."""
    tps = 1.25  # one SMS costs 0.8 s
    assert throttle.take("s", tps, 1, urgent=False) == 0
    assert throttle.take("s", tps, 1, urgent=False) > 0
    assert throttle.take("s", tps, 1, urgent=True) == 0
    assert throttle.take("s", tps, 1, urgent=False) > 0.5


def test_too_many_halves_the_rate(throttle: Throttle) -> None:
    """From 20 SMS that cost a second to 20 that cost two, and four after the next refusal; never under one a second."""
    throttle.refused("s", 20, None)
    assert throttle.take("s", 20, 400, urgent=False) == 0
    assert throttle.take("s", 20, 1, urgent=False) == pytest.approx(40, abs=2)
    for _ in range(9):
        throttle.refused("t", 20, None)
    assert throttle.take("t", 20, 10, urgent=False) == 0
    assert throttle.take("t", 20, 1, urgent=False) == pytest.approx(10, abs=2)


@pytest.mark.parametrize(("asked", "waits"), [(30, 30), (999, LONGEST_PAUSE_S)])
def test_a_pause_that_was_asked_for(throttle: Throttle, asked: float, waits: float) -> None:
    throttle.refused("s", 20, asked)
    assert throttle.take("s", 20, 1, urgent=True) == pytest.approx(waits, abs=1)


def test_the_rate_comes_back() -> None:
    """A twentieth each second: the process's own bucket, whose clock the test turns."""
    time = [1000.0]
    throttle = open_throttle("unix:///nonexistent/redis", lambda: time[0])
    throttle.refused("s", 20, None)
    time[0] += 5
    assert throttle.take("s", 20, 60, urgent=False) == 0
    assert throttle.take("s", 20, 1, urgent=False) == pytest.approx(4 - BULK_S), "60 at 0.75 of 20 a second"
    time[0] += 60
    assert throttle.take("s", 20, 20, urgent=False) == 0
    assert throttle.take("s", 20, 1, urgent=False) == pytest.approx(1 - BULK_S)


def test_workers_share_it(redis_url: str) -> None:
    one, other = (open_throttle(redis_url, lambda: 0.0) for _ in range(2))
    assert one.take("s", TPS, 1, urgent=False) == 0
    assert other.take("s", TPS, 1, urgent=False) > 8
    for each in (one, other):
        each.close()


@pytest.mark.parametrize(("tps", "most", "size"), [(20, 100, 20), (0.5, 100, 1), (5000, 100, 100), (20.9, 100, 20)])
def test_no_call_is_more_than_a_second_of_its_sender(tps: float, most: int, size: int) -> None:
    assert per_call(tps, most) == size

"""Wake-ups on a real Redis: heard at once, bounded, and without any weight when Redis is away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway.store import wake
from gateway.store.wake import Wake, WakeUnavailable


@pytest.fixture
def ours(redis_url: str) -> Iterator[Wake]:
    made = wake.open_wake(redis_url)
    yield made
    made.close()


def test_all_that_was_announced_is_heard_once(ours: Wake) -> None:
    ours.announce(["urgent", "backoffice"])
    ours.announce(["urgent"])
    ours.announce([])
    assert ours.wait(5) == {"urgent", "backoffice"}
    assert ours.wait(0.1) == frozenset()


def test_a_waiter_hears_at_once(ours: Wake) -> None:
    heard: list[frozenset[str]] = []
    waiter = threading.Thread(target=lambda: heard.append(ours.wait(20)))
    waiter.start()
    started = time.monotonic()
    ours.announce(["bulk"])
    waiter.join(10)
    assert heard == [frozenset({"bulk"})]
    assert time.monotonic() - started < 5


def test_words_that_are_no_lane_are_not_heard(ours: Wake, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.lpush(wake.KEY, b"urgent \xff\xfe slow", b"")
    assert ours.wait(5) | ours.wait(0.1) == {"urgent"}


def test_the_list_is_bounded_while_no_relay_runs(ours: Wake, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "MAX_WAITING", 10)
    for _ in range(25):
        ours.announce(["urgent"])
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(wake.KEY) == 10
    assert ours.wait(1) == {"urgent"}
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(wake.KEY) == 0


def test_redis_away_is_ignored_by_who_announces_and_told_to_who_waits(tmp_path: Path) -> None:
    away = wake.open_wake(f"unix://{tmp_path}/nobody.sock")
    started = time.monotonic()
    away.announce(["urgent"])
    assert time.monotonic() - started < 3
    with pytest.raises(WakeUnavailable):
        away.wait(1)


def test_a_redis_that_says_nothing_costs_at_most_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        silent = wake.open_wake(url)
        started = time.monotonic()
        silent.announce(["urgent"])
        assert time.monotonic() - started < 2
        with pytest.raises(WakeUnavailable):
            silent.wait(0.1)
        silent.close()


def test_a_redis_that_answers_nonsense_is_ignored(ours: Wake, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set(wake.KEY, "a string, not a list")
    ours.announce(["urgent"])
    with pytest.raises(WakeUnavailable):
        ours.wait(0.1)


def test_another_kind_of_url_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme"):
        wake.open_wake("http://127.0.0.1/")

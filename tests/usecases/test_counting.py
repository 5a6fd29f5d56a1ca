"""Dialogues are moved from Redis into the database: none lost, none twice, whoever dies in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest

from gateway.keys import Ciphers
from gateway.store import daily
from gateway.store.db import StoreUnavailable, Why
from gateway.store.sessions import Sessions
from gateway.usecases import counting, upkeep
from gateway.usecases.counting import move_sessions, opening


@pytest.fixture
def sessions(redis_url: str) -> Iterator[Sessions]:
    made = Sessions(redis_url, Ciphers({"e1": b"1" * 32}), os.urandom)
    yield made
    made.close()


@pytest.fixture
def dial(sessions, now):
    """Opens a dialogue of its own on a network, on the local day of the tests unless told."""

    def dial(name: str, network: str = "61603", day: date | None = None) -> None:
        assert sessions.commit(name, 0, b"body", 60_000, opening("at", network, day or now.date()))

    return dial


def counted(bench) -> dict[str, int]:
    with bench.parts.database.read() as conn:
        return daily.of_month(conn, bench.time.date(), daily.SESSIONS)


def test_moved_once(bench, sessions, dial):
    for name, network in (("a", "61603"), ("b", "61603"), ("c", "61602")):
        dial(name, network)
    assert move_sessions(bench.parts, sessions) == 3
    assert move_sessions(bench.parts, sessions) == 0
    dial("d")
    assert move_sessions(bench.parts, sessions) == 1
    assert counted(bench) == {"at|61603": 3, "at|61602": 1}


def test_the_days_before_too(bench, sessions, dial):
    dial("a", day=date(2026, 11, 1))
    dial("b", day=date(2026, 10, 31))
    dial("c", day=date(2026, 11, 24))  # a machine whose clock is ahead
    assert move_sessions(bench.parts, sessions) == 3
    assert counted(bench) == {"at|61603": 2}


def test_whoever_dies_before_the_database_has_them(bench, sessions, dial):
    class Away:
        @contextmanager
        def begin(self):
            raise StoreUnavailable(Why.AWAY)
            yield

    dial("a")
    with pytest.raises(StoreUnavailable):
        move_sessions(replace(bench.parts, database=Away()), sessions)
    dial("b")
    move_sessions(bench.parts, sessions)
    move_sessions(bench.parts, sessions)
    assert counted(bench) == {"at|61603": 2}


def test_whoever_dies_before_redis_forgets_them(bench, sessions, dial, monkeypatch):
    dial("a")
    monkeypatch.setattr(Sessions, "drop_counts", lambda *_: None)
    assert move_sessions(bench.parts, sessions) == 1
    monkeypatch.undo()
    upkeep.sweep(bench.parts)
    bench.later(days=1)
    upkeep.sweep(bench.parts)
    assert move_sessions(bench.parts, sessions) == 0
    assert counted(bench) == {"at|61603": 1}


def test_two_at_once(bench, sessions, dial):
    dial("a")
    first = list(sessions.take_counts([bench.time.date()], "1"))
    assert move_sessions(bench.parts, sessions) == 1
    for taken in first:
        assert not counting._store(bench.parts, taken, bench.time)
    assert counted(bench) == {"at|61603": 1}


def test_a_failure_stops_none_of_the_other_sweeps(bench, monkeypatch):
    told = []
    monkeypatch.setattr(counting.logs, "event", lambda name, **_: told.append(name))
    away = Sessions("unix:///nonexistent/redis.sock", Ciphers({"e1": b"1" * 32}), os.urandom)
    counting.sweep(bench.parts, away)
    assert told == ["counting.failed"]

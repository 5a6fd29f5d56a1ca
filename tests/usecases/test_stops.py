"""Stops: known everywhere within seconds, kept when the database is away, and obeyed."""

from __future__ import annotations

from dataclasses import replace

from gateway.store.db import StoreUnavailable, Why
from gateway.store.stops import acts
from gateway.usecases import stops, submissions
from gateway.usecases.stops import Stops


def test_known_within_two_seconds(sqlite_bench):
    time = [100.0]
    known = Stops(sqlite_bench.parts.database, lambda: time[0])
    assert known.active() == frozenset()
    assert stops.stop(sqlite_bench.parts.database, "sms", "panne", "ada", sqlite_bench.time)
    assert known.active() == frozenset(), "asked no more than every two seconds"
    time[0] += 2
    assert known.active() == {"sms"}
    assert not stops.stop(sqlite_bench.parts.database, "sms", "panne", "ada", sqlite_bench.time)
    assert stops.start(sqlite_bench.parts.database, "sms", "bob", sqlite_bench.time)
    time[0] += 2
    assert known.active() == frozenset()
    with sqlite_bench.parts.database.read() as conn:
        assert [(act.who, act.act) for act in acts(conn, 9)] == [("bob", "start"), ("ada", "stop"), ("ada", "stop")]


def test_a_database_that_is_away_changes_nothing(sqlite_bench, monkeypatch):
    time = [100.0]
    known = Stops(sqlite_bench.parts.database, lambda: time[0])
    stops.stop(sqlite_bench.parts.database, "service:infos", "", "ada", sqlite_bench.time)
    assert known.closed("infos")
    assert not known.closed("suivi")

    def away(*_):
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(stops.stops, "active", away)
    time[0] += 9
    assert known.closed("infos")


def test_a_stopped_service_takes_no_demand(sqlite_bench, act, caller):
    stops.stop(sqlite_bench.parts.database, "service:acte-naissance", "", "ada", sqlite_bench.time)
    fresh = replace(sqlite_bench.parts, stops=Stops(sqlite_bench.parts.database, lambda: 0.0))
    assert submissions.submit(fresh, act(), caller, b"k" * 32).outcome == "closed"

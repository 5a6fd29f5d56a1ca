"""Acts: done once under their key, however many deliver the turn, and answered the same ever after."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from gateway.store import acts, beats
from gateway.store.acts import ActExists, StoredAct
from gateway.store.db import Database
from gateway.store.sealed import Seals

VALUES = {"reference": {"raw": "482109375628", "shown": "4821 0937 5628"}, "days": 3}


def test_an_act_is_found_as_it_was_stored(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        assert acts.find(conn, seals, b"k1") is None
        acts.insert(conn, seals, b"k1", "submit", "submitted", VALUES, now)
    with database.read() as conn:
        assert acts.find(conn, seals, b"k1") == StoredAct("submit", "submitted", VALUES)
        assert acts.find(conn, seals, b"k2") is None


def test_a_second_one_undoes_its_own_transaction(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        acts.insert(conn, seals, b"k1", "submit", "submitted", VALUES, now)
    with pytest.raises(ActExists), database.begin() as conn:
        beats.beat(conn, "effect", now)
        acts.insert(conn, seals, b"k1", "submit", "already", {}, now)
    with database.read() as conn:
        assert beats.last(conn, "effect") is None
        assert acts.find(conn, seals, b"k1") == StoredAct("submit", "submitted", VALUES)


def test_of_many_at_once_one_acts(database: Database, seals: Seals, now: datetime) -> None:
    together = threading.Barrier(5)
    ends: list[str] = []

    def act(number: int) -> None:
        together.wait(10)
        try:
            with database.begin() as conn:
                acts.insert(conn, seals, b"k1", "submit", "submitted", {"by": number}, now)
                beats.beat(conn, f"effect-{number}", now)
            ends.append("acted")
        except ActExists:
            ends.append("exists")

    threads = [threading.Thread(target=act, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(ends) == ["acted"] + ["exists"] * 4
    with database.read() as conn:
        stored = acts.find(conn, seals, b"k1")
        assert stored is not None
        assert [n for n in range(5) if beats.last(conn, f"effect-{n}")] == [stored.values["by"]]


def test_old_acts_are_forgotten(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        acts.insert(conn, seals, b"old", "submit", "submitted", {}, now - timedelta(seconds=1))
        acts.insert(conn, seals, b"new", "submit", "submitted", {}, now)
        assert acts.forget(conn, now) == 1
        assert acts.find(conn, seals, b"old") is None
        assert acts.find(conn, seals, b"new") is not None


def test_values_do_not_show(seals: Seals) -> None:
    assert "482109375628" not in repr(StoredAct("submit", "submitted", VALUES))

"""Events of back offices are taken once; beats say when a process was last at work."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy import select

from gateway.store import backoffice_events, beats
from gateway.store.db import Database
from gateway.store.tables import backoffice_events as table


def test_an_event_is_taken_once_per_system(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        assert backoffice_events.record(conn, "etat-civil", "evt_1", "submission.decided", now)
        assert not backoffice_events.record(conn, "etat-civil", "evt_1", "submission.decided", now)
        assert backoffice_events.record(conn, "casier", "evt_1", "submission.decided", now)
        backoffice_events.set_outcome(conn, "etat-civil", "evt_1", "moved")
        rows = conn.execute(select(table.c.system, table.c.outcome).order_by(table.c.system)).all()
        assert [tuple(row) for row in rows] == [("casier", "taken"), ("etat-civil", "moved")]


def test_of_many_deliveries_at_once_one_is_new(database: Database, now: datetime) -> None:
    together = threading.Barrier(5)
    got: list[bool] = []

    def deliver() -> None:
        together.wait(10)
        with database.begin() as conn:
            got.append(backoffice_events.record(conn, "etat-civil", "evt_1", "submission.decided", now))

    threads = [threading.Thread(target=deliver) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(got) == [False] * 4 + [True]


def test_an_event_whose_effect_failed_is_new_again(database: Database, now: datetime) -> None:
    try:
        with database.begin() as conn:
            assert backoffice_events.record(conn, "etat-civil", "evt_1", "submission.decided", now)
            raise RuntimeError
    except RuntimeError:
        pass
    with database.begin() as conn:
        assert backoffice_events.record(conn, "etat-civil", "evt_1", "submission.decided", now)
        assert backoffice_events.forget(conn, now) == 0
        assert backoffice_events.forget(conn, now + timedelta(seconds=1)) == 1


def test_beats(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        assert beats.last(conn, "relay") is None
        for second in range(3):
            beats.beat(conn, "relay", now + timedelta(seconds=second))
        assert beats.last(conn, "relay") == now + timedelta(seconds=2)
        assert beats.last(conn, "worker") is None
        beats.beat(conn, "worker-bulk", now)
        assert beats.every(conn) == {"relay": now + timedelta(seconds=2), "worker-bulk": now}

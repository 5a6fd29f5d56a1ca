"""Counts in a window: never past the limit, however many ask at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from gateway.store import counters
from gateway.store.db import Database


def test_a_window_holds_no_more_than_its_limit(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        assert counters.read(conn, "s", "x", now) == (0, None)
        assert counters.take(conn, "s", "x", now, 2, 5, now) == 2
        assert counters.take(conn, "s", "x", now, 3, 5, now) == 5
        assert counters.take(conn, "s", "x", now, 1, 5, now) is None
        assert counters.read(conn, "s", "x", now) == (5, now), "what was refused is not counted"
        assert counters.take(conn, "s", "y", now, 6, 5, now) is None, "more than the limit at once"
        assert counters.read(conn, "s", "y", now) == (0, None)
        assert counters.take(conn, "s", "x", now + timedelta(hours=1), 5, 5, now) == 5, "another window"
        assert counters.take(conn, "t", "x", now, 5, 5, now) == 5, "another scope"
        assert counters.add(conn, "s", "x", now, 1, now) == 6, "counted whatever it is"
        assert counters.add(conn, "s", "x", now, -2, now) == 4
        counters.clear(conn, "s", "x", now)
        assert counters.read(conn, "s", "x", now) == (0, None)


def test_old_windows_are_forgotten(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        counters.add(conn, "s", "old", now, 1, now - timedelta(seconds=1))
        counters.add(conn, "s", "new", now, 1, now)
        assert counters.forget(conn, now) == 1
        assert counters.read(conn, "s", "new", now) == (1, now)


def test_eight_at_once_never_pass_the_limit(database: Database, now: datetime) -> None:
    together = threading.Barrier(8)
    taken: list[int] = []

    def take() -> None:
        together.wait(10)
        for _ in range(10):
            with database.begin() as conn:
                if counters.take(conn, "s", "x", now, 1, 25, now) is not None:
                    taken.append(1)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.read() as conn:
        assert (len(taken), counters.read(conn, "s", "x", now)[0]) == (25, 25)


def test_a_window_by_subject(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        for scope, subject, at in (
            ("s", "x", now),
            ("s", "y", now),
            ("s", "y", now - timedelta(hours=1)),
            ("t", "z", now),
        ):
            counters.add(conn, scope, subject, at, 2, now)
        assert counters.of_window(conn, "s", now) == {"x": 2, "y": 2}

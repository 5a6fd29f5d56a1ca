"""Counts by day: added up, read by month."""

from __future__ import annotations

from datetime import date

from gateway.store import daily
from gateway.store.db import Database


def test_counts_of_a_month(database: Database) -> None:
    with database.begin() as conn:
        for day, counts in (
            (date(2026, 11, 30), {"at|1": 100}),  # the month before
            (date(2026, 12, 1), {"at|1": 2, "at|2": 1}),
            (date(2026, 12, 31), {"at|1": 3}),
            (date(2026, 12, 31), {"at|1": 4}),
            (date(2027, 1, 1), {"at|1": 100}),
        ):
            daily.add(conn, day, "sessions", counts)
        daily.add(conn, date(2026, 12, 1), "others", {"at|1": 100})
        assert daily.of_month(conn, date(2026, 12, 15), "sessions") == {"at|1": 9, "at|2": 1}
        assert daily.of_month(conn, date(2027, 2, 1), "sessions") == {}


def test_a_subject_that_is_too_long(database: Database) -> None:
    with database.begin() as conn:
        daily.add(conn, date(2026, 12, 1), "sessions", {"x" * 90: 1, "x" * 80: 2})
        assert daily.of_month(conn, date(2026, 12, 1), "sessions") == {"x" * 80: 3}

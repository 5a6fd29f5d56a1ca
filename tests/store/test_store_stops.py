"""What operators stopped, and the record of what they did."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.store import stops
from gateway.store.db import Database


def test_stopped_and_started_again(database: Database, now: datetime) -> None:
    later = now + timedelta(minutes=1)
    with database.begin() as conn:
        assert stops.active(conn) == {}
        assert stops.stop(conn, "sms", "panne", "ada", now)
        assert not stops.stop(conn, "sms", "encore", "bob", later), "it was stopped already"
        assert stops.stop(conn, "service:infos", "", "ada", now)
        active = stops.active(conn)
        assert active.keys() == {"sms", "service:infos"}
        assert (active["sms"].reason, active["sms"].who, active["sms"].at) == ("panne", "ada", now)
        assert stops.start(conn, "sms", "bob", later)
        assert not stops.start(conn, "sms", "bob", later)
        assert stops.active(conn).keys() == {"service:infos"}
        done = [(act.who, act.act, act.subject) for act in stops.acts(conn, 10)]
        assert done == [
            ("bob", "start", "sms"),
            ("bob", "start", "sms"),
            ("ada", "stop", "service:infos"),
            ("bob", "stop", "sms"),
            ("ada", "stop", "sms"),
        ]


def test_what_is_too_long_is_bounded(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        stops.stop(conn, "s" * 99, "r" * 999, "w" * 99, now)
        (act,) = stops.acts(conn, 10)
        assert (len(act.subject), len(act.detail), len(act.who)) == (80, 160, 64)

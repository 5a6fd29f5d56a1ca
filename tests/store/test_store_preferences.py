"""Choices of citizens: only added, the latest of each subject counts, each with its proof."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.store import holdings, preferences
from gateway.store.db import Database
from gateway.store.sealed import Seals


def test_the_latest_of_each_subject_counts(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        mine = holdings.open_holding(conn, seals, "+2290197000001", now)
        theirs = holdings.open_holding(conn, seals, "+2290197000002", now)
        preferences.note(conn, mine, "language", "en", "ussd", now, evidence="ab" * 32)
        preferences.note(conn, mine, "category:information", "out", "sms", now, mo_id=7)
        preferences.note(conn, mine, "category:information", "in", "sms", now + timedelta(seconds=1), mo_id=8)
        preferences.note(conn, theirs, "sender:at", "out", "aggregator", now, evidence="22900")
        found = preferences.of(conn, mine)
        assert {subject: choice.value for subject, choice in found.items()} == {
            "language": "en",
            "category:information": "in",
        }
        proof = found["category:information"]
        assert (proof.source, proof.mo_id, proof.at) == ("sms", 8, now + timedelta(seconds=1))
        assert len(preferences.history(conn, mine)) == 3, "nothing is overwritten"
        assert preferences.of_many(conn, [mine, theirs, 99]) == {
            mine: {"language": "en", "category:information": "in"},
            theirs: {"sender:at": "out"},
        }
        assert preferences.of_many(conn, []) == {}

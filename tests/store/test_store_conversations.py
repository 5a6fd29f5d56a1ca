"""Conversations: one per holding, moved by one writer at a time, forgotten when they are over."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.store import conversations, holdings
from gateway.store.conversations import Conversation
from gateway.store.db import Database
from gateway.store.sealed import Seals


@pytest.fixture
def holding(database: Database, seals: Seals, now: datetime) -> int:
    with database.begin() as conn:
        return holdings.open_holding(conn, seals, "+2290197000001", now)


def test_it_comes_back_as_it_was(database: Database, seals: Seals, now: datetime, holding: int) -> None:
    whole = Conversation(
        holding, 0, "at", "22900", b"\x91", now, "STATUT 4821", now, now, b"d" * 32, 3, now - timedelta(minutes=1)
    )
    with database.begin() as conn:
        assert conversations.load(conn, seals, holding) == Conversation(holding)
        assert conversations.save(conn, seals, whole, now)
        assert conversations.load(conn, seals, holding) == replace(whole, version=1)
        assert not conversations.save(conn, seals, whole, now), "it was made already"
        assert conversations.save(conn, seals, replace(whole, version=1, state=None), now)
        assert conversations.load(conn, seals, holding).state is None
        assert not conversations.save(conn, seals, replace(whole, version=1), now), "an older version"


@pytest.mark.parametrize("version", [0, 1])
def test_of_several_at_once_one_wins(
    database: Database, seals: Seals, now: datetime, holding: int, version: int
) -> None:
    if version:
        with database.begin() as conn:
            conversations.save(conn, seals, Conversation(holding), now)
    together = threading.Barrier(4)
    won: list[bool] = []

    def save() -> None:
        together.wait(10)
        with database.begin() as conn:
            won.append(conversations.save(conn, seals, Conversation(holding, version), now))

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(won) == [False, False, False, True]


def test_what_is_over_is_erased_an_hour_later(database: Database, seals: Seals, now: datetime, holding: int) -> None:
    over = Conversation(
        holding, state=b"s", dialogue_until=now, proposal="STOP", proposal_until=now + timedelta(hours=1)
    )
    with database.begin() as conn:
        conversations.save(conn, seals, over, now)
        assert conversations.forget(conn, now + timedelta(minutes=59)) == 0
        assert conversations.forget(conn, now + timedelta(hours=1)) == 1
        kept = conversations.load(conn, seals, holding)
        assert (kept.state, kept.proposal, kept.version) == (None, "STOP", 2), (
            "whoever holds the old one must load again"
        )
        assert conversations.forget(conn, now + timedelta(hours=2)) == 1
        assert conversations.load(conn, seals, holding).proposal is None


def test_nothing_typed_in_its_repr(holding: int) -> None:
    assert "secret" not in repr(Conversation(holding, state=b"secret", proposal="secret"))

"""Dropped dialogues: the latest of each service waits, and is taken once, by its own holding, in time."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest

from gateway.store import holdings, saved_dialogues
from gateway.store.db import Database
from gateway.store.saved_dialogues import DroppedDialogue
from gateway.store.sealed import Seals

HOURS_72 = timedelta(hours=72)


def _dropped(holding_id: int, now: datetime, state: bytes = b"\x91\xff", service: str = "acte") -> DroppedDialogue:
    return DroppedDialogue(holding_id, service, "africastalking", "fr", "recap", state, now + HOURS_72)


@pytest.fixture
def holding_ids(database: Database, seals: Seals, now: datetime) -> tuple[int, int]:
    with database.begin() as conn:
        first = holdings.open_holding(conn, seals, "+2290197000001", now)
        return first, holdings.open_holding(conn, seals, "+2290197000002", now)


def test_a_dialogue_is_taken_once_as_it_was(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int]
) -> None:
    mine, theirs = holding_ids
    with database.begin() as conn:
        saved_id = saved_dialogues.save(conn, seals, _dropped(mine, now), now)
        (found,) = saved_dialogues.waiting(conn, mine, now)
        assert (found.id, found.service, found.screen, found.language) == (saved_id, "acte", "recap", "fr")
        assert saved_dialogues.waiting(conn, theirs, now) == ()
        assert saved_dialogues.take_once(conn, seals, saved_id, theirs, now) is None, "another person's"
        assert saved_dialogues.take_once(conn, seals, saved_id, mine, now) == b"\x91\xff"
        assert saved_dialogues.take_once(conn, seals, saved_id, mine, now) is None
        assert saved_dialogues.waiting(conn, mine, now) == ()


@pytest.mark.parametrize(("early", "there"), [(timedelta(microseconds=1), True), (timedelta(0), False)])
def test_until_it_expires(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int], early: timedelta, there: bool
) -> None:
    mine, _ = holding_ids
    at = now + HOURS_72 - early
    with database.begin() as conn:
        saved_id = saved_dialogues.save(conn, seals, _dropped(mine, now), now)
        assert bool(saved_dialogues.waiting(conn, mine, at)) == there
        assert saved_dialogues.forget(conn, at) == (0 if there else 1)
        assert (saved_dialogues.take_once(conn, seals, saved_id, mine, at) is not None) == there


def test_the_latest_of_a_service_takes_the_place_of_the_one_before(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int]
) -> None:
    mine, _ = holding_ids
    later = now + timedelta(minutes=1)
    with database.begin() as conn:
        saved_dialogues.save(conn, seals, _dropped(mine, now, b"first"), now)
        latest = saved_dialogues.save(conn, seals, _dropped(mine, later, b"second"), later)
        other = saved_dialogues.save(conn, seals, _dropped(mine, now, b"other", "casier"), now)
        assert [found.id for found in saved_dialogues.waiting(conn, mine, later)] == [latest, other]
        assert saved_dialogues.take_once(conn, seals, latest, mine, later) == b"second"
        again = saved_dialogues.save(conn, seals, _dropped(mine, later, b"third"), later)
        assert again != latest, "one that was taken is not touched"
        assert saved_dialogues.forget(conn, later) == 1


def test_of_two_at_once_one_takes_it(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int]
) -> None:
    mine, _ = holding_ids
    with database.begin() as conn:
        saved_id = saved_dialogues.save(conn, seals, _dropped(mine, now), now)
    together = threading.Barrier(4)
    got: list[bytes | None] = []

    def take() -> None:
        together.wait(10)
        with database.begin() as conn:
            got.append(saved_dialogues.take_once(conn, seals, saved_id, mine, now))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert Counter(got) == {b"\x91\xff": 1, None: 3}

"""Dropped dialogues: the latest of each service waits, and is settled once, by one turn, in time."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from gateway.store import arrivals, holdings, saved_dialogues
from gateway.store.db import Database
from gateway.store.saved_dialogues import DroppedDialogue
from gateway.store.sealed import Seals

HOURS_72 = timedelta(hours=72)
STATE = b"\x91\xff"


def _dropped(
    holding_id: int, now: datetime, state: bytes = STATE, service: str = "acte", **more: bytes
) -> DroppedDialogue:
    return DroppedDialogue(holding_id, service, "africastalking", "fr", "recap", state, now + HOURS_72, **more)


@pytest.fixture
def holding_ids(database: Database, seals: Seals, now: datetime) -> tuple[int, int]:
    with database.begin() as conn:
        first = holdings.open_holding(conn, seals, "+2290197000001", now)
        return first, holdings.open_holding(conn, seals, "+2290197000002", now)


def test_a_dialogue_is_settled_once_as_it_was(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int]
) -> None:
    mine, theirs = holding_ids
    with database.begin() as conn:
        saved_id = saved_dialogues.save(conn, seals, _dropped(mine, now), now)
        (found,) = saved_dialogues.waiting(conn, mine, now)
        assert (found.id, found.service, found.screen, found.language) == (saved_id, "acte", "recap", "fr")
        assert saved_dialogues.waiting(conn, theirs, now) == ()
        settled = saved_dialogues.settle_once(conn, seals, saved_id, "continued", b"one", now)
        assert settled is not None
        assert (settled.state, settled.outcome, settled.service) == (STATE, "continued", "acte")
        assert saved_dialogues.settle_once(conn, seals, saved_id, "disowned", b"one", now) == settled
        assert saved_dialogues.settle_once(conn, seals, saved_id, "continued", b"two", now) is None
        assert saved_dialogues.by_settler(conn, seals, b"one") == settled
        assert saved_dialogues.by_settler(conn, seals, b"two") is None
        assert saved_dialogues.waiting(conn, mine, now) == ()


def test_a_closed_holding_is_offered_nothing(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int]
) -> None:
    with database.begin() as conn:
        saved_dialogues.save(conn, seals, _dropped(holding_ids[0], now), now)
        assert getattr(arrivals.of(conn, seals, "+2290197000001", now), "waits", None) is True
        holdings.close(conn, holding_ids[0], "sim", now)
        assert arrivals.of(conn, seals, "+2290197000001", now) is None
        holdings.open_holding(conn, seals, "+2290197000001", now)
        assert getattr(arrivals.of(conn, seals, "+2290197000001", now), "waits", None) is False


@pytest.mark.parametrize(("early", "there"), [(timedelta(microseconds=1), True), (timedelta(0), False)])
def test_until_it_expires(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int], early: timedelta, there: bool
) -> None:
    mine, _ = holding_ids
    at = now + HOURS_72 - early
    with database.begin() as conn:
        saved_id = saved_dialogues.save(conn, seals, _dropped(mine, now, code_digest=b"c"), now)
        assert bool(saved_dialogues.waiting(conn, mine, at)) == there
        assert (saved_dialogues.by_code(conn, b"c", at) is not None) == there
        assert saved_dialogues.forget(conn, at) == (0 if there else 1)
        assert (saved_dialogues.settle_once(conn, seals, saved_id, "continued", b"k", at) is not None) == there


def test_what_opens_it(database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int]) -> None:
    with database.begin() as conn:
        saved_id = saved_dialogues.save(conn, seals, _dropped(holding_ids[0], now, reference_digest=b"r"), now)
        assert saved_dialogues.by_code(conn, b"c", now) is None
        saved_dialogues.set_code(conn, saved_id, b"c")
        for digest in (b"c", b"r"):
            found = saved_dialogues.by_code(conn, digest, now)
            assert found is not None
            assert (found.id, found.holding_id) == (saved_id, holding_ids[0])
        saved_dialogues.set_code(conn, saved_id, b"d")
        assert saved_dialogues.by_code(conn, b"c", now) is None, "the code before no longer opens it"
        saved_dialogues.settle_once(conn, seals, saved_id, "continued", b"k", now)
        assert saved_dialogues.by_code(conn, b"d", now) is None


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
        settled = saved_dialogues.settle_once(conn, seals, latest, "continued", b"k", later)
        assert settled is not None
        assert settled.state == b"second"
        again = saved_dialogues.save(conn, seals, _dropped(mine, later, b"third"), later)
        assert again != latest, "one that was settled is not touched"
        assert saved_dialogues.forget(conn, later + timedelta(minutes=59)) == 0, "kept for the turn that settled it"
        assert saved_dialogues.forget(conn, later + timedelta(minutes=60)) == 1


def test_of_several_turns_at_once_one_settles_it(
    database: Database, seals: Seals, now: datetime, holding_ids: tuple[int, int]
) -> None:
    with database.begin() as conn:
        saved_id = saved_dialogues.save(conn, seals, _dropped(holding_ids[0], now), now)
    together = threading.Barrier(4)
    got: list[bool] = []

    def settle(key: bytes) -> None:
        together.wait(10)
        with database.begin() as conn:
            got.append(saved_dialogues.settle_once(conn, seals, saved_id, "continued", key, now) is not None)

    threads = [threading.Thread(target=settle, args=(b"%d" % number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(got) == [False, False, False, True]

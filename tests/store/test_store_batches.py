"""The set-based twins of the outbox and of SMS: each row as by itself, and nothing for whoever lost its token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.messages import Category, MtState
from gateway.store import holdings, mt_texts, mts, outbox, tables
from gateway.store.db import Connection, Database
from gateway.store.sealed import Seals
from gateway.store.tables import attempts


@pytest.fixture
def rows(database: Database, now: datetime) -> tuple[int, ...]:
    """Three rows, claimed together under the token `t`."""
    with database.begin() as conn:
        for target in (1, 2, 3):
            outbox.add(conn, "bulk", "mt", target, None, 1, now, now)
        return tuple(row.id for row in outbox.claim(conn, "bulk", "t", 10, 60, now))


def states(conn: Connection, rows: tuple[int, ...]) -> list[str]:
    return [outbox.of_target(conn, "mt", target)[0].state.value for target in range(1, len(rows) + 1)]


def test_begun_together(database: Database, now: datetime, rows: tuple[int, ...]) -> None:
    with database.begin() as conn:
        assert outbox.start_sending_many(conn, rows, "other", 60, now) == frozenset()
        assert outbox.start_sending_many(conn, rows[:2], "t", 60, now) == frozenset(rows[:2])
        assert outbox.start_sending_many(conn, rows, "t", 60, now) == {rows[2]}, "those that leave already do not again"
        assert states(conn, rows) == ["sending"] * 3
        begun = conn.execute(select(attempts).order_by(attempts.c.outbox_id)).all()
        assert [(one.outbox_id, one.number, one.token) for one in begun] == [(row, 1, "t") for row in rows]


def test_a_lease_that_ended_begins_nothing(database: Database, now: datetime, rows: tuple[int, ...]) -> None:
    with database.begin() as conn:
        assert outbox.start_sending_many(conn, rows, "t", 60, now + timedelta(seconds=60)) == frozenset()
        assert states(conn, rows) == ["claimed"] * 3


def test_done_together(database: Database, now: datetime, rows: tuple[int, ...]) -> None:
    with database.begin() as conn:
        outbox.start_sending_many(conn, rows, "t", 60, now)
        assert outbox.unknown(conn, rows[0], "t", "no_answer", now)
        assert outbox.done_many(conn, rows[:2], "other", "101", now) == frozenset()
        assert outbox.done_many(conn, rows[:2], "t", "101", now) == frozenset(rows[:2]), "a late answer settles too"
        assert outbox.done_many(conn, rows[:2], "t", "101", now) == frozenset()
        assert states(conn, rows) == ["done", "done", "sending"]
        ended = conn.execute(select(attempts.c.outcome).order_by(attempts.c.outbox_id)).scalars().all()
        assert ended == ["done", "done", None]


def test_put_back_without_an_attempt(database: Database, now: datetime, rows: tuple[int, ...]) -> None:
    later = now + timedelta(seconds=9)
    with database.begin() as conn:
        outbox.start_sending_many(conn, rows[2:], "t", 60, now)
        outbox.put_back_many(conn, dict.fromkeys(rows, later), "other", "slower", now)
        assert states(conn, rows) == ["claimed", "claimed", "sending"]
        outbox.put_back_many(conn, dict.fromkeys(rows, later), "t", "slower", now)
        assert states(conn, rows) == ["ready", "ready", "sending"], "what leaves is never put back"
        (first,) = outbox.of_target(conn, "mt", 1)
        assert (first.attempts, first.last_code, first.due_at) == (0, "slower", later)
        outbox.put_back_many(conn, {}, "t", "slower", now)


def test_claimed_by_kind(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        outbox.add(conn, "urgent", "mt", 1, None, 1, now, now)
        outbox.add(conn, "urgent", "mo", 1, None, 1, now, now)
        assert [row.kind for row in outbox.claim(conn, "urgent", "t", 10, 60, now, ("mo", "submission"))] == ["mo"]
        assert [row.kind for row in outbox.claim(conn, "urgent", "u", 10, 60, now)] == ["mt"]


def test_moved_together(database: Database, now: datetime, store_mt: Callable[..., int]) -> None:
    with database.begin() as conn:
        first, second, third = (store_mt(conn) for _ in range(3))
        mts.move(conn, third, MtState.SUPPRESSED, "person", "", now)
        assert mts.move_many(conn, (first, second, third), MtState.SENDING, "send", "", now) == {first, second}
        assert mts.move_many(conn, (first, second), MtState.ACCEPTED, "send", "101", now) == {first, second}
        mts.set_external_many(conn, {first: ("A1", "KES 1"), second: ("A2\0" * 99, "x" * 99)}, now)
        assert [event.state for event in mts.events_of(conn, first)] == ["created", "sending", "accepted"]
        found = mts.by_id(conn, first)
        assert found is not None
        assert (found.external_id, found.reason) == ("A1", "101")
        mts.set_external_many(conn, {}, now)


def test_unknown_to_a_number(database: Database, seals: Seals, now: datetime, store_mt: Callable[..., int]) -> None:
    digest = holdings.digest_of(seals, "+2290197445566")
    with database.begin() as conn:
        first = store_mt(conn, msisdn="+2290197445566")
        mts.move(conn, first, MtState.SENDING, "send", "", now)
        assert mts.unknown_to(conn, "africastalking", digest, now) == ()
        mts.move(conn, first, MtState.UNKNOWN, "sweep", "", now)
        assert [mt.id for mt in mts.unknown_to(conn, "africastalking", digest, now)] == [first]
        assert mts.unknown_to(conn, "other", digest, now) == ()
        assert mts.unknown_to(conn, "africastalking", digest, now + timedelta(seconds=1)) == ()
        assert [mt.id for mt in mts.unknown(conn, 10, Category.VITAL)] == [first]
        assert mts.unknown(conn, 10, Category.INFORMATION) == ()
        assert mts.send_again(conn, first, "person", now)
        assert not mts.send_again(conn, first, "person", now)
        found = mts.by_id(conn, first)
        assert found is not None
        assert (found.state, found.resent_at) == (MtState.CREATED, now)


def test_listed_by_what_is_asked(database: Database, seals: Seals, now: datetime, store_mt: Callable[..., int]) -> None:
    with database.begin() as conn:
        first, second = store_mt(conn), store_mt(conn, category=Category.INFORMATION)
        mts.move(conn, first, MtState.SUPPRESSED, "send", "reach_otherwise", now)
        assert [mt.id for mt in mts.list_page(conn, 10)] == [second, first]
        assert [mt.id for mt in mts.list_page(conn, 10, state=MtState.CREATED)] == [second]
        assert [mt.id for mt in mts.list_page(conn, 10, reasons=("reach_otherwise",))] == [first]
        assert [mt.id for mt in mts.list_page(conn, 10, category=Category.INFORMATION)] == [second]
        assert mts.list_page(conn, 10, digest=holdings.digest_of(seals, "+2290166000000")) == ()
        assert len(mts.list_page(conn, 1)) == 1


def test_old_texts_are_erased(database: Database, seals: Seals, now: datetime, store_mt: Callable[..., int]) -> None:
    later = now + timedelta(days=30)
    with database.begin() as conn:
        settled, waiting = store_mt(conn), store_mt(conn)
        mts.move(conn, settled, MtState.DELIVERED, "dlr", "", now)
        assert mt_texts.erase_older(conn, now, 10) == 0, "not yet"
        assert mt_texts.erase_older(conn, later, 10) == 1
        assert list(mts.for_sending(conn, seals, (settled, waiting))) == [waiting]


def test_the_network_last_seen(database: Database, seals: Seals, now: datetime) -> None:
    with database.begin() as conn:
        holding = holdings.open_holding(conn, seals, "+2290197000001", now)
        assert holdings.networks_of(conn, (holding,)) == {holding: ""}
        holdings.open_holding(conn, seals, "+2290197000001", now, "61603")
        holdings.open_holding(conn, seals, "+2290197000001", now, "")
        assert holdings.networks_of(conn, (holding,)) == {holding: "61603"}, "a callback that names none says nothing"


@pytest.mark.parametrize("state", MtState)
def test_which_old_texts_are_erased(
    database: Database, seals: Seals, now: datetime, store_mt: Callable[..., int], state: MtState
) -> None:
    """All but those that may still leave: also those of which nobody ever learned what became."""
    waits = state in (MtState.CREATED, MtState.SENDING)
    with database.begin() as conn:
        mt = store_mt(conn)
        conn.execute(tables.mts.update().values(state=state))
        assert mt_texts.erase_older(conn, now + timedelta(days=30), 10) == (0 if waits else 1)
        assert (mt in mts.for_sending(conn, seals, (mt,))) is waits


@pytest.mark.parametrize(("keep_s", "erased"), [(None, 1), (86_400, 0)])
def test_texts_about_a_demand_that_nothing_erases(
    database: Database,
    now: datetime,
    store_mt: Callable[..., int],
    store_submission: Callable[..., int],
    keep_s: int | None,
    erased: int,
) -> None:
    with database.begin() as conn:
        mt = store_mt(conn, submission_id=store_submission(conn, keep_s=keep_s))
        mts.move(conn, mt, MtState.SUPPRESSED, "send", "", now)
        assert mt_texts.erase_older(conn, now + timedelta(days=30), 10) == erased

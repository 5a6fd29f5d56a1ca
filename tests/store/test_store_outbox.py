"""The outbox row by row: who may claim what and when, whose word is taken, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select

from gateway.store import outbox
from gateway.store.db import Connection, Database
from gateway.store.tables import OutboxState, attempts
from gateway.store.tables import outbox as table

O = OutboxState  # noqa: E741 - reads as the code does
TICK = timedelta(microseconds=1)
LEASE_S = 60.0
Add = Callable[..., int]


@pytest.fixture
def add(now: datetime) -> Add:
    def add(conn: Connection, target: int = 1, order: str | None = None, lane: str = "urgent", **more: object) -> int:
        priority = int(str(more.get("priority", 5)))
        due_at = more.get("due_at", now)
        assert isinstance(due_at, datetime)
        return outbox.add(conn, lane, "mt", target, order, priority, due_at, now)

    return add


def _claim(conn: Connection, now: datetime, token: str = "t1", limit: int = 10, lane: str = "urgent") -> list[int]:
    return [row.id for row in outbox.claim(conn, lane, token, limit, LEASE_S, now)]


def _state(conn: Connection, row_id: int) -> OutboxState:
    return O(conn.execute(select(table.c.state).where(table.c.id == row_id)).scalar_one())


def _attempts(conn: Connection, row_id: int) -> list[tuple[int, str | None, str]]:
    rows = select(attempts).where(attempts.c.outbox_id == row_id).order_by(attempts.c.id)
    return [(row.number, row.outcome, row.code) for row in conn.execute(rows)]


def test_by_priority_then_due_time_then_id_up_to_the_limit(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        early = now - timedelta(minutes=1)
        ids = [
            add(conn, priority=5),  # 0
            add(conn, priority=5, due_at=early),  # 1
            add(conn, priority=1),  # 2
            add(conn, priority=5),  # 3
            add(conn, priority=1, lane="bulk"),  # another lane's
            add(conn, priority=0, due_at=now + TICK),  # not due
        ]
        assert _claim(conn, now, limit=3) == [ids[2], ids[1], ids[0]]
        assert _claim(conn, now, "t2", limit=3) == [ids[3]]
        assert _claim(conn, now, "t3") == []
        assert _claim(conn, now + TICK, "t4") == [ids[5]]


def test_what_a_claim_says(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        row_id = add(conn, target=77, priority=3)
        (claimed,) = outbox.claim(conn, "urgent", "t1", 10, LEASE_S, now)
    assert claimed == outbox.Claimed(
        id=row_id,
        kind="mt",
        target_id=77,
        priority=3,
        attempts=0,
        token="t1",
        lease_until=now + timedelta(seconds=LEASE_S),
        created_at=now,
    )


@pytest.mark.parametrize(
    ("state", "after_s", "claimable"),
    [
        (O.READY, 0, True),
        (O.CLAIMED, LEASE_S - 0.001, False),
        (O.CLAIMED, LEASE_S, True),
        (O.SENDING, LEASE_S * 100, False),
        (O.DONE, LEASE_S * 100, False),
        (O.UNKNOWN, LEASE_S * 100, False),
        (O.DEAD, LEASE_S * 100, False),
    ],
)
def test_what_can_be_claimed(
    database: Database, now: datetime, add: Add, state: OutboxState, after_s: float, claimable: bool
) -> None:
    with database.begin() as conn:
        row_id = add(conn)
        _reach(conn, row_id, state, now)
        later = now + timedelta(seconds=after_s)
        assert outbox.due_lanes(conn, later) == (frozenset({"urgent"}) if claimable else frozenset())
        assert _claim(conn, later, "t2") == ([row_id] if claimable else [])


def _reach(conn: Connection, row_id: int, state: OutboxState, now: datetime, token: str = "t1") -> None:
    """Brings a ready row to `state` by the public functions."""
    if state is O.READY:
        return
    _claim(conn, now, token)
    if state is O.CLAIMED:
        return
    assert outbox.start_sending(conn, row_id, token, LEASE_S, now) is not None
    if state is O.DONE:
        assert outbox.done(conn, row_id, token, "", now)
    elif state is O.UNKNOWN:
        assert outbox.unknown(conn, row_id, token, "timeout", now)
    elif state is O.DEAD:
        assert outbox.dead(conn, row_id, token, "refused", now)


@pytest.mark.parametrize(
    ("first", "follows"),
    [(O.READY, False), (O.CLAIMED, False), (O.SENDING, False), (O.DONE, True), (O.UNKNOWN, True), (O.DEAD, True)],
)
def test_an_open_row_holds_back_those_of_its_key(
    database: Database, now: datetime, add: Add, first: OutboxState, follows: bool
) -> None:
    with database.begin() as conn:
        earlier = add(conn, order="s:1", priority=9)
        _reach(conn, earlier, first, now)
        later, other, free = add(conn, order="s:1", priority=0), add(conn, order="s:2"), add(conn)
        claimed = _claim(conn, now, "t2")
        assert (later in claimed) == follows
        assert {other, free} <= set(claimed)
        assert (earlier in claimed) == (first is O.READY), "never both in one batch"


def test_a_row_that_waits_for_its_retry_holds_its_key_and_wakes_nobody(
    database: Database, now: datetime, add: Add
) -> None:
    with database.begin() as conn:
        earlier, later = add(conn, order="s:1"), add(conn, order="s:1")
        assert _claim(conn, now) == [earlier]
        again = now + timedelta(seconds=30)
        assert outbox.retry(conn, earlier, "t1", again, "503", now)
        assert _claim(conn, again - TICK, "t2") == []
        assert outbox.due_lanes(conn, again - TICK) == frozenset()
        assert outbox.due_lanes(conn, again) == {"urgent"}
        assert _claim(conn, again, "t3") == [earlier]
        assert outbox.done(conn, earlier, "t3", "", again)
        assert _claim(conn, again, "t4") == [later]


def test_a_lost_lease_goes_to_the_next_and_the_first_is_not_heard(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        row_id = add(conn)
        _claim(conn, now, "mine")
        over = now + timedelta(seconds=LEASE_S)
        assert outbox.start_sending(conn, row_id, "mine", 60, over) is None, "the lease has ended: do not call"
        assert outbox.start_call(conn, row_id, "mine", over) is None
        assert _claim(conn, over, "theirs") == [row_id]
        for stale in (
            outbox.done(conn, row_id, "mine", "", over),
            outbox.retry(conn, row_id, "mine", over, "", over),
            outbox.unknown(conn, row_id, "mine", "", over),
            outbox.dead(conn, row_id, "mine", "", over),
        ):
            assert not stale
        assert outbox.start_sending(conn, row_id, "theirs", 60, over) is not None
        assert not outbox.done(conn, row_id, "mine", "", over)
        assert outbox.done(conn, row_id, "theirs", "", over)
        assert not outbox.done(conn, row_id, "theirs", "", over), "once"
        assert _attempts(conn, row_id) == [(1, "done", "")]


@pytest.mark.parametrize(("early", "starts"), [(TICK, True), (timedelta(0), False)], ids=["alive", "ended"])
def test_the_last_moment_of_a_lease(
    database: Database, now: datetime, add: Add, early: timedelta, starts: bool
) -> None:
    with database.begin() as conn:
        row_id = add(conn)
        _claim(conn, now)
        at = now + timedelta(seconds=LEASE_S) - early
        assert (outbox.start_sending(conn, row_id, "t1", 60, at) is not None) == starts


def test_a_call_starts_once(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        row_id = add(conn)
        assert outbox.start_sending(conn, row_id, "t1", 60, now) is None, "not claimed"
        _claim(conn, now)
        assert outbox.start_sending(conn, row_id, "t1", 60, now) is not None
        assert outbox.start_sending(conn, row_id, "t1", 60, now) is None, "already under way"
        assert _attempts(conn, row_id) == [(1, None, "")]


def test_a_call_that_may_be_repeated_stays_claimed(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        row_id = add(conn, lane="backoffice")
        for number in (1, 2):
            at = now + timedelta(seconds=(number - 1) * LEASE_S)
            (claimed,) = outbox.claim(conn, "backoffice", f"t{number}", 10, LEASE_S, at)
            assert claimed.attempts == number - 1
            assert outbox.start_call(conn, row_id, f"t{number}", at) is not None
            assert _state(conn, row_id) is O.CLAIMED
        assert outbox.done(conn, row_id, "t2", "accepted", at)
        assert _attempts(conn, row_id) == [(1, None, ""), (2, "done", "accepted")], "the first worker died"


def test_no_answer_in_time_is_unknown_and_is_never_sent_again(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        row_id, other = add(conn, target=7), add(conn, target=8)
        _claim(conn, now)
        outbox.start_sending(conn, row_id, "t1", 10, now)
        outbox.start_sending(conn, other, "t1", 20, now)
        deadline = now + timedelta(seconds=10)
        assert outbox.sweep_sending(conn, deadline - TICK) == ()
        (swept,) = outbox.sweep_sending(conn, deadline)
        assert (swept.id, swept.kind, swept.target_id, swept.state) == (row_id, "mt", 7, O.UNKNOWN)
        assert outbox.sweep_sending(conn, deadline) == ()
        assert _attempts(conn, row_id) == [(1, "unknown", "no_answer")]
        assert _claim(conn, now + timedelta(days=9), "t2") == []


def test_a_late_answer_settles_what_became_unknown_but_never_sends_it_again(
    database: Database, now: datetime, add: Add
) -> None:
    with database.begin() as conn:
        sent, refused, unsure = add(conn), add(conn), add(conn)
        _claim(conn, now)
        for row_id in (sent, refused, unsure):
            outbox.start_sending(conn, row_id, "t1", 10, now)
        late = now + timedelta(seconds=11)
        outbox.sweep_sending(conn, late)
        assert not outbox.done(conn, sent, "t2", "", late), "somebody else's word"
        assert outbox.done(conn, sent, "t1", "101", late)
        assert outbox.dead(conn, refused, "t1", "403", late)
        assert not outbox.retry(conn, unsure, "t1", late, "503", late)
        assert [_state(conn, row_id) for row_id in (sent, refused, unsure)] == [O.DONE, O.DEAD, O.UNKNOWN]
        assert _attempts(conn, sent) == [(1, "done", "101")]


def test_who_said_unknown_may_still_learn_the_answer(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        row_id = add(conn)
        _reach(conn, row_id, O.UNKNOWN, now)
        assert outbox.done(conn, row_id, "t1", "found_in_their_list", now)
        assert _attempts(conn, row_id) == [(1, "done", "found_in_their_list")]


def test_a_report_or_a_person_settles_an_unknown_row(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        row_id = add(conn, target=7)
        assert not outbox.settle_unknown(conn, "mt", 7, "delivered", now), "not unknown"
        _reach(conn, row_id, O.UNKNOWN, now)
        assert not outbox.settle_unknown(conn, "submission", 7, "delivered", now), "another kind with the same id"
        assert outbox.settle_unknown(conn, "mt", 7, "delivered", now)
        assert not outbox.settle_unknown(conn, "mt", 7, "delivered", now)
        assert [(row.state, row.last_code) for row in outbox.of_target(conn, "mt", 7)] == [(O.DONE, "delivered")]


@pytest.mark.parametrize(
    ("state", "even_unknown", "again"),
    [
        (O.DEAD, False, True),
        (O.DEAD, True, True),
        (O.UNKNOWN, False, False),
        (O.UNKNOWN, True, True),
        (O.DONE, True, False),
        (O.READY, True, False),
        (O.CLAIMED, True, False),
        (O.SENDING, True, False),
    ],
)
def test_a_person_makes_a_given_up_row_ready_again(
    database: Database, now: datetime, add: Add, state: OutboxState, even_unknown: bool, again: bool
) -> None:
    with database.begin() as conn:
        row_id = add(conn)
        _reach(conn, row_id, state, now)
        assert outbox.requeue(conn, row_id, now, even_unknown=even_unknown) == again
        if again:
            assert not outbox.done(conn, row_id, "t1", "", now), "the old token says nothing any more"
            (claimed,) = outbox.claim(conn, "urgent", "t9", 10, LEASE_S, now)
            assert claimed.attempts == 0, "a new count"
            assert outbox.start_sending(conn, row_id, "t9", 60, now) is not None


def test_counts_for_the_operator(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        old = now - timedelta(hours=1)
        add(conn, due_at=old)
        add(conn)
        done = add(conn, lane="bulk")
        outbox.claim(conn, "bulk", "t1", 10, LEASE_S, now)
        assert outbox.done(conn, done, "t1", "", now)
        dead = add(conn, lane="bulk")
        outbox.claim(conn, "bulk", "t2", 10, LEASE_S, now)
        assert outbox.dead(conn, dead, "t2", "refused", now)
        assert set(outbox.counts(conn)) == {
            outbox.LaneCount("urgent", O.READY, 2, old, now),
            outbox.LaneCount("bulk", O.DEAD, 1, now, now),
        }


def test_done_rows_are_forgotten_with_their_attempts(database: Database, now: datetime, add: Add) -> None:
    with database.begin() as conn:
        ids = [add(conn) for _ in range(3)]
        _claim(conn, now)
        for row_id in ids[:2]:
            outbox.start_sending(conn, row_id, "t1", 60, now)
            outbox.done(conn, row_id, "t1", "", now)
        assert outbox.forget_done(conn, now, 10) == 0
        assert outbox.forget_done(conn, now + TICK, 1) == 1
        assert outbox.forget_done(conn, now + TICK, 10) == 1
        assert conn.execute(select(table.c.id)).scalars().all() == [ids[2]]
        assert conn.execute(select(attempts.c.id)).all() == []


def test_the_database_refuses_a_word_of_its_own(database: Database, now: datetime, add: Add) -> None:
    with pytest.raises(Exception, match="ck_outbox_lane"), database.begin() as conn:
        add(conn, lane="slow")


def test_a_claim_reads_its_indexes_only(sqlite_database: Database, now: datetime) -> None:
    """Rows done long ago, and whole campaigns that are not due, must not slow a claim."""
    statements: list[str] = []
    with sqlite_database.begin() as conn:
        event.listen(conn, "before_cursor_execute", lambda *given: statements.append(given[2]))
        _claim(conn, now)
        (claims,) = (statement for statement in statements if "UPDATE outbox" in statement)
        values = (0,) * claims.count("?")
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {claims}", values).all()
    steps = " / ".join(str(step[-1]) for step in plan)
    assert "USING INDEX ix_outbox_claim (lane=?)" in steps
    assert "ix_outbox_order (order_key=? AND id<?)" in steps
    assert "TEMP B-TREE FOR ORDER BY" not in steps

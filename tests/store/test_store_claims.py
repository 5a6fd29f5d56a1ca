"""Claims by system: no more of one than it may have, however many claim at once, and never in the way of another."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, text

from gateway.store import breakers, claims, outbox
from gateway.store.claims import Limit
from gateway.store.db import Connection, Database

LEASE_S = 60.0
TICK = timedelta(microseconds=1)


def fill(conn: Connection, system: str | None, rows: int, now: datetime, lane: str = "backoffice") -> None:
    for target in range(rows):
        outbox.add(conn, lane, "submission", target, None, 10, now, now, system)


def take(conn: Connection, now: datetime, token: str, limit: int = 100, **limits: Limit) -> dict[str, int]:
    """How many rows of each system were claimed."""
    rows = outbox.claim(conn, "backoffice", token, limit, LEASE_S, now, None, limits)
    ids = [row.id for row in rows]
    counted: dict[str, int] = {}
    for row_id in ids:
        system = conn.execute(text("SELECT system FROM outbox WHERE id = :id"), {"id": row_id}).scalar_one() or ""
        counted[system] = counted.get(system, 0) + 1
    return counted


def test_of_each_as_many_as_it_may_have(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        fill(conn, "a", 200, now)
        fill(conn, "b", 3, now)
        fill(conn, None, 2, now)
        assert take(conn, now, "t1", a=Limit(5)) == {"": 2, "a": 5, "b": 3}
        assert take(conn, now, "t2", a=Limit(5)) == {}
        fill(conn, "b", 9, now)
        assert take(conn, now, "t3", a=Limit(5)) == {"b": 1}, "four, where nothing is said"
        assert take(conn, now, "t4", a=Limit(7)) == {"a": 2}


def test_what_ended_makes_room(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        fill(conn, "a", 10, now)
        first, second, *_ = outbox.claim(conn, "backoffice", "t1", 99, LEASE_S, now)
        assert outbox.done(conn, first.id, "t1", "", now)
        assert outbox.retry(conn, second.id, "t1", now + timedelta(hours=1), "", now)
        assert take(conn, now, "t2") == {"a": 2}
        late = now + timedelta(seconds=LEASE_S)
        assert take(conn, late - TICK, "t3") == {}
        assert take(conn, late, "t4") == {"a": 4}, "leases that ended count no more, and are claimed again"


def test_a_small_batch_is_still_a_bound(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        fill(conn, "a", 3, now)
        fill(conn, "b", 3, now)
        assert sum(take(conn, now, "t1", limit=4).values()) == 4
        assert sum(take(conn, now, "t2", limit=4).values()) == 2


def test_many_claim_at_once(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        fill(conn, "a", 60, now)
        fill(conn, "b", 60, now)
    together = threading.Barrier(8)

    def one(number: int) -> dict[str, int]:
        together.wait(30)
        with database.begin() as conn:
            return take(conn, now, f"t{number}", limit=3)

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(one, range(8)))
    for system in ("a", "b"):
        assert sum(each.get(system, 0) for each in claimed) == 4


def test_many_ask_at_once_whether_it_is_back(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        fill(conn, "a", 60, now)
        assert breakers.failed(conn, "a", 1, now, "too_slow", now)
    together = threading.Barrier(8)

    def one(number: int) -> dict[str, int]:
        together.wait(30)
        with database.begin() as conn:
            return take(conn, now, f"t{number}", a=Limit(4, 30))

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(one, range(8)))
    assert sum(each.get("a", 0) for each in claimed) == 1
    again = now + timedelta(seconds=30)
    with database.begin() as conn:
        assert take(conn, again - TICK, "u1", a=Limit(4, 30)) == {}
        assert take(conn, again, "u2", a=Limit(4, 30)) == {"a": 1}


@pytest.mark.parametrize(("failures", "opens"), [(1, False), (2, False), (3, True), (4, False)])
def test_which_call_opens_it(database: Database, now: datetime, failures: int, opens: bool) -> None:
    with database.begin() as conn:
        told = [breakers.failed(conn, "a", 3, now, "cut", now) for _ in range(failures)]
        assert told[-1] == opens, "said once: by the third"
        (one,) = breakers.every(conn)
        assert (one.failures, one.opened_at is not None) == (failures, failures >= 3)
        assert breakers.answered(conn, "a", now) == (failures >= 3)
        (one,) = breakers.every(conn)
        assert (one.failures, one.opened_at, one.ask_at) == (0, None, None)
        assert not breakers.answered(conn, "a", now)


def test_the_longest_rest_stands(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        for seconds, stands in ((60, 60), (20, 60), (90, 90)):
            breakers.rest(conn, "a", now + timedelta(seconds=seconds), "http_429", now)
            assert breakers.of(conn, ["a"])["a"].ask_at == now + timedelta(seconds=stands)
        fill(conn, "a", 1, now)
        assert claims.systems_due(conn, "backoffice", now + timedelta(seconds=90) - TICK) == ()
        assert claims.systems_due(conn, "backoffice", now + timedelta(seconds=90)) == ("a",)


def test_every_step_of_a_claim_reads_an_index(sqlite_database: Database, now: datetime) -> None:
    """Whatever waits for one system, or was done long ago, must not slow a claim for another."""
    said: list[tuple[str, tuple[object, ...]]] = []
    with sqlite_database.begin() as conn:
        fill(conn, "a", 3, now)
        event.listen(conn, "before_cursor_execute", lambda *given: said.append(given[2:4]))
        outbox.claim(conn, "backoffice", "t", 9, LEASE_S, now)
        asked = [one for one in said if "outbox" in one[0]]
        plans = [
            " / ".join(str(step[-1]) for step in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values))
            for sql, values in asked
        ]
    steps = " / ".join(plans)
    assert "outbox USING INDEX ix_outbox_calls (lane=? AND system=?)" in steps
    assert "further USING INDEX ix_outbox_calls (lane=? AND system>?)" in steps
    assert "outbox USING INDEX ix_outbox_in_flight (system=? AND lease_until>?)" in steps
    assert "SCAN outbox" not in steps
    assert "TEMP B-TREE FOR ORDER BY" not in steps


@pytest.mark.postgres
def test_every_step_of_a_claim_reads_an_index_on_postgresql(postgres_url: str, now: datetime) -> None:
    from gateway.store.db import open_database

    database = open_database(postgres_url)
    said: list[tuple[str, object]] = []
    with database.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO outbox (lane, kind, target_id, priority, due_at, state, attempts, last_code, created_at,"
                " updated_at, system) SELECT 'backoffice', 'submission', n, 10, :at, CASE WHEN n % 10 = 0 THEN 'ready'"
                " ELSE 'done' END, 0, '', :at, :at, 's' || n % 3 FROM generate_series(1, 30000) AS n"
            ),
            {"at": now},
        )
        conn.execute(text("ANALYZE outbox"))
        event.listen(conn, "before_cursor_execute", lambda *given: said.append(given[2:4]))
        rows = outbox.claim(conn, "backoffice", "t", 99, LEASE_S, now)
        assert len(rows) == 12
        asked = [one for one in said if "outbox" in one[0]]
        plans = [
            " / ".join(str(step[0]) for step in conn.exec_driver_sql(f"EXPLAIN {sql}", values)) for sql, values in asked
        ]
    database.close()
    steps = " / ".join(plans)
    assert "ix_outbox_calls" in steps
    assert "Seq Scan on outbox" not in steps

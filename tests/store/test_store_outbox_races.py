"""The outbox under real concurrency: processes and threads that claim, die and settle; every call is counted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from gateway.store import outbox
from gateway.store.db import Database, open_database
from gateway.store.tables import OutboxState, attempts
from gateway.store.tables import outbox as table

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
ROWS = 120
KEYS = 12


def _fill(database: Database, order: bool) -> list[int]:
    with database.begin() as conn:
        keys = [f"s:{number % KEYS}" if order else None for number in range(ROWS)]
        return [outbox.add(conn, "urgent", "mt", n, key, 5, NOW, NOW) for n, key in enumerate(keys)]


def _drain(url: str, name: str, together: Any, log: Any) -> None:
    """Claims and settles until nothing is left; says (key order is what it saw) which rows it called."""
    database = open_database(url)
    together.wait(60)
    try:
        for round_ in count():
            with database.begin() as conn:
                rows = outbox.claim(conn, "urgent", f"{name}-{round_}", 7, 3600, NOW)
            for row in rows:
                with database.begin() as conn:
                    started = outbox.start_sending(conn, row.id, row.token, 60, NOW)
                if started is not None:
                    log.put(("called", row.id))
                with database.begin() as conn:
                    outbox.done(conn, row.id, row.token, "", NOW)
            with database.read() as conn:
                left = conn.execute(select(table.c.id).where(table.c.state != OutboxState.DONE).limit(1)).first()
            if left is None:
                break
        log.put(("end", ""))
    except Exception as error:
        log.put(("end", repr(error)))
    finally:
        database.close()


@pytest.mark.parametrize("order", [False, True], ids=["free", "ordered"])
def test_four_processes_call_each_row_once(database: Database, database_url: str, order: bool) -> None:
    ids = _fill(database, order)
    spawn = multiprocessing.get_context("spawn")
    together, log = spawn.Barrier(4), spawn.Queue()
    drains = [spawn.Process(target=_drain, args=(database_url, f"p{n}", together, log)) for n in range(4)]
    for drain in drains:
        drain.start()
    said: list[tuple[str, Any]] = []
    while sum(kind == "end" for kind, _ in said) < len(drains):
        said.append(log.get(timeout=90))
    for drain in drains:
        drain.join(30)
    assert [value for kind, value in said if kind == "end"] == [""] * 4
    assert Counter(value for kind, value in said if kind == "called") == Counter(ids)
    with database.read() as conn:
        made = conn.execute(select(attempts.c.outbox_id).order_by(attempts.c.id)).scalars().all()
    assert Counter(made) == Counter(ids), "one attempt row per call"
    if order:  # attempts are numbered in the order of their commits: within a key, that of the rows
        for key in range(KEYS):
            mine = ids[key::KEYS]
            assert [row_id for row_id in made if row_id in mine] == mine


def test_threads_that_claim_at_once_share_nothing(database: Database) -> None:
    ids = _fill(database, order=False)
    together = threading.Barrier(6)
    got: list[int] = []

    def claim(number: int) -> None:
        together.wait(10)
        with database.begin() as conn:
            got.extend(row.id for row in outbox.claim(conn, "urgent", f"t{number}", 20, 60, NOW))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == len(set(got))
    with database.begin() as conn:
        rest = [row.id for row in outbox.claim(conn, "urgent", "rest", ROWS, 60, NOW)]
    assert sorted(got + rest) == ids


def _die_after(url: str, steps: int) -> None:
    """Goes `steps` steps through the life of a row, then is killed by the kernel."""
    database = open_database(url)

    def step(number: int) -> None:
        if number == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    with database.begin() as conn:
        (row,) = outbox.claim(conn, "urgent", "victim", 1, 60, NOW)
        step(0)  # claimed, not committed
    step(1)  # claimed
    with database.begin() as conn:
        outbox.start_sending(conn, row.id, "victim", 60, NOW)
        step(2)  # the attempt not committed
    step(3)  # sending, perhaps sent
    with database.begin() as conn:
        outbox.done(conn, row.id, "victim", "", NOW)
        step(4)  # sent, not committed
    step(5)  # done


@pytest.mark.parametrize(
    ("steps", "state", "free_again", "calls"),
    [
        (0, OutboxState.READY, "at once", 0),
        (1, OutboxState.CLAIMED, "after the lease", 0),
        (2, OutboxState.CLAIMED, "after the lease", 0),
        (3, OutboxState.SENDING, "never", 1),
        (4, OutboxState.SENDING, "never", 1),
        (5, OutboxState.DONE, "never", 1),
    ],
)
def test_a_worker_killed_between_two_steps(
    database: Database, database_url: str, steps: int, state: OutboxState, free_again: str, calls: int
) -> None:
    with database.begin() as conn:
        row_id = outbox.add(conn, "urgent", "mt", 1, None, 5, NOW, NOW)
    spawn = multiprocessing.get_context("spawn")
    victim = spawn.Process(target=_die_after, args=(database_url, steps))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    after = NOW + timedelta(seconds=60)
    with database.begin() as conn:
        assert conn.execute(select(table.c.state)).scalar_one() == state
        assert len(conn.execute(select(attempts.c.id)).all()) == calls
        assert [row.id for row in outbox.claim(conn, "urgent", "now", 1, 60, NOW)] == (
            [row_id] if free_again == "at once" else []
        )
        if free_again != "at once":
            claimed = outbox.claim(conn, "urgent", "later", 1, 60, after)
            assert [row.id for row in claimed] == ([row_id] if free_again == "after the lease" else [])
        assert len(outbox.sweep_sending(conn, after)) == (state is OutboxState.SENDING)

"""The database: what it refuses, what it says when it cannot answer, and four writers at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from gateway.store import acts, beats, db, migrate
from gateway.store.db import Database, StoreUnavailable, Why, open_database
from gateway.store.sealed import Seals


@pytest.mark.parametrize(
    ("url", "remark"),
    [
        ("", "empty"),
        ("mysql://u:secret@h/d", "not one of ours"),
        ("sqlite://", "in memory: nothing would be durable"),
        ("sqlite:///:memory:", "the same, written out"),
        ("secret nonsense", "not a URL"),
    ],
)
def test_a_url_that_is_not_ours_is_refused_without_repeating_it(url: str, remark: str) -> None:
    with pytest.raises(ValueError, match="the database URL must be") as refused:
        open_database(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_each_name_of_postgresql_means_our_driver(scheme: str) -> None:
    assert db.read_url(f"{scheme}://u@h/d").drivername == "postgresql+psycopg"


def test_no_repr_shows_the_url() -> None:
    assert "secret" not in repr(open_database("postgresql://u:secret@h/d"))


def test_what_begin_commits_is_read_and_what_fails_is_undone(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        beats.beat(conn, "relay", now)
    with pytest.raises(RuntimeError), database.begin() as conn:
        beats.beat(conn, "relay", now + timedelta(hours=1))
        raise RuntimeError
    with database.read() as conn:
        assert beats.last(conn, "relay") == now


@pytest.mark.parametrize(
    ("given", "remark"),
    [
        (datetime(2026, 11, 23, 13, 5, tzinfo=UTC), "no microseconds"),
        (datetime(2026, 11, 23, 13, 5, 0, 1, tzinfo=UTC), "one microsecond"),
        (datetime(2026, 11, 23, 14, 5, tzinfo=timezone(timedelta(hours=1))), "Porto-Novo"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "the last one of a year"),
    ],
)
def test_a_time_comes_back_aware_and_in_utc(database: Database, given: datetime, remark: str) -> None:
    with database.begin() as conn:
        beats.beat(conn, "relay", given)
        read = beats.last(conn, "relay")
    assert read == given
    assert read is not None
    assert read.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="without a zone"), database.begin() as conn:
        beats.beat(conn, "relay", datetime(2026, 11, 23, 13, 5))  # noqa: DTZ001 - the mistake itself


def test_a_reader_cannot_write(database: Database, now: datetime) -> None:
    with pytest.raises(StoreUnavailable) as refused, database.read() as conn:
        beats.beat(conn, "relay", now)
    assert refused.value.why is Why.READ_ONLY


def test_our_own_faults_are_not_taken_for_an_outage(database: Database) -> None:
    with pytest.raises(DBAPIError) as fault, database.begin() as conn:
        conn.execute(text("INSERT INTO beats (name, at) VALUES ('relay', NULL)"))
    assert not isinstance(fault.value, StoreUnavailable)


def test_sqlite_waits_for_the_disk_and_checks_references(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = {name: conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in pragmas}
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


@pytest.mark.postgres
def test_postgresql_holds_no_turn_for_long(postgres_url: str) -> None:
    database = open_database(postgres_url)
    with database.read() as conn:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit")
        found = [conn.execute(text(f"SHOW {name}")).scalar_one() for name in names]
    database.close()
    assert found[:3] == ["10s", "5s", "30s"]


# --- away, full, read-only ----------------------------------------------------------------------


def _write(database: Database, now: datetime) -> None:
    with database.begin() as conn:
        beats.beat(conn, "relay", now)


def test_sqlite_file_that_cannot_be_opened(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(StoreUnavailable) as said:
        _write(open_database(f"sqlite:///{tmp_path}/no/such/folder.db"), now)
    assert said.value.why is Why.AWAY


def test_sqlite_file_that_may_not_be_written(sqlite_url: str, now: datetime) -> None:
    file = sqlite_url.removeprefix("sqlite:///")
    database = open_database(f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(StoreUnavailable) as said:
        _write(database, now)
    database.close()
    assert said.value.why is Why.READ_ONLY


def test_sqlite_disk_full_undoes_the_transaction(sqlite_database: Database, seals: Seals, now: datetime) -> None:
    with pytest.raises(StoreUnavailable) as said, sqlite_database.begin() as conn:
        pages = conn.execute(text("PRAGMA page_count")).scalar_one()
        conn.execute(text(f"PRAGMA max_page_count = {pages}"))
        acts.insert(conn, seals, b"first", "submit", "submitted", {}, now)
        acts.insert(conn, seals, b"second", "submit", "submitted", {"x": "y" * 50_000}, now)
    assert said.value.why is Why.FULL
    assert "y" not in str(said.value).replace("database", "")
    with sqlite_database.read() as conn:
        assert acts.find(conn, seals, b"first") is None


def test_sqlite_damaged_file(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "bad.db").write_bytes(b"not a database at all, not even a little" * 100)
    with pytest.raises(StoreUnavailable) as said:
        _write(open_database(f"sqlite:///{tmp_path}/bad.db"), now)
    assert said.value.why is Why.BROKEN


def test_sqlite_lock_held_too_long(sqlite_url: str, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_S", 0.05)
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    database = open_database(sqlite_url)
    with pytest.raises(StoreUnavailable) as said:
        _write(database, now)
    holder.execute("ROLLBACK")
    holder.close()
    assert said.value.why is Why.BUSY
    _write(database, now)
    database.close()


def test_a_database_that_was_never_migrated(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(StoreUnavailable) as said:
        _write(open_database(f"sqlite:///{tmp_path}/empty.db"), now)
    assert said.value.why is Why.BROKEN


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("url", "remark"),
    [
        ("postgresql://postgres@127.0.0.1:1/postgres", "nobody listens"),
        ("postgresql://postgres@/postgres?host=/nonexistent", "no socket"),
    ],
)
def test_postgresql_away(url: str, remark: str, now: datetime) -> None:
    with pytest.raises(StoreUnavailable) as said:
        _write(open_database(url), now)
    assert said.value.why is Why.AWAY


@pytest.mark.postgres
def test_postgresql_that_went_away_and_came_back(postgres_url: str, now: datetime) -> None:
    database = open_database(postgres_url)
    _write(database, now)
    with pytest.raises(StoreUnavailable) as said, database.begin() as conn:
        mine = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [mine])
        beats.beat(conn, "relay", now)
    assert said.value.why is Why.AWAY
    _write(database, now)  # the next one finds a good connection
    database.close()


@pytest.mark.postgres
def test_postgresql_restarted_while_nobody_asked(postgres_url: str, now: datetime) -> None:
    database = open_database(postgres_url)
    _write(database, now)
    with psycopg.connect(postgres_url, autocommit=True) as other:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert other.execute(f"SELECT pg_terminate_backend(pid) {others}".encode()).fetchall() == [(True,)]
        deadline = time.monotonic() + 10
        while other.execute(f"SELECT 1 {others}".encode()).fetchall() and time.monotonic() < deadline:
            pass
    _write(database, now)  # the broken pooled connection costs nobody a turn
    database.close()


@pytest.mark.postgres
def test_postgresql_replica(new_postgres_url: Callable[[], str], now: datetime) -> None:
    url = new_postgres_url()
    migrate.upgrade(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "DO $$ BEGIN EXECUTE format("
            "'ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$"
        )
    database = open_database(url)
    for _ in range(2):  # on a new connection, and on one that was read with
        with pytest.raises(StoreUnavailable) as said:
            _write(database, now)
        assert said.value.why is Why.READ_ONLY
        database.ping()
    database.close()


@pytest.mark.postgres
def test_postgresql_statement_that_lasts_too_long(postgres_url: str) -> None:
    database = open_database(postgres_url)
    with pytest.raises(StoreUnavailable) as said, database.begin() as conn:
        conn.execute(text("SET LOCAL statement_timeout = 20"))
        conn.execute(text("SELECT pg_sleep(5)"))
    database.close()
    assert said.value.why is Why.BUSY


def test_every_connection_taken(database: Database, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_S", 0.05)
    small = open_database(database_url)
    held: list[Any] = []
    with pytest.raises(StoreUnavailable) as said:
        for _ in range(100):
            reader = small.read()
            reader.__enter__()
            held.append(reader)
    for reader in held:
        reader.__exit__(None, None, None)
    small.ping()
    small.close()
    assert (said.value.why, said.value.code) == (Why.BUSY, "pool")


def test_four_processes_that_write_never_see_a_lock(database_url: str) -> None:
    """Each reads and then writes in one transaction: with a deferred BEGIN half of them would fail at once."""
    spawn = multiprocessing.get_context("spawn")
    together, ends = spawn.Barrier(4), spawn.Queue()
    writers = [spawn.Process(target=_read_then_write, args=(database_url, together, ends)) for _ in range(4)]
    for writer in writers:
        writer.start()
    said = [ends.get(timeout=90) for _ in writers]
    for writer in writers:
        writer.join(30)
    assert said == [""] * 4
    database = open_database(database_url)
    with database.read() as conn:
        assert beats.last(conn, "count") == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=4 * 50)
    database.close()


def _read_then_write(url: str, together: Any, ends: Any) -> None:
    database = open_database(url)
    together.wait(60)
    try:
        for _ in range(50):
            with database.begin() as conn:
                if conn.dialect.name == "postgresql":
                    conn.execute(text("LOCK TABLE beats"))  # what BEGIN IMMEDIATE gives on SQLite
                last = beats.last(conn, "count") or datetime(2026, 1, 1, tzinfo=UTC)
                beats.beat(conn, "count", last + timedelta(seconds=1))
        ends.put("")
    except Exception as error:
        ends.put(repr(error))
    finally:
        database.close()

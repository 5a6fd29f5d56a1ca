"""Migrations: they make exactly tables.py, go up and down with data, and two at once do no harm."""

from __future__ import annotations

import multiprocessing
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from gateway.store import beats, holdings, menu_versions, migrate
from gateway.store.db import open_database
from gateway.store.sealed import Seals
from gateway.store.tables import metadata


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    make: Callable[[], str] = request.getfixturevalue("new_postgres_url")
    return make()


def _shape(conn: object) -> dict[str, object]:
    """What Alembic does not compare: check constraints, partial indexes, foreign keys with their names."""
    looked = inspect(conn)
    shape: dict[str, object] = {}
    for table in metadata.tables:
        shape[f"{table} checks"] = sorted((c["name"], c["sqltext"]) for c in looked.get_check_constraints(table))
        shape[f"{table} keys"] = sorted(
            (k["name"], k["referred_table"], tuple(k["constrained_columns"])) for k in looked.get_foreign_keys(table)
        )
        shape[f"{table} pk"] = (
            looked.get_pk_constraint(table)["name"],
            looked.get_pk_constraint(table)["constrained_columns"],
        )
        shape[f"{table} unique"] = sorted(u["name"] for u in looked.get_unique_constraints(table))
        shape[f"{table} indexes"] = sorted(
            (
                i["name"],
                tuple(i["column_names"]),
                bool(i["unique"]),
                sorted(f"{k}={v}" for k, v in i["dialect_options"].items()),
            )
            for i in looked.get_indexes(table)
        )
    return shape


def test_migrations_make_what_tables_say(empty_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    migrate.upgrade(empty_url)
    migrated = open_database(empty_url)
    with migrated.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        shape = _shape(conn)
    migrated.close()

    direct_url = f"sqlite:///{tmp_path}/direct.db"
    if empty_url.startswith("postgresql"):
        direct_url = request.getfixturevalue("new_postgres_url")()
    direct = open_database(direct_url)
    with direct.begin() as conn:
        metadata.create_all(conn)
        assert _shape(conn) == shape
    direct.close()
    assert shape["mts checks"], "the check constraints were really compared"


def test_upgrade_is_repeated_without_harm_and_down_with_data(empty_url: str, seals: Seals, now: datetime) -> None:
    assert not migrate.is_current(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.is_current(empty_url)
    database = open_database(empty_url)
    with database.begin() as conn:
        holding_id = holdings.open_holding(conn, seals, "+2290197000001", now)
        menu_versions.publish(conn, "v1", {"main.yaml": "x"}, now)
        beats.beat(conn, "relay", now)
    migrate.upgrade(empty_url)
    with database.read() as conn:
        assert holdings.msisdn_of(conn, seals, holding_id) == "+2290197000001"
        assert zlib.decompress(conn.execute(text("SELECT files FROM menu_versions")).scalar_one())
    database.close()
    migrate.downgrade(empty_url)
    assert not migrate.is_current(empty_url)
    database = open_database(empty_url)
    with database.read() as conn:
        assert inspect(conn).get_table_names() == ["alembic_version"]
    database.close()
    migrate.upgrade(empty_url)
    assert migrate.is_current(empty_url)


def test_four_processes_that_migrate_at_once_all_succeed(empty_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(4)
    ends = spawn.Queue()
    processes = [spawn.Process(target=_migrate, args=(empty_url, together, ends)) for _ in range(4)]
    for process in processes:
        process.start()
    said = [ends.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert said == ["done"] * 4
    assert migrate.is_current(empty_url)


def _migrate(url: str, together: object, ends: object) -> None:
    together.wait(60)
    try:
        migrate.upgrade(url)
        ends.put("done")
    except Exception as error:
        ends.put(repr(error))


def test_a_database_of_a_later_version_is_refused(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    database = open_database(empty_url)
    with database.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(migrate.SchemaTooNew):
        migrate.upgrade(empty_url)
    assert not migrate.is_current(empty_url)

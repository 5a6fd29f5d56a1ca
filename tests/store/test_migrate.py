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
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from gateway.store import audit, beats, chain, holdings, menu_versions, migrate, submission_events
from gateway.store.db import Connection, Database, open_database
from gateway.store.sealed import Seals
from gateway.store.tables import metadata
from gateway.store.tables import submission_events as submission_events_table


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


def test_the_second_one_keeps_what_the_first_had_and_gives_it_back(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    migrate.downgrade(empty_url, "0001")
    database = open_database(empty_url)
    with database.begin() as conn:
        _fill_first(conn)
    before = _rows(database)
    migrate.upgrade(empty_url)
    with database.begin() as conn:
        found = conn.execute(text("SELECT template, category, private FROM mts ORDER BY id")).all()
        assert [(row.template, row.category, bool(row.private)) for row in found] == [
            ("receipt_sensitive", "vital", True),
            ("acknowledged", "procedure", True),
            ("decided_granted", "vital", True),
        ]
        made = "INSERT INTO outbox (lane, kind, target_id, priority, due_at, state, attempts, last_code, created_at, "
        conn.execute(text(made + f"updated_at) VALUES ('urgent', 'mo', 1, 1, {AT}, 'ready', 0, '', {AT}, {AT})"))
        conn.execute(text(f"UPDATE saved_dialogues SET taken_at = {AT}, outcome = 'continued'"))
        conn.execute(text("UPDATE saved_dialogues SET taken_at = NULL"))
    assert _rows(database)["attempts"] == before["attempts"]
    database.close()
    migrate.downgrade(empty_url, "0001")
    database = open_database(empty_url)
    assert _rows(database) == before
    database.close()


def test_the_third_one_keeps_what_refers_to_submissions(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    migrate.downgrade(empty_url, "0001")
    database = open_database(empty_url)
    with database.begin() as conn:
        _fill_first(conn)
    migrate.upgrade(empty_url)
    before = _rows(database)
    with database.begin() as conn:
        conn.execute(text("UPDATE submissions SET state = 'withdrawn', on_behalf = 'declared', helper_id = 1"))
    with pytest.raises(IntegrityError), database.begin() as conn:
        conn.execute(text("DELETE FROM submissions"))
    database.close()
    migrate.downgrade(empty_url, "0002")
    database = open_database(empty_url)
    with database.read() as conn:
        assert conn.execute(text("SELECT state FROM submissions")).scalars().all() == ["refused"]
    with pytest.raises(IntegrityError), database.begin() as conn:
        conn.execute(text("DELETE FROM submissions"))
    migrate.upgrade(empty_url)
    assert _rows(database)["mts"] == before["mts"]
    database.close()


AT = "'2026-11-24 10:00:00'"


def _fill_first(conn: Connection) -> None:
    """Rows as the first version wrote them."""
    for line in (
        f"INSERT INTO holdings (msisdn_digest, msisdn_sealed, opened_at, last_seen_at) VALUES ('d', 's', {AT}, {AT})",
        "INSERT INTO submissions (reference, service, menu_version, system, institution, holding_id, channel, "
        "language, assurance, sensitive, state, idempotency_key, case_number, receipt_key_id, submitted_at) VALUES "
        f"('482109375625', 's', 'v', 's', 'i', 1, 'c', 'fr', 'number', TRUE, 'received', 'k', '', 'r', {AT})",
        *(
            "INSERT INTO mts (holding_id, msisdn_digest, channel, sender, encoding, segments, state, reason, "
            "submission_id, template, category, language, valid_until, cost, created_at, updated_at) VALUES "
            f"(1, 'd', 'c', '', 'GSM-7', 1, 'created', '', 1, '{template}', '{category}', 'fr', {AT}, '', {AT}, {AT})"
            for template, category in (
                ("receipt_sensitive", "receipt"),
                ("acknowledged", "notice"),
                ("decided_granted", "notice"),
            )
        ),
        "INSERT INTO outbox (lane, kind, target_id, order_key, priority, due_at, state, attempts, last_code, "
        f"created_at, updated_at) VALUES ('urgent', 'mt', 1, 'o', 1, {AT}, 'ready', 1, 'x', {AT}, {AT})",
        f"INSERT INTO attempts (outbox_id, number, token, started_at, code) VALUES (1, 1, 't', {AT}, '')",
        "INSERT INTO stray_dlrs (channel, external_id, raw_status, code, received_at) VALUES "
        f"('c', 'A1', 'Sent', '', {AT})",
        "INSERT INTO saved_dialogues (holding_id, service, channel, language, screen, state_sealed, saved_at, "
        f"expires_at) VALUES (1, 's', 'c', 'fr', 'x', 'b', {AT}, {AT})",
    ):
        conn.execute(text(line))


def _rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """What the tables of the first version hold."""
    with database.read() as conn:
        tables = ("holdings", "submissions", "mts", "outbox", "attempts", "stray_dlrs", "saved_dialogues")
        return {
            table: [tuple(row) for row in conn.execute(text(f"SELECT * FROM {table} ORDER BY id"))] for table in tables
        }


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


def test_the_fourth_one_links_histories_and_takes_the_links_away_again(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    migrate.downgrade(empty_url, "0003")
    database = open_database(empty_url)
    with database.begin() as conn:
        _fill_first(conn)
        conn.execute(
            text(
                "INSERT INTO outbox (lane, kind, target_id, priority, due_at, state, attempts, last_code, created_at, "
                f"updated_at) VALUES ('backoffice', 'submission', 1, 1, {AT}, 'ready', 0, '', {AT}, {AT})"
            )
        )
        for kind, code in (("received", ""), ("acknowledged", "accepted"), ("decided", "granted")):
            conn.execute(
                text(
                    "INSERT INTO submission_events (submission_id, at, kind, code) "
                    f"VALUES (1, '2026-11-24 10:00:00.123456', '{kind}', '{code}')"
                )
            )
        events = conn.execute(text("SELECT id, submission_id, kind, code, event_id FROM submission_events")).all()
    before = _rows(database)
    migrate.upgrade(empty_url)
    with database.begin() as conn:
        e = submission_events_table.c
        linked = conn.execute(select(submission_events_table).order_by(e.id)).all()
        previous = chain.START
        for number, row in enumerate(linked, 1):
            assert row.number == number
            previous = chain.link(previous, 1, number, row.at, row.kind, row.code, row.event_id, None)
            assert row.link == previous
        assert list(audit.chains(conn, audit.Tally())) == []
        assert conn.execute(text("SELECT system FROM outbox ORDER BY id")).scalars().all() == [None, "s"]
        at = linked[-1].at
        submission_events.add(conn, 1, "late", at)  # the numbering of new rows goes on after the old ones
        conn.execute(text("UPDATE submissions SET state = 'in_progress'"))
    with pytest.raises(IntegrityError), database.begin() as conn:
        conn.execute(text("UPDATE submissions SET state = 'lost'"))
    with pytest.raises(IntegrityError), database.begin() as conn:
        conn.execute(text("DELETE FROM submissions"))
    database.close()
    migrate.downgrade(empty_url, "0003")
    database = open_database(empty_url)
    with database.begin() as conn:
        kept = conn.execute(text("SELECT id, submission_id, kind, code, event_id FROM submission_events")).all()
        assert kept[:-1] == events
        assert kept[-1].kind == "late"
        assert conn.execute(text("SELECT state FROM submissions")).scalar_one() == "acknowledged"
        conn.execute(text("UPDATE submissions SET state = 'received'"))
    with pytest.raises(IntegrityError), database.begin() as conn:
        conn.execute(text("UPDATE submissions SET state = 'in_progress'"))
    assert _rows(database) == before
    database.close()
    migrate.upgrade(empty_url)

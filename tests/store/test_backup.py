"""A backup is whole or nothing, is refused when it is not what it was, and comes back as it was."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import text

from gateway.store import backup, beats, holdings, migrate, postgres_tools
from gateway.store.db import Database, open_database
from gateway.store.postgres_tools import ToolError
from gateway.store.sealed import Seals
from gateway.store.sqlite_copy import BackupError

NUMBER = "+229019700000"


def known(database: Database, seals: Seals, now: datetime, count: int) -> None:
    for number in range(count):
        with database.begin() as conn:
            holdings.open_holding(conn, seals, f"{NUMBER}{number}", now)


def restored(manifest: backup.Manifest, folder: Path, url: str) -> None:
    backup.load(manifest, folder, url)
    migrate.adopt(url, manifest.schema, lambda conn: None)
    migrate.finish(url)


@pytest.fixture
def other_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Another database of the same kind, without tables."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/elsewhere/gateway.db"
    made: str = request.getfixturevalue("new_postgres_url")()
    return made


def test_there_and_back(
    database: Database, database_url: str, other_url: str, seals: Seals, now: datetime, tmp_path: Path
) -> None:
    known(database, seals, now, 3)
    folder = tmp_path / "copy"
    made = backup.make(database_url, folder, "0.1.0", now)
    assert made.tables["holdings"] == 3
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 2, "one file and its manifest, no log of SQLite"
    assert backup.read(folder) == made
    assert not backup.holds_rows(other_url)
    backup.load(made, folder, other_url)
    assert not migrate.is_current(other_url), "nothing starts on it before it is settled"
    with pytest.raises(migrate.RestoreUnfinished, match="restore --replace"):
        migrate.upgrade(other_url)
    restored(made, folder, other_url)
    assert migrate.is_current(other_url)
    assert backup.holds_rows(other_url)
    opened = open_database(other_url)
    with opened.begin() as conn:
        assert holdings.held(conn, seals, f"{NUMBER}2") is not None
        holdings.open_holding(conn, seals, f"{NUMBER}9", now)  # ids go on where they were
    opened.close()
    assert backup.read(folder) == made, "the copy was not touched"


def test_made_while_others_write(
    database: Database, database_url: str, other_url: str, seals: Seals, now: datetime, tmp_path: Path
) -> None:
    """Two rows of each transaction, or none: the copy is of one moment."""
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            with database.begin() as conn:
                holdings.open_holding(conn, seals, f"{NUMBER}{number}", now)
                beats.beat(conn, f"b{number}", now)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [backup.make(database_url, tmp_path / f"copy{turn}", "0.1.0", now) for turn in range(4)]
    finally:
        ended.set()
        writer.join()
    assert made[-1].tables["holdings"] > made[0].tables["holdings"]
    for one in made:
        assert one.tables["holdings"] == one.tables["beats"]
    database.close()
    restored(made[2], tmp_path / "copy2", other_url)  # `load` counts the rows


def test_in_the_place_of_another(
    database: Database, database_url: str, seals: Seals, now: datetime, tmp_path: Path
) -> None:
    known(database, seals, now, 1)
    made = backup.make(database_url, tmp_path / "copy", "0.1.0", now)
    known(database, seals, now, 5)
    with database.read() as conn:
        conn.execute(text("SELECT 1"))
        with pytest.raises(BackupError, match="stop the gateway first"):
            backup.load(made, tmp_path / "copy", database_url)
    database.close()
    restored(made, tmp_path / "copy", database_url)
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM holdings")).scalar_one() == 1


def test_an_older_shape_is_brought_up_to_date(
    database: Database, database_url: str, other_url: str, seals: Seals, now: datetime, tmp_path: Path
) -> None:
    known(database, seals, now, 2)
    database.close()
    migrate.downgrade(database_url, "0002")
    with pytest.raises(BackupError, match="gateway migrate"):
        backup.make(database_url, tmp_path / "copy", "0.1.0", now)
    older = pytest.MonkeyPatch()
    older.setattr(migrate, "head", lambda: "0002")
    made = backup.make(database_url, tmp_path / "copy", "0.0.9", now)
    older.undo()
    assert made.schema == "0002"
    restored(made, tmp_path / "copy", other_url)
    assert migrate.is_current(other_url)
    migrate.upgrade(database_url)  # the next test finds it as it was


@pytest.fixture
def copy(sqlite_database: Database, sqlite_url: str, seals: Seals, now: datetime, tmp_path: Path) -> Path:
    known(sqlite_database, seals, now, 2)
    sqlite_database.close()
    backup.make(sqlite_url, tmp_path / "copy", "0.1.0", now)
    return tmp_path / "copy"


def change(copy: Path, **changes: object) -> None:
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_refused(copy: Path, sqlite_url: str, now: datetime) -> None:
    with pytest.raises(BackupError, match="exists already"):
        backup.make(sqlite_url, copy, "0.1.0", now)
    file = copy / "database.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x")
    with pytest.raises(BackupError, match="SHA-256"):
        backup.read(copy)
    file.write_bytes(whole[:-1])
    with pytest.raises(BackupError, match="SHA-256"):
        backup.read(copy)
    file.write_bytes(whole)
    made = backup.read(copy)
    with pytest.raises(BackupError, match="another kind"):
        backup.load(made, copy, "postgresql://nobody@127.0.0.1:9/none")
    change(copy, schema="9999", gateway="9.0")
    with pytest.raises(BackupError, match=r"later version of the gateway \(9\.0\)"):
        backup.read(copy)
    change(copy, schema=made.schema, tables=made.tables | {"holdings": 3})
    with pytest.raises(BackupError, match="holdings"):
        backup.load(backup.read(copy), copy, f"sqlite:///{copy.parent}/new.db")
    (copy / "manifest.json").write_text("{")
    with pytest.raises(BackupError, match="damaged"):
        backup.read(copy)
    (copy / "manifest.json").unlink()
    with pytest.raises(BackupError, match="name the folder of a backup"):
        backup.read(copy)


def test_a_backup_that_fails_leaves_nothing(
    sqlite_url: str, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_write", full)
    with pytest.raises(BackupError, match="No space left"):
        backup.make(sqlite_url, tmp_path / "copies", "0.1.0", now)
    assert not [path for path in tmp_path.iterdir() if "copies" in path.name]


def test_a_damaged_database_is_not_taken_for_a_backup(sqlite_url: str, now: datetime, tmp_path: Path) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    data = bytearray(path.read_bytes())
    data[40 * 4096 : 60 * 4096] = os.urandom(20 * 4096)
    path.write_bytes(data)
    with pytest.raises(Exception, match=r"damaged|cannot answer|malformed"):
        backup.make(sqlite_url, tmp_path / "copy", "0.1.0", now)
    assert not (tmp_path / "copy").exists()


@pytest.mark.postgres
def test_the_password_is_on_no_command_line(
    postgres_url: str, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []
    run = postgres_tools.output

    def spy(command: list[str], environment: dict[str, str] | None = None) -> bytes:
        seen.append((command, environment or {}))
        return run(command, environment)

    monkeypatch.setattr(postgres_tools, "output", spy)
    backup.make(postgres_url.replace("postgres@", "postgres:s3cr%3At@"), tmp_path / "copy", "0.1.0", now)
    assert all("s3cr" not in word for command, _ in seen for word in command)
    assert [given["PGPASSWORD"] for command, given in seen if "--format=custom" in command] == ["s3cr:t"]


def test_tools_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_tools, "_INSTALLED", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"there is no pg_dump .*: install postgresql-client-15"):
        postgres_tools.find("pg_dump", 15)
    tool = tmp_path / "pg_dump"
    tool.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.9'\n")
    tool.chmod(0o700)
    with pytest.raises(ToolError, match="version 14 and 15 or later is needed: install postgresql-client-15"):
        postgres_tools.find("pg_dump", 15)
    assert postgres_tools.find("pg_dump", 14) == (tool, 14)


@pytest.mark.postgres
def test_a_server_that_is_away_is_a_sentence(new_postgres_url: Callable[[], str]) -> None:
    url = new_postgres_url()
    name = url.rpartition("/")[2].partition("?")[0]
    with pytest.raises(ToolError, match=r"pg_dump failed: pg_dump: error: .*none"):
        tool, _ = postgres_tools.find("pg_dump", 9)
        postgres_tools.run([str(tool)], url.replace(name, quote("none")))
    psycopg.connect(url).close()

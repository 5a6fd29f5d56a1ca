"""A copy of the database in a folder: made while the gateway runs, checked, and put in the place of another.

The folder holds the copy and `manifest.json`, which says what it is. The keys are not in it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import func, inspect, select, text
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql import table as named

from gateway.store import key_check, migrate, postgres_tools, sqlite_copy
from gateway.store.db import Connection, Database, open_database, read_url
from gateway.store.key_check import SealedSample
from gateway.store.sqlite_copy import BackupError, flush
from gateway.store.tables import metadata

MANIFEST = "manifest.json"
_FORMAT = 1
_FILES = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
_VERSIONS = sqlite_copy.VERSIONS
#: Rows in these come by themselves when a gateway starts: a database with nothing else is empty.
_OWN_ROWS = ("beats", "menu_versions")
#: PostgreSQL's tables are copied in one snapshot, however long that takes.
_PATIENT = "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0"


class _Number(msgspec.Struct, frozen=True):
    sealed: bytes
    digest: bytes


class Manifest(msgspec.Struct, frozen=True):
    """What a backup is. `schema` is the database's shape, `tool` the version of pg_dump (0: SQLite)."""

    format: int
    gateway: str
    schema: str
    made_at: datetime
    database: Literal["sqlite", "postgresql"]
    tool: int
    file: str
    size: int
    sha256: str
    tables: dict[str, int]  #: table -> rows
    numbers: tuple[_Number, ...]  #: sealed values, by which keys are known to belong to it

    def samples(self) -> tuple[SealedSample, ...]:
        """What `key_check.belong` asks of keys."""
        return tuple(SealedSample(number.sealed, number.digest) for number in self.numbers)


def make(url: str, folder: Path, version: str, now: datetime) -> Manifest:
    """Copies the database into a new `folder`, whole or not at all.

    Raises BackupError, ToolError, StoreUnavailable, ValueError (the URL).
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder}: exists already; name a new folder")
    if not migrate.is_current(url):
        raise BackupError("the database is not up to date: run `gateway migrate` first")
    with _beside(folder) as beside:
        kind: Literal["sqlite", "postgresql"] = "sqlite" if _is_sqlite(url) else "postgresql"
        copy = beside / _FILES[kind]
        with _opened(url) as database:
            tool, tables = (_dump_sqlite if kind == "sqlite" else _dump_postgresql)(database, url, copy)
        copy.chmod(0o600)
        manifest = Manifest(
            format=_FORMAT,
            gateway=version,
            schema=migrate.head(),
            made_at=now,
            database=kind,
            tool=tool,
            file=copy.name,
            size=copy.stat().st_size,
            sha256=_digest(copy),
            tables=tables,
            numbers=tuple(_Number(one.sealed, one.digest) for one in key_check.samples(url)),
        )
        _write(beside / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        flush(copy)
    return manifest


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose copy is as it was made, and that this version can use. Raises BackupError."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise BackupError(f"{path}: cannot be read ({error.strerror}); name the folder of a backup") from error
    except msgspec.DecodeError as error:
        raise BackupError(f"{path}: damaged; use another backup") from error
    if manifest.format != _FORMAT or manifest.schema not in migrate.known():
        raise BackupError(f"{folder}: made by a later version of the gateway ({manifest.gateway}): restore with that")
    copy = folder / Path(manifest.file).name
    try:
        whole = copy.stat().st_size == manifest.size and _digest(copy) == manifest.sha256
    except OSError as error:
        raise BackupError(f"{copy}: cannot be read ({error.strerror})") from error
    if not whole:
        raise BackupError(f"{copy}: not as it was made (size or SHA-256 differ); use another backup")
    return manifest


def holds_rows(url: str) -> bool:
    """Whether a database holds anything but what a start writes by itself; False where there is none.

    Raises StoreUnavailable, ValueError (the URL).
    """
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite" and not os.path.exists(parsed.database or ""):
        return False
    with _opened(url) as database, database.read() as conn:
        return any(rows for table, rows in _counted(conn).items() if table not in _OWN_ROWS)


def load(manifest: Manifest, folder: Path, url: str) -> None:
    """Puts the copy in the place of the database of `url`, without the mark of its shape: see `migrate.adopt`.

    Nobody may have it open. Raises BackupError, ToolError, StoreUnavailable, ValueError (the URL).
    """
    if manifest.database != ("sqlite" if _is_sqlite(url) else "postgresql"):
        raise BackupError(f"{folder}: a copy of {manifest.database}, and GATEWAY_DATABASE_URL names another kind")
    copy = folder / Path(manifest.file).name
    if manifest.database == "sqlite":
        sqlite_copy.load(copy, Path(read_url(url).database or ""))
    else:
        _load_postgresql(manifest, copy, url)
    with _opened(url) as database, database.read() as conn:
        found = _counted(conn)
    wrong = sorted(table for table, rows in manifest.tables.items() if found.get(table) != rows)
    if wrong:
        raise BackupError(f"{folder}: the copy does not hold what it should ({', '.join(wrong)}); use another backup")


def _dump_sqlite(database: Database, _url: str, copy: Path) -> tuple[int, dict[str, int]]:
    with database.read() as conn:
        tables = _counted(conn)  # the first read of the transaction: the copy is of the same moment
        source: sqlite3.Connection = conn.connection.driver_connection  # type: ignore[assignment]
        sqlite_copy.dump(source, copy)
    return 0, tables


def _dump_postgresql(database: Database, url: str, copy: Path) -> tuple[int, dict[str, int]]:
    """pg_dump in a snapshot of ours, so that the counts are those of the copy."""
    with database.read() as conn:
        conn.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        for patience in _PATIENT:
            conn.execute(text(patience))
        tables = _counted(conn)
        snapshot = conn.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        server = int(conn.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        tool, version = postgres_tools.find("pg_dump", server)
        command = [str(tool), "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        postgres_tools.run([*command, f"--file={copy}"], url)
    return version, tables


def _load_postgresql(manifest: Manifest, copy: Path, url: str) -> None:
    with _opened(url) as database, database.begin() as conn:
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        count = conn.execute(text(others)).scalar_one()
        if count:
            raise BackupError(f"{count} other connections use this database: stop the gateway first")
        server = int(conn.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        # Tables of a later shape refer to those that the copy replaces, and are not in it.
        later = [name for name in metadata.tables if name not in manifest.tables]
        for name in later:
            conn.execute(text(f'DROP TABLE IF EXISTS "{name}" CASCADE'))
    tool, _ = postgres_tools.find("pg_restore", max(manifest.tool, server))
    contents = postgres_tools.output([str(tool), "--list", str(copy)]).decode()
    kept = [line for line in contents.splitlines() if not _left_out(line)]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as listed:
        listed.write("\n".join(kept) + "\n")
        listed.flush()
        options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction"]
        postgres_tools.run([str(tool), *options, f"--use-list={listed.name}", str(copy)], url)


def _left_out(line: str) -> bool:
    """The mark of the shape, which `migrate.adopt` writes, and the schema itself, which is there."""
    return (" TABLE DATA " in line and f" {_VERSIONS} " in line) or " SCHEMA " in line


def _counted(conn: Connection) -> dict[str, int]:
    """Every table but the mark of the shape -> its rows."""
    names = sorted(set(inspect(conn).get_table_names()) - {_VERSIONS})
    every = {name: named(quoted_name(name, quote=True)) for name in names}
    return {name: conn.execute(select(func.count()).select_from(table)).scalar_one() for name, table in every.items()}


def _is_sqlite(url: str) -> bool:
    return read_url(url).get_backend_name() == "sqlite"


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A new folder that takes the name `folder` at the end of the block, and is gone after any exception."""
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.resolve().parent))  # mode 0700
    except OSError as error:
        raise BackupError(f"{folder}: cannot be made ({error.strerror})") from error
    try:
        yield beside
        flush(beside)
        os.replace(beside, folder)
        flush(folder.resolve().parent)
    except OSError as error:
        raise BackupError(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

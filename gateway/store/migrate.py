"""Brings a database to the shape of tables/. Two processes that do it at once do no harm.

To add one: change tables/, write `migrations/versions/v0004_<subject>.py` by hand like the first, and run
tests/store/test_migrate.py, which compares the two.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from gateway.store.db import Connection, Database, open_database, read_url

_FOLDER = Path(__file__).parent / "migrations"
#: PostgreSQL's advisory lock for migrations: "PASSEREL" in ASCII. SQLite's write lock does the same.
_LOCK = 0x5041535345524544
#: A migration may have to wait for another process that migrates, or for a writer of the version before.
_PATIENCE_S = 60
#: A table of every shape: without a mark of its shape, a database that has it is half restored.
_ANY_TABLE = "outbox"


#: none: no tables; unfinished: a restore did not end; older: migrations are missing; later: a later version's.
Shape = Literal["none", "unfinished", "older", "current", "later"]


class SchemaTooNew(Exception):
    """The database was migrated by a later version of the gateway: run that version, or restore a backup."""


class RestoreUnfinished(Exception):
    """A restore put this database in place and did not end: repeat it."""


def upgrade(url: str) -> None:
    """Applies the missing migrations, all or none.

    Raises StoreUnavailable, SchemaTooNew, RestoreUnfinished, ValueError (the URL).
    """
    _make_private(url)
    with _locked(url) as config:
        command.upgrade(config, "head")


def downgrade(url: str, revision: str = "base") -> None:
    """Undoes migrations down to `revision`; to "base", everything is lost. For tests and rehearsals."""
    with _locked(url) as config:
        command.downgrade(config, revision)


def is_current(url: str) -> bool:
    """Whether no migration is missing. Raises StoreUnavailable, ValueError (the URL)."""
    database = open_database(url)
    try:
        with database.read() as conn:
            return _revisions(conn) == {head()}
    finally:
        database.close()


def shape_of(conn: Connection) -> Shape:
    """How a database stands towards the shape that this version needs."""
    revisions = _revisions(conn)
    if not revisions:
        return "unfinished" if inspect(conn).has_table(_ANY_TABLE) else "none"
    if revisions == {head()}:
        return "current"
    return "older" if revisions <= known() else "later"


def head() -> str:
    """The shape that this version needs."""
    (newest,) = ScriptDirectory(str(_FOLDER)).get_heads()
    return newest


def known() -> frozenset[str]:
    """Every shape that this version can bring up to date."""
    return frozenset(script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions())


def adopt(url: str, revision: str, settle: Callable[[Connection], None]) -> None:
    """Brings a database just put in place, whose shape is `revision`, up to date, and settles it, all or none.

    It keeps no mark of its shape before `finish`: until then no process starts on it. Raises StoreUnavailable.
    """
    with _locked(url, restoring=True) as config:
        command.stamp(config, revision)
        command.upgrade(config, "head")
        settle(config.attributes["connection"])
        command.stamp(config, "base")


def finish(url: str) -> None:
    """Marks a database that `adopt` brought up to date as ready for use. Raises StoreUnavailable."""
    with _locked(url, restoring=True) as config:
        command.stamp(config, "head")


def _make_private(url: str) -> None:
    """A new SQLite file is for this user only, whatever the umask; its log and index take the mode of the file."""
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        with contextlib.suppress(OSError):  # there already; or it cannot be made: SQLite will say so
            os.close(os.open(parsed.database, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextmanager
def _locked(url: str, *, restoring: bool = False) -> Iterator[Config]:
    database: Database = open_database(url, _PATIENCE_S)
    try:
        with database.begin() as conn:
            if conn.dialect.name == "postgresql":
                conn.execute(text("SET LOCAL statement_timeout = 0"))  # a migration may take its time
                conn.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE_S}s'"))
                conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            revisions = _revisions(conn)
            if not revisions <= known():
                raise SchemaTooNew("the database was migrated by a later version of the gateway")
            if not revisions and not restoring and inspect(conn).has_table(_ANY_TABLE):
                raise RestoreUnfinished("a restore of this database did not end: run `gateway restore --replace` again")
            config = Config()
            config.set_main_option("script_location", str(_FOLDER))
            config.attributes["connection"] = conn
            yield config
    finally:
        database.close()


def _revisions(conn: Connection) -> set[str]:
    return set(MigrationContext.configure(conn).get_current_heads())

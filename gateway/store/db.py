"""The SQL database: opened once, used in short transactions; each failure of its own is a StoreUnavailable.

SQLite and PostgreSQL behave the same through this file. The other files of this package take the `Connection` that
`Database.begin` or `Database.read` gives, as their first argument; nobody outside the package needs SQLAlchemy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NotSupportedError
from sqlalchemy.exc import TimeoutError as PoolTimeout

__all__ = ["Connection", "Database", "StoreUnavailable", "Why", "insert_into", "is_there", "open_database", "read_url"]

BUSY_TIMEOUT_S = 5  # a writer waits this long for the other writers; a USSD turn has about 8 s in all
CONNECT_TIMEOUT_S = 3
POOL_SIZE = 8  # the threads of one process, with room for its sweeps
_WRITES = "sqlite_writes"
#: Set on each PostgreSQL connection: no statement, lock or forgotten transaction may hold a turn for long.
_POSTGRESQL_OPTIONS = "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"


class Why(StrEnum):
    """What is wrong with a database that cannot answer, as far as it says."""

    AWAY = "away"  #: no connection, or it broke
    BUSY = "busy"  #: locks or the pool stayed taken too long
    FULL = "full"  #: no room left
    READ_ONLY = "read_only"  #: a replica, or a file that may not be written
    BROKEN = "broken"  #: anything else: a damaged file, a missing table


class StoreUnavailable(Exception):
    """The database could not do it, nothing of the transaction is stored unless its commit was under way.

    `why` says what is known; `code` is the driver's own word ("SQLITE_FULL", "53100"). Holds no SQL and no values.
    """

    def __init__(self, why: Why, code: str = "") -> None:
        super().__init__(f"the database cannot answer: {why}" + (f" ({code})" if code else ""))
        self.why = why
        self.code = code


@dataclass(frozen=True, slots=True)
class Database:
    """One open database. Safe to share between threads; each process opens its own."""

    _writing: Engine = field(repr=False)
    _reading: Engine = field(repr=False)  #: the same pool, other options

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection in a write transaction: committed at the end of the block, undone by any exception.

        Raises StoreUnavailable. On SQLite the write lock is taken at once (a deferred BEGIN that reads and then writes
        fails with "database is locked" however long it may wait).
        """
        with _translated(), self._writing.begin() as conn:
            yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that cannot write. Raises StoreUnavailable."""
        with _translated(), self._reading.begin() as conn:
            yield conn

    def ping(self) -> None:
        """Returns when the database answers; raises StoreUnavailable when it does not."""
        with self.read() as conn:
            conn.execute(text("SELECT 1"))

    def close(self) -> None:
        """Closes the pooled connections; those in use close when they come back."""
        self._writing.dispose()


def open_database(url: str, patience_s: int = BUSY_TIMEOUT_S) -> Database:
    """A Database for `sqlite:///path` or `postgresql://...`; nothing is connected yet.

    `patience_s`: how long a writer of SQLite waits for the others. Raises ValueError, with no part of the URL in it,
    when the URL is neither.
    """
    engine = _engine_for(read_url(url), patience_s)
    reading: dict[str, Any] = {_WRITES: False, "postgresql_readonly": True}
    return Database(engine.execution_options(**{_WRITES: True}), engine.execution_options(**reading))


def read_url(url: str) -> URL:
    """The URL as SQLAlchemy wants it, with our drivers. ValueError, which repeats no password, when it is not ours."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is not None:
        if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
            return parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
            return parsed
    raise ValueError("the database URL must be sqlite:///<file> or postgresql://<user>@<host>/<database>")


def is_there(url: str) -> bool:
    """Whether there is something to open: False for a SQLite file that opening would make. ValueError (the URL)."""
    parsed = read_url(url)
    return parsed.get_backend_name() != "sqlite" or os.path.exists((parsed.database or "").removeprefix("file:"))


def insert_into(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of this database's own kind: the one that knows ON CONFLICT."""
    return sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)


def _engine_for(url: URL, patience_s: int) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            connect_args={"timeout": patience_s},
            pool_size=POOL_SIZE,
            pool_timeout=BUSY_TIMEOUT_S,
            hide_parameters=True,
        )
        event.listen(engine, "connect", partial(_prepare_sqlite, patience_s))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        options = f"{url.query.get('options', '')} {_POSTGRESQL_OPTIONS}".strip()
        engine = create_engine(
            url.difference_update_query(["options"]),
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options},
            pool_size=POOL_SIZE,
            pool_timeout=BUSY_TIMEOUT_S,
            pool_pre_ping=True,  # a restarted server costs a ping, not a citizen's turn
            hide_parameters=True,
        )
        event.listen(engine, "checkin", _forget_read_only)
    return engine


def _forget_read_only(connection: Any, _record: Any) -> None:
    """A connection that was read with says READ WRITE in its next transaction, which a replica does not understand.

    It must say nothing: then a server that takes no writes says so in the words that `_POSTGRESQL_WHY` knows.
    """
    if connection is not None and not connection.closed:
        connection.read_only = None


def _prepare_sqlite(patience_s: int, connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin by itself: `_begin_sqlite` does
    for pragma in (
        f"busy_timeout={patience_s * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",  # a reference shown is a submission on the disk
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "secure_delete=ON",  # what was erased is overwritten, not only forgotten
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(conn: Connection) -> None:
    writes = conn.get_execution_options()[_WRITES]
    conn.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


#: Faults of ours, not of the database: they must be seen, not taken for an outage.
_OURS = (IntegrityError, DataError, NotSupportedError)
_SQLITE_WHY = {
    "SQLITE_BUSY": Why.BUSY,
    "SQLITE_LOCKED": Why.BUSY,
    "SQLITE_FULL": Why.FULL,
    "SQLITE_READONLY": Why.READ_ONLY,
    "SQLITE_CANTOPEN": Why.AWAY,
    "SQLITE_IOERR": Why.AWAY,
}
#: SQLSTATE, or its class of two characters (PostgreSQL, appendix A).
_POSTGRESQL_WHY = {
    "08": Why.AWAY,
    "57P": Why.AWAY,
    "57014": Why.BUSY,
    "55P03": Why.BUSY,
    "40": Why.BUSY,
    "53100": Why.FULL,
    "53300": Why.BUSY,
    "25006": Why.READ_ONLY,
}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeout:
        raise StoreUnavailable(Why.BUSY, "pool") from None
    except DBAPIError as error:
        if isinstance(error, _OURS):
            raise
        # `from None`: the driver's message repeats SQL and sometimes values.
        raise StoreUnavailable(*_reason(error)) from None


def _reason(error: DBAPIError) -> tuple[Why, str]:
    name: str = getattr(error.orig, "sqlite_errorname", None) or ""
    if name:
        return next((why for known, why in _SQLITE_WHY.items() if name.startswith(known)), Why.BROKEN), name
    state: str = getattr(error.orig, "sqlstate", None) or ""
    if not state:
        return Why.AWAY, ""  # the driver lost the server before it could say anything
    return next((why for known, why in _POSTGRESQL_WHY.items() if state.startswith(known)), Why.BROKEN), state

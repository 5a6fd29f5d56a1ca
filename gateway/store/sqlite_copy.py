"""A SQLite database copied while it is written to, and put in the place of another."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

#: Alembic's table: the mark of a database's shape.
VERSIONS = "alembic_version"
_UNMARK = f"DELETE FROM {VERSIONS}"  # noqa: S608 - a name of ours


class BackupError(Exception):
    """A backup cannot be made, trusted or put in place; the message says what to do."""


def dump(source: sqlite3.Connection, copy: Path) -> None:
    """SQLite's online backup: one step, one snapshot; writers go on meanwhile. Raises BackupError."""
    try:
        with contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself
            _require_sound(target, copy)
    except sqlite3.Error as error:
        raise BackupError(f"{copy}: cannot be written ({error})") from error


def load(copy: Path, target: Path) -> None:
    """Puts `copy` in the place of `target`, without the mark of its shape. Raises BackupError.

    A crash leaves the old file or the new one. Refuses while another process has `target` open.
    """
    staged = target.with_name(target.name + ".restoring")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged.unlink(missing_ok=True)
        os.close(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        shutil.copyfile(copy, staged)
        with contextlib.closing(sqlite3.connect(staged)) as database:
            _require_sound(database, copy)
            database.execute(_UNMARK)
            database.commit()
        _require_alone(target)
        for log in (f"{target}-wal", f"{target}-shm"):  # of the file that goes: they would be taken for the new one's
            Path(log).unlink(missing_ok=True)
        flush(staged)
        os.replace(staged, target)
        flush(target.parent)
    except sqlite3.Error as error:
        raise BackupError(f"{target}: cannot be restored ({error})") from error
    except OSError as error:
        raise BackupError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        staged.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Returns when a file or folder is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _require_alone(target: Path) -> None:
    """Leaving WAL takes the whole file: a process that still has it open would go on writing to what is replaced."""
    if not target.exists():
        return
    with contextlib.closing(sqlite3.connect(target, timeout=1)) as old:
        try:
            mode = old.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise BackupError(f"{target}: another process uses it: stop the gateway first") from error
            return  # damaged: that is why it is replaced
        except sqlite3.DatabaseError:
            return
        if mode == "wal":
            raise BackupError(f"{target}: another process uses it: stop the gateway first")


def _require_sound(database: sqlite3.Connection, copy: Path) -> None:
    said = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise BackupError(f"{copy}: the database is damaged ({said})")

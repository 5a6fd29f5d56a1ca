"""What is true of a database, a Redis and the files of an installation, for whoever judges it. Nothing is changed."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from redis.exceptions import RedisError
from sqlalchemy import delete, func, select, text

from gateway.messages import SubmissionState
from gateway.store import beats, migrate, mts, outbox, people, stops, submissions
from gateway.store.db import Connection, Database, StoreUnavailable, Why, is_there, open_database, read_url
from gateway.store.outbox import LaneCount
from gateway.store.stops import Stop
from gateway.store.tables import beats as beat_rows
from gateway.store.tables import erasures
from gateway.store.wake import TIMEOUT_S, connect

Clock = Callable[[], datetime]
Kind = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class Work:
    """What the rows of a database say of the processes around it."""

    lanes: tuple[LaneCount, ...]
    demands_dead: int
    sms_unknown: int
    stops: tuple[Stop, ...]
    beats: Mapping[str, datetime]  #: by process, "backup" and "backup-keys"
    erased: int  #: numbers that were erased
    demo_people: bool = False  #: an account of the demonstration is there, and not disabled


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What one look at a database found. `away` says why it could not be looked at, "" when it could."""

    kind: Kind
    away: str = ""
    shape: migrate.Shape = "none"
    read_only: bool = False
    version: int = 0  #: PostgreSQL's major version, 0 for SQLite
    unsafe: Mapping[str, str] = field(default_factory=dict)  #: settings that can lose what was confirmed -> as they are
    ahead_s: float = 0.0  #: its clock minus ours
    work: Work | None = None  #: None where the shape is another


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What one look at a Redis found; `name` is the variable that leads to it."""

    name: str
    away: str = ""
    version: tuple[int, ...] = ()
    appends: bool = True  #: whether it has an append-only file
    appended: bool = True  #: whether the latest write to that file went well
    policy: str = "noeviction"  #: what it does when its memory is full
    replica: bool = False
    ahead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file or folder; `mode` is None when there is none. `writable` says it of a folder, by a file that is made."""

    path: Path
    mode: int | None = None
    changed_at: datetime | None = None
    writable: bool = False
    free_bytes: int = 0
    size_bytes: int = 0


def database(url: str, clock: Clock) -> DatabaseFacts:
    """The facts of a database. ValueError, with no part of the URL in it, when the URL is none."""
    kind: Kind = "sqlite" if read_url(url).get_backend_name() == "sqlite" else "postgresql"
    if not is_there(url):
        return DatabaseFacts(kind)
    opened = open_database(url)
    try:
        return _database(opened, kind, clock)
    except StoreUnavailable as error:
        if error.why is Why.READ_ONLY:
            return DatabaseFacts(kind, shape="current", read_only=True)
        return DatabaseFacts(kind, away=f"{error.why}, {error.code}" if error.code else str(error.why))
    finally:
        opened.close()


def redis(name: str, url: str, clock: Clock) -> RedisFacts:
    """The facts of a Redis (or Valkey, which answers as the Redis it continues)."""
    try:
        with connect(url, TIMEOUT_S) as client:
            told: Any = client.info()
            before = clock()
            seconds, microseconds = client.time()
            ahead_s = _ahead_s(datetime.fromtimestamp(seconds + microseconds / 1e6, UTC), before, clock())
    except (RedisError, OSError, ValueError) as error:  # the message may repeat the URL
        return RedisFacts(name, away=type(error).__name__)
    return RedisFacts(
        name,
        version=tuple(int(part) for part in str(told["redis_version"]).split(".")[:2]),
        appends=bool(told.get("aof_enabled")),
        appended=told.get("aof_last_write_status", "ok") == "ok",
        policy=str(told.get("maxmemory_policy", "")),
        replica=told.get("role") == "slave",
        ahead_s=ahead_s,
    )


def file(path: Path) -> FileFacts:
    """The facts of a file."""
    try:
        found = path.stat()
    except OSError:
        return FileFacts(path)
    return FileFacts(path, stat.S_IMODE(found.st_mode), datetime.fromtimestamp(found.st_mtime, UTC))


def folder(path: Path) -> FileFacts:
    """The facts of a folder: also whether we may write in it, and the room on its disk."""
    found = file(path)
    if found.mode is None:
        return found
    try:
        with tempfile.TemporaryFile(dir=path) as made:  # it never has a name where the system can do without
            made.write(b"passerelle")
        writable = True
    except OSError:
        writable = False
    room = shutil.disk_usage(path)
    return FileFacts(path, found.mode, found.changed_at, writable, room.free, room.total)


def _database(opened: Database, kind: Kind, clock: Clock) -> DatabaseFacts:
    with opened.read() as conn:
        shape = migrate.shape_of(conn)
        version, unsafe, ahead_s = (_sqlite if kind == "sqlite" else _postgresql)(conn, clock)
        work = _work(conn) if shape == "current" else None
    read_only = shape == "current" and _read_only(opened)
    return DatabaseFacts(kind, "", shape, read_only, version, unsafe, ahead_s, work)


def _read_only(opened: Database) -> bool:
    """Whether a statement that could write is refused; it finds nothing to change."""
    try:
        with opened.begin() as conn:
            conn.execute(delete(beat_rows).where(beat_rows.c.name == ""))
    except StoreUnavailable as error:
        if error.why is not Why.READ_ONLY:
            raise
        return True
    return False


def _sqlite(conn: Connection, clock: Clock) -> tuple[int, Mapping[str, str], float]:
    """What this connection got of what db.py asks for; the clock of SQLite is ours."""
    del clock
    journal = str(conn.execute(text("PRAGMA journal_mode")).scalar_one())
    synchronous = int(conn.execute(text("PRAGMA synchronous")).scalar_one())
    unsafe = {} if journal == "wal" else {"journal_mode": journal}
    return 0, unsafe | ({} if synchronous >= 2 else {"synchronous": str(synchronous)}), 0.0  # 2 is FULL


def _postgresql(conn: Connection, clock: Clock) -> tuple[int, Mapping[str, str], float]:
    names = ("server_version_num", "fsync", "full_page_writes", "synchronous_commit")
    number, *found = (conn.execute(text(f"SHOW {name}")).scalar_one() for name in names)
    unsafe = {name: value for name, value in zip(names[1:], found, strict=True) if value == "off"}
    before = clock()
    theirs: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
    return int(number) // 10_000, unsafe, _ahead_s(theirs, before, clock())


def _work(conn: Connection) -> Work:
    return Work(
        lanes=outbox.counts(conn),
        demands_dead=submissions.count_by_state(conn).get(SubmissionState.DEAD, 0),
        sms_unknown=mts.count_unknown(conn),
        stops=tuple(stops.active(conn).values()),
        beats=beats.every(conn),
        erased=conn.execute(select(func.count()).select_from(erasures)).scalar_one(),
        demo_people=people.any_enabled(conn, people.DEMO),
    )


def _ahead_s(theirs: datetime, before: datetime, after: datetime) -> float:
    """How far their clock is ahead of ours, which was read before and after it; 0 when it lies between the two."""
    if before <= theirs <= after:
        return 0.0
    return (theirs - (after if theirs > after else before)).total_seconds()

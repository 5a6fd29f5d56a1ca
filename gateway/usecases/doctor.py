"""What is wrong with an installation, judged from facts that others gathered: nothing here looks at anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gateway.store.probes import DatabaseFacts, FileFacts, RedisFacts, Work
from gateway.store.tables import LANES, OPEN_OUTBOX, OutboxState
from gateway.usecases.findings import Finding, error, warning

#: The processes that say that they are alive, and after how long a silence they are not: the relay does every 5 s, a
#: worker without work every 45 s (config/alerts.yaml waits as long).
SILENCE = {"relay": timedelta(seconds=30), **{f"worker-{lane}": timedelta(minutes=3) for lane in LANES}}
#: How long the oldest row of a lane may wait.
LATE = {"urgent": timedelta(minutes=2), "backoffice": timedelta(minutes=15), "bulk": timedelta(hours=1)}
#: A backup each night, and two hours for it.
BACKUP_AGE = timedelta(hours=26)
#: Clocks further apart than this make leases and dates wrong; two readings and a network take less.
CLOCKS_APART_S = 5.0
OLDEST_POSTGRESQL = 15
OLDEST_REDIS = (7, 0)
#: Parts of a disk that must be free: the alert DiskNearlyFull, and what a day of logs may fill.
DISK_LOW, DISK_FULL = 0.1, 0.02

Keys = Literal["sound", "missing", "broken", "foreign"]


@dataclass(frozen=True, slots=True)
class Facts:
    """One look at an installation whose configuration could be read."""

    now: datetime
    data: FileFacts
    keys: FileFacts
    keys_are: Keys
    keys_fault: str  #: what KeysError said of broken ones
    erasures: FileFacts
    erasures_fault: str  #: what ErasureListError said, "" when the list could be read
    database: DatabaseFacts
    redis: tuple[RedisFacts, ...]
    menus: int  #: faults in the menus
    faults: tuple[str, ...]  #: what would stop a process from starting: secrets, addresses, declarations


def unreadable(faults: tuple[str, ...]) -> list[Finding]:
    """The findings where the configuration cannot be read: nothing else can be looked at."""
    return [error("settings", fault=fault.rstrip(".")) for fault in faults]


def examine(facts: Facts) -> list[Finding]:
    """Everything that is wrong at any time, in the order in which one would mend it."""
    return [
        *unreadable(facts.faults),
        *_menus(facts),
        *_folder(facts),
        *_keys(facts),
        *_erasures(facts),
        *_database(facts.database),
        *(finding for redis in facts.redis for finding in _redis(redis)),
        *_clocks(facts),
        *(_at_work(facts.database.work, facts.now) if facts.database.work is not None else ()),
    ]


def _menus(facts: Facts) -> Iterator[Finding]:
    if facts.menus:
        yield error("menus", count=facts.menus)


def _folder(facts: Facts) -> Iterator[Finding]:
    data = facts.data
    if data.mode is None:
        yield error("data_missing", path=data.path)
        return
    if not data.writable:
        yield error("data_not_writable", path=data.path)
    if data.mode & 0o077:
        yield error("data_open", path=data.path, mode=f"{data.mode:04o}")
    free = data.free_bytes / max(data.size_bytes, 1)
    if free < DISK_LOW:
        grave = error if free < DISK_FULL else warning
        yield grave("disk_low", path=data.path, percent=f"{free:.0%}", mebibytes=data.free_bytes // 1_048_576)


def _keys(facts: Facts) -> Iterator[Finding]:
    path = facts.keys.path
    if facts.keys_are == "missing":
        yield error("keys_missing", path=path)
    elif facts.keys_are == "broken":
        yield error("keys_broken", fault=facts.keys_fault)
    elif facts.keys_are == "foreign":
        yield error("keys_foreign", path=path)
    if facts.keys.mode is not None and facts.keys.mode & 0o077:
        yield error("keys_open", path=path, mode=f"{facts.keys.mode:04o}")


def _erasures(facts: Facts) -> Iterator[Finding]:
    if facts.erasures_fault:
        yield error("erasures_broken", fault=facts.erasures_fault)
    elif facts.erasures.mode is None and facts.database.work is not None and facts.database.work.erased:
        yield error("erasures_missing", path=facts.erasures.path, count=facts.database.work.erased)


def _database(database: DatabaseFacts) -> Iterator[Finding]:
    if database.away:
        yield error("database_away", why=database.away)
        return
    if database.shape != "current":
        yield error(f"database_{database.shape}")
    if database.read_only:
        yield error("database_read_only")
    if 0 < database.version < OLDEST_POSTGRESQL:
        yield error("postgresql_old", version=database.version, oldest=OLDEST_POSTGRESQL)
    for name, value in database.unsafe.items():
        yield error("database_unsafe", name=name, value=value)


def _redis(redis: RedisFacts) -> Iterator[Finding]:
    name = redis.name
    if redis.away:
        yield error("redis_away", redis=name, why=redis.away)
        return
    if redis.version < OLDEST_REDIS:
        version, oldest = (".".join(map(str, numbers)) for numbers in (redis.version, OLDEST_REDIS))
        yield warning("redis_old", redis=name, version=version, oldest=oldest)
    if not redis.appends:
        yield error("redis_forgets", redis=name)
    if not redis.appended:
        yield error("redis_cannot_append", redis=name)
    if redis.policy != "noeviction":
        yield error("redis_evicts", redis=name, policy=redis.policy)
    if redis.replica:
        yield error("redis_replica", redis=name)


def _clocks(facts: Facts) -> Iterator[Finding]:
    clocks = {redis.name: redis.ahead_s for redis in facts.redis} | {"GATEWAY_DATABASE_URL": facts.database.ahead_s}
    for name, ahead_s in clocks.items():
        if abs(ahead_s) > CLOCKS_APART_S:
            yield error("clock_apart", name=name, seconds=f"{ahead_s:+.0f}")
    beats = facts.database.work.beats if facts.database.work is not None else {}
    ahead = {name: (at - facts.now).total_seconds() for name, at in beats.items()}
    furthest = max(ahead, key=lambda name: ahead[name], default="")
    if furthest and ahead[furthest] > CLOCKS_APART_S:
        yield error("clock_back", name=furthest, seconds=f"{ahead[furthest]:.0f}")


def _at_work(work: Work, now: datetime) -> Iterator[Finding]:
    yield from _beats(work, now)
    for lane in work.lanes:
        waited = now - lane.oldest_at
        if lane.state in OPEN_OUTBOX and lane.lane in LATE and waited > LATE[lane.lane]:
            yield error("lane_late", lane=lane.lane, age=_age(waited))
        # What the lane `backoffice` gave up is told as demands.
        if lane.state is OutboxState.DEAD and lane.lane != "backoffice":
            yield error("rows_dead", lane=lane.lane, count=lane.rows)
    if work.demands_dead:
        yield error("demands_dead", count=work.demands_dead)
    if work.sms_unknown:
        yield warning("sms_unknown", count=work.sms_unknown)
    for stop in work.stops:
        if stop.until is None or stop.until > now:
            since = f"{stop.at:%Y-%m-%d %H:%M}Z"
            yield warning("stopped", subject=stop.subject, since=since, who=stop.who, reason=stop.reason)
    last = work.beats.get("backup")
    if last is None:
        yield warning("backup_never")
    elif now - last > BACKUP_AGE:
        yield warning("backup_old", age=_age(now - last))


def _beats(work: Work, now: datetime) -> Iterator[Finding]:
    for name, silence in SILENCE.items():
        command = name.replace("-", " ")
        last = work.beats.get(name)
        if last is None:
            yield error("beat_never", name=name, command=command)
        elif now - last > silence:
            yield error("beat_old", name=name, command=command, age=_age(now - last))


def _age(age: timedelta) -> str:
    """`90 s`, `3 min`, `26 h`, `4 d`."""
    seconds = age.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"

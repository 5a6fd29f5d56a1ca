"""Where a fact becomes a finding: both sides of each boundary. Facts that no test can make for real are only here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.store.outbox import LaneCount
from gateway.store.probes import DatabaseFacts, FileFacts, RedisFacts, Work
from gateway.store.tables import OutboxState
from gateway.usecases import doctor, going_live
from gateway.usecases.findings import Finding, Severity

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
GIB = 1 << 30
DATA = FileFacts(Path("data"), 0o700, NOW, True, 50 * GIB, 100 * GIB)
KEYS = FileFacts(Path("data/keys.json"), 0o600, NOW - timedelta(days=9))
BEATS = {**dict.fromkeys(doctor.SILENCE, NOW), "backup": NOW, "backup-keys": NOW}
WORK = Work((), 0, 0, (), BEATS, 0)
DATABASE = DatabaseFacts("postgresql", shape="current", version=15, work=WORK)
REDIS = RedisFacts("GATEWAY_REDIS", version=(7, 0))
SOUND = doctor.Facts(NOW, DATA, KEYS, "sound", "", FileFacts(Path("e")), "", DATABASE, (REDIS,), 0, ())


def found(**changes: Any) -> list[tuple[str, str]]:
    return [(one.code, str(one.severity)) for one in doctor.examine(replace(SOUND, **changes))]


def worked(**changes: Any) -> list[tuple[str, str]]:
    return found(database=replace(DATABASE, work=replace(WORK, **changes)))


def test_sound_facts() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (10.0, []),
        (9.9, [("disk_low", "warning")]),
        (2.0, [("disk_low", "warning")]),
        (1.9, [("disk_low", "error")]),
        (0.0, [("disk_low", "error")]),
    ],
)
def test_the_disk(free: float, said: list[tuple[str, str]]) -> None:
    assert found(data=replace(DATA, free_bytes=int(free * GIB))) == said


@pytest.mark.parametrize(("version", "said"), [(14, [("postgresql_old", "error")]), (15, []), (0, []), (18, [])])
def test_postgresql(version: int, said: list[tuple[str, str]]) -> None:
    assert found(database=replace(DATABASE, version=version)) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": (6, 2)}, [("redis_old", "warning")]),
        ({"version": (8, 0)}, []),
        ({"appended": False}, [("redis_cannot_append", "error")]),  # its disk is full
        ({"ahead_s": 5.0}, []),
        ({"ahead_s": 5.1}, [("clock_apart", "error")]),
        ({"ahead_s": -5.1}, [("clock_apart", "error")]),
    ],
)
def test_redis(change: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert found(redis=(replace(REDIS, **change),)) == said


def test_the_clock_of_the_database() -> None:
    assert found(database=replace(DATABASE, ahead_s=6.0)) == [("clock_apart", "error")]


@pytest.mark.parametrize(
    ("name", "seconds", "said"),
    [
        ("relay", 30, []),
        ("relay", 31, [("beat_old", "error")]),
        ("worker-urgent", 180, []),
        ("worker-urgent", 181, [("beat_old", "error")]),
        ("relay", -5, []),
        ("relay", -6, [("clock_back", "error")]),
        ("backup", 26 * 3600, []),
        ("backup", 26 * 3600 + 1, [("backup_old", "warning")]),
    ],
)
def test_signs_of_life(name: str, seconds: int, said: list[tuple[str, str]]) -> None:
    assert worked(beats={**BEATS, name: NOW - timedelta(seconds=seconds)}) == said


@pytest.mark.parametrize(
    ("lane", "minutes", "said"),
    [
        ("urgent", 2, []),
        ("urgent", 3, [("lane_late", "error")]),
        ("backoffice", 15, []),
        ("backoffice", 16, [("lane_late", "error")]),
        ("bulk", 60, []),
        ("bulk", 61, [("lane_late", "error")]),
    ],
)
def test_lanes(lane: str, minutes: int, said: list[tuple[str, str]]) -> None:
    oldest = NOW - timedelta(minutes=minutes)
    assert worked(lanes=(LaneCount(lane, OutboxState.READY, 1, oldest, oldest),)) == said


def test_what_is_graver_in_production() -> None:
    listed = [Finding(Severity.WARNING, code) for code in ("backup_never", "backup_old", "redis_old", "sms_unknown")]
    assert [one.severity for one in going_live.graver(listed)] == ["error", "error", "error", "warning"]


def test_ages_are_short() -> None:
    said = {119: "119 s", 120: "2 min", 7199: "119 min", 7200: "2 h", 172_799: "47 h", 172_800: "2 d"}
    for seconds, shown in said.items():
        (one,) = doctor.examine(
            replace(
                SOUND,
                database=replace(
                    DATABASE, work=replace(WORK, beats={**BEATS, "relay": NOW - timedelta(seconds=seconds)})
                ),
            )
        )
        assert one.params["age"] == shown

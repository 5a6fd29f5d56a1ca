"""Moments typed into two fields."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.web.console.local_time import TimeFault, moment

ZONE = ZoneInfo("Africa/Porto-Novo")
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # 09:00 there


@pytest.mark.parametrize(
    ("day", "hour", "at"),
    [
        ("", "", None),
        ("2026-11-24", "09:01", datetime(2026, 11, 24, 8, 1, tzinfo=UTC)),
        ("24/11/2026", "9h01", datetime(2026, 11, 24, 8, 1, tzinfo=UTC)),
        ("1.12.2026", "8h", datetime(2026, 12, 1, 7, 0, tzinfo=UTC)),
        ("25-11-2026", "00:00", datetime(2026, 11, 24, 23, 0, tzinfo=UTC)),
        ("25 11 2026", "23.59", datetime(2026, 11, 25, 22, 59, tzinfo=UTC)),
        ("2027-11-25", "09:00", datetime(2027, 11, 25, 8, 0, tzinfo=UTC)),  # 366 days
    ],
)
def test_moments(day: str, hour: str, at: datetime | None) -> None:
    assert moment(day, hour, ZONE, NOW) == at


@pytest.mark.parametrize(
    ("day", "hour", "code"),
    [
        ("", "08:00", "day"),
        ("demain", "08:00", "day"),
        ("31/11/2026", "08:00", "day"),
        ("0001-01-01", "00:00", "day"),  # no moment in UTC
        ("9999-12-31", "23:59", "day"),
        ("1999-12-31", "08:00", "day"),
        ("2200-01-01", "08:00", "day"),
        ("2199-12-31", "08:00", "far"),
        ("2000-01-01", "08:00", "past"),
        ("2026-11-25", "", "hour"),
        ("2026-11-25", "25:00", "hour"),
        ("2026-11-25", "8:61", "hour"),
        ("2026-11-25", "midi", "hour"),
        ("2026-11-24", "09:00", "past"),  # now is not later
        ("2027-11-25", "09:01", "far"),
    ],
)
def test_faults(day: str, hour: str, code: str) -> None:
    with pytest.raises(TimeFault) as fault:
        moment(day, hour, ZONE, NOW)
    assert fault.value.code == code

"""Moments as people type them into two fields, a day and an hour of the settings' time zone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

_DAY = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})")
_HOUR = re.compile(r"(\d{1,2})[:hH. ](\d{2})?")
_FARTHEST = timedelta(days=366)
#: Others are slips of the finger, and some of them no moment in other zones.
_YEARS = range(2000, 2200)


class TimeFault(Exception):
    """`code` says what is wrong: the day, the hour, or that the moment is past or too far away."""

    def __init__(self, code: Literal["day", "hour", "past", "far"]) -> None:
        super().__init__(code)
        self.code = code


def day(written: str) -> date:
    """A day, written "2026-11-27" as browsers send it or "27/11/2026" as people type it. Raises TimeFault."""
    typed = _DAY.fullmatch(written)
    try:
        found = date(int(typed[3]), int(typed[2]), int(typed[1])) if typed else date.fromisoformat(written)
    except ValueError:
        raise TimeFault("day") from None
    if found.year not in _YEARS:
        raise TimeFault("day")
    return found


def moment(day_written: str, hour_written: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The moment of a day and an hour, None when neither was given. Raises TimeFault; it must be after `now`."""
    if not day_written and not hour_written:
        return None
    on = day(day_written)
    typed = _HOUR.fullmatch(hour_written)
    try:
        at = time(int(typed[1]), int(typed[2] or 0)) if typed else None
    except ValueError:
        at = None
    if at is None:
        raise TimeFault("hour")
    found = datetime.combine(on, at, zone).astimezone(now.tzinfo)
    if found <= now:
        raise TimeFault("past")
    if found - now > _FARTHEST:
        raise TimeFault("far")
    return found

"""When what nobody waits for may leave: the hours of each category, in the settings' time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.messages import Category
from gateway.settings import Settings

#: Sundays and holidays in a row are few: whoever declares more days than this without an opening has made a mistake.
_LOOK_DAYS = 60


def opens_at(settings: Settings, category: Category, at: datetime) -> datetime:
    """The first moment from `at` on, in UTC, at which such an SMS may leave: `at` itself when it may then."""
    if _always(category):
        return at
    for begins, ends in _openings(settings, category, at):
        if at < ends:
            return max(at, begins)
    return at + timedelta(days=_LOOK_DAYS)


def ends_at(settings: Settings, category: Category, at: datetime, work_s: float) -> datetime:
    """When work of so many seconds is over that begins at `at` and is done while such SMS may leave."""
    left = timedelta(seconds=work_s)
    if _always(category):
        return at + left
    for begins, ends in _openings(settings, category, at):
        room = ends - max(at, begins)
        if room >= left:
            return max(at, begins) + left
        left -= max(room, timedelta(0))
    return at + timedelta(days=_LOOK_DAYS) + left


def reopens_at(settings: Settings, category: Category, at: datetime) -> datetime:
    """When such SMS may leave again after the end of the opening that holds `at`, or that comes next."""
    if _always(category):
        return at
    coming = (begins for begins, ends in _openings(settings, category, at) if at < ends)
    next(coming, None)
    return next(coming, at + timedelta(days=_LOOK_DAYS))


def _always(category: Category) -> bool:
    """What she must know, and what answers her own act."""
    return category in (Category.VITAL, Category.REPLY)


def _openings(settings: Settings, category: Category, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end of the openings, from that of the day of `at` on."""
    zone = ZoneInfo(settings.timezone)
    written = settings.hours.information if category is Category.INFORMATION else settings.hours.procedure
    begins, _, ends = written.partition("-")
    first = at.astimezone(zone).date()
    for day in (first + timedelta(days=number) for number in range(_LOOK_DAYS)):
        if category is Category.INFORMATION and (day.isoweekday() == 7 or day in settings.hours.holidays):
            continue
        yield _at(day, begins, zone), _at(day, ends, zone)


def _at(day: date, hour: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(hour), zone)

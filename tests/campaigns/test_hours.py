"""When what nobody waits for may leave, in Porto-Novo (UTC+1)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.messages import Category
from gateway.settings import Settings, SmsSettings
from gateway.settings.model import SendingHours
from gateway.usecases.hours import ends_at, opens_at, reopens_at

SETTINGS = Settings(sms=SmsSettings(sender="s"), hours=SendingHours(holidays=(date(2026, 12, 25),)))
INFO, PROCEDURE = Category.INFORMATION, Category.PROCEDURE


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("category", "at", "opens", "remark"),
    [
        (INFO, "2026-11-23T13:05", "2026-11-23T13:05", "Monday, 14:05"),
        (INFO, "2026-11-23T06:59:59", "2026-11-23T07:00", "a second before 08:00"),
        (INFO, "2026-11-23T07:00", "2026-11-23T07:00", "08:00"),
        (INFO, "2026-11-23T15:59:59", "2026-11-23T15:59:59", "a second before 17:00"),
        (INFO, "2026-11-23T16:00", "2026-11-24T07:00", "17:00: the next day"),
        (INFO, "2026-11-28T16:00", "2026-11-30T07:00", "Saturday evening: not on Sunday"),
        (INFO, "2026-11-28T23:30", "2026-11-30T07:00", "Sunday, 00:30 here, Saturday in UTC"),
        (INFO, "2026-12-24T16:00", "2026-12-26T07:00", "a holiday"),
        (PROCEDURE, "2026-11-29T12:00", "2026-11-29T12:00", "Sunday"),
        (PROCEDURE, "2026-12-25T12:00", "2026-12-25T12:00", "a holiday"),
        (PROCEDURE, "2026-11-23T05:59:59", "2026-11-23T06:00", "a second before 07:00"),
        (PROCEDURE, "2026-11-23T20:00", "2026-11-24T06:00", "21:00"),
        (Category.VITAL, "2026-11-29T02:00", "2026-11-29T02:00", "always"),
        (Category.REPLY, "2026-11-29T02:00", "2026-11-29T02:00", "always"),
    ],
)
def test_when_it_may_leave(category: Category, at: str, opens: str, remark: str) -> None:
    assert opens_at(SETTINGS, category, utc(at)) == utc(opens), remark


@pytest.mark.parametrize(
    ("category", "at", "work_s", "ends", "remark"),
    [
        (INFO, "2026-11-23T13:00", 60, "2026-11-23T13:01", "at once"),
        (INFO, "2026-11-23T15:00", 3600, "2026-11-23T16:00", "just until 17:00"),
        (INFO, "2026-11-23T15:00", 3660, "2026-11-24T07:01", "a minute on the next day"),
        (INFO, "2026-11-28T15:00", 7200, "2026-11-30T08:00", "over Sunday"),
        (Category.VITAL, "2026-11-28T15:00", 7200, "2026-11-28T17:00", "no hours"),
    ],
)
def test_when_work_is_over(category: Category, at: str, work_s: float, ends: str, remark: str) -> None:
    assert ends_at(SETTINGS, category, utc(at), work_s) == utc(ends), remark


def test_when_it_may_leave_again() -> None:
    assert reopens_at(SETTINGS, INFO, utc("2026-11-28T13:00")) == utc("2026-11-30T07:00")
    assert reopens_at(SETTINGS, INFO, utc("2026-11-23T18:00")) == utc("2026-11-25T07:00")
    assert reopens_at(SETTINGS, Category.VITAL, utc("2026-11-28T13:00")) == utc("2026-11-28T13:00")


def test_nothing_but_holidays_ends_the_search() -> None:
    days = tuple(date.fromordinal(date(2026, 11, 1).toordinal() + n) for n in range(120))
    closed = SETTINGS.model_copy(update={"hours": SendingHours(holidays=days)})
    assert opens_at(closed, INFO, utc("2026-11-23T13:00")) > utc("2027-01-01T00:00")
    assert ends_at(closed, INFO, utc("2026-11-23T13:00"), 5) > utc("2027-01-01T00:00")

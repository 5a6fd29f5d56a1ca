"""Who sees and sets budgets, and what is told of the months before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from gateway.messages import Role
from gateway.store import budgets as stored
from gateway.usecases import budgets
from gateway.usecases.actors import Absent, Actor
from tests.campaigns.conftest import ADMINISTRATOR, SENDER, STRANGER, A, B, Town

MANAGER = Actor("chef@anip", A, frozenset({Role.MANAGER}), person_id=9)
AUDITOR = Actor("audit", None, frozenset({Role.AUDITOR}), person_id=10)


def test_a_limit_holds_for_the_months_after(town: Town) -> None:
    with town.parts.database.begin() as conn:
        assert stored.take(conn, A, date(2026, 9, 1), 700, 100_000)
        stored.set_limit(conn, A, date(2026, 10, 1), 5000)
        assert stored.take(conn, A, date(2026, 10, 1), 4000, 5000)
        assert stored.take(conn, A, date(2026, 11, 1), 10, 5000)
    assert budgets.set_limit(town.parts, ADMINISTRATOR, A, 6000).left_f == 5990
    assert [(one.month.month, one.limit_f, one.used_f) for one in budgets.before(town.parts, SENDER, A)] == [
        (10, 5000, 4000),
        (9, 100_000, 700),
    ]
    assert budgets.show(town.parts, SENDER, A).limit_f == 6000
    assert [(one.institution, one.limit_f) for one in budgets.of_all(town.parts, AUDITOR)] == [(A, 6000), (B, 100_000)]
    assert [one.institution for one in budgets.of_all(town.parts, SENDER)] == [A]


def test_a_year_is_shown(town: Town) -> None:
    with town.parts.database.begin() as conn:
        for year, month in ((2025, 9), (2025, 10), *((2026, month) for month in range(1, 12))):
            stored.take(conn, A, date(year, month, 1), 1, 10)
    found = budgets.before(town.parts, SENDER, A)
    assert (len(found), found[0].month, found[-1].month) == (12, date(2026, 10, 1), date(2025, 9, 1))


BOUNDS = [(-1, False), (0, True), (budgets.LARGEST_F, True), (budgets.LARGEST_F + 1, False)]


@pytest.mark.parametrize(("limit_f", "taken"), BOUNDS)
def test_the_bounds_of_a_limit(sqlite_town: Town, limit_f: int, taken: bool) -> None:
    if taken:
        assert budgets.set_limit(sqlite_town.parts, ADMINISTRATOR, A, limit_f).limit_f == limit_f
    else:
        with pytest.raises(ValueError, match="budget"):
            budgets.set_limit(sqlite_town.parts, ADMINISTRATOR, A, limit_f)


def test_who_may_not_finds_nothing(sqlite_town: Town) -> None:
    parts = sqlite_town.parts
    acts: dict[str, tuple[Callable[[Actor], object], tuple[Actor, ...]]] = {
        "set": (lambda who: budgets.set_limit(parts, who, A, 1), (SENDER, MANAGER, STRANGER, AUDITOR)),
        "show": (lambda who: budgets.show(parts, who, A), (STRANGER,)),
        "before": (lambda who: budgets.before(parts, who, A), (STRANGER,)),
        "nowhere": (lambda who: budgets.show(parts, who, "nowhere"), (ADMINISTRATOR,)),
    }
    for act, others in acts.values():
        for who in others:
            with pytest.raises(Absent):
                act(who)
    assert budgets.show(parts, MANAGER, A).limit_f == 100_000

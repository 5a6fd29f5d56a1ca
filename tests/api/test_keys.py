"""API keys: shown once, kept as digests, scoped, limited, revoked at once; a trial key has guests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from gateway.store import holdings as numbers
from gateway.store import person_export, persons
from gateway.usecases import api_keys
from gateway.usecases.actors import Absent, Right
from gateway.usecases.api_keys import KeyFault, KeyRefused, NewKey, RateReached, Scope
from tests.api.conftest import MANAGER, THEIR_MANAGER, new_key
from tests.campaigns.conftest import AWA, KOFI, SENDER, A, B, Town


def test_shown_once_and_kept_as_a_digest(town: Town) -> None:
    secret, kept = new_key(town)
    assert secret.startswith("psl_live_")
    assert len(secret) == 49
    assert secret.startswith(kept.prefix)
    assert len(kept.prefix) == 17, "8 letters tell keys apart; 160 bits stay secret"
    found = api_keys.find(town.parts, secret)
    assert found == kept
    with town.parts.database.read() as conn:
        rows = conn.execute(text("SELECT * FROM api_keys")).all()
        acts = conn.execute(text("SELECT * FROM operator_acts")).all()
    everything = repr(rows) + repr(acts) + repr(kept)
    assert secret not in everything
    assert secret[17:] not in everything


def test_several_live_at_once_and_one_revoked(town: Town) -> None:
    first, one = new_key(town)
    second, _ = new_key(town)
    assert first != second
    town.bench.later(minutes=1)
    assert api_keys.revoke(town.parts, MANAGER, one.id).revoked_at == town.bench.time
    assert api_keys.find(town.parts, first) is None
    assert api_keys.find(town.parts, second) is not None
    assert [key.prefix for key in api_keys.list_(town.parts, MANAGER, A)] == [second[:17], first[:17]]


PRESENTED = {
    "": "nothing",
    "psl_live_": "no secret",
    "psl_live_" + "a" * 40: "nobody's",
    "psl_live_" + "a" * 41: "too long",
    "PSL_LIVE_" + "A" * 40: "capitals",
    "psl_live_" + "é" * 40: "not ASCII",
    "psl_live_" + "a" * 39 + "\n": "a line's end",
}


@pytest.mark.parametrize("presented", list(PRESENTED), ids=PRESENTED.values())
def test_what_opens_nothing(sqlite_town: Town, presented: str) -> None:
    new_key(sqlite_town)
    assert api_keys.find(sqlite_town.parts, presented) is None


def test_the_key_of_an_institution_that_is_declared_no_more(sqlite_town: Town) -> None:
    secret, _ = new_key(sqlite_town)
    left = {name: one for name, one in sqlite_town.parts.settings.institutions.items() if name != A}
    settings = sqlite_town.parts.settings.model_copy(update={"institutions": left})
    assert api_keys.find(replace(sqlite_town.parts, settings=settings), secret) is None


def test_whose_keys_a_manager_sees(town: Town) -> None:
    _, theirs = new_key(town, B)
    for actor in (MANAGER, SENDER):
        with pytest.raises(Absent):
            api_keys.list_(town.parts, actor, B)
        for act in (api_keys.open_, api_keys.revoke):
            with pytest.raises(Absent):
                act(town.parts, actor, theirs.id)
            with pytest.raises(Absent):
                act(town.parts, actor, 404)
    new = NewKey("x", (Scope.SEND,), live=True)
    with pytest.raises(Absent):
        api_keys.create(town.parts, SENDER, A, new)
    assert api_keys.list_(town.parts, THEIR_MANAGER, B)[0].revoked_at is None


REFUSED = [
    (NewKey("", (Scope.SEND,), live=True), KeyFault.NAME, "no name"),
    (NewKey("n" * 65, (Scope.SEND,), live=True), KeyFault.NAME, "65 characters"),
    (NewKey("a\x1b[0m", (Scope.SEND,), live=True), KeyFault.NAME, "it would speak to a terminal"),
    (NewKey("n", (), live=True), KeyFault.SCOPES, "no scope"),
    (NewKey("n", ("everything",), live=True), KeyFault.SCOPES, "no such scope"),
    (NewKey("n", (Scope.SEND,)), KeyFault.GUESTS, "a trial key without guests"),
    (NewKey("n", (Scope.SEND,), guests=("12",)), KeyFault.GUESTS, "no number"),
    (NewKey("n", (Scope.SEND,), guests=tuple(f"+22901970000{i:02}" for i in range(21))), KeyFault.GUESTS, "21"),
    (NewKey("n", (Scope.SEND,), live=True, guests=(AWA,)), KeyFault.GUESTS, "a live key has none"),
    (NewKey("n", (Scope.SEND,), live=True, per_minute=6001), KeyFault.LIMITS, "too many calls"),
    (NewKey("n", (Scope.SEND,), live=True, per_day=-1), KeyFault.LIMITS, "below none"),
]


@pytest.mark.parametrize(("new", "fault"), [row[:2] for row in REFUSED], ids=[row[2] for row in REFUSED])
def test_what_is_refused(sqlite_town: Town, new: NewKey, fault: KeyFault) -> None:
    with pytest.raises(KeyRefused) as refused:
        api_keys.create(sqlite_town.parts, MANAGER, A, new)
    assert refused.value.faults == (fault,)


def test_both_sides_of_the_bounds(sqlite_town: Town) -> None:
    twenty = tuple(f"+22901970000{i:02}" for i in range(20))
    new = NewKey("n" * 64, (Scope.SEND,), guests=twenty, per_minute=6000, per_day=1_000_000)
    assert len(api_keys.create(sqlite_town.parts, MANAGER, A, new)[1].guests or ()) == 20
    for _ in range(49):
        new_key(sqlite_town)
    with pytest.raises(KeyRefused, match="too_many"):
        new_key(sqlite_town)
    api_keys.revoke(sqlite_town.parts, MANAGER, 1)
    new_key(sqlite_town)


def test_what_a_scope_lets_do(sqlite_town: Town) -> None:
    _, kept = new_key(sqlite_town, scopes=(Scope.READ_SUBMISSIONS,))
    actor = api_keys.actor_of(kept)
    assert (actor.name, actor.api_key_id) == (f"key:{kept.prefix}", kept.id)
    assert actor.may(Right.READ_DEMANDS, A)
    assert not actor.may(Right.READ_DEMANDS, B)
    assert not actor.may(Right.READ_DEMANDS, None)
    assert not actor.may(Right.HANDLE_DEMANDS, A)
    assert not actor.may(Right.SEND, A)
    assert not any(api_keys.actor_of(new_key(sqlite_town)[1]).may(right, A) for right in NEVER), "of people only"


NEVER = (Right.APPROVE, Right.MANAGE_KEYS, Right.MANAGE_PEOPLE, Right.SET_BUDGET, Right.STOP, Right.SEE_ACTS)


def test_a_minute_of_calls(town: Town) -> None:
    _, kept = new_key(town, per_minute=2)
    town.bench.later(seconds=20)  # 14:05:20
    assert [api_keys.count_call(town.parts, kept).left for _ in range(2)] == [1, 0]
    with pytest.raises(RateReached) as reached:
        api_keys.count_call(town.parts, kept)
    assert (reached.value.window, reached.value.retry_after_s) == ("minute", 40)
    town.bench.later(seconds=39)
    with pytest.raises(RateReached):
        api_keys.count_call(town.parts, kept)
    town.bench.later(seconds=1)
    assert api_keys.count_call(town.parts, kept).left == 1


def test_the_last_use_is_shown(town: Town) -> None:
    _, kept = new_key(town)
    assert api_keys.open_(town.parts, MANAGER, kept.id).used_at is None
    api_keys.count_call(town.parts, kept)
    used = town.bench.time
    town.bench.later(seconds=30)
    api_keys.count_call(town.parts, kept)
    assert api_keys.open_(town.parts, MANAGER, kept.id).used_at == used, "to the minute"
    town.bench.later(minutes=2)
    api_keys.count_call(town.parts, kept)
    assert api_keys.open_(town.parts, MANAGER, kept.id).used_at == town.bench.time


def test_f22_the_limits_are_not_passed_by_calls_at_once(town: Town) -> None:
    _, kept = new_key(town, per_minute=25, per_day=25)

    def minute(_: int) -> bool:
        try:
            api_keys.count_call(town.parts, kept)
        except RateReached:
            return False
        return True

    def day(_: int) -> bool:
        try:
            with town.parts.database.begin() as conn:
                api_keys.count_notifications(conn, town.parts, kept, 5, town.bench.time)
        except RateReached:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(minute, range(40))) == 25
        assert sum(threads.map(day, range(16))) == 5


def test_a_day_ends_at_midnight_in_porto_novo(town: Town) -> None:
    _, kept = new_key(town, per_day=1)

    def count() -> None:
        with town.parts.database.begin() as conn:
            api_keys.count_notifications(conn, town.parts, kept, 1, town.bench.time)

    count()
    with pytest.raises(RateReached) as reached:
        count()
    assert (reached.value.window, reached.value.retry_after_s) == ("day", (9 * 60 + 55) * 60)
    town.bench.later(seconds=reached.value.retry_after_s)
    count()


def test_a_guest_who_is_forgotten(town: Town) -> None:
    _, kept = new_key(town, live=False, guests=(AWA, "96000001"))
    assert kept.guests == {AWA, KOFI}
    parts = town.parts
    with parts.database.begin() as conn:
        shown = person_export.export(conn, parts.seals, AWA, lambda _: {}, everybody=True)
        assert [one["institution"] for one in shown["guest_of_trial_keys"]] == [A]
        now = town.bench.time
        persons.erase(conn, parts.seals, numbers.digest_of(parts.seals, AWA), now, now)
    assert api_keys.open_(parts, MANAGER, kept.id).guests == {KOFI}

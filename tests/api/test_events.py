"""Events to pull: written with what they tell of, each at one place, nothing appears before what was read."""

from __future__ import annotations

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.messages import CampaignState, Category, MtState, SendOutcome, SendResult
from gateway.store import events, mts
from gateway.store.events import NewEvent
from gateway.usecases import api_keys, campaigns, delivery_reports, submissions, upkeep
from tests.api.conftest import new_key
from tests.campaigns.conftest import AWA, BIO, KOFI, A, B, Town

EVERYTHING = ("notification", "submission")


def told(town: Town, institution: str = A, after: int = 0, limit: int = 100, **which: Any) -> list[tuple[int, str]]:
    """Place and type of the events of an institution."""
    chosen = {"kinds": EVERYTHING, "live": True, **which}
    with town.parts.database.begin() as conn:
        events.place(conn, institution, 1000)
    with town.parts.database.read() as conn:
        page = events.page(conn, town.parts.seals, institution, after, limit, **chosen)
    return [(one.position, one.type) for one in page]


def add(town: Town, number: int, institution: str = A, **more: Any) -> None:
    with town.parts.database.begin() as conn:
        new = NewEvent(institution, f"msg_{institution}{number}", "notification.accepted", {"n": number}, **more)
        events.add_many(conn, town.parts.seals, (new,), town.bench.time)


def by_api(town: Town) -> Any:
    return api_keys.actor_of(new_key(town)[1])


def test_what_becomes_of_a_notification_is_told_in_its_order(town: Town) -> None:
    town.bench.aggregator.results[KOFI] = SendResult("", SendOutcome.REJECTED, code="InvalidPhoneNumber")
    town.bench.aggregator.results[BIO] = SendResult("", SendOutcome.UNKNOWN, code="http_504")
    town.start(AWA, KOFI, BIO, actor=by_api(town), then_send=True)
    town.work()
    with town.parts.database.read() as conn:
        (awa,) = [one for one in mts.list_page(conn, 10) if one.state is MtState.ACCEPTED]
    _delivered(town, awa.external_id or "")
    assert sorted(kind for _, kind in told(town)[:3]) == [
        "notification.accepted", "notification.failed", "notification.unknown",
    ]  # fmt: skip
    assert told(town)[3:] == [(4, "notification.delivered")]
    with town.parts.database.read() as conn:
        page = events.page(conn, town.parts.seals, A, 0, 10, kinds=EVERYTHING, live=True)
    failed = next(one for one in page if one.type == "notification.failed")
    assert failed.data["notification"].endswith("-2"), "the second row"
    assert failed.data["code"] == "InvalidPhoneNumber"
    assert not any(number in repr([one.data for one in page]) for number in (AWA, KOFI, BIO))


def _delivered(town: Town, external_id: str) -> None:
    with town.parts.database.begin() as conn:
        found = mts.by_external_id(conn, town.parts.seals, "at", external_id)
        assert found is not None
        assert delivery_reports.settle(conn, town.parts, found.id, MtState.DELIVERED, "", town.bench.time)


def test_what_people_send_is_told_only_where_a_webhook_is(town: Town) -> None:
    town.start(AWA, then_send=True)
    town.work()
    assert told(town) == []


def test_what_a_stop_withdraws_failed(town: Town) -> None:
    actor = by_api(town)
    public_id = town.start(AWA, KOFI, actor=actor, template=town.template(category=Category.PROCEDURE))
    campaigns.send(town.parts, actor, public_id)
    town.work(times=1)  # expanded, nothing sent
    assert town.stored(public_id).state in (CampaignState.SENDING, CampaignState.DONE)
    campaigns.stop(town.parts, actor, public_id)
    assert [kind for _, kind in told(town)] == ["notification.failed"] * 2


def test_an_effect_that_is_undone_is_not_told(town: Town) -> None:
    def undone() -> None:
        with town.parts.database.begin() as conn:
            new = NewEvent(A, "msg_1", "notification.accepted", {})
            events.add_many(conn, town.parts.seals, (new,), town.bench.time)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert told(town) == []


def test_a_demand_is_told_to_its_institution(town: Town, act: Any, caller: Any) -> None:
    submissions.submit(town.parts, act(), caller, b"k1")
    assert told(town) == [(1, "submission.received")]
    assert told(town, B) == []
    assert told(town, kinds=("notification",)) == []
    assert told(town, live=False, guests=()) == [], "a trial key sees the demands of its guests only"
    digest = town.parts.seals.digest("msisdn", AWA)
    assert told(town, live=False, guests=(digest,)) == [(1, "submission.received")]
    assert told(town, live=False, guests=(town.parts.seals.digest("msisdn", KOFI),)) == []


def test_pages_and_places_of_each_institution(town: Town) -> None:
    for number in range(3):
        add(town, number)
        add(town, number, B)
    assert [place for place, _ in told(town)] == [1, 2, 3]
    assert [place for place, _ in told(town, B)] == [1, 2, 3]
    assert [place for place, _ in told(town, after=1, limit=1)] == [2]
    add(town, 3)
    assert [place for place, _ in told(town, after=3)] == [4]


def test_nothing_appears_before_what_was_read(town: Town) -> None:
    """The first to write is the last to commit: a list in the order of ids would lose its event to whoever reads."""
    wrote, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        with town.parts.database.begin() as conn:
            new = NewEvent(A, "msg_slow", "notification.accepted", {})
            events.add_many(conn, town.parts.seals, (new,), town.bench.time)
            wrote.set()
            assert may_end.wait(20)

    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(slow)
        assert wrote.wait(20)
        cursor = 0
        if town.parts.database._writing.dialect.name == "postgresql":  # SQLite lets one write at a time
            add(town, 1)
            ((cursor, _),) = told(town)  # the quick one is read
        may_end.set()
        waiting.result()
    assert len(told(town, after=cursor)) == 1, "the slow one comes after what was read"
    seen = told(town)
    add(town, 2)
    assert told(town)[: len(seen)] == seen, "what was read stays where it was"


def test_many_writers_and_readers_at_once(town: Town) -> None:
    def follow(done: threading.Event) -> list[str]:
        after, read = 0, []
        while True:
            last = done.is_set()
            with town.parts.database.begin() as conn:
                events.place(conn, A, 3)
            with town.parts.database.read() as conn:
                page = events.page(conn, town.parts.seals, A, after, 100, kinds=EVERYTHING, live=True)
            read.extend(one.event_id for one in page)
            after = page[-1].position if page else after
            if last and not page:
                return read

    done = threading.Event()
    with ThreadPoolExecutor(7) as threads:
        followers = [threads.submit(follow, done) for _ in range(3)]
        list(threads.map(lambda number: add(town, number), range(40)))
        done.set()
        for follower in followers:
            read = follower.result(60)
            assert sorted(read) == sorted(f"msg_{A}{number}" for number in range(40)), "each once, none lost"


def test_places_outlive_the_events(town: Town) -> None:
    add(town, 1)
    assert told(town) == [(1, "notification.accepted")]
    town.bench.time += timedelta(days=30, seconds=1)
    assert upkeep.sweep(town.parts)["events_to_pull_forgotten"] == 1
    assert told(town) == []
    add(town, 2)
    assert told(town, after=1) == [(2, "notification.accepted")]


def test_only_one_module_moves_sms() -> None:
    """Whoever moved one elsewhere would leave its institution without the event."""
    movers = set()
    for file in Path("gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if named and (node.value.id, node.attr) in (("mts", "move"), ("mts", "move_many")):
                movers.add(file.name)
    assert movers == {"mt_moves.py"}

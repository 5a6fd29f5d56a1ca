"""The spend guard: what citizens cause is counted, in its own transaction, and never past a ceiling."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gateway import logs
from gateway.messages import Category
from gateway.settings import Ceilings
from gateway.usecases import spend, submissions
from tests.usecases.conftest import MSISDN, OTHER

KEY = b"k" * 32


def limited(bench, **ceilings: object):
    changes = {"ceilings": Ceilings(**ceilings)}
    if "francs_hour" in ceilings:
        sender = bench.parts.settings.senders["s"].model_copy(update={"cost_f": 12})
        changes["senders"] = {"s": sender}
    bench.parts = replace(bench.parts, settings=bench.parts.settings.model_copy(update=changes))
    return bench


def take(
    bench, number: str = MSISDN, service: str = "sms", category: Category = Category.REPLY, segments: int = 1
) -> bool:
    with bench.parts.database.begin() as conn:
        return spend.take(conn, bench.parts, number, service, "s", segments, category, bench.time)


def spent(bench, number: str = MSISDN, service: str = "sms") -> bool:
    with bench.parts.database.read() as conn:
        return spend.spent(conn, bench.parts, number, service, bench.time)


def test_a_number_s_day(bench):
    limited(bench, per_number_day=2)
    assert [take(bench) for _ in range(3)] == [True, True, False]
    assert (spent(bench), spent(bench, OTHER)) == (True, False)
    assert take(bench, OTHER)
    bench.later(days=1)
    assert take(bench)


def test_the_day_ends_at_midnight_in_benin(bench):
    limited(bench, per_number_day=1)
    bench.time = bench.time.replace(hour=22, minute=59)
    assert take(bench)
    assert not take(bench)
    bench.later(minutes=1)  # 23:00 UTC is midnight in Porto-Novo
    assert take(bench)


@pytest.mark.parametrize(
    ("ceiling", "other_free"),
    [({"per_service_hour": 2}, {"service": "suivi"}), ({"per_sender_hour": 2}, None), ({"francs_hour": 24}, None)],
    ids=["service", "sender", "francs"],
)
def test_an_hour(bench, ceiling, other_free):
    limited(bench, **ceiling)
    assert [take(bench, f"+22901970000{n:02d}") for n in range(3)] == [True, True, False]
    assert spent(bench, OTHER)
    if other_free:
        assert take(bench, OTHER, **other_free)
    bench.later(hours=1)
    assert take(bench)


def test_segments_cost(bench):
    limited(bench, francs_hour=35)
    assert take(bench, segments=2)
    assert not take(bench, segments=1), "24 and 12 is more than 35"
    bench.later(hours=1)
    assert not take(bench, segments=3), "more at once than an hour may cost"


def test_what_is_refused_counts_nowhere(bench):
    limited(bench, per_number_day=5, francs_hour=12)
    assert take(bench)
    for _ in range(9):
        assert not take(bench)
    bench.later(hours=1)
    assert [take(bench) for _ in range(1)] == [True]
    for hour in range(3):
        bench.later(hours=1)
        assert take(bench), hour
    bench.later(hours=1)
    assert not take(bench), "five that day"


def test_vital_sms_are_counted_and_never_stopped(bench):
    limited(bench, per_number_day=2)
    assert [take(bench, category=Category.VITAL) for _ in range(4)] == [True] * 4
    assert not take(bench)


@pytest.mark.fault("F22")
def test_many_at_once_never_pass_a_ceiling(bench):
    limited(bench, per_service_hour=20)

    def several(thread: int) -> int:
        return sum(take(bench, f"+229019700{thread:02d}{n:02d}") for n in range(6))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(several, range(8))) == 20


def test_one_alert_in_sight_and_one_when_reached(sqlite_bench, monkeypatch):
    lines: list[bytes] = []
    logs.start("info", lambda: sqlite_bench.time)
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lines.append))
    limited(sqlite_bench, per_service_hour=10)
    for number in range(14):
        take(sqlite_bench, f"+22901970000{number:02d}")
    told = [json.loads(line) for line in lines]
    assert [(one["event"], one["level"]) for one in told if one["level"] == "error"] == [
        ("spend.alert", "error"),
        ("spend.reached", "error"),
    ]
    assert sum(one["event"] == "spend.withheld" for one in told) == 4
    assert b"97000" not in b"".join(lines)


def test_a_demand_is_not_begun_when_its_receipt_would_be_too_much(bench, act, caller):
    limited(bench, per_service_hour=1)
    first = submissions.submit(bench.parts, act("1234564411"), caller, KEY)
    second = submissions.submit(bench.parts, act("1234564412"), caller, b"l" * 32)
    assert (first.outcome, second.outcome) == ("submitted", "unavailable")
    assert submissions.submit(bench.parts, act("1234564411"), caller, KEY) == first, "what was stored is told again"


@pytest.mark.parametrize(
    ("number", "answered"),
    [
        ("+2290197000000", True),
        ("+2290120211234", False),
        ("+22890123456", False),
        ("+33612345678", False),
        ("x", False),
    ],
)
def test_who_is_answered(bench, number, answered):
    assert spend.answerable(bench.parts, number) is answered

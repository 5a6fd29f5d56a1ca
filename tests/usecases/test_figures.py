"""How the gateway stands, out of both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.messages import BackofficeAnswer, HandOver
from gateway.store import beats, stops
from gateway.usecases import figures, spend
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit
from gateway.web.figures import StoreFigures

AFTER = 5


def test_one_look(bench, act, caller):
    submit(bench.parts, act(), caller, b"k" * 32)
    with bench.parts.database.begin() as conn:
        beats.beat(conn, "relay", bench.time)
        stops.stop(conn, "sms", "essai", "me", bench.time)
    bench.later(minutes=2)
    now = figures.read(bench.parts, bench.time)
    assert now.oldest_s == {"urgent": 120, "bulk": 0, "backoffice": 120, "upkeep": 0}
    assert now.submissions == {"received": 1}
    assert (now.sms_unknown, now.stopped, now.beat_ages_s) == (0, ("sms",), {"relay": 120})
    used = {(one.scope, one.subject): one.used for one in now.spent}
    assert used[spend.BY_SERVICE, "acte-naissance"] == 1
    assert used[spend.BY_SERVICE, "suivi"] == 0
    assert spend.NUMBER not in {one.scope for one in now.spent}, "whose number it is stays out"


def test_work_that_is_tried_again_and_again_grows_old(bench, act, caller):
    submit(bench.parts, act(), caller, b"k" * 32)
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code="http_503")]
    bench.later(minutes=3)
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.row("submission", 1).due_at > bench.time
    assert figures.read(bench.parts, bench.time).oldest_s["backoffice"] == 180


def test_a_system_that_leaves_calls_without_an_answer(sqlite_bench, act, caller):
    bench = sqlite_bench
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code="too_slow")] * AFTER + [
        BackofficeAnswer(HandOver.ACCEPTED)
    ]
    for number in range(AFTER):
        submit(bench.parts, act(npi=f"12345644{number:02d}"), caller, bytes([number]) * 32)
        hand_over(bench.parts, bench.claim("backoffice"))
        assert breaker_open(bench) == (number == AFTER - 1)
    bench.later(minutes=1)
    hand_over(bench.parts, bench.claim("backoffice", 1))
    assert breaker_open(bench) == 0


def test_demands_past_their_promised_date(bench, act, caller):
    bench.with_service(promise_days=3)
    submit(bench.parts, act(), caller, b"k" * 32)
    for days, late in ((3, 0), (1, 1)):
        bench.later(days=days)
        assert figures.read(bench.parts, bench.time).late == {"etat-civil": late}
    assert scraped(bench, "submissions_late") == 1


def breaker_open(bench):
    return scraped(bench, "breaker_open")


def scraped(bench, name):
    parts = replace(bench.parts, settings=bench.parts.settings.model_copy(update={"data": Path.cwd()}))
    (family,) = (one for one in StoreFigures(parts).collect() if one.name == name)
    return {sample.labels["system"]: sample.value for sample in family.samples}["etat-civil"]

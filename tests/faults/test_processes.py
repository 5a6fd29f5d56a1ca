"""F1, F4, F5, F16, F18 and a stop request, with the processes that run in life."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from redis import Redis

from gateway.messages import MtState, SubmissionState
from gateway.store import beats
from gateway.usecases.upkeep import sweep

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


def accepted(town, references):
    return lambda: all(mt.state is MtState.ACCEPTED for reference in references for mt in town.sms(reference))


def test_f1_nothing_was_enqueued(any_town):
    """The process that stored it died before it could say so: the relay finds it, and the journey goes to its end."""
    town = any_town
    reference = town.submit()
    with Redis.from_url(town.environ["GATEWAY_REDIS"]) as redis:
        redis.flushall()
    for words in (("relay",), ("worker", "urgent"), ("worker", "backoffice"), ("worker", "upkeep")):
        town.start(*words)
    town.until(lambda: len(town.sms(reference)) == 2, "the institution took it")
    town.until(accepted(town, [reference]), "récépissé and notice left")
    assert town.submission(reference).state is SubmissionState.ACKNOWLEDGED
    assert [text.split()[0] for text in town.world.texts] == ["Récépissé", "Acte"]
    assert len(town.world.keys) == 1
    with town.gateway.database.read() as conn:
        assert beats.last(conn, "relay") is not None
    log = town.log()
    assert "Traceback" not in log
    for hidden in ("97000000", "0000000001"):
        assert hidden not in log


def test_f4_killed_while_the_aggregator_answers(town):
    town.world.open.clear()
    reference = town.submit()
    town.start("relay")
    worker = town.start("worker", "urgent")
    town.until(lambda: town.world.texts, "the call was made")
    town.kill(worker)
    town.world.open.set()
    town.start("worker", "urgent")
    other = town.submit()
    town.until(accepted(town, [other]), "the new worker works")
    town.until(lambda: sweep(town.gateway.parts)["lost_sendings"], "the call without answer is found")
    (receipt,) = town.sms(reference)
    assert receipt.state is MtState.UNKNOWN
    again = town.submit()
    town.until(accepted(town, [again]), "the lane goes on")
    assert Counter(town.world.texts).most_common(1)[0][1] == 1
    assert len(town.world.texts) == 3


def test_f5_f15_two_relays_and_three_workers_send_once(town):
    references = [town.submit() for _ in range(30)]
    for words in (("relay",), ("relay",), *[("worker", "urgent")] * 3):
        town.start(*words)
    town.until(accepted(town, references), "all left")
    assert len(town.world.texts) == len(set(town.world.texts)) == 30
    assert "locked" not in town.log()


def test_f16_an_aggregator_that_does_not_answer(town):
    """The wait is bounded (5 s here), the outcome unknown, and nobody sends it again."""
    town.world.open.clear()
    reference = town.submit()
    town.start("relay")
    town.start("worker", "urgent")
    town.until(lambda: town.sms(reference)[0].state is MtState.UNKNOWN, "the call was given up")
    town.world.open.set()
    other = town.submit()
    town.until(accepted(town, [other]), "the lane goes on")
    assert len(town.world.texts) == 2


def test_f18_an_aggregator_in_trouble(town):
    town.world.statuses += [429, 500, 502, 503]
    town.world.office_statuses += [500, 503]
    reference = town.submit()
    for words in (("relay",), ("worker", "urgent"), ("worker", "backoffice")):
        town.start(*words)
    town.until(lambda: len(town.sms(reference)) == 2, "handed over in the end")
    town.until(accepted(town, [reference]), "sent in the end")
    assert town.work("mt", town.sms(reference)[0].id).attempts == 5
    assert len(set(town.world.keys)) == 1
    assert len(town.world.keys) == 3


def test_a_stop_request_finishes_the_batch(town):
    town.world.open.clear()
    reference = town.submit()
    town.start("relay")
    worker = town.start("worker", "urgent")
    town.until(lambda: town.world.texts, "the call was made")
    worker.send_signal(signal.SIGTERM)
    assert worker.poll() is None
    town.world.open.set()
    assert worker.wait(20) == 0
    assert town.sms(reference)[0].state is MtState.ACCEPTED
    assert '"event":"worker.stopped"' in town.log()


def test_an_idle_worker_and_relay_stop_at_once(town):
    for words in (("worker", "bulk"), ("relay",)):
        process = town.start(*words)
        town.until(lambda: f'"event":"{words[0]}.started"' in town.log(), "started")  # noqa: B023 - used in its round
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

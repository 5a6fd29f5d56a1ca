"""F1 and stop requests, with the processes that run in life."""

from __future__ import annotations

import signal

import pytest
from redis import Redis

from gateway.messages import MtState, SubmissionState
from gateway.store import beats

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


def accepted(town, references):
    return lambda: all(mt.state is MtState.ACCEPTED for reference in references for mt in town.sms(reference))


@pytest.mark.fault("F1", "F2")
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

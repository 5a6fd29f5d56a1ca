"""F1, F3, F4: a worker killed between every two steps of the outbox, then a healthy one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from gateway.messages import MtState, SubmissionState
from gateway.store import outbox
from gateway.usecases.upkeep import sweep
from gateway.workers import lanes

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

LEASE_S = 2  # a little more than those of town.py
STEPPER = Path(__file__).parent / "stepper.py"
#: More steps than a drain of one row has: the walk ends by itself, at the first step that is not reached.
TOO_MANY = 60


@pytest.fixture
def stepper(any_town: Any) -> Iterator[Callable[[str, str, int], str]]:
    town = any_town
    process = town.run([sys.executable, str(STEPPER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(what: str, lane: str, step: int) -> str:
        process.stdin.write(f"{what} {lane} {step}\n".encode())
        process.stdin.flush()
        answer: str = process.stdout.readline().decode().strip()
        assert answer, town.log()
        return answer

    yield ask
    process.stdin.close()
    process.stdout.close()


def recovered(town: Any, lane: str) -> Callable[[], bool]:
    """Does what healthy workers do once leases are over, and tells whether no work and no open call is left."""
    healthy = town.later(LEASE_S)

    def look() -> bool:
        with ThreadPoolExecutor(1) as pool:
            worked, _ = lanes.drain_once(healthy, lane, pool)
        sweep(healthy.parts)
        with town.gateway.database.read() as conn:
            left = {row.state for row in outbox.counts(conn) if row.lane == lane}
        return not worked and not left & {"ready", "claimed", "sending"}

    return look


@pytest.mark.fault("F4")
def test_the_sms_lane(any_town, stepper):
    """Every SMS ends in exactly one state; the aggregator is called at most once for each attempt, and for each SMS."""
    town = any_town
    seen: list[str] = []
    for step in range(1, TOO_MANY):
        reference = town.submit()
        town.world.texts.clear()
        answer = stepper("drain", "urgent", step)
        town.until(recovered(town, "urgent"), f"the lane is quiet after {answer}")
        (receipt,) = town.sms(reference)
        called = len(town.world.texts)
        attempts = town.work("mt", receipt.id).attempts
        assert called <= attempts <= 1, answer
        if called == 0 and attempts == 1:
            assert receipt.state is MtState.UNKNOWN, answer  # nobody can know that it did not leave
        elif answer == "killed after call" or (called == 1 and receipt.state is MtState.UNKNOWN):
            assert receipt.state is MtState.UNKNOWN, answer
        else:
            assert (called, receipt.state) == (1, MtState.ACCEPTED), answer
        seen.append(answer)
        if answer == "finished":
            break
    assert seen[-1] == "finished"
    for step in ("start of the job", "after unmarking the lane", "before call", "after call", "end of the job"):
        assert f"killed {step}" in seen
    # claimed, prepared, sending, settled: four transactions, and the last claim that finds nothing
    assert seen.count("killed before commit") == seen.count("killed after commit") == 5


@pytest.mark.fault("F19")
def test_the_back_office_lane(any_town, stepper):
    """Every submission is acknowledged and told once; the institution sees one idempotency key, however often."""
    town = any_town
    for step in range(1, TOO_MANY):
        reference = town.submit()
        town.world.keys.clear()
        answer = stepper("drain", "backoffice", step)
        town.until(recovered(town, "backoffice"), f"the lane is quiet after {answer}")
        assert town.submission(reference).state is SubmissionState.ACKNOWLEDGED, answer
        assert len(set(town.world.keys)) == 1, answer
        assert [mt.template for mt in town.sms(reference)] == ["receipt_no_promise", "acknowledged_case"], answer
        if answer == "finished":
            assert step > 8
            return
    pytest.fail("the drain never finished")


@pytest.mark.fault("F1")
def test_f1_killed_around_the_commit(any_town, stepper):
    """What was committed is found by the relay, though nobody announced it; before the commit there is nothing."""
    town = any_town
    for words in (("relay",), ("worker", "urgent"), ("worker", "backoffice")):
        town.start(*words)
    town.until(lambda: town.log().count(".started") == 3, "all wait for work")
    with Redis.from_url(town.environ["GATEWAY_REDIS"]) as redis:  # a worker that begins wakes its own lane
        town.until(lambda: not redis.exists(*map(lanes.woken_key, ("urgent", "backoffice"))), "no job is on its way")
    assert stepper("submit", "urgent", 1) == "killed before commit"
    assert town.demands() == 0
    assert stepper("submit", "urgent", 2) == "killed after commit"
    assert town.demands() == 1
    town.until(lambda: len(town.world.texts) == 2 and not town.open_work(), "récépissé and acknowledgement left")
    assert [text.split()[0] for text in town.world.texts] == ["Récépissé", "Acte"]
    assert len(town.world.keys) == 1


@pytest.mark.fault("F3")
def test_f3_killed_between_dequeue_and_start(any_town, stepper):
    """RQ loses the job; the row is found by its state, and by a new worker at once."""
    town = any_town
    reference = town.submit()
    queues = Redis.from_url(town.environ["GATEWAY_REDIS"])
    relay = town.start("relay")
    assert stepper("dequeue", "urgent", 1) == "killed dequeue"
    with queues:
        assert queues.exists(lanes.woken_key("urgent"))  # a relay alone would wait for this to end
    worker = town.start("worker", "urgent")
    town.until(lambda: town.sms(reference)[0].state is MtState.ACCEPTED, "the récépissé left")
    assert len(town.world.texts) == 1
    assert relay.poll() is None
    assert worker.poll() is None

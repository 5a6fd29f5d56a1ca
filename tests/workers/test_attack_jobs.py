"""Whoever can write to Redis can wake a lane, and make a worker do nothing else."""

import json

import pytest
from rq import Queue
from rq.job import Callback
from rq.serializers import JSONSerializer

from gateway import logs
from gateway.workers import lanes
from gateway.workers.worker import connect, lane_worker


@pytest.fixture
def woken(redis_url, monkeypatch):
    """Puts jobs in the queue `urgent` and lets its worker do them; gives the lanes woken and the events logged."""
    drained, events = [], []
    monkeypatch.setattr(lanes, "drain", drained.append)
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lambda line: events.append(json.loads(line)["event"])))

    def work(*jobs):
        with connect(redis_url) as queues:
            queue = Queue("urgent", connection=queues, serializer=JSONSerializer)
            for function, arguments, more in jobs:
                queue.enqueue_call(function, args=arguments, **more)
            lane_worker("urgent", queues).work(burst=True, logging_level="ERROR")
        return drained, events

    return work


def test_a_wake_up_wakes(woken):
    assert woken((lanes.JOB, ("urgent",), {})) == (["urgent"], [])


def test_a_function_that_redis_names_is_not_called(woken, tmp_path):
    made = tmp_path / "made"
    drained, events = woken(("os.mkdir", (str(made),), {}), (lanes.JOB, ("urgent",), {}))
    assert not made.exists()
    assert (drained, events) == (["urgent"], ["worker.job_refused"])


@pytest.mark.parametrize(
    ("arguments", "more"),
    [((), {}), (("none",), {}), ((["urgent"],), {}), (("urgent", "bulk"), {}), (("urgent",), {"kwargs": {"a": 1}})],
    ids=["nothing", "no lane", "a list", "two", "more"],
)
def test_a_wake_up_of_nothing_known(woken, arguments, more):
    drained, events = woken((lanes.JOB, arguments, more))
    assert (drained, events) == ([], ["worker.job_refused"])


def mark(*_):
    marks.append(1)


marks: list[int] = []


def test_a_callback_that_redis_names_is_not_called(woken, monkeypatch):
    monkeypatch.setattr(json, "passerelle_mark", mark, raising=False)  # RQ finds a callback by its name
    named = {"on_success": Callback("json.passerelle_mark"), "on_failure": Callback("json.passerelle_mark")}
    assert woken((lanes.JOB, ("urgent",), named)) == (["urgent"], [])
    assert not marks

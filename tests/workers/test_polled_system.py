"""A system that cannot call back, from the hand-over to the decision, through the lanes and over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.store import submission_events, submissions
from gateway.usecases import stops
from gateway.workers import lanes
from tests.backoffice.far_sides import SECRET, TOKEN, Far, Native, Serving

DEADLINE_S = 60


#: How each way of showing who we are is declared; the secrets are in the environment.
WAYS = {
    "bearer": {"token_env": "EC_SECRET"},
    "hmac": {"authentication": "hmac", "signing_secret_env": "EC_SECRET"},
}


@pytest.fixture
def proof() -> str:
    return "bearer"


@pytest.fixture
def far(proof: str) -> Far:
    return Far(Native(proof), answer=("delivered", {}))


@pytest.fixture
def declared(proof: str, far: Far, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    monkeypatch.setenv("EC_SECRET", {"bearer": TOKEN, "hmac": f"whsec_{'B' * 32} {SECRET}"}[proof])
    serving = Serving(far)
    yield {"url": serving.url + "/api", "poll_every_s": 1} | WAYS[proof]
    serving.close()


def state(gateway, work):
    with gateway.database.read() as conn:
        found = submissions.by_id(conn, gateway.parts.seals, work)
    assert found is not None
    return found.state.value


def drained_until(gateway, work, wanted):
    """Does what is due until the demand is where it is wanted."""
    deadline = time.monotonic() + DEADLINE_S
    with ThreadPoolExecutor(4) as pool:
        while state(gateway, work) != wanted:
            assert time.monotonic() < deadline, f"still {state(gateway, work)}"
            lanes.drain_once(gateway, "backoffice", pool)
            time.sleep(0.02)  # between two looks at the condition


@pytest.mark.parametrize("proof", WAYS)
def test_the_secrets_of_the_environment_are_used(gateway, far, work):
    """For the signature two of them, as while one takes the place of the other."""
    drained_until(gateway, work, "delivered")
    assert [heard.what for heard in far.heard] == ["submit"]


def test_it_is_asked_until_it_decides_although_no_sms_may_leave(gateway, far, work):
    stops.stop(gateway.database, stops.SMS, "a test", "tests", gateway.now())
    drained_until(gateway, work, "delivered")
    drained_until(gateway, work, "acknowledged")  # what the institution says when it is asked
    far.state = ("granted", {"reason": {"fr": "Prêt."}})
    drained_until(gateway, work, "granted")
    asked = len([heard for heard in far.heard if heard.what == "status"])
    assert asked >= 2
    with gateway.database.read() as conn:
        kinds = [event.kind for event in submission_events.of(conn, work)]
    assert kinds == ["received", "delivered", "acknowledged", "decided"]

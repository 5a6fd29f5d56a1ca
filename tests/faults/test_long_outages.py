"""F14, F18, F19: what lasts minutes, hours or a day. The clock of those who wait is put ahead; the rest is real."""

from __future__ import annotations

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.messages import MtState, SubmissionState
from gateway.settings import RestSystem
from gateway.store import mts
from gateway.store import outbox as work
from gateway.store.tables import outbox
from gateway.usecases import letters, writing
from gateway.wiring import Gateway
from gateway.workers import lanes
from tests.faults.town import Town

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

SIX_MINUTES_S = 360


@pytest.mark.fault("F14")
def test_six_minutes_without_a_relay(any_town: Town) -> None:
    """Stored, retried, claimed and sending: whatever was due while nobody looked is done once somebody does."""
    town, earlier = any_town, any_town.later(-SIX_MINUTES_S)
    then = replace(town, gateway=earlier)  # whoever worked six minutes ago, and stopped
    town.world.statuses += [503]
    retried = then.write("Avis refusé une fois")
    with ThreadPoolExecutor(1) as pool:
        assert lanes.drain_once(earlier, "urgent", pool) == (1, 0)
    lost = then.write("Avis dont le travailleur meurt", priority=writing.REPLY_PRIORITY)
    demand = then.submit()
    planned = then.write("Avis prévu", in_s=SIX_MINUTES_S / 2)
    with earlier.parts.database.begin() as conn:
        assert len(work.claim(conn, "backoffice", "dies", 9, 1.5, earlier.now())) == 1
        (sending,) = work.claim(conn, "urgent", "dies too", 1, 1.5, earlier.now())
        assert work.start_sending(conn, sending.id, "dies too", 1.5, earlier.now())
        assert mts.move(conn, lost, MtState.SENDING, "send", "", earlier.now())
    town.world.forget()
    for words in (("worker", "urgent"), ("worker", "backoffice"), ("worker", "upkeep"), ("relay",)):
        town.start(*words)
    town.until(lambda: set(town.open_work()) == {"unknown"} and len(town.world.texts) == 4, "all of it is done")
    assert town.submission(demand).state is SubmissionState.ACKNOWLEDGED
    assert {town.sms_state(sms) for sms in (retried, planned)} == {MtState.ACCEPTED}
    assert town.sms_state(lost) is MtState.UNKNOWN
    assert Counter(town.world.texts).most_common(1)[0][1] == 1
    assert len(town.world.keys) == 1


@pytest.mark.fault("F18")
def test_the_urgent_leave_first_when_the_aggregator_is_back(town: Town) -> None:
    """More notices wait than leave at once, and they waited for longer."""
    town.world.always = 503
    notices = [f"Avis {one}" for one in range(letters.WAVE_CALLS + 20)]
    answers = [f"Réponse {one}" for one in range(10)]
    relay, worker = town.start("relay"), town.start("worker", "urgent")
    for text in notices:
        town.write(text)
    town.until(lambda: len(set(town.world.texts)) == len(notices), "all were tried")
    for text in answers:
        town.write(text, priority=writing.REPLY_PRIORITY)
    town.until(lambda: len(set(town.world.texts)) == len(notices) + len(answers), "the answers were tried")
    for process in (relay, worker):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    town.until(lambda: _due(town) == len(notices) + len(answers), "all are due again")
    town.world.forget()
    for words in (("relay",), ("worker", "urgent")):
        town.start(*words)
    town.until(lambda: len(town.world.taken) == len(notices) + len(answers), "all left")
    assert set(answers) <= set(town.world.taken[: letters.WAVE_CALLS])
    assert Counter(town.world.taken).most_common(1)[0][1] == 1


def _due(town: Town) -> int:
    """How many SMS could be claimed now."""
    now = town.gateway.now()
    with town.gateway.database.read() as conn:
        rows = conn.execute(select(outbox.c.state, outbox.c.due_at, outbox.c.lease_until)).all()
    ready = [row for row in rows if row.state == "ready" and row.due_at <= now]
    return len(ready) + sum(row.state == "claimed" and row.lease_until <= now for row in rows)


@pytest.mark.fault("F19")
def test_an_institution_is_down_for_a_day(any_town: Town) -> None:
    """With the shipped waits and number of tries: the demand waits for it, and is handed over once when it is back."""
    town = any_town
    shipped = RestSystem(institution="anip", kind="rest", url=f"{town.world.url}/office")
    gateway = town.gateway
    systems = {"etat-civil": shipped}
    reference = town.submit()
    row = town.work("submission", town.submission(reference).id)
    town.world.office_always = 503
    began = gateway.now()
    tried = 0
    with ThreadPoolExecutor(1) as pool:
        while (row := town.work("submission", town.submission(reference).id)).due_at < began + timedelta(days=1):
            assert row.state == "ready", f"given up after {tried} tries and {row.due_at - began}"
            later = _with(town.later((row.due_at - gateway.now()).total_seconds() + 1), systems)
            lanes.drain_once(later, "backoffice", pool)
            tried += 1
        town.world.office_always = 202
        assert town.submission(reference).state is SubmissionState.RECEIVED
        lanes.drain_once(
            _with(town.later((row.due_at - gateway.now()).total_seconds() + 60), systems), "backoffice", pool
        )
    assert town.submission(reference).state is SubmissionState.ACKNOWLEDGED
    assert len(set(town.world.keys)) == 1
    assert 20 < tried < 100


def _with(gateway: Gateway, systems: Any) -> Gateway:
    declared = gateway.parts.settings.model_copy(update={"systems": systems})
    return replace(gateway, parts=replace(gateway.parts, settings=declared))

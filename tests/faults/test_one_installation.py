"""F4, F6, F15, F16, F18, F19, F20 on one installation that goes on from one fault to the next: two web processes, two
relays, three workers for SMS. Whatever happened before, nothing of it is left when the next one begins.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from gateway.messages import MtState, SubmissionState
from gateway.store import attempts, migrate
from gateway.store.tables import mos, mts
from gateway.usecases.upkeep import sweep
from tests.e2e.running import free_ports
from tests.faults.conftest import CHOSEN
from tests.faults.front import Front
from tests.faults.outside import World, outside
from tests.faults.town import MSISDN, Process, Town, installation

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

REFERENCE = re.compile(r"\d{4} \d{4} \d{4}")


@dataclass
class Standing:
    """The installation, and its workers that send SMS."""

    town: Town
    front: Front
    senders: list[Process]

    @property
    def world(self) -> World:
        return self.town.world

    def quiet(self) -> bool:
        return not set(self.town.open_work()) - {"unknown"}

    def report(self, text: str, status: str, which: int = 0) -> int:
        """What a web process answers to the report of the SMS with this text."""
        form = {"id": self.world.ids[text], "status": status, "phoneNumber": MSISDN, "networkCode": "61603"}
        return self.front.post(which, "dlr", form)


@pytest.fixture(scope="module", params=CHOSEN)
def started(request, tmp_path_factory, nursery, _redis_server) -> Iterator[Standing]:
    folder = tmp_path_factory.mktemp("standing")
    if request.param == "sqlite":
        url = f"sqlite:///{folder}/gateway.db"
    else:
        url = request.getfixturevalue("_postgres_databases")()
    migrate.upgrade(url)
    with outside() as world, installation(world, nursery, folder, _redis_server, url) as town:
        for words in (("relay",), ("relay",), ("worker", "backoffice")):
            town.start(*words)
        front = Front(town, free_ports(2))
        web = {port: front.begin(port) for port in front.ports}
        for port, process in web.items():
            front.wait(process, port)
        yield Standing(town, front, [town.start("worker", "urgent") for _ in range(3)])
        assert {process.poll() for process in web.values()} == {None}, "they lived to the end"


@pytest.fixture
def standing(started: Standing) -> Iterator[Standing]:
    started.world.forget()
    yield started
    started.world.open.set()
    started.town.until(started.quiet, "nothing is left to do")


@pytest.mark.fault("F5", "F15")
def test_two_relays_and_three_workers_do_what_was_planned_once(standing):
    """Some of it now, some of it at one moment that is still to come."""
    texts = [f"Avis {one}" for one in range(40)]
    for place, text in enumerate(texts):
        standing.town.write(text, in_s=2 * (place % 2))
    standing.town.until(lambda: len(standing.world.texts) == len(texts) and standing.quiet(), "all left")
    assert sorted(standing.world.texts) == sorted(texts)
    assert "locked" not in standing.town.log()


@pytest.mark.fault("F4")
def test_killed_while_the_aggregator_answers(standing):
    """Nobody knows whether it left, nobody sends it again, and its report settles it."""
    town, world = standing.town, standing.world
    world.open.clear()
    sms = town.write("Avis dont la réponse se perd")
    town.until(lambda: world.texts, "the call was made")
    for worker in standing.senders:
        town.kill(worker)
    world.open.set()
    standing.senders[:] = [town.start("worker", "urgent") for _ in standing.senders]
    town.until(lambda: sweep(town.gateway.parts)["lost_sendings"], "the call without answer is found")
    other = town.write("Avis suivant")
    town.until(lambda: town.sms_state(other) is MtState.ACCEPTED, "the lane goes on")
    assert town.sms_state(sms) is MtState.UNKNOWN
    assert standing.report(world.texts[0], "Success") == 200
    assert town.sms_state(sms) is MtState.DELIVERED
    assert Counter(world.texts).most_common(1)[0][1] == 1
    assert len(world.texts) == 2


@pytest.mark.fault("F6", "F7")
def test_a_report_comes_before_the_answer(standing):
    town, world = standing.town, standing.world
    world.open.clear()
    sms = town.write("Avis au rapport pressé")
    town.until(lambda: world.texts, "the call was made")
    assert standing.report(world.texts[0], "Success") == 200
    assert town.sms_state(sms) is MtState.SENDING
    world.open.set()
    town.until(lambda: town.sms_state(sms) is MtState.DELIVERED, "the report was applied when its id was known")
    assert standing.report(world.texts[0], "Sent", which=1) == 200
    assert town.sms_state(sms) is MtState.DELIVERED, "no step back"
    assert len(world.texts) == 1


@pytest.mark.fault("F16")
def test_an_aggregator_that_does_not_answer(standing):
    """The wait is bounded (3 s here), the outcome unknown, and nobody sends it again."""
    town, world = standing.town, standing.world
    world.open.clear()
    sms = town.write("Avis sans réponse")
    town.until(lambda: town.sms_state(sms) is MtState.UNKNOWN, "the call was given up")
    world.open.set()
    other = town.write("Avis après le silence")
    town.until(lambda: town.sms_state(other) is MtState.ACCEPTED, "the lane goes on")
    sweep(town.later(60).parts)
    assert len(world.texts) == 2
    assert standing.report(world.texts[0], "Success") == 200
    assert town.sms_state(sms) is MtState.DELIVERED


@pytest.mark.fault("F18")
def test_an_aggregator_and_an_institution_in_trouble(standing):
    """Each is tried again, the institution by one call at a time, and is taken once when they are well again."""
    town, world = standing.town, standing.world
    world.statuses += [429, 500, 502, 503] * 3
    world.always, world.office_always = 503, 500
    references = [town.submit() for _ in range(10)]
    town.until(lambda: sum(town.tries(reference) for reference in references) >= 15, "the institution was tried")
    town.until(lambda: len(world.texts) >= 20, "the aggregator was tried")
    assert world.taken == []
    world.always, world.office_always = 201, 202
    town.until(lambda: len(world.taken) == 20 and standing.quiet(), "récépissés and acknowledgements left")
    assert Counter(world.taken).most_common(1)[0][1] == 1
    assert len(set(world.keys)) == 10
    with town.gateway.database.read() as conn:
        tried = attempts.of_rows(conn, [town.work("mt", town.sms(one)[0].id).id for one in references])
    assert {one.outcome for one in tried} == {"retry", "done"}
    assert all(town.submission(one).state is SubmissionState.ACKNOWLEDGED for one in references)


@pytest.mark.fault("F19")
def test_nobody_listens_outside(standing):
    """The servers of the aggregator and of the institution are stopped, and started again."""
    town, world = standing.town, standing.world
    world.close()
    references = [town.submit() for _ in range(2)]  # so few that the institution is not left alone for a while
    town.until(lambda: min(town.tries(reference) for reference in references) >= 1, "each was tried")
    world.reopen()
    town.until(lambda: len(world.taken) == 4 and standing.quiet(), "récépissés and acknowledgements left")
    assert Counter(world.taken).most_common(1)[0][1] == 1
    assert Counter(world.keys) == dict.fromkeys(world.keys, 1)
    assert len(world.keys) == 2


def together(*calls):
    """The answers to calls that are made at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(*call) for call in calls]]


@pytest.mark.fault("F20")
def test_a_turn_comes_twice(standing):
    """The last one of a dialogue, to both web processes at once and once more afterwards."""
    front, town = standing.front, standing.town
    steps = ("1", "1", "1111111111", "1", "1")
    number, last = "+2290197000020", "*".join(steps)
    assert front.walk("twice", *steps[:-1], number=number).startswith("CON")
    before = town.demands()
    said = together(*((front.deliver, which, number, "twice", last) for which in (0, 1)))
    said.append(front.deliver(0, number, "twice", last))
    assert len(set(said)) == 1
    assert REFERENCE.search(said[0])
    assert town.demands() == before + 1
    town.until(lambda: len(standing.world.texts) == 2 and standing.quiet(), "a récépissé and an acknowledgement")
    assert len(standing.world.keys) == 1


@pytest.mark.fault("F20")
def test_a_text_comes_twice(standing):
    town = standing.town
    form = {"date": "2026-11-25 08:00:00", "from": "+2290197000021", "id": "twice", "text": "AIDE", "to": "22900"}
    assert together(*((standing.front.post, which, "mo", form) for which in (0, 1))) == [200, 200]
    town.until(lambda: standing.world.texts and standing.quiet(), "it was answered")
    assert standing.front.post(1, "mo", form) == 200
    town.until(standing.quiet, "nothing more is to do")
    assert len(standing.world.texts) == 1
    with town.gateway.database.read() as conn:
        assert conn.execute(select(func.count()).where(mos.c.external_id == "twice")).scalar_one() == 1


@pytest.mark.fault("F9", "F20")
def test_an_event_comes_twice(standing):
    """An institution decides, and its system says so to both web processes at once, and again."""
    front, town = standing.front, standing.town
    reference = town.submit()
    town.until(lambda: len(standing.world.texts) == 2 and standing.quiet(), "it was handed over")
    data = {"reference": reference, "decision": "granted", "message": {"fr": "Venez.", "en": "Come."}}
    now = town.gateway.now()
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = json.dumps({"type": "submission.decided", "timestamp": at, "data": data})
    (secret, *_) = town.gateway.keys.webhook_secrets["etat-civil"]
    headers = {
        "webhook-id": "msg_twice",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_twice", now, body),
        "Content-Type": "application/json",
    }
    call = (front.call, "/backoffice/etat-civil/events", body.encode(), headers)
    said = together(*((call[0], which, *call[1:]) for which in (0, 1, 0)))
    assert {status for status, _ in said} == {200}
    town.until(lambda: len(standing.world.texts) == 3 and standing.quiet(), "the citizen was told")
    assert front.call(1, *call[1:])[0] == 200
    town.until(standing.quiet, "nothing more is to do")
    assert len(standing.world.texts) == 3
    assert town.submission(reference).state is SubmissionState.GRANTED
    with town.gateway.database.read() as conn:
        told = select(func.count()).where(mts.c.submission_id == town.submission(reference).id)
        assert conn.execute(told).scalar_one() == 3

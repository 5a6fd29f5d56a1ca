"""F12, F13: a worker killed between every two steps of a campaign, then a healthy one: no row lost, none twice.

F15: two workers and two relays at once start a scheduled campaign once.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.engine.notification_text import Body, encode
from gateway.messages import CampaignState, Category, Role
from gateway.store import campaigns as stored
from gateway.store import templates
from gateway.usecases import campaigns
from gateway.usecases.actors import Actor
from gateway.workers import lanes

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

STEPPER = Path(__file__).parent / "campaign_stepper.py"
TOO_MANY = 60
#: The leases of whoever was killed are over for a worker whose clock is so much ahead.
LEASE_S = 5
ACTOR = Actor("sender@anip", "anip", frozenset({Role.SENDER}))
#: Five rows in steps of two: three steps of each kind, the last one short.
ROWS = "numero;nom\n" + "".join(f"+229019700000{n};N{n}\n" for n in range(5))


@pytest.fixture
def stepper(any_town: Any) -> Iterator[Callable[[int], str]]:
    process = any_town.run([sys.executable, str(STEPPER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(step: int) -> str:
        process.stdin.write(f"drain bulk {step}\n".encode())
        process.stdin.flush()
        answer: str = process.stdout.readline().decode().strip()
        assert answer, any_town.log()
        return answer

    yield ask
    process.stdin.close()
    process.stdout.close()


def template(town: Any, name: str) -> int:
    now = town.gateway.now()
    body = Body({"fr": "Bonjour {nom}"}, ("fr",), {"nom": 20})
    with town.gateway.database.begin() as conn:
        found = templates.add(conn, "anip", name, "author", now)
        assert found is not None
        said = templates.NewVersion(Category.VITAL, None, "plain", encode(body))
        templates.add_version(conn, found, 1, said, "author", now)
    return found


def started(town: Any, name: str, **more: Any) -> str:
    new = campaigns.NewCampaign(
        template_id=template(town, name), source="file", content=ROWS.encode(), name="f.csv", **more
    )
    return campaigns.start(town.gateway.parts, ACTOR, "anip", new)


def state_of(town: Any, public_id: str) -> CampaignState:
    with town.gateway.database.read() as conn:
        found = stored.by_public_id(conn, public_id)
    assert found is not None
    return found.state


def rows_of(town: Any, public_id: str) -> list[tuple[int, str]]:
    """Number and state of every row, and each has its own SMS or none."""
    query = (
        "SELECT r.number, r.state, r.mt_id FROM campaign_rows r JOIN campaigns c ON c.id = r.campaign_id"
        " WHERE c.public_id = :id ORDER BY r.number"
    )
    with town.gateway.database.read() as conn:
        rows = conn.execute(text(query), {"id": public_id}).all()
        orphans = conn.execute(
            text("SELECT count(*) FROM mts WHERE id NOT IN (SELECT mt_id FROM campaign_rows WHERE mt_id IS NOT NULL)")
        ).scalar_one()
    assert orphans == 0, "every SMS is of a row"
    written = [row.mt_id for row in rows if row.mt_id is not None]
    assert len(set(written)) == len(written)
    return [(row.number, row.state) for row in rows]


def quiet(town: Any, public_id: str, state: CampaignState) -> Callable[[], bool]:
    """Does what a healthy worker does, and tells whether the campaign is where it must come."""

    def look() -> bool:
        with ThreadPoolExecutor(1) as pool:
            lanes.drain_once(town.later(LEASE_S), "bulk", pool)
        return state_of(town, public_id) is state

    return look


@pytest.fixture(autouse=True)
def _slow_aggregator(any_town: Any) -> None:
    any_town.world.texts.clear()


def budget_used(town: Any) -> int:
    with town.gateway.database.read() as conn:
        return int(conn.execute(text("SELECT coalesce(sum(used_f), 0) FROM budgets")).scalar_one())


@pytest.mark.fault("F12", "F13")
def test_f12_f13_while_rows_are_checked(any_town, stepper):
    town = any_town
    seen: list[str] = []
    for step in range(1, TOO_MANY):
        public_id = started(town, f"check-{step}")
        answer = stepper(step)
        town.until(quiet(town, public_id, CampaignState.READY), f"it is checked after {answer}")
        assert rows_of(town, public_id) == [(n, "good") for n in range(1, 6)], answer
        with town.gateway.database.read() as conn:
            campaign = stored.by_public_id(conn, public_id)
        assert campaign is not None
        assert (campaign.rows, campaign.checked, campaign.segments, campaign.cost_f) == (5, 5, 5, 50), answer
        seen.append(answer)
        if answer == "finished":
            break
    assert seen[-1] == "finished"
    # claimed, looked at, begun, three steps, ended: each killed before and after its commit, and the last empty claim
    assert seen.count("killed before commit") == seen.count("killed after commit") == 8


@pytest.mark.fault("F12", "F13")
def test_f12_f13_while_rows_become_sms(any_town, stepper):
    town = any_town
    seen: list[str] = []
    spent = 0
    for step in range(1, TOO_MANY):
        public_id = started(town, f"expand-{step}")
        town.until(quiet(town, public_id, CampaignState.READY), "it is checked")
        campaigns.send(town.gateway.parts, ACTOR, public_id)
        town.world.texts.clear()
        answer = stepper(step)
        town.until(quiet(town, public_id, CampaignState.DONE), f"it is expanded after {answer}")
        assert rows_of(town, public_id) == [(n, "written") for n in range(1, 6)], answer
        town.until(nothing_left(town), f"all has left after {answer}")
        assert len(town.world.texts) == len(set(town.world.texts)), "nobody is written to twice"
        spent += 50
        assert budget_used(town) == spent, answer
        seen.append(answer)
        if answer == "finished":
            break
    assert seen[-1] == "finished"
    assert seen.count("killed before commit") >= 6


def nothing_left(town: Any) -> Callable[[], bool]:
    def look() -> bool:
        with ThreadPoolExecutor(1) as pool:
            worked, _ = lanes.drain_once(town.later(LEASE_S), "bulk", pool)
        with town.gateway.database.read() as conn:
            open_ones = conn.execute(
                text("SELECT count(*) FROM outbox WHERE lane = 'bulk' AND state IN ('ready', 'claimed')")
            ).scalar_one()
        return not worked and not open_ones

    return look


@pytest.mark.fault("F15")
def test_f15_two_relays_and_two_workers_start_it_once(any_town):
    town = any_town
    public_id = started(town, "scheduled", start_at=town.gateway.now() + timedelta(seconds=4))
    town.until(quiet(town, public_id, CampaignState.READY), "it is checked")
    campaigns.send(town.gateway.parts, ACTOR, public_id)
    assert rows_of(town, public_id) == [(n, "good") for n in range(1, 6)]
    for _ in range(2):
        town.start("relay")
        town.start("worker", "bulk")
    town.until(lambda: len(town.world.texts) >= 5, "all of it left")
    town.until(lambda: state_of(town, public_id) is CampaignState.DONE, "it is done")
    assert sorted(town.world.texts) == [f"Bonjour N{n}" for n in range(5)]
    assert rows_of(town, public_id) == [(n, "written") for n in range(1, 6)]
    assert budget_used(town) == 50

"""A new version on a Friday: each process is replaced in turn while citizens dial. Nothing is lost, nothing doubled."""

from __future__ import annotations

import http.client
import itertools
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.messages import MtState, SubmissionState
from gateway.store.backup import _counted
from tests.e2e.running import free_ports
from tests.faults.front import Front
from tests.faults.nursery import Nursery
from tests.faults.outside import World
from tests.faults.town import Process, Town, installation

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

CITIZENS = 3
#: So many demands may wait for the workers: citizens go on while those are replaced, and the test comes to an end.
WAITING = 25
#: A reference as the last screen shows it.
REFERENCE = re.compile(r"\d{4} \d{4} \d{4}")
BEHIND = (("relay",), *(("worker", lane) for lane in ("urgent", "bulk", "backoffice", "upkeep")))


@dataclass
class Citizens:
    """They dial and file, one demand after the other, until they are told to stop."""

    front: Front
    enough: threading.Event = field(default_factory=threading.Event)
    filed: list[str] = field(default_factory=list)  #: references, as the last screens showed them
    wrong: list[str] = field(default_factory=list)  #: replies that should have been others
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Citizens:
        self._threads = [threading.Thread(target=self._life) for _ in range(CITIZENS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        for thread in self._threads:
            thread.join(60)

    def _life(self) -> None:
        while not self.enough.is_set() and not self.wrong:
            if len(self.filed) < len(self.front.town.world.keys) + WAITING:
                self._file(next(self._numbers))
            else:
                self.enough.wait(0.05)  # between two looks at the condition

    def _file(self, one: int) -> None:
        number, session = f"+22901970{one:05d}", f"session-{one}"
        steps = ("1", "1", f"{one:010d}", "1", "1")
        said = ""
        for end in range(len(steps) + 1):
            said = self.front.turn(number, session, "*".join(steps[:end]))
            if not said.startswith("END" if end == len(steps) else "CON"):
                self.wrong.append(said)
                return
        found = REFERENCE.search(said)
        (self.filed if found else self.wrong).append(found[0].replace(" ", "") if found else said)


def test_every_process_is_replaced_while_citizens_dial(town: Town) -> None:
    front = Front(town, free_ports(2))
    web = [front.start(port) for port in front.ports]
    behind = {words: town.start(*words) for words in BEHIND}
    with Citizens(front) as citizens:
        town.until(lambda: len(citizens.filed) >= CITIZENS or citizens.wrong, "the first demands")
        release = town.run([*_gateway(), "migrate"])
        assert release.wait(60) == 0
        town.running.remove(release)
        for place, port in enumerate(front.ports):
            leave(town, web[place])
            web[place] = front.start(port)
        for words, process in behind.items():
            leave(town, process)
            behind[words] = town.start(*words)
        so_far = len(citizens.filed)
        town.until(lambda: len(citizens.filed) >= so_far + CITIZENS or citizens.wrong, "demands on the new processes")
    assert citizens.wrong == [], town.log()[-4000:]
    settled(town, citizens.filed)
    assert "Traceback" not in town.log()


def leave(town: Town, process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0, town.log()[-4000:]
    town.running.remove(process)


def settled(town: Town, filed: list[str]) -> None:
    """Waits until all is done, then counts: each demand once, each SMS once, each hand-over once."""
    assert len(set(filed)) == len(filed)

    def done() -> bool:
        taken = SubmissionState.ACKNOWLEDGED
        return all(
            town.submission(one).state is taken and all(mt.state is MtState.ACCEPTED for mt in town.sms(one))
            for one in filed
        )

    town.until(done, "everything is told and handed over")
    with town.gateway.database.read() as conn:
        rows = _counted(conn)
    assert rows["submissions"] == len(filed), "none that no citizen was shown, none twice"
    assert rows["mts"] == 2 * len(filed), "a récépissé and an acknowledgement each"
    assert Counter(town.world.texts).most_common(1)[0][1] == 1
    assert len(town.world.texts) == 2 * len(filed)
    # Offered again, under its key, when the lease of a slow machine ended: one demand for the institution.
    assert len(set(town.world.keys)) == len(filed)


@pytest.mark.postgres
def test_a_turn_in_hand_is_answered_before_the_process_ends(postgres_town: Town, postgres_url: str) -> None:
    town = postgres_town
    front = Front(town, free_ports(1))
    web = front.start(front.ports[0])
    said: list[str] = []
    steps = ("1", "1", "1234567890", "1", "1")
    for end in range(len(steps)):
        assert front.turn("+2290197000000", "s", "*".join(steps[:end])).startswith("CON")
    with psycopg.connect(postgres_url) as lock, psycopg.connect(postgres_url, autocommit=True) as watch:
        lock.execute("LOCK TABLE submissions IN ACCESS EXCLUSIVE MODE")
        last = threading.Thread(target=lambda: said.append(front.turn("+2290197000000", "s", "*".join(steps))))
        last.start()
        waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        town.until(lambda: watch.execute(waits).fetchone(), "the turn waits in the database")
        web.send_signal(signal.SIGTERM)
        town.until(lambda: refuses(front.ports[0]), "nobody new is let in")
        assert web.poll() is None, "it waits for the turn in its hands"
        lock.rollback()
        last.join(20)
    assert web.wait(20) == 0
    town.running.remove(web)
    assert said[0].startswith("END")
    assert "déposée" in said[0]


@pytest.fixture
def postgres_town(world: World, nursery: Nursery, tmp_path: Path, redis_url: str, postgres_url: str) -> Iterator[Town]:
    with installation(world, nursery, tmp_path, redis_url, postgres_url) as made:
        yield made


def refuses(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    finally:
        connection.close()
    return False


def _gateway() -> list[str]:
    return [sys.executable, "-m", "gateway.cli"]

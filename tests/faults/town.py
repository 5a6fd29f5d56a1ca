"""One installation on loopback: real processes, a real database, and what a test asks of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import settings, wiring
from gateway.engine.outcomes import Act, Submission
from gateway.messages import Category, MtState
from gateway.store import holdings, mts, outbox, submissions
from gateway.usecases import writing
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from tests.faults.nursery import Born, Nursery
from tests.faults.outside import World

Process = Born | subprocess.Popen[bytes]

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60
MSISDN = "+2290197000000"


def wait_until(condition: Callable[[], Any], what: Callable[[], str], deadline_s: float = DEADLINE_S) -> Any:
    """What `condition` gives once it is true; the test fails, and says `what`, when it does not become so in time."""
    ends_at = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > ends_at:
            pytest.fail(f"not within {deadline_s} s: {what()}")
        time.sleep(0.05)  # between two looks at the condition


@dataclass
class Town:
    """One installation: its environment, what a process of it would build, and the processes that a test starts."""

    world: World
    nursery: Nursery
    environ: dict[str, str]
    gateway: wiring.Gateway
    folder: Path
    running: list[Process] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self, *words: str) -> Process:
        """`gateway <words>` as a process of its own."""
        if words[0] in ("worker", "relay"):
            self.running.append(self.nursery.start(words, self.environ, self.folder / "log"))
            return self.running[-1]
        return self.run([sys.executable, "-m", "gateway.cli", *words])

    def run(self, command: list[str], **pipes: Any) -> subprocess.Popen[bytes]:
        watched = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*watched, *command], env=self.environ, cwd=ROOT, stderr=log, **{"stdout": log, **pipes}
            )
        self.running.append(process)
        return process

    def kill(self, process: Process) -> None:
        process.kill()
        process.wait(DEADLINE_S)
        self.running.remove(process)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Waits for a condition of this installation."""
        return wait_until(condition, lambda: f"{what}\n{self.open_work()}\n{self.log()[-4000:]}")

    def stop(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(DEADLINE_S)
        self.running.clear()

    def submit(self) -> str:
        """The reference of a new submission, stored as a web process stores it."""
        turn = next(self._turns)
        npi = f"{turn:010d}"
        args = Submission(
            system="etat-civil",
            fields={"npi": npi},
            personal=frozenset({"npi"}),
            subject=(("npi", npi),),
            label=f"...{npi[-4:]}",
            language="fr",
            assurance="number",
        )
        caller = Caller(MSISDN, "africastalking", "61603", "fr")
        answer = submit(self.gateway.parts, Act("submit", "acte-naissance", 0, args), caller, turn.to_bytes(32))
        assert answer.outcome == "submitted"
        return str(answer.values["reference"].raw)

    def later(self, seconds: float) -> wiring.Gateway:
        """What a process of it would build whose clock is so much ahead: leases and waits are over for it."""
        parts, ahead = self.gateway.parts, timedelta(seconds=seconds)
        return replace(self.gateway, parts=replace(parts, now=lambda: parts.now() + ahead))

    def write(self, text: str, *, priority: int = writing.NOTICE_PRIORITY, in_s: float = 0.0) -> int:
        """The id of a new SMS to MSISDN, due in so many seconds."""
        parts = self.gateway.parts
        at = parts.now() + timedelta(seconds=in_s)
        with parts.database.begin() as conn:
            holding = holdings.open_holding(conn, parts.seals, MSISDN, at)
            new = writing.Text(
                holding_id=holding,
                msisdn=MSISDN,
                text=text,
                template="notice",
                category=Category.PROCEDURE,
                language="fr",
                priority=priority,
            )
            written = writing.write(conn, parts, new, at)
        assert written is not None
        return written

    def sms_state(self, mt_id: int) -> MtState:
        with self.gateway.database.read() as conn:
            found = mts.by_id(conn, mt_id)
        assert found is not None
        return found.state

    def tries(self, reference: str) -> int:
        """How often the récépissé and the hand-over of a demand were tried, whichever was tried less."""
        demand = self.submission(reference)
        return min(self.work("mt", self.sms(reference)[0].id).attempts, self.work("submission", demand.id).attempts)

    def demands(self) -> int:
        with self.gateway.database.read() as conn:
            return sum(submissions.count_by_state(conn).values())

    def open_work(self) -> dict[str, int]:
        """How many rows are in each state but `done`."""
        with self.gateway.database.read() as conn:
            rows = outbox.counts(conn)
        return {state: sum(row.rows for row in rows if row.state == state) for state in {row.state for row in rows}}

    def submission(self, reference: str) -> submissions.StoredSubmission:
        with self.gateway.database.read() as conn:
            found = submissions.by_reference(conn, self.gateway.parts.seals, reference)
        assert found is not None
        return found

    def sms(self, reference: str) -> tuple[mts.Mt, ...]:
        with self.gateway.database.read() as conn:
            return mts.of_submission(conn, self.submission(reference).id)

    def work(self, kind: outbox.Kind, target_id: int) -> outbox.OutboxRow:
        with self.gateway.database.read() as conn:
            (row,) = outbox.of_target(conn, kind, target_id)
        return row

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""  # no process was started yet


def _configuration(world: World) -> dict[str, Any]:
    """Short leases and waits: what takes a minute in life takes a second here."""
    return {
        "channels": {
            "africastalking": {
                "kind": "africastalking",
                "username": "test",
                "api_key_env": "AT_API_KEY",
                "base_url": f"{world.url}/version1",
                "sms": True,
                "dlr": "handset",
                "read_timeout_s": 3,
            }
        },
        "ceilings": {"per_number_day": 100_000},
        "senders": {"s": {"channel": "africastalking", "tps": 10_000, "cost_f": 10}},
        "sms": {
            "sender": "s",
            "lease_s": 4,
            "sending_deadline_s": 4,
            "attempts": 10_000,
            "first_retry_s": 0.2,
            "longest_retry_s": 1,
        },
        "institutions": {"anip": {"name": {"fr": "ANIP", "en": "ANIP"}, "budget_f": 1_000_000}},
        "systems": {
            "etat-civil": {
                "institution": "anip",
                "kind": "rest",
                "url": f"{world.url}/office",
                "read_timeout_s": 3,
                "lease_s": 4,
                "first_retry_s": 0.2,
                "longest_retry_s": 1,
                "ask_every_s": 0.5,
            }
        },
    }


@contextmanager
def installation(world: World, nursery: Nursery, folder: Path, redis_url: str, database_url: str) -> Iterator[Town]:
    """An installation in `folder`; at the end its processes are stopped."""
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump(_configuration(world)))
    data = folder / "data"
    data.mkdir()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
        "GATEWAY_CONFIG": str(config),
        "GATEWAY_DATA": str(data),
        "GATEWAY_MENUS": str(ROOT / "menus"),
        "GATEWAY_REDIS": redis_url,
        "GATEWAY_DATABASE_URL": database_url,
        "GATEWAY_SIMULATOR_BIND": "none",
        "AT_API_KEY": "key-of-the-tests",
        "PYTHONPATH": str(ROOT),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AT_API_KEY", environ["AT_API_KEY"])
        gateway = wiring.build(settings.load(environ))
    town = Town(world, nursery, environ, gateway, folder)
    try:
        yield town
    finally:
        world.open.set()
        town.stop()
        gateway.close()

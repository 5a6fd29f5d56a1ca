"""The faults of the storm, one after the other from a seed, and the calm after it."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis
import requests
from sqlalchemy import select

from gateway.store.tables import outbox
from gateway.usecases.upkeep import sweep
from tests.faults.storm.citizens import Citizens
from tests.faults.storm.processes import Installation
from tests.faults.storm.tally import Tally, World, take

#: Seconds from one fault to the next.
PAUSE_S = (0.3, 2.5)
#: How long everything may take to settle afterwards.
SETTLES_S = 240
#: What befalls, and how often among a hundred.
_FAULTS = {"kill": 45, "freeze": 14, "empty_redis": 9, "database": 10, "world": 22}
#: How the outside world misbehaves for a while; what leaves an SMS unknown comes more often than the rest.
_SWITCHES: tuple[tuple[str, str | bool | int], ...] = (
    ("deliver_twice", "after"),
    ("deliver_twice", "together"),
    ("drop_next_reply", True),
    ("delay_ms", 400),
    ("fail_sends", "error_500"),
    ("fail_sends", "too_many"),
    *[("fail_sends", "time_out")] * 4,
    ("reports", "early"),
    ("reports", "twice"),
    ("reports", "reversed"),
    ("backoffice_down", True),
)
_CALM = {
    "deliver_twice": "no",
    "drop_next_reply": False,
    "delay_ms": 0,
    "fail_sends": "no",
    "reports": "normal",
    "backoffice_down": False,
}


@dataclass
class Weather:
    """Makes one fault at a time; `say` is told of each."""

    installation: Installation
    chance: random.Random
    say: Callable[[str], object]
    began: float = field(default_factory=time.monotonic)
    _later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def blow(self, seconds: float) -> None:
        """Faults for `seconds`; what dies is started again all the while."""
        ends_at = self.began + seconds
        next_at = self.began + self.chance.uniform(*PAUSE_S)
        while time.monotonic() < ends_at:
            self.installation.tick()
            now = time.monotonic()
            if next_at <= now:
                self._fault()
                next_at = now + self.chance.uniform(*PAUSE_S)
            for due_at, undo in [one for one in self._later if one[0] <= now]:
                self._later.remove((due_at, undo))
                undo()
            threading.Event().wait(0.05)  # between two looks at the processes

    def clear(self) -> None:
        """Nothing is broken any more."""
        for _, undo in self._later:
            undo()
        self._later.clear()
        self._switch(_CALM)
        self.installation.calm()

    def _fault(self) -> None:
        kind = self.chance.choices(list(_FAULTS), list(_FAULTS.values()))[0]
        # Drawn whatever happens, so that one seed is one sequence on every machine.
        place, seconds, which = self.chance.random(), self.chance.uniform(0.5, 6), self.chance.random()
        names = self.installation.names()
        name = names[int(place * len(names))]
        match kind:
            case "kill":
                self._note(f"kill {name}")
                self.installation.kill(name, lambda group: group[int(which * len(group))])
            case "freeze":
                self._note(f"freeze {name} for {seconds:.1f} s")
                self.installation.freeze(name, seconds)
            case "empty_redis":
                self._note("empty Redis")
                with suppress(redis.RedisError), redis.Redis.from_url(self.installation.redis_url) as client:
                    client.flushall()
            case "database":
                self._note(f"database away for {seconds / 2:.1f} s")
                self._database(seconds / 2)
            case "world":
                switch, value = _SWITCHES[int(which * len(_SWITCHES))]
                self._note(f"world: {switch}={value} for {seconds:.1f} s")
                self._switch({switch: value})
                self._after(seconds, lambda: self._switch({switch: _CALM[switch]}))

    def _database(self, seconds: float) -> None:
        """SQLite: somebody holds its lock; PostgreSQL: every connection to it ends."""
        if self.installation.database_url:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            with psycopg.connect(self.installation.database_url, autocommit=True) as admin:
                admin.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())
            return
        file = self.installation.gateway.settings.database_url.removeprefix("sqlite:///") or str(
            self.installation.data / "gateway.db"
        )
        held = sqlite3.connect(file, timeout=2, isolation_level=None)
        with suppress(sqlite3.OperationalError):
            held.execute("BEGIN IMMEDIATE")
        self._after(seconds, held.close)

    def _after(self, seconds: float, undo: Callable[[], object]) -> None:
        self._later.append((time.monotonic() + seconds, undo))

    def _switch(self, switches: object) -> None:
        answer = requests.put(f"{self.installation.simulator_url}/api/switches", json=switches, timeout=30)
        answer.raise_for_status()

    def _note(self, what: str) -> None:
        self.say(f"{time.monotonic() - self.began:6.1f} s  {what}")


def run(
    folder: Path, seed: int, seconds: float, database_url: str, citizens: int, say: Callable[[str], object]
) -> Tally:
    """Starts a system in `folder`, lets the storm blow over it for so many seconds, lets it settle, and counts."""
    say(f"storm of {seconds:g} s, seed {seed}, on {'PostgreSQL' if database_url else 'SQLite'}")
    installation = Installation(folder, database_url)
    try:
        installation.start()
        weather = Weather(installation, random.Random(seed), say)
        with Citizens(installation.simulator_url, seed, citizens) as people:
            weather.blow(seconds)
            weather.clear()
            people.enough.set()
            while people.alive():
                installation.tick()
                threading.Event().wait(0.1)  # between two looks at the processes
        say(f"{time.monotonic() - weather.began:6.1f} s  calm")
        _settle(installation, people)
        say(f"{time.monotonic() - weather.began:6.1f} s  settled")
        return take(installation.gateway, people, World.of(installation.simulator_url))
    finally:
        installation.stop()


def _settle(installation: Installation, people: Citizens) -> None:
    """Waits until nothing is left to do here or there; after SETTLES_S what is left is counted as lost."""
    parts = installation.gateway.parts
    ends_at = time.monotonic() + SETTLES_S
    open_rows = select(outbox.c.id).where(outbox.c.state.in_(("ready", "claimed", "sending")))
    while time.monotonic() < ends_at:
        installation.tick()
        sweep(parts)  # what the upkeep does every half minute
        with parts.database.read() as conn:
            here = len(conn.execute(open_rows).all())
        if not here and _quiet(World.of(installation.simulator_url)):
            return
        threading.Event().wait(0.5)  # between two looks at it


def _quiet(world: World) -> bool:
    events = [event for case in world.cases for event in case["events"]]
    texts = [text for phone in world.phones.values() for text in phone["outbox"]]
    decided = all(case["state"] in ("granted", "refused", "asked") for case in world.cases)
    return (
        decided
        and all(event["state"] == "taken" for event in events)
        and all(text["posting"] != "posting" for text in texts)
    )

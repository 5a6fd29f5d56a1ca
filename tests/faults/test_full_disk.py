"""F23: the disk is full. Nothing is half stored, the citizen is told so, who brings something is asked to come back."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.messages import MtState
from gateway.store import migrate
from gateway.store.backup import _counted
from tests.e2e.running import free_ports
from tests.faults.front import Front
from tests.faults.nursery import Nursery
from tests.faults.outside import World
from tests.faults.town import MSISDN, Process, Town, installation

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

APOLOGY = "END Service momentanément indisponible. Rien n'a été envoyé. Réessayez plus tard."
STEPS = ("1", "1", "1234567890", "1", "1")
TEXT = {"date": "2026-11-25 08:00:00", "from": MSISDN, "id": "A1", "text": "AIDE", "to": "22900"}
REPORT = {"id": "ATXid_none", "status": "Success", "phoneNumber": MSISDN, "networkCode": "61603"}
OPT_OUT = {"senderId": "22900", "phoneNumber": "+2290197000099"}
DISK = "24m"


@dataclass
class Disk:
    """A small file system of its own; where none can be mounted, a limit on the files of each process."""

    folder: Path
    mounted: bool = False
    processes: list[int] = field(default_factory=list)

    def fill(self) -> None:
        if not self.mounted:
            self._limit(0)  # no byte may be written to any file
            return
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 4096)

    def free(self) -> None:
        if self.mounted:
            (self.folder / "filler").unlink()
        else:
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for process in self.processes:
            _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield Disk(folder, mounted)
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def crowded(world: World, nursery: Nursery, disk: Disk, redis_url: str) -> Iterator[Town]:
    """An installation whose data and logs are on that disk."""
    url = f"sqlite:///{disk.folder}/gateway.db"
    migrate.upgrade(url)
    with installation(world, nursery, disk.folder, redis_url, url) as town:
        yield town


def rows(town: Town) -> dict[str, int]:
    with town.gateway.database.read() as conn:
        return {name: count for name, count in _counted(conn).items() if name not in ("beats", "daily")}


def pids(process: Process) -> list[int]:
    """A process and those that it started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [process.pid, *map(int, children)]


def bring(front: Front) -> list[int]:
    return [front.post(0, route, form) for route, form in (("mo", TEXT), ("dlr", REPORT), ("optout", OPT_OUT))]


@pytest.mark.fault("F23")
def test_the_disk_is_full_and_then_it_is_not(crowded: Town, disk: Disk) -> None:
    town, world = crowded, crowded.world
    front = Front(town, free_ports(1))
    web = front.start(front.ports[0])
    relay, worker = town.start("relay"), town.start("worker", "urgent")
    assert "déposée" in front.walk("s1", *STEPS)
    town.until(lambda: len(world.texts) == 1, "the récépissé left")
    assert front.walk("s2", "1", "1", "1234567891", "1").startswith("CON")
    world.open.clear()
    calling = town.write("Avis en cours quand le disque est plein")
    town.until(lambda: len(world.texts) == 2, "the call was made")
    before = rows(town)

    disk.processes = [pid for one in (web, relay, worker) for pid in pids(one)]
    disk.fill()
    for _ in range(2):
        assert front.turn(MSISDN, "s2", "*".join(("1", "1", "1234567891", "1", "1"))) == APOLOGY
    assert bring(front) == [503, 503, 503]
    assert front.walk("s3", "2").startswith("CON"), "what is only read goes on"
    assert rows(town) == before
    world.open.set()  # the aggregator took it, and nothing can be stored
    town.until(lambda: len(world.taken) == 2, "the aggregator answered")

    disk.free()
    town.until(lambda: bring(front) == [200, 200, 200], "what was brought is taken")
    assert "déposée" in front.walk("s4", "1", "1", "1234567892", "1", "1")
    town.until(lambda: town.sms_state(calling) is MtState.ACCEPTED, "the answer was kept until there was room")
    town.until(lambda: len(world.texts) == 4, "a récépissé and the answer to the text left")
    assert len(set(world.texts)) == 4
    assert town.demands() == 2
    assert {process.poll() for process in (web, relay, worker)} == {None}
    assert shutil.disk_usage(disk.folder).free > 0

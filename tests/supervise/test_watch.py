"""The watcher in a process of its own, with real children and grandchildren."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.supervise.processes import holding, wait_until

#: A child that has a child; both would wait for ever.
FAMILY = "echo up >> {folder}/$NAME.ups; sleep 600 & wait"


class Watched:
    def __init__(self, folder, *commands):
        self.folder = folder
        script = Path(__file__).with_name("watcher.py")
        arguments = [part.format(folder=folder) for part in commands]
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, str(script), str(folder), *arguments],
                env={**os.environ, "TEST_MARK": str(folder)},
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def said(self):
        return (self.folder / "said").read_text()

    def ups(self, name):
        """How many times this process has started."""
        path = self.folder / f"{name}.ups"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def alive(self, part=""):
        """Our living processes; `part` is in their command line, and \\0 stands before its first word."""
        return [pid for pid, command in holding(str(self.folder)).items() if part in f"\0{command}"]

    def leader(self, name):
        """The shell of this process: leader of its group."""
        return next(pid for pid in holding(f"NAME={name}") if pid in self.alive() and os.getpgid(pid) == pid)


@pytest.fixture
def watched(tmp_path):
    made = []

    def watched(*commands):
        made.append(Watched(tmp_path, *commands))
        return made[-1]

    yield watched
    for one in made:
        one.process.kill()
        one.process.wait()
        wait_until(lambda one=one: not one.alive(), what="no orphan")


def test_what_dies_is_started_again_and_its_own_children_with_it(watched):
    system = watched("web", FAMILY, "redis", FAMILY)
    wait_until(lambda: len(system.alive("\0sleep 600")) == 2)
    before = set(system.alive("\0sleep 600"))
    os.kill(system.leader("web"), signal.SIGKILL)
    wait_until(lambda: system.ups("web") == 2)
    wait_until(lambda: len(after := system.alive("\0sleep 600")) == 2 and len(before & set(after)) == 1)
    assert "web stopped (signal 9); it starts again in 0.05 s" in system.said()
    assert system.ups("redis") == 1


def test_the_wait_doubles_while_it_keeps_dying(watched):
    system = watched("web", "exit 3")
    wait_until(lambda: system.said().count("code 3") >= 3)
    assert [line.split(" in ")[1].split(" s")[0] for line in system.said().splitlines()[:3]] == ["0.05", "0.1", "0.2"]


def test_stop_leaves_nothing_and_stops_redis_last(watched):
    note = "trap 'echo $NAME >> {folder}/order; exit' TERM; echo up >> {folder}/$NAME.ups; sleep 600 & wait"
    system = watched("redis", note, "web", note, "worker", "sleep 0.1; " + note)
    wait_until(lambda: all(system.ups(name) for name in ("redis", "web", "worker")))
    system.process.terminate()
    assert system.process.wait(timeout=20) == 0
    assert not system.alive()
    order = (system.folder / "order").read_text().split()
    assert (sorted(order[:2]), order[2]) == (["web", "worker"], "redis")


def test_one_that_does_not_stop_is_killed_after_the_grace(watched):
    system = watched("web", "trap '' TERM; echo up >> {folder}/$NAME.ups; while :; do sleep 1; done", "redis", FAMILY)
    wait_until(lambda: system.ups("web") and system.ups("redis"))
    system.process.terminate()
    assert system.process.wait(timeout=20) == 0
    assert not system.alive()


def test_no_orphan_when_the_watcher_is_killed(watched):
    system = watched("web", FAMILY, "redis", FAMILY)
    wait_until(lambda: system.ups("web") and system.ups("redis"))
    system.process.kill()
    system.process.wait()
    wait_until(lambda: not system.alive(), what="no orphan")


def test_the_data_stay_locked_until_nothing_is_left(watched, tmp_path):
    system = watched("web", "trap '' TERM; echo up >> {folder}/$NAME.ups; while :; do sleep 1; done")
    wait_until(lambda: system.ups("web"))
    with (tmp_path / "lock").open("rb") as ours:
        system.process.kill()
        system.process.wait()
        with pytest.raises(BlockingIOError):
            fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
        wait_until(lambda: not system.alive(), what="no orphan")
        fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_killed_guardian_is_replaced(watched):
    system = watched("web", FAMILY)
    (first,) = wait_until(lambda: system.alive("guardian.py"))
    wait_until(lambda: system.ups("web"))
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: [pid for pid in system.alive("guardian.py") if pid != first])
    system.process.kill()
    system.process.wait()
    wait_until(lambda: not system.alive(), what="no orphan")


def test_a_long_log_is_set_aside_at_the_next_start(watched, tmp_path):
    (tmp_path / "web.log").write_bytes(b"x" * 10_000_001)
    system = watched("web", "echo new; " + FAMILY)
    wait_until(lambda: system.ups("web"))
    assert (tmp_path / "web.log").read_bytes() == b"new\n"
    assert (tmp_path / "web.log.1").stat().st_size == 10_000_001

"""The guardian, as a real process with real groups: when its pipe closes, nothing it was told of is left."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.supervise import guardian
from tests.supervise.processes import gone, wait_until

#: A leader with a child of its own in the same group; both print nothing and wait.
FAMILY = ["sh", "-c", "sleep 600 & wait"]
STUBBORN = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]


@pytest.fixture
def start():
    started = []

    def start(command):
        process = subprocess.Popen(command, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def guard(grace_s, *arguments):
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guardian.__file__, str(grace_s), *map(str, arguments)],
        stdin=subprocess.PIPE,
        bufsize=0,
    )


@pytest.mark.parametrize(
    ("command", "grace_s"),
    [(FAMILY, 5), (STUBBORN, 0.2)],
    ids=["asked to stop, with what it started", "killed after the grace"],
)
def test_groups_end_when_the_pipe_closes(start, command, grace_s):
    process = start(command)
    watcher = guard(grace_s)
    watcher.stdin.write(b"+%d\n" % process.pid)
    watcher.stdin.close()
    process.wait(timeout=10)
    assert watcher.wait(timeout=10) == 0
    wait_until(lambda: gone(process.pid))


def test_a_group_that_ended_before_is_left_alone(start):
    process = start(FAMILY)
    watcher = guard(5)
    watcher.stdin.write(b"+%d\n-%d\n" % (process.pid, process.pid))
    watcher.stdin.close()
    assert watcher.wait(timeout=10) == 0
    assert process.poll() is None


def test_signals_do_not_stop_it_and_its_folder_goes(start, tmp_path):
    folder = tmp_path / "sockets"
    folder.mkdir()
    process = start(FAMILY)
    watcher = guard(5, folder)
    watcher.stdin.write(b"+%d\n" % process.pid)
    wait_until(lambda: _ignored(watcher.pid) & 0x4003 == 0x4003)  # SIGHUP (bit 0), SIGINT (1), SIGTERM (14)
    watcher.terminate()
    assert folder.exists()
    assert process.poll() is None
    watcher.stdin.close()
    process.wait(timeout=10)
    assert watcher.wait(timeout=10) == 0
    assert not folder.exists()


def _ignored(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("SigIgn:")[2].split()[0], 16)

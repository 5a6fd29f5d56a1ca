"""Counting in several processes: one sum, which no ended process takes anything from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import metrics

COUNT = """
import sys
from gateway import metrics
metrics.start((), ())
metrics.ussd_turns.labels("c", "continue").inc(int(sys.argv[1]))
metrics.ussd_turn_seconds.labels("c").observe(0.003)
print("counted", flush=True)
sys.stdin.read()
"""


class Counting:
    """A process that counted `amount` turns and waits."""

    def __init__(self, folder: Path, amount: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNT, str(amount)],
            env={**os.environ, metrics.FOLDER: str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "counted\n"

    def end(self) -> None:
        self.process.communicate(timeout=20)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(metrics.FOLDER, str(tmp_path / "metrics"))
    return tmp_path / "metrics"


def said(name: str) -> float | None:
    for line in metrics.exposition().decode().splitlines():
        if line.startswith(name):
            return float(line.split()[-1])
    return None


def test_processes_are_added_up_and_the_ended_are_not_lost(folder: Path) -> None:
    first, second = Counting(folder, 2), Counting(folder, 3)
    turns, observed = (
        'ussd_turns_total{channel="c",outcome="continue"}',
        'ussd_turn_duration_seconds_count{channel="c"}',
    )
    assert (said(turns), said(observed)) == (5, 2)
    first.end()
    for _ in range(2):  # folded, then read from where they were folded to
        assert (said(turns), said(observed)) == (5, 2)
    assert len(list(folder.glob("counter_*.db"))) == 2, "that of the living process, and one of all that ended"
    second.end()
    third = Counting(folder, 4)
    assert (said(turns), said(observed)) == (9, 3)
    third.end()
    assert said(turns) == 9
    assert {file.name for file in folder.glob("*.db")} == {"counter_0.db", "histogram_0.db"}


def test_a_process_that_dies_while_folding_costs_nothing(folder: Path) -> None:
    Counting(folder, 2).end()
    (folder / "counter.new").write_bytes(b"half a file")
    assert said("ussd_turns_total") == 2


def test_without_a_folder_a_process_tells_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(metrics.FOLDER, raising=False)
    metrics.start((), ())
    assert b"# HELP ussd_turns_total Turns answered" in metrics.exposition()


def test_what_alerts_look_at_begins_at_zero(folder: Path) -> None:
    code = "from gateway import metrics; metrics.start(('c',), ('sms_francs',))"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
    for name in (
        'ussd_turns_total{channel="c",outcome="unavailable"}',
        'sms_messages_total{channel="c",outcome="stop"}',
    ):
        assert said(name) == 0
    assert said('sms_withheld_total{scope="sms_francs"}') == 0


def test_a_disk_that_fills_up_kills_nobody(folder: Path) -> None:
    """The files are written through memory: every page of them must be on the disk before it is needed."""
    one = Counting(folder, 1)
    files = list(folder.glob("*.db"))
    assert {file.name.rpartition("_")[0] for file in files} == {"counter", "histogram"}
    assert all(file.stat().st_blocks * 512 >= file.stat().st_size > 0 for file in files)
    one.end()
    assert said("ussd_turns_total") == 1
    assert all(file.stat().st_blocks * 512 >= file.stat().st_size > 0 for file in folder.glob("*.db"))


def test_no_room_to_fold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Counting(folder, 2).end()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        assert said("ussd_turns_total") == 2
    assert said("ussd_turns_total") == 2

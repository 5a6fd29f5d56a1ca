"""A short storm (`python -m tests.faults.storm`); `make faults` has long ones. STORM_SEED, STORM_SECONDS say which."""

from __future__ import annotations

import os

import pytest

from tests.faults.storm.weather import run

SEED = int(os.environ.get("STORM_SEED", "2974"))
SECONDS = float(os.environ.get("STORM_SECONDS", "20"))

pytestmark = [pytest.mark.processes, pytest.mark.storm, pytest.mark.timeout(SECONDS + 600)]


@pytest.mark.fault("F1", "F2", "F3", "F4", "F5", "F7", "F9", "F10", "F18", "F20")
def test_nothing_is_lost_and_nothing_doubled(storm_url: str, tmp_path, capsys) -> None:
    with capsys.disabled():
        print()
        tally = run(tmp_path, SEED, SECONDS, storm_url, 4, print)
        print(tally)
    assert tally.good, tally
    assert tally.submissions > 1, "citizens came through"
    assert tally.sms > tally.submissions

"""F23: the disk is full. Nothing is half stored, the citizen is told so, and the aggregator is asked to come back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.messages import MtState
from gateway.store import outbox
from gateway.usecases.upkeep import sweep

pytestmark = pytest.mark.processes


def test_a_full_disk(town):
    script = Path(__file__).parent / "full_disk.py"
    process = town.run([sys.executable, str(script)], stdout=subprocess.PIPE)
    told, _ = process.communicate(timeout=60)
    town.running.remove(process)
    citizen, aggregator = told.decode().split("\n")[:2]
    assert citizen == "unavailable", town.log()
    # A limit on the size of files is an I/O error to SQLite, where a full disk is "full": the answer is the same.
    assert aggregator in ("StoreUnavailable full", "StoreUnavailable away"), town.log()
    with town.gateway.database.read() as conn:
        rows = {(row.lane, row.state.value): row.rows for row in outbox.counts(conn)}
    # As many récépissés as demands: what was stored before was stored whole.
    assert rows.get(("urgent", "ready"), 0) == rows.get(("backoffice", "ready"), 0)
    reference = town.submit()  # room again: all goes on
    assert town.sms(reference)[0].state is MtState.CREATED
    assert "submissions_erased" in sweep(town.gateway.parts)

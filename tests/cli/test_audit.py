"""`gateway audit`: what it prints, and its exit status."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway import keys
from gateway.store import holdings, sealed
from gateway.store.db import open_database
from tests.cli.test_commands import gateway  # noqa: F401 - the fixture


@pytest.fixture
def started(gateway, tmp_path):  # noqa: F811 - the fixture
    """An installation whose database holds one demand, with a history of one entry."""
    assert gateway("migrate").returncode == 0
    assert gateway("keys", "status").returncode == 0
    seals = sealed.build(keys.load_or_create(tmp_path / "keys.json", os.urandom, (), ()), os.urandom)
    database = open_database(f"sqlite:///{tmp_path}/gateway.db")
    with database.begin() as conn:
        holdings.open_holding(conn, seals, "+2290197000000", datetime(2026, 11, 24, tzinfo=UTC))
    database.close()
    at = "'2026-11-24 10:00:00.000000'"
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as opened:
        for line in (
            "INSERT INTO submissions (reference, service, menu_version, system, institution, holding_id, channel, "
            "language, assurance, sensitive, state, idempotency_key, case_number, receipt_key_id, submitted_at) VALUES "
            f"('482109375628', 's', 'v', 's', 'i', 1, 'c', 'fr', 'number', 1, 'received', 'k', '', 'r', {at})",
        ):
            opened.execute(line)
        opened.commit()
    return tmp_path / "gateway.db"


def test_whole_or_not(gateway, started: Path) -> None:  # noqa: F811 - the fixture
    done = gateway("audit", "verify")
    assert done.returncode == 1
    assert "demand 482109375628 (id 1): its whole history was removed\n" in done.stdout
    assert "1 histories, 0 entries, 0 checkpoints, 0 data: 1 flaws\n" in done.stdout
    with closing(sqlite3.connect(started)) as opened:
        opened.execute("DELETE FROM submissions")
        opened.commit()
    done = gateway("audit", "verify")
    assert (done.returncode, done.stdout) == (0, "0 histories, 0 entries, 0 checkpoints, 0 data: whole\n")
    done = gateway("audit", "verify", "--since", "ab" * 32)
    assert done.returncode == 1
    assert "no checkpoint has the root that was noted" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reference", "482109375620"), "482109375620: no such demand"),
        (("--since", "ab"), "--since: a root has 64 hexadecimal digits"),
    ],
)
def test_mistakes_are_sentences(gateway, started: Path, arguments, said) -> None:  # noqa: F811 - the fixture
    done = gateway("audit", "verify", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_keys_are_printed_and_replaced(gateway, started: Path) -> None:  # noqa: F811 - the fixture
    line = re.compile(r"(c[0-9a-f]{6}-[0-9a-f]{6})  ([A-Za-z0-9+/]{43}=)  (.+)")
    (first,) = line.findall(gateway("audit", "key").stdout)
    assert first[2] == "signs now"
    assert gateway("keys", "rotate").returncode == 0
    before, after = line.findall(gateway("audit", "key").stdout)
    assert before[:2] == first[:2]
    assert before[2].startswith("until 20")
    assert after[0] != first[0]
    assert after[2] == "signs now"

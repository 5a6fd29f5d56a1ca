"""An institution's files: a worker killed between every two changes of the disk, and in the middle of each write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import settings, wiring
from gateway.backoffice import drop_files
from gateway.engine.outcomes import Act, Submission
from gateway.messages import BackofficeRequest, HandOver, SubmissionState
from gateway.store import mts, outbox, submissions
from gateway.usecases import drop
from gateway.usecases.caller import Caller
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
STEPPER = Path(__file__).parent / "drop_stepper.py"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#: More steps than anything here has: each walk ends by itself, at the first step that is not reached.
TOO_MANY = 120
CONFIG: dict[str, Any] = {
    "channels": {"at": {"kind": "africastalking", "username": "test", "sms": True}},
    "senders": {"s": {"channel": "at"}},
    "sms": {"sender": "s"},
    "ceilings": {"per_number_day": 100_000},
    "institutions": {"mairie": {"name": {"fr": "Mairie", "en": "Town hall"}}},
    "systems": {
        "etat-civil": {
            "institution": "mairie",
            "kind": "drop",
            "folder": "days",
            "answers_folder": "answers",
            "webhook_secret_env": "PAPIER_SECRET",
        }
    },
}


class Office:
    """An installation whose one institution works by files, and a stepper beside it."""

    def __init__(self, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "gateway.yaml").write_text(yaml.safe_dump(CONFIG))
        self.days, self.answers, self.log = folder / "days", folder / "answers", folder / "log"
        monkeypatch.setenv("PAPIER_SECRET", SECRET)
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")},
            "GATEWAY_CONFIG": str(folder / "gateway.yaml"),
            "GATEWAY_DATA": str(folder),
            "GATEWAY_MENUS": str(ROOT / "menus"),
            "GATEWAY_REDIS": "unix:///none",
            "GATEWAY_DATABASE_URL": database_url,
            "GATEWAY_SIMULATOR_BIND": "none",
            "PYTHONPATH": str(ROOT),
        }
        self.gateway = wiring.build(settings.load(environ))
        self.parts = self.gateway.parts
        self.office = drop.drops(self.parts)["etat-civil"]
        self.answers.mkdir()
        with self.log.open("wb") as log:
            self.stepper = subprocess.Popen(
                [sys.executable, str(STEPPER)],
                env=environ,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._turn = 0

    def step(self, what: str, at: int) -> str:
        assert self.stepper.stdin is not None
        assert self.stepper.stdout is not None
        self.stepper.stdin.write(f"{what} {at}\n")
        self.stepper.stdin.flush()
        answer = self.stepper.stdout.readline().strip()
        assert answer, self.log.read_text()
        return answer

    def stop(self) -> None:
        assert self.stepper.stdin is not None
        assert self.stepper.stdout is not None
        self.stepper.stdin.close()
        self.stepper.wait(30)
        self.stepper.stdout.close()
        self.gateway.close()

    def submit(self) -> str:
        """The reference of a new demand whose line is in the file."""
        self._turn += 1
        fields = {"npi": f"{self._turn:010d}"}
        args = Submission("etat-civil", fields, frozenset({"npi"}), (), "", "fr", "number")
        caller = Caller("+2290197000000", "at", "61603", "fr")
        answer = submit(self.parts, Act("submit", "acte-naissance", 0, args), caller, self._turn.to_bytes(32))
        with self.gateway.database.begin() as conn:
            rows = outbox.claim(conn, "backoffice", f"t{self._turn}", 10, 60, self.parts.now())
        hand_over(self.parts, rows)
        return str(answer.values["reference"].raw)

    def keys(self) -> list[str]:
        """The keys of all closed lines; every file that can be seen is whole and has its right signature."""
        found = []
        for day in sorted(self.days.glob("*.jsonl")):
            content = day.read_bytes()
            assert drop_files.is_signed((SECRET,), day.name, content, day.with_name(f"{day.name}.sig").read_bytes())
            found += [json.loads(line)["key"] for line in content.splitlines()]
        return found


@pytest.fixture
def office(tmp_path, sqlite_url, monkeypatch):
    made = Office(tmp_path, sqlite_url, monkeypatch)
    yield made
    made.stop()


AT, NUMBER = datetime(2026, 11, 23, 13, 5, tzinfo=UTC), "+2290197000000"
REQUEST = BackofficeRequest("k", "482109375625", "acte-naissance", AT, "", "fr", NUMBER, "number", {"a": "b"})


def test_writing_a_line(office):
    """Killed anywhere in it, and offered again: the line is there once, and what was there before still is."""
    written = []
    for step in range(1, TOO_MANY):
        answer = office.step(f"submit:k{step}", step)
        again = replace(REQUEST, idempotency_key=f"k{step}")
        assert office.office.submit(again).outcome is HandOver.QUEUED
        written.append(f"k{step}")
        if answer == "finished":
            break
    assert answer == "finished"
    assert step > 6
    office.office.close_days(early=True)
    assert office.keys() == written


def test_closing_a_day(office):
    """Killed anywhere in it, while others go on writing: each line is in one file, once, however often it is closed."""
    seen = []
    for step in range(1, TOO_MANY):
        key = f"k{step}"
        shutil.rmtree(office.days, ignore_errors=True)  # else there is more to do each time
        office.office.submit(replace(REQUEST, idempotency_key=key))
        seen.append(office.step("close", step))
        assert office.keys() in ([], [key])  # nothing but whole files, at any moment
        office.office.submit(replace(REQUEST, idempotency_key=f"{key}-later"))
        office.office.close_days(early=True)
        assert sorted(office.keys()) == [key, f"{key}-later"], seen[-1]
        if seen[-1] == "finished":
            break
    assert seen[-1] == "finished"
    for change in ("in the middle of write", "after replace", "after fsync", "after unlink"):
        assert f"killed {change}" in seen


def test_reading_answers(office):
    """Killed anywhere in it: every good line has its effect once, the file ends in one place, with its report."""
    seen = []
    for step in range(1, TOO_MANY):
        reference, name = office.submit(), f"r{step}.jsonl"
        lines = [
            {"id": f"{step}-a", "type": "submission.acknowledged", "data": {"reference": reference, "case": "M"}},
            {"id": f"{step}-b", "type": "submission.lost", "data": {"reference": reference}},
            {"id": f"{step}-c", "type": "submission.decided", "data": {"reference": reference, "decision": "granted"}},
        ]
        content = b"".join(
            json.dumps({**line, "timestamp": "2026-11-24T09:00:00Z"}).encode() + b"\n"
            for line in (lines if step % 2 else [lines[0], lines[2]])
        )
        (office.answers / name).write_bytes(content)
        (office.answers / f"{name}.sig").write_bytes(drop_files.sign((SECRET,), name, content))
        seen.append(office.step("read", step))
        drop.read_answers(office.parts, office.office)
        with office.gateway.database.read() as conn:
            found = submissions.by_reference(conn, office.parts.seals, reference)
            told = [mt.template for mt in mts.of_submission(conn, found.id)][1:]
        assert found.state is SubmissionState.GRANTED, seen[-1]
        assert told == ["acknowledged_case", "decided_granted"], seen[-1]
        place = office.answers / ("refused" if step % 2 else "read")
        assert (place / name).read_bytes() == content, seen[-1]
        if step % 2:
            assert "line 2" in (place / f"{name}.txt").read_text(), seen[-1]
        assert not (office.answers / name).exists(), seen[-1]
        if seen[-1] == "finished" and step % 2:
            break
    assert seen[-1] == "finished"
    for change in ("before commit", "after commit", "after rename", "after replace"):
        assert f"killed {change}" in seen

"""Answer files of an institution: real files, real databases; what the upkeep does with them."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.backoffice import drop_files
from gateway.backoffice.build import build
from gateway.messages import SubmissionState
from gateway.settings import DropSystem
from gateway.store import submission_events
from gateway.usecases import drop, upkeep
from gateway.usecases.drop import Read
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
UNKNOWN = "482109375625"


class Town:
    """A bench whose institution works by files, and one demand in its file."""

    def __init__(self, bench, act, caller, folder, **settings) -> None:
        # What the system says of files is dated by its own clock: this bench's goes with it, and is turned from there.
        bench.time = datetime.now(UTC)
        self.bench, self.folder, self.answers = bench, folder / "days", folder / "answers"
        more = {"folder": "days", "answers_folder": "answers", "answers_max_bytes": 4096, **settings}
        declared = DropSystem(institution="anip", kind="drop", **more)
        self.office = build(
            "etat-civil",
            declared,
            token="",
            now=lambda: bench.time,
            secrets=(SECRET,),
            data=folder,
            zone=ZoneInfo("Africa/Porto-Novo"),
        )
        settings = bench.parts.settings.model_copy(update={"systems": {"etat-civil": declared}})
        bench.parts = replace(bench.parts, settings=settings, systems={"etat-civil": self.office})
        self.number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
        hand_over(bench.parts, bench.claim("backoffice"))
        self.answers.mkdir()

    def put(self, name, *lines, signature=b"", raw=None) -> None:
        """An answer file and its right signature; `signature` None: none, or another one."""
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines) if raw is None else raw
        (self.answers / name).write_bytes(content)
        if signature is not None:
            signature = signature or drop_files.sign((SECRET,), name, content)
            (self.answers / f"{name}.sig").write_bytes(signature)

    def event(self, event_id="e1", type_="submission.acknowledged", **data):
        told = {"reference": self.number, **data}
        return {"id": event_id, "type": type_, "timestamp": "2026-11-24T09:00:00Z", "data": told}

    def read(self):
        return drop.read_answers(self.bench.parts, self.office)

    def waiting(self):
        return sorted(one.name for one in self.answers.iterdir() if not one.is_dir())

    def moved(self, to):
        place = self.answers / to
        return sorted(one.name for one in place.iterdir()) if place.is_dir() else []

    def report(self, name) -> str:
        return (self.answers / "refused" / f"{name}.txt").read_text()

    def state(self):
        return self.bench.submission(self.number).state

    def templates(self):
        return [mt.template for mt in self.bench.sms(self.number)][1:]


@pytest.fixture
def town(bench, act, caller, tmp_path):
    return Town(bench, act, caller, tmp_path)


@pytest.fixture
def sqlite_town(sqlite_bench, act, caller, tmp_path):
    return Town(sqlite_bench, act, caller, tmp_path)


def test_from_the_file_of_the_day_to_the_decision(town):
    assert town.state() is SubmissionState.QUEUED
    assert town.templates() == []  # nobody has said that it is taken
    town.bench.later(days=1)
    upkeep.sweep(town.bench.parts)
    (day,) = town.folder.glob("*.jsonl")
    assert json.loads(day.read_text())["data"]["reference"] == town.number
    town.put("r1.jsonl", town.event("e1", "submission.delivered"), town.event("e2", case="M-1"))
    decided = {"decision": "granted", "message": {"fr": "Passez."}}
    town.put("r2.jsonl", town.event("e3", "submission.decided", **decided))
    counts = upkeep.sweep(town.bench.parts)
    assert (counts["answers_read"], counts["answers_refused"]) == (2, 0)
    assert (town.waiting(), town.moved("refused")) == ([], [])
    assert town.moved("read") == ["r1.jsonl", "r1.jsonl.sig", "r2.jsonl", "r2.jsonl.sig"]
    assert town.state() is SubmissionState.GRANTED
    assert town.templates() == ["acknowledged_case", "decided_granted_message"]
    with town.bench.parts.database.read() as conn:
        kinds = [one.kind for one in submission_events.of(conn, town.bench.submission(town.number).id)]
    assert kinds == ["received", "queued", "delivered", "acknowledged", "decided"]


def test_a_file_read_twice_has_one_effect(town):
    town.put("r.jsonl", town.event("e1", case="M-1"))
    assert town.read() == Read(1, 0)
    town.put("r.jsonl", town.event("e1", case="M-1"))
    assert town.read() == Read(1, 0)
    assert town.moved("read") == ["r-2.jsonl", "r-2.jsonl.sig", "r.jsonl", "r.jsonl.sig"]
    assert town.templates() == ["acknowledged_case"]


def test_two_workers_at_once(town):
    for number in range(5):
        town.put(f"r{number}.jsonl", town.event(f"e{number}"))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: upkeep.sweep(town.bench.parts), range(4)))
    town.read()
    assert len(town.moved("read")) == 10
    assert town.templates() == ["acknowledged"]


BAD = [
    # line, what the report says of it, remark
    (b"{", "not an event", "broken JSON"),
    (b"[]", "not an event", "no object"),
    (b"\xff\xfe", "not an event", "not UTF-8"),
    (b"[" * 2000, "not an event", "endless nesting"),
    (b'{"id":"","type":"submission.acknowledged"}', '"id": 1 to 128', "an empty id"),
    (b'{"type":"submission.acknowledged"}', "not an event", "no id"),
    (b'{"id":"x y","type":"submission.acknowledged"}', '"id": 1 to 128', "an id with a space"),
    ({"type_": "submission.lost"}, '"type" is unknown', "a type of nobody's"),
    ({"type_": "submission.decided"}, "not an event", "a decision without a decision"),
    ({"reference": "482109375620"}, '"reference": 12 digits', "a slip in the reference"),
    ({"reference": UNKNOWN}, "no demand of your institution", "no such demand"),
    ({"case": "C" * 25}, "not an event", "a case number of 25"),
]


@pytest.mark.parametrize("row", BAD, ids=lambda row: row[-1])
def test_a_bad_line_stops_no_other(sqlite_town, row):
    line, said, _ = row
    town = sqlite_town
    bad = line if isinstance(line, bytes) else json.dumps(town.event("bad", **line)).encode()
    before, after = (
        town.event("e1", "submission.in_progress"),
        town.event("e2", "submission.decided", decision="refused"),
    )
    raw = b"\xef\xbb\xbf" + json.dumps(before).encode() + b"\r\n" + bad + b"\n\n" + json.dumps(after).encode()
    town.put("r.jsonl", raw=raw)
    assert town.read() == Read(0, 1)
    assert town.state() is SubmissionState.REFUSED
    assert town.moved("refused") == ["r.jsonl", "r.jsonl.sig", "r.jsonl.txt"]
    told = town.report("r.jsonl")
    assert f"line 2: {said}" in told
    assert "ligne 2 : " in told
    assert "line 1" not in told
    assert "line 4" not in told
    assert town.number not in told  # a report repeats nothing


def test_another_systems_demand_is_unknown(sqlite_town):
    town = sqlite_town
    with town.bench.parts.database.begin() as conn:
        conn.exec_driver_sql("UPDATE submissions SET system = 'impots'")
    town.put("r.jsonl", town.event())
    assert town.read() == Read(0, 1)
    assert "no demand of your institution" in town.report("r.jsonl")
    assert town.state() is SubmissionState.QUEUED


WRONG = [
    # signature, what the report says, remark
    (None, "is missing", "none"),
    (b"0" * 64, "does not fit", "another one"),
    (drop_files.sign((SECRET,), "other.jsonl", b"x\n"), "does not fit", "of another file"),
    (b"\xff" * 100, "does not fit", "no text"),
    (b"0" * 5000, "is missing", "too large to be one"),
]


@pytest.mark.parametrize("row", WRONG, ids=lambda row: row[-1])
def test_without_its_right_signature_it_waits_and_is_then_refused(sqlite_town, row):
    signature, said, _ = row
    town = sqlite_town
    town.put("r.jsonl", town.event(), signature=signature)
    assert town.read() == Read()
    town.bench.later(seconds=3500)
    assert town.read() == Read()
    assert "r.jsonl" in town.waiting()
    town.bench.later(seconds=200)
    assert town.read() == Read(0, 1)
    assert said in town.report("r.jsonl")
    assert "Rien de ce fichier n'a été pris" in town.report("r.jsonl")
    assert town.state() is SubmissionState.QUEUED


def test_half_a_file_becomes_a_whole_one(sqlite_town):
    """The signature came first, or the copy is slow: nothing of half a file is taken."""
    town = sqlite_town
    whole = b"".join(json.dumps(town.event(f"e{n}", case="M")).encode() + b"\n" for n in range(2))
    signature = drop_files.sign((SECRET,), "r.jsonl", whole)
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        town.put("r.jsonl", raw=whole[:size], signature=signature)
        assert town.read() == Read()
    assert town.state() is SubmissionState.QUEUED
    town.put("r.jsonl", raw=whole, signature=signature)
    assert town.read() == Read(1, 0)


def test_what_is_not_for_us_is_left_alone(sqlite_town):
    town = sqlite_town
    for name in (".r.jsonl", "r.jsonl.part", "r.csv", "read.txt"):
        town.put(name, town.event(), signature=None)
    town.bench.later(days=1)
    assert town.read() == Read()
    assert len(town.waiting()) == 4


def test_links_pipes_folders_and_giants(sqlite_town, tmp_path):
    town = sqlite_town
    secret = tmp_path / "keys.json"
    secret.write_text(json.dumps(town.event()))
    (town.answers / "link.jsonl").symlink_to(secret)
    (town.answers / "nowhere.jsonl").symlink_to(tmp_path / "missing")
    (town.answers / "folder.jsonl").mkdir()
    os.mkfifo(town.answers / "pipe.jsonl")
    town.put("giant.jsonl", raw=b" " * 4097)
    town.put("large.jsonl", raw=b" " * 4096)
    assert town.read() == Read(1, 5)
    for name, said in (("link", "a link"), ("nowhere", "a link"), ("folder", "not a file"), ("pipe", "not a file")):
        assert said in town.report(f"{name}.jsonl")
    assert "too large" in town.report("giant.jsonl")
    assert secret.read_text() == json.dumps(town.event())
    assert town.read() == Read()


def test_a_signature_that_is_a_link(sqlite_town, tmp_path):
    town = sqlite_town
    town.put("r.jsonl", town.event(), signature=None)
    (tmp_path / "s").write_bytes(drop_files.sign((SECRET,), "r.jsonl", (town.answers / "r.jsonl").read_bytes()))
    (town.answers / "r.jsonl.sig").symlink_to(tmp_path / "s")
    assert town.read() == Read()
    assert town.state() is SubmissionState.QUEUED


def test_strange_names_go_nowhere_else(sqlite_town, tmp_path):
    town = sqlite_town
    town.read()  # makes the lock
    names = ("..r.jsonl", "a b\n;$(x).jsonl", "é" * 100 + ".jsonl", "\udcff.jsonl")
    for name in names:
        town.put(name, town.event(), signature=None)
    town.bench.later(days=1)
    before = {one for one in tmp_path.rglob("*") if town.answers not in one.parents}
    assert town.read() == Read(0, 3)  # the first one is hidden
    assert {one for one in tmp_path.rglob("*") if town.answers not in one.parents} == before
    assert all(name.isascii() for name in town.moved("refused"))


@pytest.mark.parametrize("place", ["read", "refused"])
def test_a_link_in_the_place_of_our_folders(sqlite_town, tmp_path, place):
    """Whoever puts answers can also put a link there: nothing is written through it, and the file stays."""
    town = sqlite_town
    (tmp_path / "elsewhere").mkdir()
    (town.answers / place).symlink_to(tmp_path / "elsewhere")
    town.put("r.jsonl", *([town.event()] if place == "read" else [town.event(reference=UNKNOWN)]))
    counts = drop.sweep(town.bench.parts)
    assert counts["answers_read"] == counts["answers_refused"] == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert "r.jsonl" in town.waiting()


def test_a_database_that_is_away_leaves_the_file(sqlite_town):
    town = sqlite_town
    town.put("r.jsonl", town.event())
    with town.bench.parts.database.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE backoffice_events RENAME TO gone")
    assert drop.sweep(town.bench.parts)["answers_read"] == 0
    assert town.waiting() == ["r.jsonl", "r.jsonl.sig"]
    with town.bench.parts.database.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE gone RENAME TO backoffice_events")
    assert drop.sweep(town.bench.parts)["answers_read"] == 1


def test_one_institutions_folder_does_not_stop_the_others(sqlite_town, tmp_path):
    town = sqlite_town
    declared = DropSystem(institution="anip", kind="drop", folder="/nonexistent/a", answers_folder="/nonexistent/b")
    zone = ZoneInfo("Africa/Porto-Novo")
    broken = build("a-broken", declared, token="", now=lambda: town.bench.time, secrets=(SECRET,), zone=zone)
    systems = {"a-broken": broken, **town.bench.parts.systems}
    town.bench.parts = replace(town.bench.parts, systems=systems)
    town.put("r.jsonl", town.event())
    assert drop.sweep(town.bench.parts)["answers_read"] == 1


def test_old_answers_are_erased(sqlite_town):
    town = sqlite_town
    town.put("good.jsonl", town.event())
    town.put("bad.jsonl", town.event(reference=UNKNOWN))
    (town.answers / "alone.jsonl.sig").write_bytes(b"x")
    town.read()
    town.bench.later(days=29, hours=23)
    assert drop.erase_old(town.bench.parts, town.office) == 0
    assert town.waiting() == []  # a signature without a file holds nothing
    town.bench.later(hours=2)
    assert drop.erase_old(town.bench.parts, town.office) == 2
    assert (town.moved("read"), town.moved("refused")) == ([], [])
    assert timedelta(days=30) == timedelta(days=town.office.settings.keep_days)

"""Days' files on a real disk: what is in them, when they are closed, and what the disk may do meanwhile."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.backoffice import drop_files
from gateway.backoffice.base import LookupResult
from gateway.backoffice.build import build
from gateway.messages import (
    BackofficeReminder,
    BackofficeRequest,
    BackofficeStatement,
    HandOver,
    OnBehalf,
    StatementKind,
)
from gateway.settings import DropSystem

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER = "whsec_eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="
MONDAY = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)  #: 14:05 in Porto-Novo
REQUEST = BackofficeRequest(
    idempotency_key="k-1f",
    reference="482109375628",
    service="acte-naissance",
    submitted_at=MONDAY,
    promised_on="2026-11-26",
    language="fr",
    msisdn="+2290197000000",
    assurance="number",
    fields={"npi": "1234567890", "nom": "Adéọlá\nSossa"},
)
SAID = BackofficeStatement("s-1", "482109375628", "acte-naissance", StatementKind.ANSWER, "Sossa", MONDAY, "evt_1")


class Folder:
    """One institution's folder and a clock that tests turn."""

    def __init__(self, path: Path, **settings: object) -> None:
        self.time, self.path = MONDAY, path / "drop" / "mairie"
        more = {"folder": "drop/mairie", "answers_folder": "drop/mairie-answers", **settings}
        declared = DropSystem(institution="mairie", kind="drop", **more)
        self.office = build(
            "papier",
            declared,
            token="",
            now=lambda: self.time,
            secrets=(SECRET,),
            data=path,
            zone=ZoneInfo("Africa/Porto-Novo"),
        )

    def files(self) -> list[str]:
        return sorted(one.name for one in self.path.iterdir() if one.suffix == ".jsonl")

    def keys(self) -> list[str]:
        """The keys of all closed lines, in order; every file must have its right signature."""
        keys = []
        for name in self.files():
            content = (self.path / name).read_bytes()
            assert drop_files.is_signed((SECRET,), name, content, (self.path / f"{name}.sig").read_bytes())
            assert content == b"" or content.endswith(b"\n")
            keys += [json.loads(line)["key"] for line in content.splitlines()]
        return keys

    def submit(self, key: str = "k-1f", **more: object) -> object:
        return self.office.submit(replace(REQUEST, idempotency_key=key, **more))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def folder_with(tmp_path):
    return lambda **settings: Folder(tmp_path, **settings)


def test_a_day_in_the_file(folder):
    office = folder.office
    assert (folder.submit().outcome, folder.submit().code) == (HandOver.QUEUED, "written")
    assert office.withdraw("482109375628", "k-1f").outcome is HandOver.ACCEPTED
    assert office.state(SAID).outcome is HandOver.ACCEPTED
    assert office.remind(BackofficeReminder("r-1", "482109375628", "a", "2026-11-26")).outcome is HandOver.ACCEPTED
    assert folder.files() == []
    folder.time += timedelta(days=1)
    assert [(one.name, one.lines) for one in office.close_days()] == [("papier-2026-11-23.jsonl", 4)]
    lines = (folder.path / "papier-2026-11-23.jsonl").read_text().splitlines()
    data = {
        "reference": "482109375628",
        "service": "acte-naissance",
        "submitted_at": "2026-11-23T13:05:00Z",
        "promised_date": "2026-11-26",
        "language": "fr",
        "assurance": "number",
        "applicant": {"msisdn": "+2290197000000"},
        "fields": {"npi": "1234567890", "nom": "Adéọlá\nSossa"},
    }
    said = {
        "reference": "482109375628",
        "service": "acte-naissance",
        "kind": "answer",
        "text": "Sossa",
        "question": "evt_1",
        "said_at": "2026-11-23T13:05:00Z",
    }
    late = {"reference": "482109375628", "service": "a", "promised_date": "2026-11-26"}
    assert [json.loads(line) for line in lines] == [
        {"key": "k-1f", "type": "submission.received", "data": data},
        {"key": "k-1f-withdrawal", "type": "submission.withdrawn", "data": {"reference": "482109375628"}},
        {"key": "s-1", "type": "submission.statement", "data": said},
        {"key": "r-1", "type": "submission.late", "data": late},
    ]
    assert office.poll("482109375628", "") == ()
    assert office.lookup("s", {}, "", "fr", 1) == LookupResult("unavailable")


def test_for_somebody_else(folder):
    folder.submit(on_behalf=OnBehalf.DECLARED, relation="mère", helper_msisdn="+2290197000001")
    folder.office.close_days(early=True)
    (line,) = (folder.path / folder.files()[0]).read_text().splitlines()
    assert json.loads(line)["data"]["on_behalf"] == {
        "kind": "declared",
        "relation": "mère",
        "helper": {"msisdn": "+2290197000001"},
        "delivery": "in_person",
    }


def test_the_same_key_is_one_line_with_what_was_written_last(folder):
    for key, language in (("k1", "fr"), ("k2", "fr"), ("k1", "en"), ("k1", "en")):
        folder.submit(key, language=language)
    folder.office.close_days(early=True)
    assert folder.keys() == ["k1", "k2"]
    first = (folder.path / folder.files()[0]).read_text().splitlines()[0]
    assert json.loads(first)["data"]["language"] == "en"


def test_what_is_offered_again_the_next_day_is_not_told_twice(folder):
    """The answer of the first time was lost with its worker: the same key, and the day's file is closed."""
    folder.submit("k1")
    folder.time += timedelta(days=1)
    folder.office.close_days()
    folder.submit("k1")
    folder.submit("k2")
    folder.time += timedelta(days=1)
    folder.office.close_days()
    assert folder.keys() == ["k1", "k2"]


HOURS = [
    # close_hour, local time, day of the file, remark
    (24, (23, 59), "2026-11-23", "midnight: the last minute"),
    (24, (0, 0), "2026-11-23", "midnight: the first minute"),
    (20, (19, 59), "2026-11-23", "the last minute of the day"),
    (20, (20, 0), "2026-11-24", "from then on it is the next one's"),
    (1, (0, 59), "2026-11-23", "the earliest hour"),
    (1, (1, 0), "2026-11-24", "the earliest hour"),
]


@pytest.mark.parametrize("row", HOURS, ids=lambda row: f"{row[0]} {row[1]} {row[3]}")
def test_the_hour_at_which_a_day_ends(folder_with, row):
    close_hour, (hour, minute), day, _ = row
    folder = folder_with(close_hour=close_hour, empty_days=False)
    folder.time = datetime(2026, 11, 23, hour, minute, tzinfo=ZoneInfo("Africa/Porto-Novo"))
    folder.submit()
    assert folder.office.close_days() == ()
    folder.time += timedelta(days=1)
    assert [one.name for one in folder.office.close_days()] == [f"papier-{day}.jsonl"]


def test_days_that_nobody_closed_are_made_up_for(folder):
    """An empty day has its file too; the upkeep may have been away for days."""
    folder.office.close_days()  # the first look: the day is open
    folder.time += timedelta(days=3)
    folder.submit("k1")
    folder.time += timedelta(days=1)
    folder.office.close_days()
    assert folder.files() == [f"papier-2026-11-{day}.jsonl" for day in (23, 24, 25, 26)]
    assert folder.keys() == ["k1"]
    folder.time += timedelta(days=400)
    assert len(folder.office.close_days()) == 32  # the day that was open, and the last 31


def test_no_file_for_an_empty_day(folder_with):
    folder = folder_with(empty_days=False)
    folder.office.close_days()
    folder.time += timedelta(days=3)
    assert folder.office.close_days() == ()
    assert folder.files() == []


def test_closed_early_by_a_person(folder):
    folder.submit("k1")
    assert len(folder.office.close_days(early=True)) == 1
    assert folder.office.close_days(early=True) == ()
    folder.submit("k2")
    assert [one.name for one in folder.office.close_days(early=True)] == ["papier-2026-11-23-2.jsonl"]
    folder.time += timedelta(days=1)
    assert folder.office.close_days() == ()  # nothing came since, and the day has its file
    assert sorted(folder.keys()) == ["k1", "k2"]


def test_a_file_that_was_fetched_and_taken_away_does_not_come_again(folder):
    folder.submit("k1")
    folder.office.close_days(early=True)
    for one in folder.path.glob("papier-*"):
        one.unlink()
    folder.submit("k1")
    folder.submit("k2")
    folder.time += timedelta(days=1)
    folder.office.close_days()
    assert folder.files() == ["papier-2026-11-23-2.jsonl"]
    assert folder.keys() == ["k2"]


def test_old_files_are_erased(folder_with):
    folder = folder_with(keep_days=2)
    for day in range(4):
        folder.submit(f"k{day}")
        folder.time += timedelta(days=1)
        folder.office.close_days()
    assert folder.office.erase_old() == 2
    assert folder.files() == ["papier-2026-11-25.jsonl", "papier-2026-11-26.jsonl"]
    assert sorted(one.name for one in folder.path.glob("*.sig")) == [f"{name}.sig" for name in folder.files()]
    folder.time += timedelta(days=30)
    folder.office.erase_old()
    assert list(folder.path.glob("papier-*")) == []
    assert list((folder.path / ".open").glob("*.done")) == []


@pytest.mark.parametrize(("readable_by", "file", "place"), [("owner", 0o600, 0o700), ("group", 0o640, 0o750)])
def test_who_may_read(folder_with, readable_by, file, place):
    folder = folder_with(readable_by=readable_by)
    folder.submit()
    (opened,) = (folder.path / ".open").glob("*.jsonl")
    assert opened.stat().st_mode & 0o777 == 0o600
    assert (folder.path / ".open").stat().st_mode & 0o777 == 0o700
    assert folder.path.stat().st_mode & 0o777 == place
    folder.office.close_days(early=True)
    assert {one.stat().st_mode & 0o777 for one in folder.path.glob("papier-*")} == {file}


@pytest.mark.parametrize("tail", [b'{"key":"k9"', b"{", b"\0\0\0", b'{"key":"k9","type":"x","data":{}}'])
def test_a_line_that_a_crash_cut_off_is_taken_away(folder, tail):
    """It was never answered QUEUED: it is offered again."""
    folder.submit("k1")
    (opened,) = (folder.path / ".open").glob("*.jsonl")
    with opened.open("ab") as file:
        file.write(tail)
    folder.submit("k2")
    with opened.open("ab") as file:
        file.write(tail)
    folder.office.close_days(early=True)
    assert folder.keys() == ["k1", "k2"]


def test_a_cut_off_line_longer_than_what_is_looked_at_in_one_go(folder):
    folder.submit("k1")
    (opened,) = (folder.path / ".open").glob("*.jsonl")
    with opened.open("ab") as file:
        file.write(b"x" * 200_000)
    folder.submit("k2")
    folder.office.close_days(early=True)
    assert folder.keys() == ["k1", "k2"]


def test_a_line_that_the_disk_has_damaged_stops_nothing(folder):
    folder.submit("k1")
    (opened,) = (folder.path / ".open").glob("*.jsonl")
    opened.write_bytes(b"\0\0\xff\n" + opened.read_bytes())
    folder.office.close_days(early=True)
    content = (folder.path / folder.files()[0]).read_bytes()
    assert content.startswith(b"\0\0\xff\n")
    assert json.loads(content.splitlines()[1])["key"] == "k1"


def test_a_disk_without_room(folder):
    """RETRY, and not half a line: a limit on the size of files stands for the full disk."""
    folder.submit("k1")
    (opened,) = (folder.path / ".open").glob("*.jsonl")
    size = opened.stat().st_size
    pid = os.fork()
    if pid == 0:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))
        answer = folder.submit("k2")
        os._exit(0 if (answer.outcome, answer.code) == (HandOver.RETRY, "not_written") else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert opened.stat().st_size == size
    folder.submit("k3")
    folder.office.close_days(early=True)
    assert folder.keys() == ["k1", "k3"]


def test_a_disk_that_is_not_there_is_not_replaced_by_a_folder(tmp_path):
    """A folder outside the data folder stands on a disk of its own: where its parent is missing, nothing is made."""
    folder = Folder(tmp_path / "data", folder=f"{tmp_path}/disk/mairie", answers_folder=f"{tmp_path}/disk/answers")
    answer = folder.submit()
    assert (answer.outcome, answer.code) == (HandOver.RETRY, "no_folder")
    assert not (tmp_path / "disk").exists()
    (tmp_path / "disk").mkdir()
    assert folder.submit().outcome is HandOver.QUEUED


def test_a_link_in_the_place_of_the_folder(folder, tmp_path):
    folder.path.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    folder.path.symlink_to(tmp_path / "elsewhere")
    assert folder.submit().code == "no_folder"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_put_in_the_way_while_a_folder_is_made(folder, tmp_path, monkeypatch):
    """Who may write into the folder of answers may rename what was just made in it: nothing elsewhere gets its mode."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    make = os.mkdir

    def hostile(path, mode=0o777, *, dir_fd=None):
        make(path, mode, dir_fd=dir_fd)
        os.rmdir(path, dir_fd=dir_fd)
        os.symlink(keys, path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", hostile)
    with pytest.raises(NotADirectoryError), drop_files.folder(tmp_path / "read", 0o750):
        pass
    assert keys.stat().st_mode & 0o777 == 0o700


def test_many_at_once(folder):
    """Threads that write, and two workers that close: every line once, whole."""

    def do(number):
        if number % 10 == 9:
            folder.office.close_days(early=True)
        else:
            assert folder.submit(f"k{number}").outcome is HandOver.QUEUED
            folder.submit(f"k{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(do, range(100)))
    folder.office.close_days(early=True)
    assert sorted(folder.keys()) == sorted(f"k{number}" for number in range(100) if number % 10 != 9)


def test_a_signature_is_for_a_name_and_a_content():
    signature = drop_files.sign((SECRET,), "a.jsonl", b"one\n")
    assert drop_files.is_signed((OTHER, SECRET), "a.jsonl", b"one\n", signature)
    assert not drop_files.is_signed((OTHER,), "a.jsonl", b"one\n", signature)
    assert not drop_files.is_signed((SECRET,), "b.jsonl", b"one\n", signature)
    assert not drop_files.is_signed((SECRET,), "a.jsonl", b"one", signature)
    assert not drop_files.is_signed((SECRET,), "a.jsonl", b"one\n", b"")
    both = drop_files.sign((OTHER, SECRET), "a.jsonl", b"one\n")
    for secret in (OTHER, SECRET):
        assert drop_files.is_signed((secret,), "a.jsonl", b"one\n", both)
    shown = b"SHA2-256(stdin)= " + signature.upper()
    assert drop_files.is_signed((SECRET,), "a.jsonl", b"one\n", shown)


def commands(heading: str) -> str:
    """The first block of shell commands under a heading of the protocol's page."""
    page = (Path(__file__).parents[2] / "docs" / "protocol-drop.md").read_text()
    return page.split(f"## {heading}\n")[1].split("```sh\n")[1].split("```")[0]


def test_the_page_says_how_to_verify_with_openssl(folder):
    folder.submit()
    folder.office.close_days(early=True)
    (name,) = folder.files()
    script = f"set -e\nSECRET='{SECRET}'\nFILE='{name}'\n{commands('The signature')}"

    def run() -> subprocess.CompletedProcess[str]:
        ran = ["bash", "-c", script]
        return subprocess.run(ran, cwd=folder.path, capture_output=True, text=True, timeout=30, check=False)

    assert run().stdout == "papier-2026-11-23.jsonl: OK\n"
    with (folder.path / name).open("ab") as file:
        file.write(b" ")
    assert run().stdout == "papier-2026-11-23.jsonl: NOT SIGNED\n"


def test_the_page_says_how_to_sign_with_openssl(tmp_path):
    (tmp_path / "reponses.jsonl").write_bytes(b'{"id":"1"}\n')
    script = f"set -e\nSECRET='{SECRET}'\nFILE=reponses.jsonl\n{commands('Your answers')}"
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, timeout=30)
    signature = (tmp_path / "reponses.jsonl.sig").read_bytes()
    assert drop_files.is_signed((SECRET,), "reponses.jsonl", b'{"id":"1"}\n', signature)

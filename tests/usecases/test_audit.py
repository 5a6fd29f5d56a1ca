"""Histories: sealed each minute; whatever is altered, removed, put elsewhere or inserted afterwards is found."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text

from gateway.keys import PublicKey, Signing
from gateway.messages import BackofficeEvent, Decision, EventType
from gateway.store import audit as audit_store
from gateway.store import (
    backup,
    chain,
    chain_data,
    checkpoints,
    holdings,
    migrate,
    restored,
    sealed,
    submission_events,
    submissions,
)
from gateway.store import tables as t
from gateway.store.audit import Flaw, Tally
from gateway.store.db import open_database
from gateway.usecases import audit, persons, upkeep
from gateway.usecases.audit import Report
from gateway.usecases.backoffice_events import take_event
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from tests.usecases.conftest import MSISDN, Bench, build_bench


@dataclass
class History:
    """Three demands: granted, refused, waiting; three checkpoints, the last over the last decision."""

    bench: Bench
    url: str
    references: list[str]

    def verify(self, **how: Any) -> tuple[list[Flaw], Report]:
        report = Report(Tally())
        return list(audit.verify(self.bench.parts, report, **how)), report

    def codes(self, **how: Any) -> set[str]:
        flaws, report = self.verify(**how)
        assert report.flaws == len(flaws)
        for flaw in flaws:
            assert "{" not in audit.sentence(flaw)
        return {flaw.code for flaw in flaws}

    def sql(self, *statements: str) -> None:
        """What somebody does who has the database in his hands: no key of ours, and no constraint in his way."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as opened:
                for one in statements:
                    opened.execute(one)
                opened.commit()
            return
        with psycopg.connect(self.url) as conn:
            conn.execute("SET session_replication_role = replica")
            for one in statements:
                conn.execute(one.encode())

    def seal(self) -> int:
        self.bench.later(minutes=1)
        return upkeep.sweep(self.bench.parts)["entries_sealed"]


def decided(bench: Bench, reference: str, decision: Decision) -> None:
    event = BackofficeEvent(
        "etat-civil",
        f"evt-{reference}",
        EventType.DECIDED,
        reference,
        bench.time,
        decision=decision,
        message={"fr": "Passez à la mairie", "en": "Come to the town hall"},
    )
    assert take_event(bench.parts, event, bench.time) == "taken"


@pytest.fixture
def history(bench: Bench, database_url: str, act: Callable[..., Any], caller: Caller, tmp_path: Path) -> History:
    bench.parts = replace(bench.parts, settings=bench.parts.settings.model_copy(update={"data": tmp_path}))
    filed = [submit(bench.parts, act(npi), caller, npi.encode()) for npi in ("1234564412", "1234564413", "1234564414")]
    made = History(bench, database_url, [one.values["reference"].raw for one in filed])
    assert made.seal() == 3
    bench.later(seconds=7)
    decided(bench, made.references[0], Decision.GRANTED)
    assert made.seal() == 1
    decided(bench, made.references[1], Decision.REFUSED)
    assert made.seal() == 1
    return made


def test_untouched_it_is_whole(history: History) -> None:
    flaws, report = history.verify()
    assert flaws == []
    assert (report.tally.demands, report.tally.entries, report.tally.checkpoints, report.tally.data) == (3, 5, 3, 3)
    assert report.newest is not None
    assert (report.newest.number, report.newest.heads, report.waiting) == (3, 1, 0)
    assert history.codes(reference=history.references[0]) == set()


@pytest.mark.parametrize(
    ("behind_s", "flaws", "remark"),
    [
        (1, set(), "two machines that seal what had gathered, one clock a little behind"),
        (300, set(), "as far apart as clocks may be"),
        (301, {"checkpoint_time"}, "further"),
    ],
)
def test_clocks_of_two_machines(history: History, behind_s: int, flaws: set[str], remark: str) -> None:
    parts = history.bench.parts
    history.bench.later(minutes=10)
    for seconds in (0, behind_s):
        now = history.bench.time - timedelta(seconds=seconds)
        with parts.database.begin() as conn:
            submission_events.add(conn, 3, "withdrawn", now)
            assert checkpoints.seal(conn, parts.signing(), now, 1)[1] == 1
    assert history.codes() == flaws, remark


def test_a_clock_that_was_far_ahead_for_a_moment_does_not_stop_the_sealing(history: History) -> None:
    bench = history.bench
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "withdrawn", bench.time)
        assert audit.seal(bench.parts, conn, bench.time + timedelta(days=400)) == 1
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "withdrawn", bench.time)
        assert audit.seal(bench.parts, conn, bench.time) == 1
    bench.later(seconds=49)
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "withdrawn", bench.time)
        assert audit.seal(bench.parts, conn, bench.time) == 0
    bench.later(seconds=1)
    with bench.parts.database.begin() as conn:
        assert audit.seal(bench.parts, conn, bench.time) == 1
    assert history.codes() == {"checkpoint_time"}  # the one after it is dated before it


FIRST = "submission_id = 1 AND number = 1"


@pytest.mark.parametrize(
    ("statement", "codes", "remark"),
    [
        ("UPDATE submission_events SET code = 'refused' WHERE code = 'granted'", {"altered"}, "its code"),
        (f"UPDATE submission_events SET kind = 'dead' WHERE {FIRST}", {"altered"}, "its kind"),
        (f"UPDATE submission_events SET at = '2026-11-23 13:05:00.000001' WHERE {FIRST}", {"altered"}, "a microsecond"),
        (f"UPDATE submission_events SET event_id = 'x' WHERE {FIRST}", {"altered"}, "the institution's id"),
        ("UPDATE submission_events SET event_id = NULL WHERE number = 2", {"altered"}, "no id"),
        (
            f"UPDATE submission_events SET data_digest = NULL WHERE {FIRST}",
            {"altered"},
            "what it says of personal data",
        ),
        (
            "UPDATE submission_events SET link = data_digest WHERE submission_id = 3",
            {"altered", "heads_altered"},
            "its link, at the end of a chain",
        ),
        (
            f"UPDATE submission_events SET link = data_digest WHERE {FIRST}",
            {"altered", "heads_altered"},
            "its link, in the middle",
        ),
        (
            f"UPDATE submission_events SET number = 3 WHERE {FIRST}",
            {"removed", "altered", "reordered", "sealed_early", "heads_altered"},
            "its number",
        ),
        (
            "UPDATE submission_events SET submission_id = 3 WHERE submission_id = 1 AND number = 2",
            {"altered", "heads_altered", "data_altered"},
            "whose it is",
        ),
        (f"UPDATE submission_events SET id = 77 WHERE {FIRST}", {"reordered"}, "its place in the table"),
        (
            f"UPDATE submission_events SET checkpoint_id = NULL WHERE {FIRST}",
            {"sealed_early", "heads_removed"},
            "taken from under its checkpoint",
        ),
        (
            "UPDATE submission_events SET checkpoint_id = 3 WHERE submission_id = 1 AND number = 2",
            {"heads_removed", "heads_altered"},
            "put under another checkpoint",
        ),
        (f"DELETE FROM submission_events WHERE {FIRST}", {"removed", "heads_removed"}, "removed from the start"),
        (
            "DELETE FROM submission_events WHERE submission_id = 1 AND number = 2",
            {"heads_removed"},
            "the end of a chain",
        ),
        (
            "DELETE FROM submission_events WHERE submission_id = 3",
            {"chain_gone", "heads_removed"},
            "a whole history",
        ),
        (
            "DELETE FROM submission_events WHERE submission_id = 3; DELETE FROM mts WHERE submission_id = 3; "
            "DELETE FROM submissions WHERE id = 3",
            {"heads_removed"},
            "a demand with all that is known of it",
        ),
        ("DELETE FROM submissions WHERE id = 3", {"demand_gone"}, "a demand without its history"),
        (
            "UPDATE submission_events SET number = 9 WHERE submission_id = 1 AND number = 1; "
            "UPDATE submission_events SET number = 1 WHERE submission_id = 1 AND number = 2; "
            "UPDATE submission_events SET number = 2 WHERE submission_id = 1 AND number = 9",
            {"altered", "reordered", "sealed_early", "heads_altered"},
            "two entries in each other's place",
        ),
        (
            "UPDATE submission_events SET submission_id = 9 WHERE submission_id = 1; "
            "UPDATE submission_events SET submission_id = 1 WHERE submission_id = 2; "
            "UPDATE submission_events SET submission_id = 2 WHERE submission_id = 9",
            {"altered", "heads_altered", "data_altered"},
            "two histories in each other's place",
        ),
        (
            "INSERT INTO submission_events (submission_id, at, kind, code, number, link) "
            "SELECT submission_id, at, 'decided', 'granted', 2, link FROM submission_events WHERE submission_id = 3",
            {"altered"},
            "one inserted at an end",
        ),
        (
            "UPDATE submission_events SET number = 3 WHERE submission_id = 1 AND number = 2; "
            "INSERT INTO submission_events (submission_id, at, kind, code, number, link, checkpoint_id) SELECT "
            f"submission_id, at, 'moved', '', 2, link, 2 FROM submission_events WHERE {FIRST}",
            {"altered", "reordered", "heads_altered"},
            "one inserted between two",
        ),
        ("UPDATE checkpoints SET heads = 2 WHERE id = 2", {"heads_removed"}, "how many chains a checkpoint sealed"),
        ("UPDATE checkpoints SET heads = 0 WHERE id = 2", {"heads_altered"}, "none"),
        ("UPDATE checkpoints SET at = '2026-11-23 13:06:30' WHERE id = 2", {"heads_altered"}, "when it was made"),
        (
            "UPDATE checkpoints SET at = '2026-11-23 12:00:00' WHERE id = 2",
            {"heads_altered", "checkpoint_time"},
            "before the one before",
        ),
        (
            "UPDATE checkpoints SET root = previous WHERE id = 2",
            {"heads_altered", "forged", "checkpoint_order"},
            "its root",
        ),
        (
            "UPDATE checkpoints SET previous = root WHERE id = 2",
            {"checkpoint_order", "heads_altered"},
            "what it follows",
        ),
        ("UPDATE checkpoints SET key_id = 'c9' WHERE id = 2", {"unknown_key", "heads_altered"}, "who signed it"),
        (
            "UPDATE checkpoints SET signature = (SELECT o.signature FROM checkpoints o WHERE o.id = 1) WHERE id = 2",
            {"forged"},
            "the signature of another",
        ),
        ("DELETE FROM checkpoints WHERE id = 2", {"checkpoint_missing"}, "one removed between two"),
        ("DELETE FROM checkpoints WHERE id = 1", {"checkpoint_missing"}, "the first one removed"),
        ("DELETE FROM checkpoints WHERE id = 3", {"checkpoint_missing"}, "the last one removed"),
        ("DELETE FROM checkpoints", {"checkpoint_missing"}, "all removed"),
        (
            "UPDATE checkpoints SET id = 9 WHERE id = 3; UPDATE submission_events SET checkpoint_id = 9 WHERE "
            "checkpoint_id = 3",
            {"checkpoint_missing", "heads_altered"},
            "another number",
        ),
        (
            "UPDATE submissions SET fields_sealed = (SELECT o.fields_sealed FROM submissions o WHERE o.id = 2) "
            "WHERE id = 1",
            {"data_altered"},
            "the fields of another demand",
        ),
        ("UPDATE submissions SET language = 'en' WHERE id = 1", {"data_altered"}, "the language"),
        ("UPDATE submissions SET service = 'infos' WHERE id = 1", {"data_altered"}, "the service"),
        ("UPDATE submissions SET on_behalf = 'declared' WHERE id = 1", {"data_altered"}, "for whom it is"),
        ("UPDATE submissions SET decision = 'granted' WHERE id = 2", {"data_altered"}, "the decision"),
        ("UPDATE submissions SET message_sealed = NULL WHERE id = 2", {"data_altered"}, "the institution's words"),
        ("UPDATE submissions SET fields_sealed = label_sealed WHERE id = 1", {"data_unreadable"}, "unreadable fields"),
        (
            "UPDATE submissions SET salt_sealed = (SELECT o.salt_sealed FROM submissions o WHERE o.id = 2) "
            "WHERE id = 1",
            {"data_altered"},
            "the salt of another demand",
        ),
        ("UPDATE submissions SET salt_sealed = NULL WHERE id = 1", {"data_removed"}, "no salt, as if erased"),
        (
            "UPDATE submissions SET salt_sealed = NULL, fields_sealed = NULL WHERE id = 1",
            {"data_removed"},
            "data removed without a word",
        ),
    ],
)
def test_each_way_to_tamper_is_found(history: History, statement: str, codes: set[str], remark: str) -> None:
    history.sql(*statement.split("; "))
    assert history.codes() == codes, remark


def test_another_number_in_a_demand_is_found(history: History) -> None:
    bench = history.bench
    with bench.parts.database.begin() as conn:
        thief = holdings.open_holding(conn, bench.parts.seals, "+2290196000000", bench.time)
    history.sql(f"UPDATE submissions SET holding_id = {thief} WHERE id = 1")
    assert history.codes() == {"data_altered"}


def _relinked(history: History, submission_id: int) -> None:
    """Makes a chain anew from its first entry: the links are no secret."""
    e = t.submission_events.c
    with history.bench.parts.database.begin() as conn:
        previous = chain.START
        for row in conn.execute(select(t.submission_events).where(e.submission_id == submission_id).order_by(e.number)):
            previous = chain.link(
                previous, row.submission_id, row.number, row.at, row.kind, row.code, row.event_id, row.data_digest
            )
            conn.execute(t.submission_events.update().where(e.id == row.id).values(link=previous))


def test_a_chain_made_anew_fits_itself_and_not_its_checkpoint(history: History) -> None:
    history.sql("UPDATE submission_events SET code = 'refused' WHERE code = 'granted'")
    _relinked(history, 1)
    assert history.codes() == {"heads_altered"}
    assert history.codes(reference=history.references[0]) == {"heads_altered"}
    assert history.codes(reference=history.references[2]) == set()


def _forge(history: History, signing: Signing) -> None:
    """Makes all checkpoints anew, with a key of one's own, over whatever the histories say now."""
    sealed_at = []
    with history.bench.parts.database.read() as conn:
        sealed_at = [one.at for one in checkpoints.stream(conn)]
    history.sql("UPDATE submission_events SET checkpoint_id = NULL", "DELETE FROM checkpoints")
    with history.bench.parts.database.begin() as conn:
        checkpoints.seal(conn, signing, sealed_at[-1], 100)


def _key(seed: bytes) -> tuple[bytes, bytes]:
    return seed, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


@pytest.mark.parametrize(("key_id", "code"), [("c012345-6789ab", "forged"), ("cffffffffffff", "unknown_key")])
def test_checkpoints_forged_with_another_key_are_found(history: History, key_id: str, code: str) -> None:
    history.sql("UPDATE submission_events SET code = 'refused' WHERE code = 'granted'")
    _relinked(history, 1)
    seed, public = _key(b"f" * 32)
    _forge(history, Signing(key_id, seed, {key_id: PublicKey(public)}))
    assert history.codes() == {code}


def test_whoever_has_the_signing_key_is_found_by_a_root_that_was_noted_elsewhere(history: History) -> None:
    _, before = history.verify()
    assert before.newest is not None
    noted = audit.read_root(audit.shown(before.newest.root))
    flaws, report = history.verify(since=noted)
    assert flaws == []
    assert report.noted == before.newest
    history.sql("UPDATE submission_events SET code = 'refused' WHERE code = 'granted'")
    _relinked(history, 1)
    _forge(history, history.bench.parts.signing())
    assert history.codes() == set(), "what the checkpoints alone cannot prove"
    assert history.codes(since=noted) == {"no_such_root"}


def test_an_end_that_was_cut_off_is_found_by_a_noted_root_and_after_a_day(history: History) -> None:
    _, before = history.verify()
    assert before.newest is not None
    history.sql(
        "DELETE FROM submission_events WHERE checkpoint_id = 3",
        "DELETE FROM checkpoints WHERE id = 3",
        "UPDATE submissions SET decision = NULL WHERE id = 2",
    )
    assert history.codes() == set()
    assert history.codes(since=before.newest.root) == {"no_such_root"}
    history.bench.later(hours=25)
    assert history.codes() == {"no_checkpoint_lately"}


def test_a_key_that_was_replaced_signs_nothing_any_more(history: History) -> None:
    bench, old = history.bench, history.bench.parts.signing()
    seed, public = _key(b"n" * 32)
    known = {old.key_id: replace(old.public[old.key_id], until=bench.time), "cnew": PublicKey(public)}
    new = Signing("cnew", seed, known)
    bench.parts = replace(bench.parts, signing=lambda: new)
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "dead", bench.time)
    assert history.seal() == 1
    flaws, report = history.verify()
    assert flaws == []
    assert report.newest is not None
    assert report.newest.key_id == "cnew"
    bench.later(hours=2)
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "dead", bench.time)
        checkpoints.seal(conn, replace(old, public=known), bench.time, 100)
    assert history.codes() == {"retired_key"}


def test_a_person_erased_keeps_everything_whole(history: History) -> None:
    bench = history.bench
    persons.erase(bench.parts, MSISDN, "operator")
    assert history.codes() == set()
    assert history.seal() == 2, "two closed demands say that they were erased"
    assert history.codes() == set()
    with bench.parts.database.read() as conn:
        left = conn.execute(text("SELECT id FROM submissions WHERE salt_sealed IS NOT NULL")).scalars().all()
        assert left == [3], "what an institution still handles"
    decided(bench, history.references[2], Decision.GRANTED)
    upkeep.sweep(bench.parts)
    bench.later(minutes=1)
    upkeep.sweep(bench.parts)
    assert history.codes() == set()
    with bench.parts.database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM submissions WHERE salt_sealed IS NOT NULL")).scalar_one() == 0
        kinds = [one.kind for one in submission_events.of(conn, 3)]
    assert kinds == ["received", "decided", "erased"]
    history.sql("UPDATE submission_events SET kind = 'moved' WHERE kind = 'erased' AND submission_id = 3")
    assert "altered" in history.codes()


def test_what_was_erased_does_not_come_back(history: History) -> None:
    with history.bench.parts.database.read() as conn:
        kept = conn.execute(select(t.submissions).where(t.submissions.c.id == 1)).one()
    persons.erase(history.bench.parts, MSISDN, "operator")
    with history.bench.parts.database.begin() as conn:
        back = {"fields_sealed": kept.fields_sealed, "salt_sealed": kept.salt_sealed}
        conn.execute(t.submissions.update().where(t.submissions.c.id == 1).values(back))
    assert history.codes() == {"data_after_erasure"}


def test_nothing_new_makes_no_checkpoint_until_a_day_has_passed(history: History) -> None:
    bench = history.bench
    assert history.seal() == 0
    bench.later(hours=23)
    upkeep.sweep(bench.parts)
    _, report = history.verify()
    assert report.newest is not None
    assert report.newest.number == 3
    bench.later(hours=1)
    upkeep.sweep(bench.parts)
    flaws, report = history.verify()
    assert flaws == []
    assert (report.newest.number, report.newest.heads) == (4, 0)


def test_two_sweeps_within_a_minute_make_one(history: History) -> None:
    bench = history.bench
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "dead", bench.time)
    bench.later(seconds=49)
    assert upkeep.sweep(bench.parts)["entries_sealed"] == 0
    _, report = history.verify()
    assert report.waiting == 1
    bench.later(seconds=1)
    assert upkeep.sweep(bench.parts)["entries_sealed"] == 1


def test_two_upkeeps_at_once_make_one(history: History) -> None:
    bench = history.bench
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "dead", bench.time)
    bench.later(minutes=1)
    together = threading.Barrier(4)
    found: list[int] = []

    def upkeep_of_a_process() -> None:
        together.wait(10)
        with bench.parts.database.begin() as conn:
            found.append(audit.seal(bench.parts, conn, bench.time))

    threads = [threading.Thread(target=upkeep_of_a_process) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert sorted(found) == [0, 0, 0, 1]
    flaws, report = history.verify()
    assert flaws == []
    assert report.newest is not None
    assert report.newest.number == 4


def test_a_long_backlog_is_sealed_in_one_sweep(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = history.bench
    monkeypatch.setattr(audit, "BATCH", 500)
    with bench.parts.database.begin() as conn:
        for _ in range(1201):
            submission_events.add(conn, 3, "dead", bench.time)
    assert history.seal() == 1000, "whole batches at once; the rest is not due before a minute"
    assert history.seal() == 201
    flaws, report = history.verify()
    assert flaws == []
    assert report.tally.entries == 1206


def test_entries_that_wait_too_long_are_told(history: History) -> None:
    bench = history.bench
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "dead", bench.time)
    _, report = history.verify()
    assert (report.waiting, report.waiting_since) == (1, None)
    bench.later(minutes=10)
    flaws, report = history.verify()
    assert flaws == []
    assert report.waiting_since is not None
    assert bench.time - report.waiting_since == timedelta(minutes=10)


def test_nothing_stored_is_nothing_wrong(bench: Bench) -> None:
    upkeep.sweep(bench.parts)
    report = Report(Tally())
    assert list(audit.verify(bench.parts, report)) == []
    assert report.newest is None
    with pytest.raises(LookupError):
        list(audit.verify(bench.parts, report, reference="482109375628"))


@pytest.mark.parametrize(
    ("written", "remark"),
    [("r:" + "ab12cd:" * 10 + "ab12", "as printed"), ("ab12cd" * 10 + "AB12", "plain"), (" ab12cd" * 10 + "ab12 ", "")],
)
def test_roots_are_read_as_they_are_written(written: str, remark: str) -> None:
    assert audit.read_root(written).hex() == "ab12cd" * 10 + "ab12", remark
    assert audit.shown(audit.read_root(written)) == "r:" + "ab12cd:" * 10 + "ab12"


@pytest.mark.parametrize("written", ["", "r:", "ab", "g" * 64, "ab12cd" * 11])
def test_what_is_no_root_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="64"):
        audit.read_root(written)


def test_reading_changes_nothing_and_another_key_opens_nothing(
    history: History, keys: Any, shipped_menus: Any, delivery_settings: Any
) -> None:
    strange = sealed.build(replace(keys, encryption={"e1": b"x" * 32}), lambda n: b"0" * n)
    bench = build_bench(
        history.bench.parts.database, strange, keys, shipped_menus, delivery_settings, history.bench.time
    )
    assert {flaw.code for flaw in audit.verify(bench.parts, Report(Tally()))} == {"data_unreadable"}


def test_a_restored_copy_is_whole(
    history: History, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bench = history.bench
    with bench.parts.database.begin() as conn:
        submission_events.add(conn, 3, "dead", bench.time)
    other = f"sqlite:///{tmp_path}/elsewhere/gateway.db"
    if not database_url.startswith("sqlite"):
        other = request.getfixturevalue("new_postgres_url")()
    made = backup.make(database_url, tmp_path / "copy", "0.1.0", bench.time)
    backup.load(made, tmp_path / "copy", other)
    migrate.adopt(other, made.schema, lambda conn: None)
    migrate.finish(other)
    opened = open_database(other)
    bench.parts = replace(bench.parts, database=opened)
    with opened.begin() as conn:
        restored.settle(conn, 0, bench.time)
    flaws, report = history.verify()
    assert flaws == []
    assert (report.tally.checkpoints, report.waiting) == (3, 2)
    assert history.seal() == 2
    assert history.codes() == set()
    opened.close()


def test_a_demand_taken_over_is_covered_anew(history: History) -> None:
    bench = history.bench
    parts = bench.parts
    with parts.database.begin() as conn:
        assert chain_data.fits(conn, parts.seals, 3)
        other = holdings.open_holding(conn, parts.seals, "+2290196000000", bench.time)
        submissions.move(conn, 3, other, bench.time)
        assert not chain_data.fits(conn, parts.seals, 3)
        covered = chain_data.of_demand(conn, parts.seals, 3)
        submission_events.add(conn, 3, "moved", bench.time, data_digest=covered)
        assert chain_data.fits(conn, parts.seals, 3)
    assert history.codes() == set()


def test_a_verification_sees_one_moment(history: History) -> None:
    """While it reads, the gateway goes on writing and sealing."""
    bench = history.bench
    with bench.parts.database.read() as conn:
        audit_store.begin(conn)
        tally = Tally()
        assert list(audit_store.chains(conn, tally)) == []
        with bench.parts.database.begin() as other:
            submission_events.add(other, 3, "dead", bench.time)
        assert history.seal() == 1
        assert list(audit_store.sealed(conn, bench.parts.signing().public, tally)) == []
        assert (tally.entries, tally.checkpoints) == (5, 3)
    assert history.codes() == set()

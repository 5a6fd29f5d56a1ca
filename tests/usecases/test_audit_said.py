"""The texts of questions and statements fit the entries that came with them; whatever is done to them is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import text

from gateway.store.audit import Tally
from gateway.usecases import audit, persons
from gateway.usecases.audit import Report
from gateway.usecases.statements import answer_question, correct
from gateway.usecases.submissions import submit
from tests.usecases.asking import does, take
from tests.usecases.conftest import MSISDN


@pytest.fixture
def bench(bench, tmp_path, act, caller):
    """Two demands: of the first, a question was answered, a second one waits, and a correction was told."""
    settings = bench.parts.settings.model_copy(update={"data": tmp_path})
    bench.parts = replace(bench.parts, settings=settings)
    first, second = (
        submit(bench.parts, act(npi), caller, npi.encode()).values["reference"].raw
        for npi in ("1234564412", "1234564413")
    )
    take(bench, first, event_id="asked-1")
    assert does(bench, answer_question, caller, first, b"a", text="Afi") == "done"
    take(bench, first, event_id="asked-2", question={"fr": "Quel village ?"})
    assert does(bench, correct, caller, first, b"b", wrong="Afy", right="Afi") == "done"
    take(bench, second, event_id="asked-3")
    return bench


def codes(bench) -> Counter[str]:
    return Counter(flaw.code for flaw in audit.verify(bench.parts, Report(Tally())))


def test_untouched_it_is_whole(bench):
    assert codes(bench) == {}


@pytest.mark.parametrize(
    ("statement", "found", "remark"),
    [
        (
            "UPDATE questions SET text_sealed = (SELECT o.text_sealed FROM questions o WHERE o.id = 2) WHERE id = 1",
            {"data_altered": 1},
            "another question",
        ),
        ("UPDATE questions SET text_sealed = NULL WHERE id = 1", {"data_altered": 1}, "a question without its text"),
        (
            "UPDATE statements SET text_sealed = (SELECT o.text_sealed FROM statements o WHERE o.id = 2) WHERE id = 1",
            {"data_altered": 1},
            "another answer",
        ),
        ("UPDATE statements SET text_sealed = NULL WHERE id = 2", {"data_altered": 1}, "a correction without its text"),
        ("DELETE FROM statements WHERE id = 2", {"data_altered": 1}, "a correction removed"),
        ("UPDATE statements SET kind = 'correction' WHERE id = 1", {"data_altered": 1}, "an answer made a correction"),
        ("UPDATE questions SET submission_id = 2 WHERE id = 2", {"data_altered": 1, "said_inserted": 1}, "moved"),
        (
            "INSERT INTO statements (submission_id, kind, text_sealed, channel, idempotency_key, said_at) SELECT "
            "submission_id, kind, text_sealed, channel, 'another', said_at FROM statements WHERE id = 2",
            {"said_inserted": 1},
            "one more correction",
        ),
        (
            "INSERT INTO statements (submission_id, kind, text_sealed, channel, idempotency_key, said_at) SELECT "
            "2, kind, text_sealed, channel, 'another', said_at FROM statements WHERE id = 2",
            {"said_inserted": 1},
            "a correction of a demand that has none",
        ),
        (
            "UPDATE statements SET text_sealed = (SELECT label_sealed FROM submissions WHERE id = 1) WHERE id = 1",
            {"said_unreadable": 1},
            "what no key of this use opens",
        ),
    ],
)
def test_each_way_to_tamper_is_found(bench, statement, found, remark):
    with bench.parts.database.begin() as conn:
        conn.execute(text(statement))
    assert codes(bench) == found, remark


def test_what_was_tampered_with_stays_found_when_more_is_said(bench, caller):
    """A later entry covers its own text only."""
    with bench.parts.database.begin() as conn:
        conn.execute(text("UPDATE statements SET text_sealed = NULL WHERE id = 1"))
        (number,) = conn.execute(text("SELECT reference FROM submissions WHERE id = 1")).one()
    assert does(bench, correct, caller, number, b"c", wrong="x", right="y") == "done"
    assert codes(bench) == {"data_altered": 1}


def test_a_person_erased_keeps_everything_whole(bench):
    persons.erase(bench.parts, MSISDN, "op")
    assert codes(bench) == {}

"""What was erased is gone: from every table, from the file and from its log."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from gateway.messages import SubmissionState
from gateway.store import hand_over, submissions, tables
from gateway.store.db import open_database


def test_the_file_number_goes_too_and_does_not_come_back(database, seals, store_submission, now):
    with database.begin() as conn:
        one = store_submission(conn, keep_s=60)
        submissions.set_state(conn, seals, one, SubmissionState.GRANTED, now, case_number="EC-1")
    with database.begin() as conn:
        assert submissions.erase_due(conn, now + timedelta(seconds=60), 10) == (one,)
        assert hand_over.for_hand_over(conn, seals, one) is None
        submissions.note_case(conn, one, "EC-1")  # an event that came late
        assert submissions.by_id(conn, seals, one).case_number == ""


def test_only_what_was_erased_is_erased(database, seals, store_submission):
    with database.begin() as conn:
        assert hand_over.for_hand_over(conn, seals, store_submission(conn)) is not None


@pytest.fixture
def erased(sqlite_url, seals, store_submission, now):
    """The sealed bytes of a submission that has been erased, and the file it was in."""
    database = open_database(sqlite_url)
    with database.begin() as conn:
        one = store_submission(conn, keep_s=60, fields={"npi": "4829137405", "text": "x" * 3000})
        submissions.set_state(conn, seals, one, SubmissionState.REFUSED, now)
        sealed = conn.execute(select(tables.submissions.c.fields_sealed)).scalar_one()
    with database.begin() as conn:
        submissions.erase_due(conn, now + timedelta(seconds=60), 10)
    with database.read() as conn:
        conn.execute(text("SELECT 1"))
    database.close()  # the last connection brings the log into the file and removes it
    return sealed


def test_nothing_of_it_is_left_in_the_file(erased, tmp_path):
    files = list(tmp_path.glob("*.db*"))
    assert files
    for file in files:
        held = file.read_bytes()
        assert not any(erased[start : start + 64] in held for start in range(0, len(erased) - 64, 64)), file.name

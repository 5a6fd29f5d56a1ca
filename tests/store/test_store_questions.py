"""Questions and statements: settled once, in time, erased without a trace of what was said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.messages import StatementKind
from gateway.store import questions, statements, submissions
from gateway.store.statements import NewStatement
from gateway.store.tables import questions as questions_table
from gateway.store.tables import statements as statements_table

TEXT = {"fr": "Votre quartier ?"}


@pytest.fixture
def asked(database, seals, store_submission, now):
    """Asks about a new demand, until an hour from now; the question's id and the demand's."""
    with database.begin() as conn:
        about = store_submission(conn)
        return questions.add(conn, seals, about, "evt_1", TEXT, b"d" * 32, now + timedelta(hours=1), now), about


@pytest.mark.parametrize("first", ["answered", "expired", "closed"])
def test_settled_once(database, seals, asked, now, first):
    question, about = asked
    with database.begin() as conn:
        assert questions.settle(conn, question, first, now)
        for again in ("answered", "expired", "closed"):
            assert not questions.settle(conn, question, again, now)
        questions.close(conn, about, now)
        assert questions.of(conn, seals, about).outcome == first


def test_what_is_settled_is_shown_no_more(database, seals, asked, now):
    question, about = asked
    with database.begin() as conn:
        questions.show(conn, question, now + timedelta(minutes=10))
        assert questions.of(conn, seals, about).shown_until == now + timedelta(minutes=10)
        questions.settle(conn, question, "answered", now)
        assert questions.of(conn, seals, about).shown_until is None


@pytest.mark.parametrize(("seconds", "found"), [(3599, 0), (3600, 1)])
def test_expired_at_its_time(database, asked, now, seconds, found):
    with database.begin() as conn:
        assert len(questions.expired(conn, now + timedelta(seconds=seconds), 10)) == found
        questions.settle(conn, asked[0], "closed", now)
        assert questions.expired(conn, now + timedelta(days=1), 10) == ()


def test_an_old_question_that_waits_is_still_hers(database, seals, asked, now):
    question, about = asked
    later = now + timedelta(days=400)
    with database.begin() as conn:
        holding = submissions.by_id(conn, seals, about).holding_id
        assert [one.id for one in questions.of_holding(conn, seals, holding, later)] == [question]
        questions.settle(conn, question, "answered", now)
        assert questions.of_holding(conn, seals, holding, later) == ()
        assert questions.of_holding(conn, seals, holding + 1, now - timedelta(days=1)) == ()


def test_erased(database, seals, asked, now):
    question, about = asked
    with database.begin() as conn:
        new = NewStatement(about, StatementKind.ANSWER, "Zongo", "at", "key-1", question)
        said = statements.add(conn, seals, new, now)
        assert statements.material(conn, seals, said).statement.question_id == "evt_1"
        assert (questions.erase_of(conn, [about]), statements.erase_of(conn, [about])) == (1, 1)
        assert (questions.erase_of(conn, [about]), statements.erase_of(conn, [about])) == (0, 0)
        assert statements.material(conn, seals, said) is None
        assert questions.of(conn, seals, about).text == {}
        assert conn.execute(select(func.count()).select_from(statements_table)).scalar_one() == 1
        assert conn.execute(select(questions_table.c.code_digest)).scalar_one() == b""

"""What an institution is told of a demand afterwards: whether it ever had it, and under which number of its own."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from gateway.messages import BackofficeAnswer, HandOver, SubmissionState
from gateway.store import outbox, statements
from gateway.store.tables import submissions as table
from gateway.usecases import dead_letters, telling, withdrawals
from gateway.usecases.hand_over import hand_over
from gateway.usecases.statements import correct
from gateway.usecases.submissions import submit
from gateway.usecases.upkeep import sweep
from tests.usecases.asking import does

A_MONTH_AND_A_DAY = 31


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw


def offered(bench, number: str) -> bool:
    with bench.parts.database.read() as conn:
        return telling.was_offered(conn, bench.submission(number).id)


def test_a_demand_that_never_left_needs_no_news(bench, number):
    assert not offered(bench, number)


def test_an_institution_is_told_of_a_withdrawal_long_after_the_hand_over(bench, number):
    hand_over(bench.parts, bench.claim("backoffice"))
    bench.later(days=A_MONTH_AND_A_DAY)
    sweep(bench.parts)
    submission_id = bench.submission(number).id
    with bench.parts.database.begin() as conn:
        assert outbox.of_target(conn, "submission", submission_id) == (), "its row is forgotten"
        outbox.add(conn, "backoffice", "withdrawal", submission_id, None, 1, bench.time, bench.time, "etat-civil")
        (claimed,) = outbox.claim(conn, "backoffice", "t", 9, 60, bench.time)
        assert withdrawals.prepare(bench.parts, conn, claimed) is not None


def test_a_demand_handed_over_again_by_a_person_was_offered_before(bench, number):
    """Its attempts are counted anew, but the institution may have heard of it."""
    bench.office.answers = [BackofficeAnswer(HandOver.RETRY, code="http_503")]
    for _ in range(bench.parts.settings.systems["etat-civil"].attempts):
        hand_over(bench.parts, bench.claim("backoffice"))
        bench.later(hours=2)
    assert bench.submission(number).state is SubmissionState.DEAD
    chosen = dead_letters.Selection((number,))
    assert dead_letters.replay(bench.parts, chosen, dead_letters.find(bench.parts, chosen), "op") == 1
    assert offered(bench, number)


@pytest.mark.parametrize("state", [SubmissionState.PROPOSED, SubmissionState.WITHDRAWN])
def test_a_demand_that_nobody_agreed_to_was_never_offered(bench, number, state):
    """It has no row, like one handed over long ago, but nothing in its history says that it began."""
    with bench.parts.database.begin() as conn:
        submission_id = bench.submission(number).id
        conn.exec_driver_sql("DELETE FROM outbox WHERE kind = 'submission'")
        conn.exec_driver_sql("UPDATE submission_events SET kind = 'proposed'")
        conn.execute(update(table).values(state=state))
        assert not telling.was_offered(conn, submission_id)


def test_a_statement_has_the_institution_s_own_number_of_the_file(bench, number, caller):
    """A mapped API may need it in the path: without it nothing could ever be told."""
    bench.office.answers = [BackofficeAnswer(HandOver.ACCEPTED, case_number="EC-2026-7")]
    hand_over(bench.parts, bench.claim("backoffice"))
    does(bench, correct, caller, number, b"c", wrong="Afy", right="Afi")
    with bench.parts.database.read() as conn:
        (statement_id,) = statements.ids_of(conn, bench.submission(number).id)
        material = statements.material(conn, bench.parts.seals, statement_id)
    assert material is not None
    assert material.statement.case_number == "EC-2026-7"

"""Systems that cannot call back: asked until they decide, later and later while they are away, each news once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest

from gateway.backoffice.base import Fault
from gateway.messages import (
    BackofficeAnswer,
    BackofficeEvent,
    Decision,
    EventType,
    Evidence,
    HandOver,
    SubmissionState,
)
from gateway.settings import RestSystem
from gateway.store import breakers, outbox, submission_events, submissions
from gateway.store.tables import OutboxState
from gateway.usecases import backoffice_events, hand_over, polling, telling, upkeep, withdrawals
from gateway.usecases import submissions as submissions_

EVERY_S = 600
PROOF = Evidence("fa2e18a5-0000-8000-8000-000000000001", "4" * 88)


@dataclass
class Polled:
    """An institution's system that is asked: gives `news` in turn, the last one again and again."""

    settings: RestSystem
    news: list = field(default_factory=lambda: [()])
    asked: list = field(default_factory=list)
    answer: BackofficeAnswer = field(default_factory=lambda: BackofficeAnswer(HandOver.DELIVERED, case_number="EC-1"))

    def submit(self, request):
        return self.answer

    def withdraw(self, reference, idempotency_key, case_number=""):
        self.asked.append((reference, case_number))
        return BackofficeAnswer(HandOver.ACCEPTED, code="http_200", evidence=PROOF)

    def poll(self, reference, case_number):
        self.asked.append((reference, case_number))
        news = self.news.pop(0) if len(self.news) > 1 else self.news[0]
        if isinstance(news, Exception):
            raise news
        return news


@pytest.fixture
def polled(bench):
    declared = bench.parts.settings.systems["etat-civil"].model_copy(update={"poll_every_s": EVERY_S})
    office = Polled(declared)
    settings = bench.parts.settings.model_copy(update={"systems": {"etat-civil": declared}})
    bench.parts = replace(bench.parts, settings=settings, systems={"etat-civil": office})
    bench.office = office
    return bench


@pytest.fixture
def submit(bench, act, caller):
    """Stores a demand; its reference."""

    def submit():
        return submissions_.submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw

    return submit


def told(bench, kind, reference, event_id, decision=None):
    return BackofficeEvent("etat-civil", event_id, kind, reference, bench.time, "EC-1", decision)


def hand(bench, submit):
    """The reference of a demand that was handed over."""
    reference = submit()
    for row in bench.claim("backoffice"):
        hand_over.hand_over(bench.parts, (row,))
    return reference


def polls(bench, reference):
    with bench.parts.database.read() as conn:
        return outbox.of_target(conn, "poll", bench.submission(reference).id)


def run(bench):
    """How many rows were due."""
    rows = [row for row in bench.claim("backoffice") if row.kind == "poll"]
    for row in rows:
        polling.poll(bench.parts, row)
    return len(rows)


def history(bench, reference):
    with bench.parts.database.read() as conn:
        return submission_events.of(conn, bench.submission(reference).id)


def test_a_demand_that_was_handed_over_is_asked_about_in_due_time(polled, submit):
    reference = hand(polled, submit)
    (row,) = polls(polled, reference)
    assert (row.state, row.due_at) == (OutboxState.READY, polled.time + timedelta(seconds=EVERY_S))
    polled.later(seconds=EVERY_S - 1)
    assert run(polled) == 0
    polled.later(seconds=1)
    assert run(polled) == 1
    assert polled.office.asked == [(reference, "EC-1")]


def test_a_system_that_calls_back_is_not_asked(bench, submit):
    reference = hand(bench, submit)
    assert polls(bench, reference) == ()


def test_a_demand_that_was_not_taken_is_not_asked_about(polled, submit):
    polled.office.answer = BackofficeAnswer(HandOver.REJECTED, code="npi_unknown")
    assert polls(polled, hand(polled, submit)) == ()


def test_it_is_asked_until_it_decides_and_each_news_is_told_once(polled, submit):
    reference = hand(polled, submit)
    taken = told(polled, EventType.ACKNOWLEDGED, reference, "n1")
    granted = told(polled, EventType.DECIDED, reference, "n2", Decision.GRANTED)
    polled.office.news = [(), (taken,), (taken,), (granted,)]
    seen = []
    for _ in range(6):
        polled.later(seconds=EVERY_S)
        run(polled)
        seen.append((polled.submission(reference).state.value, len(polled.sms(reference))))
    assert [state for state, _ in seen] == [
        "delivered",
        "acknowledged",
        "acknowledged",
        "granted",
        "granted",
        "granted",
    ]
    assert [count for _, count in seen] == [1, 2, 2, 3, 3, 3]  # the récépissé, the acknowledgement, the decision
    assert len(polled.office.asked) == 4
    assert [row.state for row in polls(polled, reference)] == [OutboxState.DONE] * 4  # no fifth question waits


def test_no_two_questions_about_one_demand_wait(polled, submit):
    reference = hand(polled, submit)
    with polled.parts.database.begin() as conn:
        about = polled.submission(reference).id
        assert not polling.plan(conn, polled.parts, about, "etat-civil", polled.time)
    assert len(polls(polled, reference)) == 1


def test_a_decision_that_came_by_webhook_ends_the_asking(polled, submit):
    reference = hand(polled, submit)
    decided = told(polled, EventType.DECIDED, reference, "w1", Decision.REFUSED)
    backoffice_events.take_event(polled.parts, decided, polled.time)
    polled.later(seconds=EVERY_S)
    assert run(polled) == 1
    assert polled.office.asked == []
    assert [row.last_code for row in polls(polled, reference)] == ["not_needed"]


@pytest.mark.parametrize(
    "away", [Fault("too_slow"), RuntimeError("a fault of ours")], ids=["no answer", "a fault of ours"]
)
def test_a_system_that_is_away_is_asked_later_and_later_and_never_given_up(polled, submit, away):
    reference = hand(polled, submit)
    polled.office.news = [away]
    longest = max(EVERY_S, polled.office.settings.longest_retry_s)
    waits = []
    for _ in range(polled.office.settings.attempts + 3):
        (row,) = polls(polled, reference)
        polled.time = row.due_at
        assert run(polled) == 1
        (row,) = polls(polled, reference)
        assert row.state is OutboxState.READY
        waits.append((row.due_at - polled.time).total_seconds())
    assert EVERY_S / 2 <= waits[0] <= EVERY_S
    assert waits[1] + waits[0] > EVERY_S
    assert longest / 2 <= waits[-1] <= longest
    polled.office.news = [()]
    polled.time = row.due_at
    run(polled)
    newest = polls(polled, reference)[-1]
    assert (newest.attempts, newest.due_at) == (0, polled.time + timedelta(seconds=EVERY_S))


def breaker(bench):
    with bench.parts.database.read() as conn:
        return breakers.of(conn, ["etat-civil"])["etat-civil"]


def test_questions_open_the_breaker_of_their_system_and_wait_while_it_is_open(polled, submit):
    reference = hand(polled, submit)
    polled.office.news = [Fault("too_slow")]
    for _ in range(polled.office.settings.breaker_after):
        assert breaker(polled).opened_at is None
        polled.time = polls(polled, reference)[-1].due_at
        run(polled)
    assert (breaker(polled).opened_at, breaker(polled).last_code) == (polled.time, "too_slow")

    (row,) = polls(polled, reference)
    with polled.parts.database.begin() as conn:  # a hand-over of the same system was left without an answer
        breakers.failed(conn, "etat-civil", 1, row.due_at + timedelta(seconds=20), "cut", polled.time)
    polled.time = row.due_at + timedelta(seconds=19)
    assert run(polled) == 0, "it is due, and nobody is asked"
    polled.office.news = [()]
    polled.later(seconds=1)
    assert run(polled) == 1
    assert polls(polled, reference)[0].attempts == row.attempts + 1, "waiting is no attempt"
    assert breaker(polled).opened_at is None, "an answer to a question closes it"


def test_a_question_is_told_when_to_come_back_for_the_whole_system(polled, submit):
    reference = hand(polled, submit)
    polled.office.news = [Fault("http_503", retry_after_s=7200)]
    polled.later(seconds=EVERY_S)
    run(polled)
    (row,) = polls(polled, reference)
    assert row.due_at - polled.time >= timedelta(seconds=7200)
    assert breaker(polled).holds_back(polled.time + timedelta(seconds=7199))


def test_a_worker_that_died_after_it_took_the_news(polled, submit):
    """The next one reads the same again: nothing is told twice, and one question waits."""
    reference = hand(polled, submit)
    taken = told(polled, EventType.ACKNOWLEDGED, reference, "n1")
    polled.office.news = [(taken,)]
    polled.later(seconds=EVERY_S)
    (row,) = (row for row in polled.claim("backoffice") if row.kind == "poll")
    backoffice_events.take_event(polled.parts, taken, polled.time)  # and then it died, holding `row`
    polled.later(seconds=61)
    assert run(polled) == 1
    polling.poll(polled.parts, row)  # its lease has ended
    assert len(polled.sms(reference)) == 2
    assert [row.state for row in polls(polled, reference)] == [OutboxState.DONE, OutboxState.READY]


def test_demands_from_before_it_was_polled_are_adopted_once(bench, submit):
    reference = hand(bench, submit)
    with bench.parts.database.begin() as conn:
        assert polling.adopt(bench.parts, conn, 10, bench.time) == 0
    declared = bench.parts.settings.systems["etat-civil"].model_copy(update={"poll_every_s": EVERY_S})
    settings = bench.parts.settings.model_copy(update={"systems": {"etat-civil": declared}})
    bench.parts = replace(bench.parts, settings=settings)
    assert upkeep.sweep(bench.parts)["polls_planned"] == 1
    assert upkeep.sweep(bench.parts)["polls_planned"] == 0
    assert len(polls(bench, reference)) == 1


@pytest.mark.parametrize("state", list(SubmissionState))
def test_which_states_are_followed(polled, submit, state):
    reference = hand(polled, submit)
    expected = state.value in {"queued", "delivered", "acknowledged", "in_progress", "more_needed"}
    with polled.parts.database.begin() as conn:
        found = submissions.by_reference(conn, polled.parts.seals, reference)
        conn.exec_driver_sql(f"UPDATE submissions SET state = '{state.value}' WHERE id = {found.id}")
    polled.later(seconds=EVERY_S)
    run(polled)
    assert bool(polled.office.asked) is expected


DECIDED_AT_ONCE = [
    # event, decision, state, number of SMS, remark
    (EventType.IN_PROGRESS, None, "in_progress", 2, "that somebody works on it says that it was taken"),
    (EventType.DECIDED, Decision.GRANTED, "granted", 2, "the decision is told instead of an acknowledgement"),
    (EventType.DECIDED, Decision.REFUSED, "refused", 2, "the decision is told instead of an acknowledgement"),
]


@pytest.mark.parametrize("row", DECIDED_AT_ONCE, ids=lambda row: row[2])
def test_news_in_the_answer_to_a_submission(polled, submit, row):
    type_, decision, state, messages, _ = row
    reference = submit()
    event = told(polled, type_, reference, "n1", decision)
    polled.office.answer = BackofficeAnswer(HandOver.ACCEPTED, case_number="EC-1", code="x", events=(event,))
    for claimed in polled.claim("backoffice"):
        hand_over.hand_over(polled.parts, (claimed,))
    found = polled.submission(reference)
    assert (found.state.value, found.case_number) == (state, "EC-1")
    assert len(polled.sms(reference)) == messages
    assert len(polls(polled, reference)) == (0 if decision else 1)


def test_the_proof_of_a_message_is_kept_in_the_history(polled, submit):
    polled.office.answer = replace(polled.office.answer, evidence=PROOF)
    event = history(polled, hand(polled, submit))[-1]
    assert (event.kind, event.code, event.event_id) == ("evidence", PROOF.message_id, PROOF.digest)


def test_a_withdrawal_is_told_by_the_institutions_own_number_and_its_proof_is_kept(polled, submit):
    reference = hand(polled, submit)
    with polled.parts.database.begin() as conn:
        about = polled.submission(reference).id
        submissions.set_state(conn, polled.parts.seals, about, SubmissionState.WITHDRAWN, polled.time)
        outbox.add(conn, "backoffice", "withdrawal", about, None, 10, polled.time, polled.time, "etat-civil")
    (row,) = polled.claim("backoffice")
    telling.tell(polled.parts, row, partial(withdrawals.prepare, polled.parts))
    assert polled.office.asked == [(reference, "EC-1")]
    kinds = [(event.kind, event.event_id) for event in history(polled, reference)]
    assert kinds[-2:] == [("withdrawal_told", None), ("evidence", PROOF.digest)]

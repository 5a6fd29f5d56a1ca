"""What an institution asks: one question at a time, told once, over in time; never to a number that changed hands."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.engine.outcomes import Act, Lookup
from gateway.messages import EventType, SubmissionState
from gateway.settings import Sender
from gateway.store import holdings, outbox, questions, submissions
from gateway.usecases import questions as asking
from gateway.usecases import upkeep
from gateway.usecases.holdings import Why, close
from gateway.usecases.lookups import submission_status
from gateway.usecases.questions import my_question, open_question
from gateway.usecases.statements import answer_question, correct
from gateway.usecases.submissions import submit
from gateway.usecases.verification import Outcome, Verdict, in_words
from gateway.usecases.withdrawals import withdraw
from tests.usecases.asking import ASKED, code_of, decide, does, history, outcomes, proved, says, take


@pytest.fixture
def bench(bench):
    """With a sender that citizens can answer."""
    senders = {"s": Sender(channel="at", name="22900", two_way=True, short_code="22900", tps=100_000)}
    settings = bench.parts.settings.model_copy(update={"senders": senders})
    bench.parts = replace(bench.parts, settings=settings)
    return bench


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw


def open_one(bench, number: str):
    with bench.parts.database.read() as conn:
        return asking.waiting(conn, bench.parts, bench.submission(number), bench.time)


def test_asked_and_told(bench, number):
    take(bench, number, EventType.ACKNOWLEDGED)
    until = bench.time + timedelta(days=7)
    assert take(bench, number, answer_by=until, case_number="EC-9") == "taken"
    stored = bench.submission(number)
    assert (stored.state, stored.case_number) == ("more_needed", "EC-9")
    mt = bench.sms(number)[-1]
    assert (mt.template, mt.category, mt.private) == ("question_ask_until", "vital", True)
    assert mt.segments <= 2
    text = bench.texts(number)[-1]
    assert text.startswith("ANIP, demande ")
    assert ASKED["fr"] in text
    assert f"Avant le {until.astimezone(bench.parts.zone):%d/%m à %H:%M}" in text
    with bench.parts.database.read() as conn:
        one = questions.of(conn, bench.parts.seals, stored.id)
    assert (one.text, one.expires_at, one.wrong, one.outcome) == (ASKED, until, 0, None)
    assert code_of(bench, number).encode() not in one.code_digest


def test_the_longest_question_and_names_fit_two_segments(bench, number):
    institution = bench.parts.settings.institutions["anip"].model_copy(update={"name": {"fr": "x" * 24, "en": "x"}})
    settings = bench.parts.settings.model_copy(update={"institutions": {"anip": institution}})
    bench.parts = replace(bench.parts, settings=settings)
    assert take(bench, number, question={"fr": "é" * 160}, answer_by=bench.time + timedelta(days=1)) == "taken"
    assert bench.sms(number)[-1].segments == 2
    assert "é" * 160 in bench.texts(number)[-1]


def test_no_code_to_text_back_where_nobody_can_text(bench, number):
    senders = {"s": Sender(channel="at", name="PASSERELLE", tps=100_000)}
    bench.parts = replace(bench.parts, settings=bench.parts.settings.model_copy(update={"senders": senders}))
    take(bench, number)
    assert bench.sms(number)[-1].template == "question_dial"
    assert "REPONSE" not in bench.texts(number)[-1]


def test_a_new_question_closes_the_one_before(bench, number):
    take(bench, number)
    first = code_of(bench, number)
    assert take(bench, number, question={"fr": "Et votre père ?"}) == "taken"
    assert outcomes(bench, number) == ["closed", None]
    assert says(bench, number, first) == "sms_answer_over"
    assert says(bench, number, code_of(bench, number)) == "sms_answer_taken"


def test_the_same_question_told_again_is_not_asked_again(bench, number):
    take(bench, number, event_id="q1")
    assert take(bench, number, event_id="q1") == "repeated"
    assert len(outcomes(bench, number)) == 1
    assert len(bench.texts(number)) == 2
    assert take(bench, number, event_id="q1", case_number="EC-9") == "repeated"
    assert bench.submission(number).case_number == "EC-9"  # it came since


@pytest.mark.parametrize("answered", [True, False], ids=["answered since", "still open"])
def test_a_question_read_again_after_its_event_was_forgotten(bench, number, answered):
    """A system that is asked says the same for months: longer than ids of events are kept."""
    take(bench, number, event_id="read-1")
    code = code_of(bench, number)
    if answered:
        assert says(bench, number, code) == "sms_answer_taken"
    for _ in range(2):
        bench.later(seconds=bench.parts.settings.privacy.texts_s + 1)
        upkeep.sweep(bench.parts)
        assert take(bench, number, event_id="read-1") == "late"
    assert len(bench.sms(number)) == 2
    assert outcomes(bench, number) == ["answered" if answered else None]


@pytest.mark.parametrize(
    ("before", "remark"),
    [("decided", "a decided demand"), ("withdrawn", "a withdrawn one"), ("over", "its time had passed when it came")],
)
def test_a_question_that_comes_too_late(bench, number, caller, before, remark):
    more = {}
    if before == "decided":
        decide(bench, number)
    elif before == "withdrawn":
        assert does(bench, withdraw, caller, number, b"w") == "done"
    else:
        more = {"answer_by": bench.time}
    sent = len(bench.texts(number))
    assert take(bench, number, **more) == "late", remark
    assert outcomes(bench, number) == []
    assert len(bench.texts(number)) == sent
    assert history(bench, number)[-1] == ("more_needed", "late")


LATER, EARLIER = timedelta(seconds=1), -timedelta(seconds=1)


@pytest.mark.parametrize(
    ("by", "answer", "remark"),
    [
        (LATER, "sms_answer_over", "it goes on without the answer"),
        (timedelta(), "sms_answer_over", "clocks of seconds: the order of arrival counts"),
        (EARLIER, "sms_answer_taken", "it was said before the question, and came after it"),
    ],
)
def test_progress_that_was_overtaken_by_a_question(bench, number, by, answer, remark):
    """A webhook whose first try failed comes minutes later: its sender waits for the answer all the same."""
    take(bench, number)
    code, said_at = code_of(bench, number), bench.time
    bench.later(minutes=5)
    outcome = take(bench, number, EventType.IN_PROGRESS, occurred_at=said_at + by)
    assert outcome == ("late" if by is EARLIER else "taken")
    assert says(bench, number, code) == answer, remark


@pytest.mark.parametrize("by", [LATER, timedelta(), EARLIER], ids=["later", "at once", "earlier"])
def test_a_question_that_was_overtaken_by_another(bench, number, by):
    take(bench, number)
    said_at = bench.time
    bench.later(minutes=5)
    outcome = take(bench, number, question={"fr": "Et votre père ?"}, occurred_at=said_at + by)
    assert outcome == ("late" if by is EARLIER else "taken")
    assert outcomes(bench, number) == ([None] if by is EARLIER else ["closed", None])


@pytest.mark.parametrize("type_", [EventType.IN_PROGRESS, EventType.MORE_NEEDED])
def test_what_we_read_ourselves_has_the_order_in_which_we_read_it(bench, number, type_):
    """Of a system that is asked, and of a desk, we know no time but ours, and our clock may be set back."""
    take(bench, number, occurred_at=None)
    bench.later(hours=-1)
    assert take(bench, number, type_, occurred_at=None) == "taken"


@pytest.mark.parametrize(
    "said_at",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
    ],
)
def test_a_time_that_no_calendar_has_says_no_order(bench, number, said_at):
    assert take(bench, number, occurred_at=said_at) == "taken"
    assert take(bench, number, EventType.IN_PROGRESS) == "taken"


@pytest.mark.parametrize(
    ("never", "remark"),
    [
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "the last second of many systems, next year in Porto-Novo"),
        (datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=12))), "it has no UTC"),
        (datetime(9000, 1, 1, tzinfo=UTC), "the first that is none"),
    ],
)
def test_a_time_that_means_never(bench, number, never, remark):
    assert take(bench, number, answer_by=never) == "taken", remark
    assert bench.sms(number)[-1].template == "question_ask"
    with bench.parts.database.read() as conn:
        assert questions.of(conn, bench.parts.seals, bench.submission(number).id).expires_at is None
    bench.later(days=365)
    assert says(bench, number, code_of(bench, number)) == "sms_answer_taken"


def test_a_time_before_all_times_has_passed(bench, number):
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert take(bench, number, answer_by=first) == "late"


@pytest.mark.parametrize("ends", ["decided", "in_progress", "withdrawn"])
def test_what_ends_the_waiting_closes_the_question(bench, number, caller, ends):
    take(bench, number)
    code = code_of(bench, number)
    if ends == "decided":
        decide(bench, number)
    elif ends == "in_progress":
        take(bench, number, EventType.IN_PROGRESS)
    else:
        assert does(bench, withdraw, caller, number, b"w") == "done"
    assert outcomes(bench, number) == ["closed"]
    assert says(bench, number, code) == "sms_answer_over"


@pytest.mark.parametrize(
    ("after_s", "answer", "remark"),
    [(3599, "sms_answer_taken", "the last second"), (3600, "sms_answer_over", "its time has come")],
)
def test_its_time(bench, number, after_s, answer, remark):
    take(bench, number, answer_by=bench.time + timedelta(hours=1))
    code = code_of(bench, number)
    bench.later(seconds=after_s)
    assert (open_one(bench, number) is None) == (answer == "sms_answer_over")
    assert says(bench, number, code) == answer, remark


def test_an_answer_that_came_in_time_counts_although_it_is_read_later(bench, number):
    take(bench, number, answer_by=bench.time + timedelta(hours=1))
    code, sent = code_of(bench, number), bench.time
    bench.later(hours=2)
    assert says(bench, number, code, at=sent) == "sms_answer_taken"


def test_a_question_that_nobody_answers_expires_and_nobody_is_told_again(bench, number):
    take(bench, number, answer_by=bench.time + timedelta(hours=1))
    sent = len(bench.texts(number))
    bench.later(minutes=59)
    assert upkeep.sweep(bench.parts)["questions_over"] == 0
    bench.later(minutes=1)
    assert upkeep.sweep(bench.parts)["questions_over"] == 1
    assert upkeep.sweep(bench.parts)["questions_over"] == 0
    assert outcomes(bench, number) == ["expired"]
    assert bench.submission(number).state is SubmissionState.IN_PROGRESS
    assert history(bench, number)[-1] == ("question_expired", "")
    assert len(bench.texts(number)) == sent
    assert decide(bench, number) == "taken"


def test_a_sensitive_question_is_read_after_a_code_and_never_by_sms(bench, act, caller):
    bench.with_service(sensitive=True)
    number = submit(bench.parts, act(), caller, b"s" * 32).values["reference"].raw
    take(bench, number)
    text = bench.texts(number)[-1]
    assert ASKED["fr"] not in text
    assert "REPONSE" not in text
    assert not re.search(r"(?<![\d ])\d{6}(?!\d)", text.replace(" ", "x"))
    read = Lookup("my_question", {"reference": number})
    assert my_question(bench.parts, read, caller, 1.0).outcome == "none"
    assert does(bench, open_question, caller, number, b"o", prove=False) == "not_yours"
    assert does(bench, open_question, caller, number, b"p") == "done"
    found = my_question(bench.parts, read, caller, 1.0)
    assert found.values["question"].raw == ASKED["fr"]
    assert my_question(bench.parts, read, replace(caller, mo_id=1), 1.0).outcome == "dial"
    assert does(bench, answer_question, replace(caller, mo_id=1), number, b"q", text="Afi") == "not_yours"
    assert does(bench, answer_question, caller, number, b"r", text="Afi") == "done"
    bench.later(minutes=10)
    assert my_question(bench.parts, read, caller, 1.0).outcome == "none"


def test_what_a_code_showed_is_shown_for_ten_minutes(bench, act, caller):
    bench.with_service(sensitive=True)
    number = submit(bench.parts, act(), caller, b"s" * 32).values["reference"].raw
    take(bench, number)
    does(bench, open_question, caller, number, b"p")
    read = Lookup("my_question", {"reference": number})
    bench.later(seconds=599)
    assert my_question(bench.parts, read, caller, 1.0).outcome == "found"
    bench.later(seconds=1)
    assert my_question(bench.parts, read, caller, 1.0).outcome == "none"


def test_no_code_in_an_sms_opens_a_sensitive_question(bench, act, caller):
    bench.with_service(sensitive=True)
    number = submit(bench.parts, act(), caller, b"s" * 32).values["reference"].raw
    bench.parts = replace(bench.parts, random_bytes=bytes)  # the code of any other question would be six zeros
    take(bench, number)
    assert says(bench, number, "000000") == "sms_answer_wrong"
    assert outcomes(bench, number) == [None]


def test_a_number_that_changed_hands_is_told_nothing_and_answers_nothing(bench, number):
    stored = bench.submission(number)
    with bench.parts.database.begin() as conn:
        close(conn, bench.parts, stored.holding_id, Why.DISOWNED, bench.time)
    sent = len(bench.sms(number))
    assert take(bench, number) == "taken"
    assert len(bench.sms(number)) == sent
    assert bench.submission(number).state is SubmissionState.MORE_NEEDED


def test_whoever_has_the_number_next_is_answered_as_for_a_wrong_code(bench, number):
    take(bench, number)
    code = code_of(bench, number)
    stored = bench.submission(number)
    with bench.parts.database.begin() as conn:
        close(conn, bench.parts, stored.holding_id, Why.DISOWNED, bench.time)
        next_one = holdings.open_holding(conn, bench.parts.seals, "+2290197000000", bench.time)
    assert says(bench, number, code, holding=next_one) == says(bench, number, "000000", holding=next_one)
    assert says(bench, number, code, holding=next_one) == "sms_answer_wrong"
    assert outcomes(bench, number) == [None]


def test_three_wrong_codes_and_it_is_answered_by_ussd_only(bench, number, caller):
    take(bench, number)
    right = code_of(bench, number)
    wrong = "000000" if right != "000000" else "111111"
    said = [says(bench, number, wrong) for _ in range(3)]
    assert said == ["sms_answer_wrong", "sms_answer_wrong", "sms_answer_tries"]
    assert says(bench, number, right) == "sms_answer_tries"
    assert does(bench, answer_question, caller, number, b"a", text="Afi") == "done"


@pytest.mark.parametrize(("size", "answer"), [(300, "sms_answer_taken"), (301, "sms_answer_too_long")])
def test_the_longest_answer(bench, number, size, answer):
    take(bench, number)
    assert says(bench, number, code_of(bench, number), "x" * size) == answer


def test_an_answer_that_is_too_long_costs_nothing(bench, number):
    take(bench, number)
    code = code_of(bench, number)
    for _ in range(4):
        assert says(bench, number, code, "x" * 301) == "sms_answer_too_long"
    assert says(bench, number, code, "x") == "sms_answer_taken"


def test_answered_once_whoever_comes_first(bench, number, caller):
    take(bench, number)
    code = code_of(bench, number)
    for place in range(4):
        proved(bench, number, f"suivi.{place}")
    acts = [
        Act("answer_question", "suivi", 0, {"reference": number, "text": f"{n}"}, proof=f"suivi.{n}") for n in range(4)
    ]
    with ThreadPoolExecutor(8) as threads:
        by_ussd = [
            threads.submit(answer_question, bench.parts, one, caller, bytes([65 + n]) * 32)
            for n, one in enumerate(acts)
        ]
        by_sms = [threads.submit(says, bench, number, code) for _ in range(4)]
    said = [one.result().outcome for one in by_ussd] + [one.result() for one in by_sms]
    assert len([one for one in said if one in ("done", "sms_answer_taken")]) == 1
    assert [one for one in history(bench, number) if one[0] == "answered"] == [("answered", "")]


def test_a_second_answer(bench, number):
    take(bench, number)
    code = code_of(bench, number)
    assert says(bench, number, code) == "sms_answer_taken"
    assert says(bench, number, code) == "sms_answer_again"
    assert says(bench, number, code, at=bench.time + timedelta(days=1)) == "sms_answer_again"


@pytest.mark.parametrize(
    ("seconds", "answer", "remark"),
    [(259_199, "not_yours", "a thief of a récépissé waits three days"), (259_200, "done", "then it is hers")],
)
def test_a_demand_just_taken_over_is_spoken_for_by_nobody(bench, number, other, seconds, answer, remark):
    take(bench, number)
    with bench.parts.database.begin() as conn:
        fresh = holdings.open_holding(conn, bench.parts.seals, other.msisdn, bench.time)
        submissions.move(conn, bench.submission(number).id, fresh, bench.time)
    bench.later(seconds=seconds)
    assert does(bench, answer_question, other, number, b"t", text="Afi") == answer, remark


def test_another_phone_sees_no_question(bench, number, caller, other):
    take(bench, number)
    status = Lookup("submission_status", {"reference": number})
    mine = submission_status(bench.parts, status, caller, 1.0).values
    assert (mine["state_label"].raw, mine["can_answer"].raw) == ("en attente de votre réponse", "yes")
    theirs = submission_status(bench.parts, status, other, 1.0)
    assert {name: value.raw for name, value in theirs.values.items()} == {"state_label": "being processed"}
    assert my_question(bench.parts, Lookup("my_question", {"reference": number}), other, 1.0).outcome == "none"
    assert does(bench, answer_question, other, number, b"o", text="x") == "not_yours"
    assert does(bench, correct, other, number, b"c", wrong="x", right="y") == "not_yours"


def test_whoever_checks_a_recepisse_is_not_told_of_a_question(bench, number):
    day = bench.time.date()
    verdict = Verdict(Outcome.GENUINE, "acte-naissance", day, SubmissionState.MORE_NEEDED)
    assert in_words(bench.parts, verdict, "fr")[2] == "en cours de traitement"


def test_told_once_that_somebody_works_on_it(bench, number):
    assert take(bench, number, EventType.IN_PROGRESS) == "taken"
    assert [mt.template for mt in bench.sms(number)][1:] == ["in_progress"]
    assert bench.sms(number)[-1].category == "procedure"
    take(bench, number)
    assert take(bench, number, EventType.IN_PROGRESS) == "taken"
    assert take(bench, number, EventType.IN_PROGRESS) == "late"
    assert [mt.template for mt in bench.sms(number)][1:] == ["in_progress", "question_ask"]


def test_nothing_is_said_of_a_delivery(bench, number):
    assert take(bench, number, EventType.DELIVERED) == "taken"
    assert bench.submission(number).state is SubmissionState.DELIVERED
    assert len(bench.sms(number)) == 1


@pytest.mark.parametrize("type_", [one for one in EventType if one is not EventType.DECIDED])
def test_a_demand_can_be_withdrawn_from_every_open_state(bench, number, caller, type_):
    assert take(bench, number, type_) == "taken"
    assert does(bench, withdraw, caller, number, b"w") == "done"
    assert bench.submission(number).state is SubmissionState.WITHDRAWN
    with bench.parts.database.read() as conn:
        assert len(outbox.of_target(conn, "withdrawal", bench.submission(number).id)) == 1

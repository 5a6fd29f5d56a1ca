"""The promised date has passed: citizen and institution are told once, by day, and only while nothing is decided."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import event, update

from gateway.messages import BackofficeAnswer, BackofficeReminder, Category, HandOver, SubmissionState
from gateway.store import holdings, submission_events, submissions
from gateway.store import late as stored
from gateway.store.tables import submissions as submissions_table
from gateway.usecases import late, telling
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit
from gateway.usecases.upkeep import sweep

S = SubmissionState


@pytest.fixture
def promised(bench, act, caller):
    """A demand of Monday 23 November, promised before the 26th, that the institution took."""
    bench.with_service(promise_days=3)
    bench.office.answers = [BackofficeAnswer(HandOver.ACCEPTED, case_number="EC-1")]
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(number).state is S.ACKNOWLEDGED
    return number


@pytest.fixture
def reminders(bench, monkeypatch):
    told: list[BackofficeReminder] = []

    def remind(reminder: BackofficeReminder) -> BackofficeAnswer:
        told.append(reminder)
        return BackofficeAnswer(HandOver.ACCEPTED, code="http_204")

    monkeypatch.setattr(type(bench.office), "remind", lambda _, reminder: remind(reminder), raising=False)
    return told


def at(bench, day: int, hour: int, minute: int = 0) -> None:
    """Sets the clock, in local time."""
    bench.time = datetime(2026, 11, day, hour, minute, tzinfo=bench.parts.zone)


def remind_all(bench):
    for row in bench.claim("backoffice"):
        telling.tell(bench.parts, row, lambda conn, row: late.prepare(bench.parts, conn, row))


def events(bench, number):
    with bench.parts.database.read() as conn:
        return [event.kind for event in submission_events.of(conn, bench.submission(number).id)]


@pytest.mark.parametrize(
    ("day", "hour", "minute", "told", "remark"),
    [
        (26, 16, 59, 0, "the promised day itself"),
        (27, 7, 59, 0, "late, and too early to wake anybody"),
        (27, 8, 0, 1, "the first minute"),
        (27, 16, 59, 1, "the last minute"),
        (27, 17, 0, 0, "the evening"),
        (28, 3, 0, 0, "the night"),
    ],
)
def test_when(bench, promised, day, hour, minute, told, remark):
    at(bench, day, hour, minute)
    assert sweep(bench.parts)["late_told"] == told, remark
    assert len(bench.sms(promised)) == 2 + told


def test_both_are_told_once(bench, promised, reminders):
    at(bench, 27, 9)
    assert sweep(bench.parts)["late_told"] == 1
    notice = bench.sms(promised)[-1]
    assert (notice.template, notice.category) == ("late", Category.PROCEDURE)
    assert "26/11" in bench.texts(promised)[-1]
    assert "retard" in bench.texts(promised)[-1]
    assert bench.submission(promised).late_told_at == bench.time
    remind_all(bench)
    (reminder,) = reminders
    assert (reminder.reference, reminder.promised_on) == (promised, "2026-11-26")
    assert reminder.case_number == "EC-1"
    assert reminder.idempotency_key
    assert events(bench, promised)[-2:] == ["late", "reminder_told"]
    for _ in range(3):
        bench.later(days=1)
        assert sweep(bench.parts)["late_told"] == 0
    assert len(bench.sms(promised)) == 3
    assert len(reminders) == 1


def test_two_sweeps_at_once_tell_once(bench, promised):
    at(bench, 27, 9)
    today = date(2026, 11, 27)
    number = bench.submission(promised).id
    with bench.parts.database.begin() as conn:
        assert stored.untold(conn, today, 9) == (number,)
        assert stored.note_told(conn, number, today, bench.time)
        assert not stored.note_told(conn, number, today, bench.time)
        assert stored.untold(conn, today, 9) == ()


def test_all_or_nothing(bench, promised, monkeypatch):
    """Mark, SMS, reminder and history are one transaction: a sweep that breaks in the middle tells on the next one."""
    at(bench, 27, 9)
    with monkeypatch.context() as broken:
        broken.setattr(late.notices, "late", lambda *_: 1 / 0)
        sweep(bench.parts)
    assert bench.submission(promised).late_told_at is None
    assert "late" not in events(bench, promised)
    assert sweep(bench.parts)["late_told"] == 1


@pytest.mark.parametrize("state", [S.GRANTED, S.REFUSED, S.WITHDRAWN])
def test_what_is_over_is_never_late(bench, promised, state):
    with bench.parts.database.begin() as conn:
        submissions.set_state(conn, bench.parts.seals, bench.submission(promised).id, state, bench.time)
    at(bench, 28, 9)
    assert sweep(bench.parts)["late_told"] == 0
    assert late.list_late(bench.parts, None, 9) == ()


def test_nobody_is_late_while_the_citizen_is_waited_for(bench, promised):
    about = bench.submission(promised).id
    with bench.parts.database.begin() as conn:
        submissions.set_state(conn, bench.parts.seals, about, S.MORE_NEEDED, bench.time)
    at(bench, 27, 9)
    assert sweep(bench.parts)["late_told"] == 0
    assert late.list_late(bench.parts, None, 9) == ()
    assert not late.is_late(bench.parts, bench.submission(promised), bench.time)
    with bench.parts.database.begin() as conn:
        submissions.set_state(conn, bench.parts.seals, about, S.IN_PROGRESS, bench.time)
    assert sweep(bench.parts)["late_told"] == 1, "she answered, and it is late now"
    assert late.is_late(bench.parts, bench.submission(promised), bench.time)


def test_nobody_was_promised_what_nobody_agreed_to(bench, promised):
    with bench.parts.database.begin() as conn:
        conn.execute(update(submissions_table).values(state=S.PROPOSED))
    at(bench, 28, 9)
    assert sweep(bench.parts)["late_told"] == 0


@pytest.mark.parametrize("state", [S.GRANTED, S.WITHDRAWN, S.DEAD])
def test_an_institution_is_not_reminded_of_what_it_decided_or_never_had(bench, promised, reminders, state):
    at(bench, 27, 9)
    sweep(bench.parts)
    with bench.parts.database.begin() as conn:
        conn.execute(update(submissions_table).values(state=state))
    remind_all(bench)
    assert reminders == []
    assert bench.row("reminder", bench.submission(promised).id).last_code == "not_needed"


def test_a_sensitive_one_names_neither_service_nor_institution(bench, act, caller):
    bench.with_service(promise_days=3, sensitive=True)
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    at(bench, 27, 9)
    assert sweep(bench.parts)["late_told"] == 1
    assert bench.sms(number)[-1].template == "late_sensitive"
    assert "Acte" not in bench.texts(number)[-1]


def test_whoever_has_the_number_now_is_not_told(bench, promised):
    with bench.parts.database.begin() as conn:
        holdings.close(conn, bench.submission(promised).holding_id, "sim", bench.time)
        holdings.open_holding(conn, bench.parts.seals, "+2290197000000", bench.time)
    at(bench, 27, 9)
    assert sweep(bench.parts)["late_told"] == 1
    assert len(bench.sms(promised)) == 2
    assert events(bench, promised)[-1] == "late", "the institution is reminded all the same"


def test_the_reminder_waits_for_the_hand_over(bench, act, caller, reminders):
    bench.with_service(promise_days=3, hand_over_s=None)
    number = submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw
    at(bench, 27, 9)
    assert sweep(bench.parts)["late_told"] == 1
    (row,) = bench.claim("backoffice")
    assert row.kind == "submission"
    hand_over(bench.parts, [row])
    remind_all(bench)
    assert [one.reference for one in reminders] == [number]


def test_the_list_is_masked_and_begins_with_the_oldest(bench, act, caller):
    for number, days in enumerate((9, 3, 5)):
        bench.with_service(promise_days=days)
        submit(bench.parts, act(npi=f"123456441{number}"), caller, bytes([number]) * 32)
    at(bench, 30, 12)
    lines = late.list_late(bench.parts, None, 9)
    assert [(line.promised_on.day, line.days, line.told_at) for line in lines] == [(26, 4, None), (28, 2, None)]
    assert {(line.institution, line.line.system) for line in lines} == {("anip", "etat-civil")}
    assert caller.msisdn not in repr(lines)
    assert late.list_late(bench.parts, "autre", 9) == ()
    assert len(late.list_late(bench.parts, "etat-civil", 1)) == 1


def test_the_sweep_and_the_list_read_an_index(sqlite_bench):
    """Years of decided demands must not slow a sweep that runs every 30 s."""
    said: list[tuple[str, tuple[object, ...]]] = []
    with sqlite_bench.parts.database.begin() as conn:
        event.listen(conn, "before_cursor_execute", lambda *given: said.append(given[2:4]))
        stored.untold(conn, date(2026, 11, 27), 9)
        (asked, values), *_ = said
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", values).all()
    assert "ix_submissions_state (state=? AND promised_on<?)" in str(plan)

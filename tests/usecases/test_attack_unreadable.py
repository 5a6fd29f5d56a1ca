"""Rows whose sealed values were damaged: each is told to a person, and none of them stops the work of the others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from gateway.messages import BackofficeAnswer, BackofficeEvent, Decision, HandOver, MtState, SubmissionState
from gateway.store import acts, holdings, saved_dialogues, tables
from gateway.store.outbox import OutboxState
from gateway.usecases import (
    arrivals,
    backoffice_events,
    dead_letters,
    hand_over,
    inspection,
    letters,
    lookups,
    sending,
    submissions,
    upkeep,
)
from gateway.usecases import saved_dialogues as dialogues

KEY = b"k" * 32

POOL = ThreadPoolExecutor(2)


def damage(bench, table, column, row_id=None):
    """Turns one bit of the sealed value of one row (of all: None)."""
    with bench.parts.database.begin() as conn:
        for found in conn.execute(select(table.c.id, table.c[column])).all():
            if found[1] is not None and row_id in (None, found[0]):
                broken = found[1][:-1] + bytes([found[1][-1] ^ 1])
                conn.execute(update(table).where(table.c.id == found[0]).values({column: broken}))


def filed(bench, act, caller, npi="1234564412"):
    answer = submissions.submit(bench.parts, act(npi), caller, npi.encode())
    return answer.values["reference"].raw


@pytest.mark.parametrize("column", ["text_sealed", "msisdn_sealed"])
def test_an_unreadable_sms_does_not_stop_the_lane(bench, act, caller, other, column):
    first, second = filed(bench, act, caller), filed(bench, act, other, "1234564413")
    damage(bench, tables.mts, column, bench.sms(first)[0].id)
    for batch in letters.prepare(bench.parts, bench.claim("urgent")):
        sending._send_wave(bench.parts, [batch], POOL)
    assert [sms.recipients for sms in bench.aggregator.calls] == [(other.msisdn,)]
    lost = bench.sms(first)[0]
    assert (lost.state, lost.reason) == (MtState.FAILED_PERMANENT, "unreadable")
    assert bench.row("mt", lost.id).state is OutboxState.DEAD
    assert bench.sms(second)[0].state is MtState.ACCEPTED


@pytest.mark.parametrize(
    ("table", "column"), [(tables.submissions, "fields_sealed"), (tables.holdings, "msisdn_sealed")]
)
def test_an_unreadable_submission_waits_for_a_person(bench, act, caller, table, column):
    reference = filed(bench, act, caller)
    damage(bench, table, column)
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    assert not bench.office.received
    assert bench.submission(reference).state is SubmissionState.DEAD
    row = bench.row("submission", bench.submission(reference).id)
    assert (row.state, row.last_code) == (OutboxState.DEAD, "unreadable")
    (letter,) = dead_letters.find(bench.parts, dead_letters.Selection())
    assert letter.obstacle is dead_letters.Obstacle.DAMAGED
    assert dead_letters.replay(bench.parts, dead_letters.Selection(), [letter], "me") == 0
    damage(bench, table, column)  # turns the bit back: the row was restored
    (letter,) = dead_letters.find(bench.parts, dead_letters.Selection())
    assert dead_letters.replay(bench.parts, dead_letters.Selection(), [letter], "me") == 1
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(reference).state is SubmissionState.ACKNOWLEDGED


def test_a_person_still_sees_the_list(bench, act, caller, other):
    first, second = filed(bench, act, caller), filed(bench, act, other, "1234564413")
    damage(bench, tables.holdings, "msisdn_sealed", bench.submission(first).holding_id)
    damage(bench, tables.submissions, "label_sealed", bench.submission(first).id)
    lines = inspection.list_submissions(bench.parts, 10)
    assert [line.number for line in lines] == ["+22901******01", "?"]
    assert inspection.show(bench.parts, second) is not None
    assert inspection.show(bench.parts, first).line.number == "?"


def test_a_citizen_still_sees_his_list(bench, act, caller):
    filed(bench, act, caller)
    damage(bench, tables.submissions, "label_sealed")
    answer = lookups.my_submissions(bench.parts, None, caller, 5)
    assert [item.label for item in answer.items] == ["Acte de naissance, 23/11"]


def test_a_decision_is_kept_although_nobody_can_be_told(bench, act, caller, now):
    reference = filed(bench, act, caller)
    damage(bench, tables.holdings, "msisdn_sealed")
    event = BackofficeEvent(
        system="etat-civil",
        event_id="e1",
        type="submission.decided",
        reference=reference,
        occurred_at=now,
        decision=Decision.GRANTED,
        message={"fr": "Venez"},
    )
    assert backoffice_events.take_event(bench.parts, event, now) == backoffice_events.TAKEN
    assert bench.submission(reference).state is SubmissionState.GRANTED
    assert len(bench.sms(reference)) == 1  # the récépissé


def test_an_answer_is_settled_although_nobody_can_be_told(bench, act, caller):
    reference = filed(bench, act, caller)
    bench.office.answers = [BackofficeAnswer(HandOver.ACCEPTED, case_number="EC-1", code="accepted")]
    bench.office.during = lambda: damage(bench, tables.holdings, "msisdn_sealed")
    hand_over.hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(reference).state is SubmissionState.ACKNOWLEDGED


def test_an_unreadable_dialogue_is_not_offered_for_ever(bench, caller, now):
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, caller.msisdn, now)
        dropped = saved_dialogues.DroppedDialogue(holding, "s", "at", "fr", "x", b"state", now + timedelta(hours=1))
        saved = saved_dialogues.save(conn, bench.parts.seals, dropped, now)
    damage(bench, tables.saved_dialogues, "state_sealed")
    assert dialogues.settle(bench.parts, saved, "continued", b"key") is None
    assert arrivals.arrive(bench.parts, caller).waiting is None


def test_a_sweep_with_a_fault_stops_none_of_the_others(sqlite_bench, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(upkeep.outbox, "sweep_sending", fails)
    counts = upkeep.sweep(sqlite_bench.parts)
    assert "lost_sendings" not in counts
    assert "menus_forgotten" in counts


def test_a_backlog_is_swept_in_one_go(sqlite_bench, monkeypatch, act, caller):
    monkeypatch.setattr(upkeep, "_LIMIT", 1)
    for npi in ("1234564412", "1234564413", "1234564414"):
        filed(sqlite_bench, act, caller, npi)
    hand_over.hand_over(sqlite_bench.parts, sqlite_bench.claim("backoffice"))
    sqlite_bench.later(days=31)
    assert upkeep.sweep(sqlite_bench.parts)["outbox_forgotten"] == 3


def test_a_sweep_that_never_ends_is_left(sqlite_bench, monkeypatch):
    monkeypatch.setattr(upkeep.acts, "forget", lambda *_: upkeep._LIMIT)
    assert upkeep.sweep(sqlite_bench.parts)["acts_forgotten"] == upkeep._LIMIT * upkeep._ROUNDS
    assert acts.forget() == upkeep._LIMIT

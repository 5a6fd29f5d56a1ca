"""Dead letters: listed masked, told apart by what stands in the way, replayed with the same keys by a named person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from gateway.keys import Keyring
from gateway.messages import BackofficeAnswer, HandOver, SubmissionState
from gateway.settings import Institution, RestSystem
from gateway.store import outbox, sealed, stops, submission_events, tables
from gateway.usecases import dead_letters, telling, withdrawals
from gateway.usecases.dead_letters import Obstacle, Selection, find, replay
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit
from gateway.usecases.upkeep import sweep

NEVER = BackofficeAnswer(HandOver.RETRY, code="http_401")


def file(bench, act, caller, npi="1234564412"):
    return submit(bench.parts, act(npi), caller, npi.encode()).values["reference"].raw


def until_dead(bench, number):
    bench.office.answers = [NEVER]
    while bench.submission(number).state is SubmissionState.RECEIVED:
        bench.time = bench.row("submission", bench.submission(number).id).due_at
        hand_over(bench.parts, bench.claim("backoffice"))
    bench.office.answers = [BackofficeAnswer(HandOver.ACCEPTED)]


@pytest.fixture
def dead(bench, act, caller):
    number = file(bench, act, caller)
    until_dead(bench, number)
    assert bench.submission(number).state is SubmissionState.DEAD
    return number


def events(bench, number):
    with bench.parts.database.read() as conn:
        return [(event.kind, event.code) for event in submission_events.of(conn, bench.submission(number).id)]


def changed(bench, column, value):
    with bench.parts.database.begin() as conn:
        conn.execute(update(tables.submissions).values({column: value}))


def test_what_is_listed(bench, dead, caller):
    (letter,) = find(bench.parts, Selection())
    assert (letter.row.kind, letter.row.code, letter.row.system, letter.row.attempts) == (
        "submission",
        "http_401",
        "etat-civil",
        3,
    )
    assert (letter.row.since, letter.obstacle) == (bench.time, None)
    for hidden in (caller.msisdn, "1234564412", "cotonou"):
        assert hidden not in repr(letter)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (Selection(system="etat-civil"), 2),
        (Selection(system="autre"), 0),
        (Selection(code="http_401"), 2),
        (Selection(code="http_503"), 0),
        (Selection(system="etat-civil", code="http_401"), 2),
        (Selection(system="etat-civil", code="http_503"), 0),
        (Selection(references=("482109375628",)), 0),
    ],
)
def test_a_selection(bench, act, caller, other, chosen, found):
    for who, npi in ((caller, "1234564412"), (other, "1234564413")):
        until_dead(bench, file(bench, act, who, npi))
    assert len(find(bench.parts, chosen)) == found


def test_one_is_told_again_with_its_key_and_the_name_is_kept(bench, dead):
    chosen = dead_letters.selection([dead], None, None)
    bench.announced.clear()
    assert replay(bench.parts, chosen, find(bench.parts, chosen), "afi") == 1
    assert bench.announced == ["backoffice"]
    assert bench.submission(dead).state is SubmissionState.RECEIVED
    assert replay(bench.parts, chosen, find(bench.parts, chosen), "afi") == 0
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(dead).state is SubmissionState.ACKNOWLEDGED
    assert len({request.idempotency_key for request in bench.office.received}) == 1
    assert [kind for kind, _ in events(bench, dead)] == ["received", "dead", "replayed", "acknowledged"]
    with bench.parts.database.read() as conn:
        noted = stops.acts(conn, 1)[0]
    assert (noted.who, noted.act, noted.subject, noted.detail) == ("afi", "replay", dead, "1 of 1")


def test_two_operators_at_once_replay_it_once(bench, dead):
    letters = find(bench.parts, Selection())
    assert replay(bench.parts, Selection(), letters, "afi") == 1
    assert replay(bench.parts, Selection(), letters, "koffi") == 0
    assert [kind for kind, _ in events(bench, dead)].count("replayed") == 1


def test_its_attempts_count_anew(bench, dead):
    replay(bench.parts, Selection(), find(bench.parts, Selection()), "afi")
    bench.office.answers = [NEVER]
    hand_over(bench.parts, bench.claim("backoffice"))
    row = bench.row("submission", bench.submission(dead).id)
    assert (row.state, row.attempts) == ("ready", 1)


def test_what_went_on_without_a_replay_is_no_dead_letter(bench, dead):
    changed(bench, "state", SubmissionState.GRANTED)
    assert find(bench.parts, Selection()) == ()


@pytest.mark.parametrize("typed", ["abc", "48210937562", ""])
def test_what_is_no_reference(typed):
    assert dead_letters.selection([typed], None, None) == typed


def test_an_erased_one_is_told_apart(bench, dead):
    changed(bench, "fields_sealed", None)
    (letter,) = find(bench.parts, Selection())
    assert letter.obstacle is Obstacle.ERASED
    assert replay(bench.parts, Selection(), [letter], "afi") == 0
    assert bench.submission(dead).state is SubmissionState.DEAD


def test_a_missing_key_is_told_apart_from_a_damaged_row(bench, dead, keys):
    """The file of another machine lacks the key; put back, the same letter can be replayed."""
    other = replace(keys, encryption={"e2": b"f" * 32})
    assert isinstance(other, Keyring)
    lost = replace(bench.parts, seals=sealed.build(other, bench.parts.random_bytes))
    (letter,) = find(lost, Selection())
    assert (letter.obstacle, letter.key_id) == (Obstacle.KEY_MISSING, "e1")
    assert letter.line.number == "?"
    with bench.parts.database.begin() as conn:
        whole = conn.execute(select(tables.submissions.c.fields_sealed)).scalar_one()
    changed(bench, "fields_sealed", whole[:-1] + bytes([whole[-1] ^ 1]))
    (letter,) = find(bench.parts, Selection())
    assert (letter.obstacle, letter.key_id) == (Obstacle.DAMAGED, "")
    changed(bench, "fields_sealed", whole)
    (letter,) = find(bench.parts, Selection())
    assert letter.obstacle is None


def test_a_renamed_system(bench, dead):
    """gateway.yaml calls it otherwise: nothing is told to nobody, and all of the demand goes to the new name."""
    moved = RestSystem(institution="mairie", kind="rest", url="http://127.0.0.1:1")
    named = {"mairie": Institution(name={"fr": "Mairie", "en": "Town hall"})}
    settings = bench.parts.settings.model_copy(update={"systems": {"etat-civil-2": moved}, "institutions": named})
    bench.parts = replace(bench.parts, settings=settings, systems={"etat-civil-2": bench.office})
    (letter,) = find(bench.parts, Selection())
    assert letter.obstacle is Obstacle.NO_SYSTEM
    (letter,) = find(bench.parts, Selection(system="etat-civil"), system_now="etat-civil-2")
    assert letter.obstacle is None
    assert replay(bench.parts, Selection(system="etat-civil"), [letter], "afi", "etat-civil-2") == 1
    stored = bench.submission(dead)
    assert (stored.system, stored.institution) == ("etat-civil-2", "mairie")
    with bench.parts.database.read() as conn:
        assert set(
            conn.execute(select(tables.outbox.c.system).where(tables.outbox.c.kind == "submission")).scalars()
        ) == {"etat-civil-2"}
        assert stops.acts(conn, 1)[0].detail == "1 of 1 system-now=etat-civil-2"
    assert ("readdressed", "etat-civil-2") in events(bench, dead)
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(dead).state is SubmissionState.ACKNOWLEDGED


@pytest.mark.parametrize("kind", ["withdrawal", "reminder", "statement", "poll"])
def test_what_else_an_institution_was_not_told(bench, act, caller, kind):
    number = file(bench, act, caller)
    hand_over(bench.parts, bench.claim("backoffice"))
    target = bench.submission(number).id
    with bench.parts.database.begin() as conn:
        if kind == "statement":
            target = _statement(conn, bench, target)
        row = outbox.add(conn, "backoffice", kind, target, None, 10, bench.time, bench.time, "etat-civil")
        outbox.claim(conn, "backoffice", "t", 9, 60, bench.time)
        assert outbox.dead(conn, row, "t", "http_500", bench.time)
    (letter,) = find(bench.parts, Selection())
    assert (letter.row.kind, letter.row.submission_id, letter.obstacle) == (kind, bench.submission(number).id, None)
    assert replay(bench.parts, Selection(code="http_500"), [letter], "afi") == 1
    assert bench.submission(number).state is SubmissionState.ACKNOWLEDGED
    assert events(bench, number)[-1] == (f"{kind}_replayed", "person")
    (row,) = bench.claim("backoffice")
    assert (row.kind, row.target_id, row.attempts) == (kind, target, 0)


def _statement(conn, bench, submission_id):
    row = {
        "submission_id": submission_id,
        "kind": "correction",
        "text_sealed": bench.parts.seals.seal("Né à Parakou", "statements.text_sealed"),
        "channel": "at",
        "idempotency_key": "s1",
        "said_at": bench.time,
    }
    return conn.execute(insert(tables.statements).values(row).returning(tables.statements.c.id)).scalar_one()


def test_a_replayed_demand_that_was_offered_before_is_still_withdrawn_from_its_institution(bench, dead):
    """The replay counts its attempts anew, but the institution may have heard of it."""
    replay(bench.parts, Selection(), find(bench.parts, Selection()), "afi")
    changed(bench, "state", SubmissionState.WITHDRAWN)
    with bench.parts.database.begin() as conn:
        assert telling.was_offered(conn, bench.submission(dead).id)


def test_an_institution_is_told_of_a_withdrawal_long_after_the_hand_over(bench, act, caller):
    number = file(bench, act, caller)
    hand_over(bench.parts, bench.claim("backoffice"))
    bench.later(days=31)
    sweep(bench.parts)
    with bench.parts.database.begin() as conn:
        submission = bench.submission(number).id
        assert outbox.of_target(conn, "submission", submission) == (), "its row is forgotten"
        row = outbox.add(conn, "backoffice", "withdrawal", submission, None, 1, bench.time, bench.time, "etat-civil")
        (claimed,) = outbox.claim(conn, "backoffice", "t", 9, 60, bench.time)
        assert claimed.id == row
        assert withdrawals.prepare(bench.parts, conn, claimed) is not None


# --- the time that a service allows ---------------------------------------------------------------------------------


def test_past_its_time_it_is_dead_whatever_attempts_are_left(bench, act, caller):
    bench.with_service(hand_over_s=600)
    number = file(bench, act, caller)
    assert bench.submission(number).hand_over_by == bench.time + timedelta(seconds=600)
    bench.later(seconds=599)
    assert sweep(bench.parts)["hand_overs_over"] == 0
    bench.later(seconds=1)
    assert sweep(bench.parts)["hand_overs_over"] == 1
    assert bench.submission(number).state is SubmissionState.DEAD
    assert events(bench, number)[-1] == ("dead", "deadline")
    row = bench.row("submission", bench.submission(number).id)
    assert (row.state, row.last_code, row.attempts) == ("dead", "deadline", 0)
    assert bench.claim("backoffice") == ()
    assert len(bench.sms(number)) == 1, "nobody decided: nothing is told"


def test_a_call_under_way_has_the_last_word(bench, act, caller):
    bench.with_service(hand_over_s=600)
    number = file(bench, act, caller)
    bench.later(seconds=590)
    rows = bench.claim("backoffice")

    def meanwhile():
        bench.later(seconds=20)
        assert sweep(bench.parts)["hand_overs_over"] == 0

    bench.office.during = meanwhile
    hand_over(bench.parts, rows)
    assert bench.submission(number).state is SubmissionState.ACKNOWLEDGED


def test_a_call_that_ends_too_late_without_an_answer_was_the_last(bench, act, caller):
    bench.with_service(hand_over_s=600)
    number = file(bench, act, caller)
    bench.later(seconds=590)
    bench.office.answers = [NEVER]
    bench.office.during = lambda: bench.later(seconds=20)
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(number).state is SubmissionState.DEAD


def test_what_is_claimed_too_late_is_not_offered(bench, act, caller):
    bench.with_service(hand_over_s=600)
    number = file(bench, act, caller)
    bench.later(seconds=600)
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.office.received == []
    assert bench.submission(number).state is SubmissionState.DEAD


def test_a_replay_has_the_whole_time_again(bench, act, caller):
    bench.with_service(hand_over_s=600)
    number = file(bench, act, caller)
    bench.later(days=1)
    sweep(bench.parts)
    assert replay(bench.parts, Selection(code="deadline"), find(bench.parts, Selection(code="deadline")), "afi") == 1
    assert bench.submission(number).hand_over_by == bench.time + timedelta(seconds=600)
    assert sweep(bench.parts)["hand_overs_over"] == 0


def test_a_service_without_one_is_tried_as_often_as_its_system(bench, act, caller):
    bench.with_service(hand_over_s=None)
    number = file(bench, act, caller)
    assert bench.submission(number).hand_over_by is None
    bench.later(days=300)
    assert sweep(bench.parts)["hand_overs_over"] == 0
    assert bench.submission(number).state is SubmissionState.RECEIVED

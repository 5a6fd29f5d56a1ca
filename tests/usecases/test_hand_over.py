from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.messages import BackofficeAnswer, BackofficeEvent, EventType, HandOver, SubmissionState
from gateway.store import outbox, submission_events, submissions
from gateway.usecases.hand_over import hand_over, lease_s
from gateway.usecases.submissions import submit

KEY = b"k" * 32


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, KEY).values["reference"].raw


def answer(outcome: HandOver, **more: object) -> BackofficeAnswer:
    return BackofficeAnswer(outcome, **more)


def events(bench, number):
    with bench.parts.database.read() as conn:
        return [(event.kind, event.code) for event in submission_events.of(conn, bench.submission(number).id)]


def test_what_the_institution_receives(bench, number):
    (row,) = bench.claim("backoffice")
    hand_over(bench.parts, [row])
    (request,) = bench.office.received
    assert (request.reference, request.service, request.msisdn) == (number, "acte-naissance", "+2290197000000")
    assert request.fields == {"npi": "1234564412", "commune": "cotonou"}
    assert (request.promised_on, request.language, request.assurance) == ("", "fr", "number")
    assert request.submitted_at == bench.time


def test_accepted_at_once_tells_the_citizen_once(bench, number):
    bench.office.answers = [answer(HandOver.ACCEPTED, case_number="EC-1", code="accepted")]
    bench.announced.clear()
    hand_over(bench.parts, bench.claim("backoffice"))
    stored = bench.submission(number)
    assert (stored.state, stored.case_number) == (SubmissionState.ACKNOWLEDGED, "EC-1")
    assert [mt.template for mt in bench.sms(number)][1:] == ["acknowledged_case"]
    assert "EC-1" in bench.texts(number)[1]
    assert events(bench, number) == [("received", ""), ("acknowledged", "accepted")]
    assert bench.row("submission", stored.id).state == "done"
    assert bench.announced == ["urgent"]


def test_the_notice_waits_for_the_receipt(bench, number):
    """One order key for the SMS of a submission: a notice never overtakes the récépissé."""
    (receipt,) = bench.claim("urgent")
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.claim("urgent") == ()
    with bench.parts.database.begin() as conn:
        assert outbox.done(conn, receipt.id, receipt.token, "", bench.time)
    (notice,) = bench.claim("urgent")
    assert notice.target_id == bench.sms(number)[1].id


@pytest.mark.parametrize(
    ("reason", "template", "said"),
    [
        ({"fr": "NPI inconnu.", "en": "Unknown NPI."}, "not_accepted_reason", "NPI inconnu."),
        ({"en": "Unknown NPI."}, "not_accepted_reason", "Unknown NPI."),
        ({}, "not_accepted", "Suivi"),
    ],
    ids=["in the citizen's language", "in the only one given", "none"],
)
def test_rejected_closes_it_with_the_reason(bench, number, reason, template, said):
    bench.office.answers = [answer(HandOver.REJECTED, code="npi_unknown", reason=reason)]
    hand_over(bench.parts, bench.claim("backoffice"))
    stored = bench.submission(number)
    assert (stored.state, stored.closed_at) == (SubmissionState.REFUSED, bench.time)
    assert [mt.template for mt in bench.sms(number)][1:] == [template]
    assert said in bench.texts(number)[1]
    assert events(bench, number)[-1] == ("not_accepted", "npi_unknown")


def test_later_and_later_then_dead(bench, number):
    """5 s, then 10 s, spread over their second half; the third failure of three attempts gives up."""
    bench.office.answers = [answer(HandOver.RETRY, code="http_503")]
    submission = bench.submission(number).id
    for whole_s in (5, 10):
        hand_over(bench.parts, bench.claim("backoffice"))
        row = bench.row("submission", submission)
        assert (row.state, row.last_code) == ("ready", "http_503")
        wait = row.due_at - bench.time
        assert timedelta(seconds=whole_s / 2) <= wait <= timedelta(seconds=whole_s)
        assert bench.claim("backoffice") == ()
        bench.time = row.due_at
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.row("submission", submission).state == "dead"
    assert bench.submission(number).state == SubmissionState.DEAD
    assert len(bench.sms(number)) == 1  # nothing is told: nobody decided
    assert len({request.idempotency_key for request in bench.office.received}) == 1
    assert len(bench.office.received) == 3


@pytest.mark.parametrize(
    ("asked_s", "at_least_s", "remark"),
    [(120, 120, "longer than our wait"), (0, 2.5, "shorter than our wait"), (None, 2.5, "nothing asked")],
)
def test_retry_after_is_honoured(bench, number, asked_s, at_least_s, remark):
    bench.office.answers = [answer(HandOver.RETRY, code="http_429", retry_after_s=asked_s)]
    hand_over(bench.parts, bench.claim("backoffice"))
    row = bench.row("submission", bench.submission(number).id)
    assert row.due_at - bench.time >= timedelta(seconds=at_least_s)


def test_a_worker_that_lost_its_lease_settles_nothing(bench, number):
    """The call lasts longer than the lease: another worker claims, calls with the same key, and settles."""
    (first,) = bench.claim("backoffice")

    def meanwhile():
        bench.office.during = lambda: None
        bench.later(seconds=61)
        (second,) = bench.claim("backoffice")
        assert second.token != first.token
        hand_over(bench.parts, [second])

    bench.office.during = meanwhile
    bench.office.answers = [
        answer(HandOver.ACCEPTED, case_number="SECOND"),
        answer(HandOver.REJECTED, code="late"),
    ]
    hand_over(bench.parts, [first])
    assert bench.submission(number).state == SubmissionState.ACKNOWLEDGED
    assert bench.submission(number).case_number == "SECOND"
    assert len(bench.sms(number)) == 2
    assert len({request.idempotency_key for request in bench.office.received}) == 1


def test_a_lease_that_ended_before_the_call_means_no_call(bench, number):
    (row,) = bench.claim("backoffice")
    bench.later(seconds=60)
    hand_over(bench.parts, [row])
    assert bench.office.received == []
    bench.claim("backoffice")


def test_an_event_that_came_first_needs_no_call(bench, number):
    (row,) = bench.claim("backoffice")
    submission = bench.submission(number)
    with bench.parts.database.begin() as conn:
        submissions.set_state(conn, bench.parts.seals, submission.id, SubmissionState.ACKNOWLEDGED, bench.time)
    hand_over(bench.parts, [row])
    assert bench.office.received == []
    assert bench.row("submission", submission.id).state == "done"


def test_an_event_during_the_call_is_not_told_twice(bench, number):
    submission = bench.submission(number)

    def decided():
        with bench.parts.database.begin() as conn:
            submissions.set_state(conn, bench.parts.seals, submission.id, SubmissionState.GRANTED, bench.time)

    bench.office.during = decided
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(number).state == SubmissionState.GRANTED
    assert len(bench.sms(number)) == 1
    assert events(bench, number)[-1] == ("acknowledged", "late")


@pytest.mark.parametrize("state", [SubmissionState.ACKNOWLEDGED, SubmissionState.IN_PROGRESS])
def test_an_institution_that_has_told_that_it_has_it_has_not_refused_it(bench, number, state):
    """The answer to a first try was lost, its news came, and the second try finds a demand that is there: 422."""
    submission = bench.submission(number)

    def told():
        with bench.parts.database.begin() as conn:
            submissions.set_state(conn, bench.parts.seals, submission.id, state, bench.time)

    bench.office.during = told
    bench.office.answers = [answer(HandOver.REJECTED, code="exists", reason={"fr": "Déjà là"})]
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(number).state == state
    assert len(bench.sms(number)) == 1
    assert events(bench, number)[-1] == ("not_accepted", "late")


def test_news_that_cannot_be_taken_is_tried_again_and_then_a_person_looks(bench, number, monkeypatch):
    def breaks(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.usecases.backoffice_events.take_within", breaks)
    stored = bench.submission(number)
    event = BackofficeEvent("etat-civil", "evt-1", EventType.IN_PROGRESS, number, bench.time)
    bench.office.answers = [answer(HandOver.ACCEPTED, events=(event,))]
    for _ in range(2):
        hand_over(bench.parts, bench.claim("backoffice"))
        row = bench.row("submission", stored.id)
        assert (row.state, row.last_code) == ("ready", "failed")
        bench.time = row.due_at
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.row("submission", stored.id).state == "dead"
    assert bench.submission(number).state == SubmissionState.DEAD


def test_a_fault_of_ours_is_tried_again(bench, number):
    def breaks():
        raise ZeroDivisionError

    bench.office.during = breaks
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.row("submission", bench.submission(number).id).last_code == "failed"


def test_a_system_taken_out_of_the_configuration_waits(bench, number):
    bench.parts = replace(bench.parts, systems={})
    hand_over(bench.parts, bench.claim("backoffice"))
    row = bench.row("submission", bench.submission(number).id)
    assert (row.state, row.last_code) == ("ready", "no_system")


def test_nothing_is_sent_to_a_number_that_changed_hands(bench, number, act):
    from gateway.store import holdings

    with bench.parts.database.begin() as conn:
        holdings.close(conn, bench.submission(number).holding_id, "sim", bench.time)
        holdings.open_holding(conn, bench.parts.seals, "+2290197000000", bench.time)
    hand_over(bench.parts, bench.claim("backoffice"))
    assert bench.submission(number).state == SubmissionState.ACKNOWLEDGED
    assert len(bench.sms(number)) == 1


def test_the_lease_is_that_of_the_most_patient_system(bench):
    assert lease_s(bench.parts) == 60

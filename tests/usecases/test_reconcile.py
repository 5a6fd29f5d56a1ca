"""SMS of unknown fate: settled by a late report, by a person, by the aggregator's list; sent again by a person only."""

from __future__ import annotations

import pytest

from gateway.messages import Dlr, MtState, SendOutcome, SendResult
from gateway.store.stops import acts
from gateway.usecases import mt_words, reconcile
from gateway.usecases.delivery_reports import take_dlr
from gateway.usecases.reconcile import Settled
from gateway.usecases.upkeep import sweep
from tests.usecases.test_sending import NUMBERS, send_all, state, write


@pytest.fixture
def lost(bench):
    """One SMS whose answer never came."""
    mt = write(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = SendResult("", SendOutcome.UNKNOWN, code="no_answer")
    send_all(bench)
    assert state(bench, mt).state is MtState.UNKNOWN
    return mt


def report(bench, number: str | None = NUMBERS[0], external_id: str = "ATX_9") -> str:
    return take_dlr(bench.parts, Dlr("at", external_id, MtState.DELIVERED, "Success", "", number), bench.time)


def test_a_late_report_about_its_number_settles_it(bench, lost):
    bench.later(hours=2)
    assert report(bench) == "adopted"
    assert (state(bench, lost).state, state(bench, lost).external_id) == (MtState.DELIVERED, "ATX_9")
    assert bench.row("mt", lost).state == "done"
    assert report(bench) == "unchanged"


@pytest.mark.parametrize(
    ("number", "hours", "remark"),
    [(NUMBERS[1], 1, "another number"), (None, 1, "no number"), (NUMBERS[0], 73, "too late to be about it")],
)
def test_another_report_does_not(bench, lost, number, hours, remark):
    bench.later(hours=hours)
    assert report(bench, number) == "stray", remark
    assert state(bench, lost).state is MtState.UNKNOWN


def test_of_two_nobody_can_tell(bench, lost):
    write(bench, NUMBERS[0], "Autre")
    send_all(bench)
    assert report(bench) == "stray"


def test_a_report_that_came_first_is_adopted_by_the_sweep(bench):
    """It came while the call was still under way, under an id that the lost answer would have told."""
    mt = write(bench, NUMBERS[0])
    bench.aggregator.results[NUMBERS[0]] = SendResult("", SendOutcome.UNKNOWN, code="no_answer")
    bench.aggregator.during = lambda: report(bench)
    send_all(bench)
    assert state(bench, mt).state is MtState.UNKNOWN
    assert sweep(bench.parts)["reports_adopted"] == 1
    assert state(bench, mt).state is MtState.DELIVERED


def test_a_person_settles_it(bench, lost):
    assert [mt.id for mt in reconcile.list_unknown(bench.parts, 9)] == [lost]
    assert reconcile.settle(bench.parts, lost, MtState.DELIVERED, "ada") is Settled.DONE
    assert reconcile.settle(bench.parts, lost, MtState.DELIVERED, "ada") is Settled.NOT_UNKNOWN
    assert reconcile.settle(bench.parts, 999, MtState.DELIVERED, "ada") is Settled.MISSING
    assert bench.row("mt", lost).state == "done"
    with bench.parts.database.read() as conn:
        assert [(act.who, act.act, act.subject) for act in acts(conn, 9)] == [("ada", "sms.settle", f"mt:{lost}")]


def test_a_person_sends_it_again(bench, lost):
    bench.aggregator.results.clear()
    assert reconcile.resend(bench.parts, lost, "ada") is Settled.DONE
    assert "urgent" in bench.announced
    send_all(bench)
    assert len(bench.aggregator.calls) == 2
    assert state(bench, lost).state is MtState.ACCEPTED
    assert reconcile.resend(bench.parts, lost, "ada") is Settled.NOT_UNKNOWN


def row(number: str, **more: str) -> reconcile.Entry | None:
    return reconcile.read_entry({"number": number, "messageId": "ATX_9", "status": "Success", "date": "", **more}, "BJ")


def test_the_aggregator_s_list_settles_what_it_can_tell(bench, lost):
    twins = [write(bench, NUMBERS[1], f"texte {n}") for n in range(2)]
    bench.aggregator.results[NUMBERS[1]] = SendResult("", SendOutcome.UNKNOWN, code="no_answer")
    send_all(bench)
    entries = [row(NUMBERS[0]), row(NUMBERS[1]), row(NUMBERS[2])]
    counts = reconcile.from_list(bench.parts, "at", [entry for entry in entries if entry], "ada")
    assert counts == {"settled": 1, "ambiguous": 1, "foreign": 1}
    assert (state(bench, lost).state, state(bench, lost).external_id) == (MtState.DELIVERED, "ATX_9")
    assert {state(bench, mt).state for mt in twins} == {MtState.UNKNOWN}


def test_a_line_of_another_day_is_not_about_it(bench, lost):
    entry = row(NUMBERS[0], date="2020-01-01 00:00:00")
    assert entry is not None
    assert reconcile.from_list(bench.parts, "at", [entry], "ada")["foreign"] == 1


@pytest.mark.parametrize(
    "changes", [{"status": "bizarre"}, {"messageId": ""}, {"number": "x"}], ids=["status", "id", "number"]
)
def test_a_line_that_cannot_be_used(changes):
    assert row(**{"number": NUMBERS[0], **changes}) is None


@pytest.mark.parametrize(
    ("state_", "proof", "reason", "said"),
    [
        (MtState.DELIVERED, "handset", "", "remis"),
        (MtState.DELIVERED, "smsc", "", "remis au réseau"),
        (MtState.DELIVERED, "none", "", "remis au réseau"),
        (MtState.NO_REPORT, "handset", "validity", "sans accusé de remise"),
        (MtState.SUPPRESSED, "handset", "reach_otherwise", "à joindre autrement"),
        (MtState.REJECTED, "handset", "UserInBlacklist", "à joindre autrement"),
        (MtState.SUPPRESSED, "handset", "refused", "non envoyé: refusé par l'usager"),
    ],
)
def test_the_words_of_a_state(state_, proof, reason, said):
    assert mt_words.words(state_, proof, "fr", reason) == said


@pytest.mark.parametrize("state_", list(MtState))
def test_every_state_has_its_words(state_):
    assert mt_words.words(state_, "handset", "fr") != mt_words.words(state_, "handset", "en")

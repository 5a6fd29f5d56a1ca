"""A number that changed hands: whoever has it now starts with nothing, and gets nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from gateway.messages import Dlr, MtState, SimAnswer
from gateway.store import holdings, mts, outbox, sim_checks
from gateway.usecases import delivery_reports, letters, preferences, upkeep
from gateway.usecases import holdings as held
from gateway.usecases import sim_checks as checks
from tests.trust.conftest import NUMBER, Handset, demand, templates

End = Callable[[Handset], None]


def silence(handset: Handset) -> None:
    handset.texter.later(days=90)


def silence_swept(handset: Handset) -> None:
    handset.texter.later(days=91)
    upkeep.sweep(handset.gateway.parts)


def another_sim(handset: Handset) -> None:
    handset.imsi = "616030000000002"


def subscriber_gone(handset: Handset) -> None:
    handset.texter.later(minutes=5)
    handset.gateway.parts.channels["africastalking"]
    holding = handset.holding()
    assert holding is not None
    with handset.gateway.database.begin() as conn:
        new = mts.NewMt(
            holding_id=holding, msisdn=NUMBER, channel="africastalking", sender="court", text="x", encoding="GSM-7",
            segments=1, template="t", category="procedure", language="fr",  # type: ignore[arg-type]
            valid_until=handset.texter.clock.now + timedelta(days=1),
        )  # fmt: skip
        mt = mts.insert(conn, handset.gateway.parts.seals, new, handset.texter.clock.now)
        mts.move(conn, mt, MtState.SENDING, "send", "", handset.texter.clock.now)
        mts.move(conn, mt, MtState.ACCEPTED, "send", "", handset.texter.clock.now)
        mts.set_external(conn, mt, "ATX_gone", "", handset.texter.clock.now)
    report = Dlr(
        "africastalking", "ATX_gone", MtState.FAILED_PERMANENT, "Failed", "UserDoesNotExist", NUMBER, gone=True
    )
    delivery_reports.take_dlr(handset.gateway.parts, report, handset.texter.clock.now)


def the_operator_says_so(handset: Handset) -> None:
    holding, now = handset.holding(), handset.texter.clock.now
    assert holding is not None
    with handset.gateway.database.begin() as conn:
        sim_checks.add(conn, holding, "africastalking", "R1", now)
    answer = SimAnswer("africastalking", "R1", now + timedelta(hours=1))
    assert checks.take_answer(handset.gateway.parts, answer, now) == checks.CHANGED


def it_was_not_me(handset: Handset) -> None:
    assert handset.dial("5", "3", "5", "1").final


ENDS: tuple[End, ...] = (
    silence, silence_swept, another_sim, subscriber_gone, the_operator_says_so, it_was_not_me,
)  # fmt: skip


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_the_next_person_finds_nothing_and_is_sent_nothing(handset: Handset, end: End) -> None:
    handset.imsi = "616030000000001"
    reference = handset.files()
    handset.says("ANGLAIS")
    handset.says("LANGUE anglais")
    handset.dial("1", "1", "1234567899", "1")
    handset.hang_up()  # a dialogue that could be taken up
    before = handset.holding()
    assert before is not None
    assert "not finished" in handset.dial().text, "it would be offered, in her language"
    handset.inbox()

    end(handset)

    first = handset.dial()
    assert "Services publics" in first.text, "no offer, no language of hers"
    assert "Aucune demande" in handset.type("2").text or "Aucune" in handset.type("1").text
    assert handset.holding() != before
    assert "Aucun message" in handset.dial("5", "1").text
    assert "Langue: Francais" in handset.dial("5", "2").text
    other = handset.dial("2", "2", reference)
    assert "Le détail n'est dit qu'au" in other.text
    # and what is decided about the old demand is not told to the new person
    sent = len(handset.texter.network.sent)
    with handset.gateway.database.begin() as conn:
        from gateway.usecases import notices

        assert notices.acknowledged(conn, handset.gateway.parts, demand(handset.gateway, reference)) is None
    handset.texter.work()
    assert len(handset.texter.network.sent) == sent


def test_what_waits_to_leave_when_it_ends_does_not_leave(handset: Handset) -> None:
    handset.files()  # its récépissé waits in the outbox
    holding, gateway = handset.holding(), handset.gateway
    assert holding is not None
    with gateway.database.begin() as conn:
        holdings.close(conn, holding, "sim", gateway.now())
    assert handset.inbox() == []
    assert templates(gateway, holding) == [("receipt_no_promise", "suppressed")]


def test_just_before_ninety_days_it_is_still_hers(handset: Handset) -> None:
    handset.files()
    before = handset.holding()
    handset.texter.later(days=90, seconds=-1)
    handset.dial()
    assert handset.holding() == before
    handset.texter.later(days=89)
    handset.dial()
    assert handset.holding() == before, "each dial is a sign"


def test_an_sms_is_a_sign_too(handset: Handset) -> None:
    handset.files()
    before = handset.holding()
    for _ in range(3):
        handset.texter.later(days=60)
        handset.says("AIDE")
    assert handset.holding() == before


def test_what_an_aggregator_or_an_operator_does_is_none(handset: Handset) -> None:
    from gateway.messages import OptOut

    handset.files()
    handset.texter.later(days=89)
    preferences.take_optout(handset.gateway.parts, OptOut("africastalking", "", NUMBER), handset.texter.clock.now)
    handset.texter.later(days=1)
    assert handset.holding() is None


def test_a_shortcut_closes_it_as_well(handset: Handset) -> None:
    handset.files()
    handset.texter.later(days=91)
    assert "Aucune demande" in handset.dial("1", tail="22").text


def test_a_report_about_an_sms_from_before_her_last_call_proves_nothing(handset: Handset) -> None:
    handset.files()
    before = handset.holding()
    subscriber_gone_before = handset.texter.clock.now
    handset.texter.later(minutes=1)
    assert before is not None
    with handset.gateway.database.begin() as conn:
        (mt,) = mts.of_holding(conn, before, 1)
        mts.move(conn, mt.id, MtState.SENDING, "send", "", subscriber_gone_before)
        mts.move(conn, mt.id, MtState.ACCEPTED, "send", "", subscriber_gone_before)
        mts.set_external(conn, mt.id, "ATX_old", "", subscriber_gone_before)
        holdings.note_seen(conn, before, handset.texter.clock.now)
    report = Dlr("africastalking", "ATX_old", MtState.FAILED_PERMANENT, "Failed", "", NUMBER, gone=True)
    delivery_reports.take_dlr(handset.gateway.parts, report, handset.texter.clock.now)
    assert handset.holding() == before


def test_the_operator_names_an_older_change_and_nothing_ends(handset: Handset) -> None:
    handset.files()
    before, now = handset.holding(), handset.texter.clock.now
    assert before is not None
    with handset.gateway.database.begin() as conn:
        sim_checks.add(conn, before, "africastalking", "R2", now)
    answer = SimAnswer("africastalking", "R2", now - timedelta(days=400))
    assert checks.take_answer(handset.gateway.parts, answer, now) == checks.SAME
    assert checks.take_answer(handset.gateway.parts, answer, now) == checks.UNKNOWN, "answered once"
    assert handset.holding() == before


def test_the_operator_is_asked_when_a_code_is_sent_once_a_day(handset: Handset) -> None:
    gateway = handset.gateway
    asked: list[str] = []

    def ask_sim(number: str) -> str:
        asked.append(number)
        return f"R{len(asked)}"

    declared = gateway.settings.model_copy(
        update={"holdings": gateway.settings.holdings.model_copy(update={"sim_check": "africastalking"})}
    )
    from dataclasses import replace

    network = handset.texter.network
    network.ask_sim = ask_sim  # type: ignore[attr-defined]
    parts = replace(gateway.parts, settings=declared)
    with parts.database.begin() as conn:
        from gateway.usecases import holdings as held

        holding = held.met(conn, parts, NUMBER, gateway.now())
        assert checks.plan(conn, parts, holding, gateway.now())
        (row,) = outbox.claim(conn, "urgent", "t", 5, 60, gateway.now())
    checks.ask(parts, row)
    assert asked == [NUMBER]
    with parts.database.begin() as conn:
        assert not checks.plan(conn, parts, holding, gateway.now())
        assert checks.plan(conn, parts, holding, gateway.now() + timedelta(days=1, seconds=1))
    assert letters.WAVE_CALLS  # the lane's other work is untouched


def test_a_call_after_the_sms_that_could_not_be_delivered_proves_that_she_is_there(handset: Handset) -> None:
    """A dial is noted once a day only, but always after something was written to her."""
    handset.files()
    before, now = handset.holding(), handset.texter.clock.now
    handset.texter.later(hours=2)
    written = handset.texter.clock.now
    assert before is not None
    with handset.gateway.database.begin() as conn:
        new = mts.NewMt(
            holding_id=before, msisdn=NUMBER, channel="africastalking", sender="court", text="x", encoding="GSM-7",
            segments=1, template="t", category="procedure", language="fr",  # type: ignore[arg-type]
            valid_until=written + timedelta(days=1),
        )  # fmt: skip
        mt = mts.insert(conn, handset.gateway.parts.seals, new, written)
        mts.move(conn, mt, MtState.SENDING, "send", "", written)
        mts.move(conn, mt, MtState.ACCEPTED, "send", "", written)
        mts.set_external(conn, mt, "ATX_late", "", written)
    handset.texter.later(minutes=10)
    handset.dial()
    report = Dlr(
        "africastalking", "ATX_late", MtState.FAILED_PERMANENT, "Failed", "UserDoesNotExist", NUMBER, gone=True
    )
    delivery_reports.take_dlr(handset.gateway.parts, report, handset.texter.clock.now)
    assert now < written
    assert handset.holding() == before


def told_of_a_change(handset: Handset, name: str, at: datetime) -> str:
    holding = handset.holding()
    assert holding is not None
    with handset.gateway.database.begin() as conn:
        sim_checks.add(conn, holding, "africastalking", name, handset.texter.clock.now)
    return checks.take_answer(handset.gateway.parts, SimAnswer("africastalking", name, at), handset.texter.clock.now)


def end_of_day(at: datetime) -> datetime:
    """As an operator dates a change: by its day."""
    return at.replace(hour=23, minute=59, second=59)


@pytest.mark.parametrize("first", ["the network", "the operator"])
def test_a_change_that_is_known_ends_nothing_twice(handset: Handset, first: str) -> None:
    """Else the new holder's own demands would be lost to her when she is asked about three days later."""
    handset.imsi = "616030000000001"
    handset.files()
    day = end_of_day(handset.texter.clock.now)
    if first == "the network":
        handset.imsi = "616030000000002"
        handset.dial()
    else:
        assert told_of_a_change(handset, "R0", day) == checks.CHANGED
    fresh = handset.holding()
    assert told_of_a_change(handset, "R1", day) == checks.SAME
    handset.texter.later(hours=73)
    assert told_of_a_change(handset, "R2", day) == checks.SAME
    assert handset.holding() == fresh
    assert told_of_a_change(handset, "R3", end_of_day(handset.texter.clock.now)) == checks.CHANGED, "a later one does"


def test_a_change_that_is_not_dated_ends_nothing_and_no_code_is_sent(handset: Handset) -> None:
    handset.files()
    before, now = handset.holding(), handset.texter.clock.now
    assert before is not None
    with handset.gateway.database.begin() as conn:
        sim_checks.add(conn, before, "africastalking", "R1", now)
    answer = SimAnswer("africastalking", "R1", None, readable=False, undated=True)
    assert checks.take_answer(handset.gateway.parts, answer, now) == checks.UNKNOWN
    assert handset.holding() == before
    assert "SIM" in handset.dial("2", "3", "1", "1").text


def test_no_old_sms_in_the_phone_opens_a_dialogue_of_the_holding_before(handset: Handset, stranger: Handset) -> None:
    handset.dial("1", "1", "1234567899", "1")
    handset.hang_up()
    code = re.findall(r"REPRISE (\d{4} \d{4} \d{4})", handset.inbox()[-1])[0]
    holding, gateway = handset.holding(), handset.gateway
    assert holding is not None
    with gateway.database.begin() as conn:
        held.close(conn, gateway.parts, holding, held.Why.SIM, gateway.now())
    (said,) = stranger.says(f"REPRISE {code}")
    assert "ne permet pas" in said


def test_a_dialogue_that_dropped_before_the_number_changed_hands_is_not_the_next_one_s(handset: Handset) -> None:
    """It is in Redis until it is swept, minutes later: by then somebody else may have said that the number is hers."""
    handset.dial("1", "1", "1234567899", "1")
    dropped = handset.sessions
    handset.texter.later(minutes=1)
    handset.files()
    it_was_not_me(handset)
    last, handset.sessions = handset.sessions, dropped
    handset.hang_up()
    handset.sessions = last
    handset.texter.later(minutes=1)
    assert "1.Acte de naissance" in handset.dial().text
    handset.dial("1", "1", "1234567898", "1")
    handset.hang_up()
    assert "non terminée" in handset.dial().text, "her own is"


def test_another_sim_in_the_middle_of_a_dialogue_sees_nothing(handset: Handset) -> None:
    """The dial is where a holding is closed; where that could not be done, nothing of it is shown all the same."""
    handset.imsi = "616030000000001"
    handset.files()
    assert "Acte" in handset.dial("2", "1").text
    handset.dial()
    handset.imsi = "616030000000002"
    handset.type("2")
    assert "Aucune demande" in handset.type("1").text

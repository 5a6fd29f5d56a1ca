"""A demand followed from another number: with its reference and the end of its NPI, and a look at the old number."""

from __future__ import annotations

from gateway.engine.outcomes import Act
from gateway.messages import SubmissionState
from gateway.store import holdings
from gateway.text.reference import make
from gateway.usecases.caller import Caller
from tests.trust.conftest import NPI, Handset, demand

LAST4 = NPI[-4:]


def test_she_changed_her_number(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    done = stranger.dial("2", "4", reference, LAST4)
    assert "C'est fait" in done.text
    assert demand(handset.gateway, reference).holding_id == stranger.holding()
    assert any("suivie par un autre numéro" in text for text in handset.inbox()), "the number before is told"
    assert "Acte" in stranger.dial("2", "1").text
    assert "Aucune demande" in handset.dial("2", "1").text


def test_the_same_number_after_its_holding_ended(handset: Handset) -> None:
    reference = handset.files()
    handset.inbox()
    sent = len(handset.texter.network.sent)
    handset.texter.later(days=120)
    assert "Aucune demande" in handset.dial("2", "1").text
    assert "C'est fait" in handset.dial("2", "4", reference, LAST4).text
    assert "Acte" in handset.dial("2", "1").text
    handset.texter.work()
    assert len(handset.texter.network.sent) == sent, "nobody holds the old one: nobody is told"


def test_wrong_digits_and_unknown_references_are_one_answer(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    wrong = stranger.dial("2", "4", reference, "0000").text
    unknown = stranger.dial("2", "4", make(lambda size: b"\x01" * size), LAST4).text
    assert wrong == unknown
    assert demand(handset.gateway, reference).holding_id == handset.holding()


def test_digits_are_not_found_by_trying(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    for guess in ("0000", "0001", "0002"):
        stranger.dial("2", "4", reference, guess)
    assert "Trop d'essais" in stranger.dial("2", "4", reference, LAST4).text
    third = Handset(handset.texter, "+2290195000000")
    assert "Trop d'essais" in third.dial("2", "4", reference, LAST4).text, "from no other number either"
    handset.texter.later(days=1)
    assert "C'est fait" in stranger.dial("2", "4", reference, LAST4).text


def test_what_was_just_taken_over_cannot_be_withdrawn_for_three_days(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    stranger.dial("2", "4", reference, LAST4)
    later = stranger.dial("2", "3", "1")
    assert later.final
    assert "dans quelques jours" in later.text
    assert not any(text.startswith("Code ") for text in stranger.inbox()), "no code was paid for"
    stranger.proves("suivi.retrait")
    act = Act("withdraw", "suivi", 0, {"reference": reference}, proof="suivi.retrait")
    caller = Caller(stranger.number, "africastalking", "", "fr")
    assert handset.gateway.ussd.actions["withdraw"](act, caller, b"w" * 32).outcome == "not_yours"
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED
    handset.texter.later(hours=73)
    stranger.dial("2", "3", "1", "1")
    assert "retirée" in stranger.type(stranger.code()).text
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN


def test_an_erased_demand_is_nobodys(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    with handset.gateway.database.begin() as conn:
        from sqlalchemy import text

        conn.execute(text("UPDATE submissions SET fields_sealed = NULL"))
        assert holdings.by_id(conn, demand(handset.gateway, reference).holding_id)
    assert "ne vont pas ensemble" in stranger.dial("2", "4", reference, LAST4).text

"""Somebody dials for somebody else, who agrees by OUI and four digits, or has no phone."""

from __future__ import annotations

import re

import pytest

from gateway.engine.outcomes import Act, Submission
from gateway.messages import OnBehalf, SubmissionState, UssdReply
from gateway.store import hand_over, holdings, outbox, submissions
from gateway.usecases import holdings as held
from gateway.usecases import upkeep
from gateway.usecases.caller import Caller
from tests.trust.conftest import NPI, NUMBER, OTHER, Handset, demand

FOR_HER = ("1", "3", "1", "0166000000", "1", NPI, "1", "1")
WITHOUT_PHONE = ("1", "3", "2", "2", NPI, "1", "1")


def sent_with_code(handset: Handset, *answers: str) -> UssdReply:
    """The last screen of a demand for somebody else: the helper proves by a code that the phone is his."""
    asked = handset.dial(*answers)
    assert not asked.final
    assert "6 chiffres" in asked.text
    return handset.type(handset.code())


def proposed(handset: Handset) -> str:
    reply = sent_with_code(handset, *FOR_HER)
    assert reply.final
    assert "répond OUI" in reply.text
    return "".join(re.findall(r"\d{4} \d{4} \d{4}", reply.text)[0].split())


def digits(stranger: Handset) -> str:
    return re.findall(r"OUI (\d{4})", stranger.inbox()[-1])[0]


def rows(handset: Handset, submission_id: int) -> int:
    with handset.gateway.database.read() as conn:
        return len(outbox.of_target(conn, "submission", submission_id))


def test_she_agrees_and_the_demand_is_hers(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    made = demand(handset.gateway, reference)
    assert (made.state, made.on_behalf) == (SubmissionState.PROPOSED, OnBehalf.AGREED)
    assert rows(handset, made.id) == 0, "no institution hears of it before she agrees"
    (asked,) = stranger.inbox()
    assert "01 97 00 00 00 fait une demande pour vous: Acte de naissance" in asked
    said = stranger.says(f"oui {digits(stranger)}")
    assert len(said) == 1
    assert said[0].startswith("Récépissé"), "her récépissé is the answer"
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED
    assert rows(handset, made.id) == 1
    assert any("la personne a dit OUI" in text for text in handset.inbox())
    assert "Aucune demande" in handset.dial("2", "1").text, "it is not the helper's"
    assert "Acte" in stranger.dial("2", "1").text
    with handset.gateway.database.read() as conn:
        material = hand_over.for_hand_over(conn, handset.gateway.parts.seals, made.id)
    assert material is not None
    assert (material.request.msisdn, material.request.helper_msisdn) == (OTHER, NUMBER)
    assert material.request.on_behalf is OnBehalf.AGREED


def test_a_bare_oui_agrees_to_nothing(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    code = digits(stranger)
    (said,) = stranger.says("OUI")
    assert "OUI seul n'accepte rien" in said
    assert demand(handset.gateway, reference).state is SubmissionState.PROPOSED
    stranger.says(f"OUI{code}")
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED


def test_wrong_digits_three_times_and_it_can_no_longer_be_agreed(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    code = digits(stranger)
    for wrong in range(3):
        (said,) = stranger.says(f"OUI {(int(code) + 1 + wrong) % 10000:04}")
        assert "ne correspondent" in said
    stranger.says(f"OUI {code}")
    assert demand(handset.gateway, reference).state is SubmissionState.PROPOSED


def test_nobody_else_agrees_for_her(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    (said,) = handset.says(f"OUI {digits(stranger)}")
    assert "ne correspondent" in said
    assert demand(handset.gateway, reference).state is SubmissionState.PROPOSED


def test_who_never_answers_and_the_helper_is_told(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    code = digits(stranger)
    handset.texter.later(hours=72)
    upkeep.sweep(handset.gateway.parts)
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN
    assert any("n'est pas partie" in text for text in handset.inbox())
    stranger.says(f"OUI {code}")
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN


def test_the_helper_cannot_see_nor_withdraw_it(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    assert "Aucune demande n'a ce numéro" in handset.dial("2", "2", reference).text, "nobody sees it before she agrees"
    stranger.says(f"OUI {digits(stranger)}")
    assert "Aucune demande" in handset.dial("2", "3").text
    assert "Le détail n'est dit qu'au" in handset.dial("2", "2", reference).text


def test_she_withdraws_it(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    stranger.says(f"OUI {digits(stranger)}")
    stranger.dial("2", "3", "1", "1")
    stranger.type(stranger.code())
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN


def test_a_helper_who_asks_for_many_is_stopped(handset: Handset) -> None:
    for number in range(5):
        reply = sent_with_code(handset, "1", "3", "1", f"019500000{number}", "1", f"123456789{number}", "1", "1")
        assert "répond OUI" in reply.text
        handset.texter.later(minutes=30)  # three codes an hour
    reply = sent_with_code(handset, "1", "3", "1", "0195000009", "1", "1234567899", "1", "1")
    assert reply.final
    assert "Trop de demandes pour d'autres" in reply.text


def test_she_refused_such_sms_and_nothing_is_stored(handset: Handset, stranger: Handset) -> None:
    stranger.says("STOP")
    reply = sent_with_code(handset, *FOR_HER)
    assert "ne peut pas recevoir notre SMS" in reply.text
    with handset.gateway.database.read() as conn:
        assert submissions.count_by_state(conn) == {}


def test_a_person_without_a_phone(handset: Handset) -> None:
    reply = sent_with_code(handset, *WITHOUT_PHONE)
    assert "remis à la personne elle-meme" in reply.text
    reference = "".join(re.findall(r"\d{4} \d{4} \d{4}", reply.text)[0].split())
    made = demand(handset.gateway, reference)
    assert (made.state, made.on_behalf) == (SubmissionState.RECEIVED, OnBehalf.DECLARED)
    with handset.gateway.database.read() as conn:
        material = hand_over.for_hand_over(conn, handset.gateway.parts.seals, made.id)
    assert material is not None
    assert (material.request.relation, material.request.helper_msisdn) == ("parent", NUMBER)
    handset.dial("2", "3", "1")
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED
    assert "ne peut pas etre retirée" in handset.dial("2", "3", "1").text, "the helper cannot"


def test_her_own_number_is_her_own_demand(handset: Handset) -> None:
    reply = sent_with_code(handset, "1", "3", "1", "0197000000", "1", NPI, "1", "1")
    assert "déposée" in reply.text


@pytest.mark.parametrize("answers", [FOR_HER, WITHOUT_PHONE], ids=["agreed", "declared"])
def test_who_speaks_for_somebody_proves_the_phone_first(handset: Handset, answers: tuple[str, ...]) -> None:
    handset.dial(*answers)
    handset.type("000000" if handset.code() != "000000" else "111111")
    with handset.gateway.database.read() as conn:
        assert submissions.count_by_state(conn) == {}
    assert handset.type(handset.code()).final
    with handset.gateway.database.read() as conn:
        assert sum(submissions.count_by_state(conn).values()) == 1


@pytest.mark.parametrize("answers", [FOR_HER, WITHOUT_PHONE], ids=["agreed", "declared"])
def test_a_new_sim_speaks_for_nobody(handset: Handset, answers: tuple[str, ...]) -> None:
    handset.dial()
    with handset.gateway.database.begin() as conn:
        holding = held.met(conn, handset.gateway.parts, NUMBER, handset.texter.clock.now)
        holdings.note_sim_change(conn, holding, handset.texter.clock.now)
    refused = handset.dial(*answers)
    assert refused.final
    assert "SIM" in refused.text
    assert handset.inbox() == []


@pytest.mark.parametrize("said", [{"number": OTHER}, {"relation": "parent"}], ids=["agreed", "declared"])
def test_no_demand_for_somebody_without_the_code(handset: Handset, said: dict[str, str]) -> None:
    """Whatever a menu or an engine asked before: the act itself looks."""
    args = Submission("etat-civil", {"npi": NPI}, frozenset({"npi"}), (), "", "fr", "number", **said)
    act = Act("submit", "acte-naissance", 0, args, proof="acte-naissance.envoi")
    answer = handset.gateway.ussd.actions["submit"](act, Caller(NUMBER, "africastalking", "", "fr"), b"k" * 32)
    assert answer.outcome == "unavailable"
    with handset.gateway.database.read() as conn:
        assert submissions.count_by_state(conn) == {}


def test_one_s_own_demand_needs_none(handset: Handset) -> None:
    assert handset.dial("1", "1", NPI, "1", "1").final


@pytest.mark.parametrize("words", ["OUI 1234", "oui 12 34"])
def test_oui_and_digits_that_nobody_asked_for(handset: Handset, words: str) -> None:
    (said,) = handset.says(words)
    assert "ne correspondent" in said


def test_the_helper_does_not_take_it_over(handset: Handset, stranger: Handset) -> None:
    """He typed the NPI and read the reference: for him these two prove nothing."""
    reference = proposed(handset)
    stranger.says(f"OUI {digits(stranger)}")
    refused = handset.dial("2", "4", reference, NPI[-4:])
    assert "ne vont pas ensemble" in refused.text
    assert demand(handset.gateway, reference).holding_id == stranger.holding()
    third = Handset(handset.texter, "+2290195000000")
    assert "C'est fait" in third.dial("2", "4", reference, NPI[-4:]).text, "she, from her new number"


def test_who_was_silent_too_long_is_asked_as_whoever_holds_the_number_now(handset: Handset, stranger: Handset) -> None:
    stranger.says("STOP")
    handset.texter.later(days=91)
    reference = proposed(handset)
    stranger.says(f"OUI {digits(stranger)}")
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED


def test_oui_and_digits_are_no_yes_to_a_near_miss(handset: Handset, stranger: Handset) -> None:
    reference = proposed(handset)
    code = digits(stranger)
    (said,) = stranger.says("AIDEE")
    assert "Vouliez-vous dire" in said
    stranger.says(f"OUI {code}")
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED


def test_she_is_asked_and_told_in_the_language_she_chose(handset: Handset, stranger: Handset) -> None:
    """Not in that of the helper's phone."""
    stranger.says("LANGUE anglais")
    proposed(handset)
    asked = stranger.inbox()[-1]
    assert "is making a request for you" in asked
    code = re.findall(r"YES (\d{4})", asked)[0]
    (receipt,) = stranger.says(f"YES {code}")
    assert receipt.startswith("Receipt")

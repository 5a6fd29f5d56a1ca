"""A one-time code stands before what a call alone must not do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis

from gateway import settings
from gateway.engine.outcomes import Act
from gateway.messages import SubmissionState
from gateway.store import holdings, my_messages
from gateway.usecases import upkeep
from gateway.usecases.caller import Caller
from tests.sms.conftest import Build
from tests.trust.conftest import NPI, Handset, demand

WITHDRAW = ("2", "3", "1", "1")


def test_a_withdrawal_from_the_dial_to_the_confirmation(handset: Handset) -> None:
    reference = handset.files()
    asked = handset.dial(*WITHDRAW)
    assert not asked.final
    assert "6 chiffres" in asked.text
    done = handset.type(handset.code())
    assert done.final
    assert "retirée" in done.text
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN
    assert any("est retirée" in text for text in handset.inbox())
    assert handset.files() != reference, "the same person may ask again"


def test_who_hangs_up_to_read_the_code_comes_back_to_it(handset: Handset) -> None:
    reference = handset.files()
    handset.dial(*WITHDRAW)
    handset.hang_up()
    code = handset.code()
    again = handset.dial("1")
    assert "6 chiffres" in again.text
    assert handset.type(code).final
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN
    assert len([text for text in handset.inbox() if text.startswith("Code ")]) == 1, "no second code was sent"


def test_by_sms_too(handset: Handset) -> None:
    reference = handset.files()
    for words in ("SUIVI", "3", "1"):
        handset.says(words)
    handset.says("Retirer")
    handset.says(handset.code())
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN


def test_three_wrong_codes_and_nothing_is_done(handset: Handset) -> None:
    reference = handset.files()
    handset.dial(*WITHDRAW)
    right = handset.code()
    wrong = "000000" if right != "000000" else "111111"
    assert handset.type(wrong).text.startswith("Code faux.")
    for slip in ("abc", "12345", "1234567", ""):
        again = handset.type(slip)
        assert not again.final
        assert again.text.startswith("Il faut 6 chiffres."), "a slip is not a guess"
    assert handset.type(f"{wrong[:3]} {wrong[3:]}").text.startswith("Code faux."), "spaces do not count"
    over = handset.type(wrong)
    assert over.final
    assert "trois fois" in over.text
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED
    handset.dial(*WITHDRAW)
    assert handset.code() != right, "the code that was guessed at opens nothing"


def test_three_codes_an_hour(handset: Handset) -> None:
    handset.files()
    for _ in range(3):
        handset.dial(*WITHDRAW)
        right = handset.code()
        for _ in range(3):
            handset.type("000000" if right != "000000" else "111111")
    refused = handset.dial(*WITHDRAW)
    assert refused.final
    assert "Trop de codes" in refused.text
    handset.texter.later(hours=1)
    assert not handset.dial(*WITHDRAW).final


def test_three_codes_in_any_hour(handset: Handset) -> None:
    """Not three before the clock strikes and three after."""
    handset.files()
    handset.texter.later(minutes=50)  # 13:55 UTC
    for _ in range(3):
        handset.dial(*WITHDRAW)
        right = handset.code()
        for _ in range(3):
            handset.type("000000" if right != "000000" else "111111")
    handset.texter.later(minutes=10)
    assert "Trop de codes" in handset.dial(*WITHDRAW).text
    handset.texter.later(minutes=50)
    assert not handset.dial(*WITHDRAW).final


def test_a_code_lives_ten_minutes_and_another_one_follows(handset: Handset) -> None:
    reference = handset.files()
    handset.dial(*WITHDRAW)
    old = handset.code()
    handset.texter.later(minutes=10)
    renewed = handset.type(old)
    assert renewed.text.startswith("Code expiré")
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED
    assert handset.code() != old
    assert handset.type(handset.code()).final
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN


def test_a_code_is_for_one_act(handset: Handset) -> None:
    """The code that was typed for one purpose opens no other, and opens its own once."""
    first = handset.files()
    handset.dial(*WITHDRAW)
    code = handset.code()
    handset.dial("5", "3", "3", "1")  # "forget me" asks for its own
    refused = handset.type(code)
    assert refused.text.startswith("Code faux.")
    assert demand(handset.gateway, first).state is SubmissionState.RECEIVED


def test_the_code_is_nowhere_but_in_its_sms(handset: Handset, capfd: pytest.CaptureFixture[str]) -> None:
    handset.files()
    handset.dial(*WITHDRAW)
    code = handset.code()
    handset.type(code)
    assert code not in capfd.readouterr().err
    holding, gateway = handset.holding(), handset.gateway
    assert holding is not None
    with gateway.database.read() as conn:
        readable = my_messages.latest(conn, gateway.parts.seals, holding, gateway.now().replace(year=2020), (), 20)
    assert not any(code in one.text for one in readable)
    handset.texter.later(minutes=11)
    upkeep.sweep(gateway.parts)
    with gateway.database.read() as conn:
        from sqlalchemy import text

        kept = conn.execute(text("SELECT count(*) FROM mts WHERE template = 'code_sms' AND text_sealed IS NOT NULL"))
        assert kept.scalar_one() == 0


def test_a_new_sim_is_sent_no_code(handset: Handset) -> None:
    handset.files()
    holding = handset.holding()
    assert holding is not None
    with handset.gateway.database.begin() as conn:
        holdings.note_sim_change(conn, holding, handset.texter.clock.now)
    refused = handset.dial(*WITHDRAW)
    assert refused.final
    assert "SIM" in refused.text
    handset.texter.later(hours=72)
    assert not handset.dial(*WITHDRAW).final


def test_redis_lost_between_the_code_and_the_act_does_it_once(handset: Handset, redis_url: str) -> None:
    reference = handset.files()
    handset.dial(*WITHDRAW)
    code = handset.code()
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    handset.type(code)
    assert demand(handset.gateway, reference).state in (SubmissionState.RECEIVED, SubmissionState.WITHDRAWN)
    confirmations = [text for text in handset.inbox() if re.search("est retirée", text)]
    assert len(confirmations) <= 1


def test_the_same_turn_delivered_twice_withdraws_once(handset: Handset) -> None:
    handset.files()
    handset.dial(*WITHDRAW)
    first = handset.type(handset.code())
    assert handset._deliver() == first
    assert len([text for text in handset.inbox() if "est retirée" in text]) == 1


def test_nobody_else_withdraws_it(handset: Handset, stranger: Handset) -> None:
    reference = handset.files()
    listed = stranger.dial("2", "3")
    assert "Aucune demande" in listed.text
    assert demand(handset.gateway, reference).state is SubmissionState.RECEIVED
    assert NPI not in listed.text


def test_a_code_that_cannot_be_sent_is_not_waited_for(build: Build) -> None:
    """No sender of ours reaches her operator: she is told so, instead of waiting for a code that never comes."""
    declared = settings.load({"GATEWAY_LOCAL": "1"}).senders["court"].model_copy(update={"registered": ["moov"]})
    handset = Handset(build(senders={"court": declared}), network="61603")
    handset.files()
    refused = handset.dial(*WITHDRAW)
    assert refused.final
    assert "momentanément indisponible" in refused.text


def test_no_operator_reads_a_code(handset: Handset, stranger: Handset) -> None:
    """Whoever reads it may act as the citizen: `gateway sms show --text` does not show it."""
    from gateway.usecases import sms_inspection

    handset.files()
    handset.dial(*WITHDRAW)
    handset.code()
    handset.dial("1", "3", "1", "0166000000", "1", "1234567891", "1", "1")
    handset.type(handset.code())
    handset.dial("1", "1", "1234567899", "1")
    handset.hang_up()
    stranger.inbox()
    shown: dict[str, str | None] = {}
    for mt_id in range(1, len(handset.texter.network.sent) + 1):
        sheet = sms_inspection.show(handset.gateway.parts, mt_id, "fr", reader="Awa")
        assert sheet is not None
        shown[sheet.line.mt.template] = sheet.text
    assert shown.pop("receipt_no_promise", "")
    assert shown == {"code_sms": "***", "agree_ask": "***", "resume_sms": "***"}


@pytest.mark.parametrize("asked", ["by the act", "by the service"])
def test_any_act_may_need_a_code(build: Build, other_menus: Path, asked: str) -> None:
    """A menu says so of one act, or of its service; the code is used up, and the act looks for it itself."""
    file = other_menus / "preferences.yaml"
    words = file.read_text(encoding="utf-8")
    if asked == "by the act":
        words = words.replace("assurance: number", "assurance: number\nresume: 1h")
        words = words.replace("      do: set_preference\n", "      do: set_preference\n      code: yes\n", 1)
    else:
        words = words.replace("assurance: number", "assurance: number+code\nresume: 1h")
    file.write_text(words, encoding="utf-8")
    handset = Handset(build(menus=other_menus))
    language = ("5", "2", "1", "2")
    assert "6 chiffres" in handset.dial(*language).text
    assert "in English" in handset.type(handset.code()).text
    act = Act(
        "set_preference", "preferences", 0, {"subject": "language", "value": "fr"}, proof="preferences.langue_choisie"
    )
    caller = Caller(handset.number, "africastalking", "", "fr")
    assert handset.gateway.ussd.actions["set_preference"](act, caller, b"p" * 32).outcome == "unavailable"

"""An act is told whatever else happens to its turn: guarantees 4 and 10 with two things at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import redis

from gateway.engine.outcomes import ActAnswer
from gateway.messages import EndStatus, UssdEnd
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import dialogues
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NPI, Build, Clock, Phone, stored
from tests.ussd.interference import CANCEL, CONFIRM, NOTHING_SENT, during_the_act, flaky


class TestAnActIsToldWhatever:
    """Guarantee 10: "nothing was sent" is said only when nothing was."""

    def test_another_answer_wins_the_race_after_the_act(self, gateway: Gateway) -> None:
        phone = Phone(gateway)
        phone.walk(*ACTE[:-1])
        reply = during_the_act(gateway, lambda: phone.deliver(CANCEL)).deliver(CONFIRM)
        assert stored(gateway) == 1
        assert reply.final
        assert "est enregistrée" in reply.text, "the act is done, whoever won the record"

    def test_the_dialogue_is_closed_during_the_act(self, gateway: Gateway) -> None:
        Phone(gateway).walk(*ACTE[:-1])
        end = UssdEnd("africastalking", "s1", EndStatus.DROPPED)
        reply = during_the_act(gateway, lambda: dialogues.take_end(gateway.ussd, end)).deliver(CONFIRM)
        assert stored(gateway) == 1
        assert "est enregistrée" in reply.text

    def test_another_last_input_wins_the_race_after_the_act(self, gateway: Gateway, clock: Clock) -> None:
        phone = Phone(gateway, channel="mtn_madapi")
        phone.last_input("", new=True)
        for answer in ("1", "1", NPI, "1"):
            clock.pass_by(5)
            phone.last_input(answer)
        clock.pass_by(5)
        slow = during_the_act(gateway, lambda: phone.last_input("2"), channel="mtn_madapi")
        assert "est enregistrée" in slow.last_input("1").text
        assert stored(gateway) == 1

    def test_a_rebuild_that_finds_the_act_and_cannot_commit(self, gateway: Gateway, redis_url: str) -> None:
        phone, sessions = flaky(gateway)
        phone.walk(*ACTE)
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        sessions.fails = frozenset({"commit"})
        reply = phone.deliver(CONFIRM)
        assert NOTHING_SENT not in reply.text
        assert "déposée" in reply.text
        sessions.close()

    @pytest.mark.parametrize("fails", ["load", "commit"])
    def test_a_repetition_while_redis_is_away(self, gateway: Gateway, fails: str) -> None:
        phone, sessions = flaky(gateway)
        phone.walk(*ACTE[:-1])
        sessions.fails = frozenset({"commit"})
        phone.deliver(CONFIRM)
        sessions.fails = frozenset({fails})
        assert NOTHING_SENT not in phone.deliver(CONFIRM).text, "the first delivery stored it"
        sessions.close()

    def test_a_turn_that_did_no_act_while_redis_is_away(self, gateway: Gateway) -> None:
        phone, sessions = flaky(gateway)
        phone.walk(*ACTE)
        sessions.fails = frozenset({"load"})
        assert NOTHING_SENT in phone.deliver(f"{CONFIRM}*1").text, "nothing is known under another transcript"
        sessions.close()

    def test_without_redis_and_without_a_database(self, gateway: Gateway) -> None:
        def away(key: bytes) -> ActAnswer | None:
            raise StoreUnavailable(Why.AWAY)

        phone, sessions = flaky(gateway)
        sessions.fails = frozenset({"load"})
        blind = dataclasses.replace(phone.gateway, ussd=dataclasses.replace(phone.gateway.ussd, find_act=away))
        assert NOTHING_SENT in Phone(blind).deliver(CONFIRM).text


#: What follows the act, where the dialogue goes on.


GOES_ON = """\
  ok:
    say:
      fr: Demande {reference} en cours
      en: Request {reference} under way
    choices:
      suite:
        label:
          fr: Autre démarche
          en: Another procedure
        go: accueil
"""


def that_goes_on(build: Build, menus: Path) -> Gateway:
    """A gateway whose *Acte de naissance* does not end with its act."""
    acte = menus / "acte-naissance.yaml"
    text = acte.read_text(encoding="utf-8")
    start, end = text.index("  ok:\n"), text.index("  deja:\n")
    acte.write_text(text[:start] + GOES_ON + "\n" + text[end:], encoding="utf-8")
    return build(menus)


class TestAfterAnAct:
    """Guarantee 1: Back never crosses an act, in a dialogue that goes on after it."""

    def test_back_leads_home_and_submits_nothing_again(self, build: Build, other_menus: Path) -> None:
        gateway = that_goes_on(build, other_menus)
        phone = Phone(gateway)
        root, *_, done = phone.walk(*ACTE)
        assert "en cours" in done.text
        assert not done.final
        assert phone.deliver(f"{CONFIRM}*0") == root
        assert "\n".join(root.text.split("\n")[:5]) in phone.deliver(f"{CONFIRM}*0*0").text
        assert stored(gateway) == 1

    def test_a_rebuild_goes_on_past_an_act_that_was_done(self, build: Build, other_menus: Path, redis_url: str) -> None:
        gateway = that_goes_on(build, other_menus)
        root = Phone(gateway).walk(*ACTE)[0]
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        assert Phone(gateway).deliver(f"{CONFIRM}*1") == root, "with a row, take its answer and go on"
        assert stored(gateway) == 1

    def test_a_screen_that_was_not_stored_is_not_shown_as_one_to_answer(self, build: Build, other_menus: Path) -> None:
        phone, sessions = flaky(that_goes_on(build, other_menus))
        phone.walk(*ACTE[:-1])
        sessions.fails = frozenset({"commit"})
        reply = phone.deliver(CONFIRM)
        assert reply.final
        assert "est enregistrée" in reply.text
        sessions.close()

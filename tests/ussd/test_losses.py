"""What a loss or a replay may not cost: dropped dialogues, half-read records, screens fed by lookups."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
import redis

from gateway.messages import EndStatus, UssdEnd, UssdReply
from gateway.text import reference
from gateway.usecases import dialogues
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NPI, NUMBER, Build, Clock, Phone, stored
from tests.ussd.interference import CONFIRM, waiting


class TestNothingDurableIsLost:
    """Guarantee 3."""

    def test_a_new_dial_under_the_same_session_id_saves_what_it_replaces(self, gateway: Gateway, clock: Clock) -> None:
        """Where the number stands for a session id, a citizen who was cut off and dials again replaces his record."""
        phone = Phone(gateway, channel="mtn_madapi")
        phone.last_input("", new=True)
        for answer in ("1", "1", NPI):
            clock.pass_by(5)
            phone.last_input(answer)
        clock.pass_by(20)
        phone.last_input("", new=True)
        assert waiting(gateway) == "acte-naissance.commune"

    def test_many_ended_dialogues_do_not_hide_a_dropped_one(self, gateway: Gateway, redis_url: str) -> None:
        Phone(gateway, "dropped").walk(*ACTE[:4])
        with redis.Redis.from_url(redis_url) as client:
            (key,) = client.scan_iter("ussd:*")
            client.pexpire(key, 100_000)
            for number in range(600):
                client.copy(key, f"ussd:africastalking:{number:032x}")  # no key opens a record under another name
                client.pexpire(f"ussd:africastalking:{number:032x}", 100_000)
        assert dialogues.sweep_dropped(gateway.ussd) == 1
        assert waiting(gateway) == "acte-naissance.commune"

    def test_what_the_aggregator_calls_completed_was_not_dropped(self, gateway: Gateway) -> None:
        phone = Phone(gateway)
        last = phone.walk(*ACTE[:4])[-1]
        dialogues.take_end(gateway.ussd, UssdEnd("africastalking", "s1", EndStatus.COMPLETED))
        assert waiting(gateway) is None
        assert phone.deliver(ACTE[4]) == UssdReply(last.text, final=True), "it is closed all the same"

    def test_a_record_that_cannot_be_saved_stops_no_other(self, gateway: Gateway, redis_url: str) -> None:
        Phone(gateway, "a").walk(*ACTE[:4])
        Phone(gateway, "b", "+2290166000000").walk(*ACTE[:4])
        with redis.Redis.from_url(redis_url) as client:
            for key in client.scan_iter("ussd:*"):
                client.pexpire(key, 100_000)
        save = gateway.ussd.save_dropped
        failed: list[str] = []

        def once_broken(menus, state, caller, at) -> None:  # type: ignore[no-untyped-def]
            if not failed:
                failed.append(caller.msisdn)
                raise KeyError("a screen that is gone")
            save(menus, state, caller, at)

        broken = dataclasses.replace(gateway.ussd, save_dropped=once_broken)
        assert dialogues.sweep_dropped(broken) == 1
        assert sum(waiting(gateway, number) is not None for number in (NUMBER, "+2290166000000")) == 1

    def test_a_record_of_another_release_is_as_good_as_none(self, gateway: Gateway) -> None:
        expected = Phone(gateway).walk(*ACTE[:3])[-1]
        sessions = gateway.ussd.sessions
        key = f"ussd:africastalking:{gateway.ussd.digest('s2').hex()}"
        assert sessions.commit(key, 0, msgspec.msgpack.encode(["an", "older", "form"]), 60_000)
        assert Phone(gateway, "s2", "+2290166000000").deliver(ACTE[2]) == expected

    def test_no_live_dialogue_is_taken_for_a_dropped_one(self, gateway: Gateway) -> None:
        """The sweep closes what is in its last two minutes: a time to live must leave the citizen time to answer."""
        channel = gateway.settings.channels["africastalking"]
        slowest = max(operator.idle_s for operator in gateway.settings.operators.values())
        with pytest.raises(ValueError, match="session_ttl_s"):
            type(channel).model_validate(channel.model_dump() | {"session_ttl_s": dialogues.SWEEP_BEFORE_S + slowest})


#: A screen after a lookup that shows nothing of it.


UNKNOWN = """\
  inconnue:
    say:
      fr: Inconnue
      en: Unknown
    choices:
      encore:
        label:
          fr: Autre numéro
          en: Another number
        go: par_reference
"""


#: A service that asks for two free texts.
TEXTS = """\
service: adresse
title:
  fr: Adresse
  en: Address
assurance: open
start: rue
screens:
  rue:
    say:
      fr: Rue
      en: Street
    ask:
      type: text
      max: 20
      save: rue
    go: quartier
  quartier:
    say:
      fr: Quartier
      en: Area
    ask:
      type: text
      max: 20
      save: quartier
    go: fin
  fin:
    end:
      fr: "{rue}, {quartier}"
      en: "{rue}, {quartier}"
"""


def with_texts(build: Build, menus: Path) -> Gateway:
    (menus / "adresse.yaml").write_text(TEXTS, encoding="utf-8")
    main = menus / "main.yaml"
    main.write_text(main.read_text(encoding="utf-8").replace("  23: infos\n", "  23: infos\n  29: adresse\n"))
    return build(menus)


class TestReplay:
    """Guarantee 3: parts are applied in order, until the first thing that a replay cannot know."""

    def test_the_language_of_a_list_is_the_dialogues(self, gateway: Gateway) -> None:
        Phone(gateway, "filed").walk(*ACTE)
        listed = Phone(gateway, "walked").walk("", "6", "6*2", "6*2*1")[-1]
        assert "Birth" in listed.text
        assert Phone(gateway, "rebuilt").deliver("6*2*1") == listed

    def test_it_stops_at_the_screen_that_a_lookup_chose(self, other_menus: Path, build: Build) -> None:
        """Which screen follows a lookup depends on its outcome, and that may have changed since the part was typed."""
        suivi = other_menus / "suivi.yaml"
        text = suivi.read_text(encoding="utf-8")
        start = text.index("  inconnue:\n    end:")
        end = text.index("  aucune:\n")
        suivi.write_text(text[:start] + UNKNOWN + text[end:], encoding="utf-8")
        other = build(other_menus)
        typed = f"2*2*{reference.make(bytes)}"
        walked = Phone(other, "walked").walk("", "2", "2*2", typed)[-1]
        assert "Inconnue" in walked.text
        assert Phone(other, "rebuilt").deliver(f"{typed}*1") == walked

    def test_a_missed_turn_finds_an_act_that_was_done(self, phone: Phone, redis_url: str) -> None:
        end = phone.walk(*ACTE)[-1]
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        phone.deliver(ACTE[3])
        assert phone.deliver(CONFIRM) == end, "the recap was never delivered again, the confirmation was"
        assert stored(phone.gateway) == 1

    def test_a_rebuild_behind_a_shortcut_finds_the_act(self, phone: Phone, redis_url: str) -> None:
        transcripts = ["21", "21*1", f"21*1*{NPI}", f"21*1*{NPI}*1", f"21*1*{NPI}*1*1"]
        end = phone.walk(*transcripts)[-1]
        assert "déposée" in end.text
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        assert phone.deliver(transcripts[-1]) == end

    def test_a_star_in_a_text_is_part_of_the_answer(self, build: Build, other_menus: Path) -> None:
        phone = Phone(with_texts(build, other_menus))
        phone.deliver("29")
        assert "Quartier" in phone.deliver("29*Rue 12*bis").text
        assert "Rue 12*bis, Ouando" in phone.deliver("29*Rue 12*bis*Ouando").text

    def test_a_replay_stops_at_a_text_whose_end_it_cannot_know(self, build: Build, other_menus: Path) -> None:
        gateway = with_texts(build, other_menus)
        asked = Phone(gateway, "asked").deliver("29")
        assert "Quartier" in Phone(gateway, "one").deliver("29*Rue 12").text, "the last part can only be the text"
        assert Phone(gateway, "more").deliver("29*Rue 12*bis") == asked

    def test_an_empty_first_answer_costs_one_screen_and_no_dialogue(self, phone: Phone) -> None:
        root = phone.deliver("")
        assert phone.deliver("*").text.startswith("Réponse vide.\n" + "\n".join(root.text.split("\n")[:5]))
        assert not phone.deliver("**1").final
        assert "NPI" in phone.deliver("**1*1").text
        assert "Commune" in phone.deliver(f"**1*1*{NPI}").text

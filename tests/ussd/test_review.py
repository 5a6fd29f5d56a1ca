"""Guarantees 1, 2, 3, 8 and 10 where two things happen at once, or one of them half: what a review tried to break."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import redis

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer, Lookup, LookupAnswer
from gateway.messages import EndStatus, MtSms, UssdEnd, UssdEvent, UssdReply, UssdTurn
from gateway.store.db import StoreUnavailable, Why
from gateway.store.sessions import Sessions, SessionsUnavailable
from gateway.text import reference
from gateway.usecases import dialogues, saved_dialogues, ussd
from gateway.usecases.caller import Caller
from gateway.usecases.transcripts import Body, Kind, Plan, act_key, keyed, plan
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NPI, NUMBER, Build, Clock, Phone, stored

NOTHING_SENT = "Rien n'a été envoyé"
CONFIRM = ACTE[-1]
CANCEL = f"{ACTE[-2]}*2"


class Flaky(Sessions):
    """Redis that fails when told to: before a read, before a commit, or after a commit that it carried out."""

    fails: frozenset[str] = frozenset()

    def load(self, key: str):  # type: ignore[no-untyped-def]
        if "load" in self.fails:
            raise SessionsUnavailable(Why.AWAY)
        return super().load(key)

    def commit(self, key: str, version: int, body: bytes, ttl_ms: int) -> bool:
        if "commit" in self.fails:
            raise SessionsUnavailable(Why.AWAY)
        done = super().commit(key, version, body, ttl_ms)
        if "answer" in self.fails:
            raise SessionsUnavailable(Why.AWAY)
        return done


def flaky(gateway: Gateway, **phone: str) -> tuple[Phone, Flaky]:
    sessions = Flaky(gateway.ussd.sessions._url, gateway.keys.encryption, gateway.random_bytes)
    return Phone(
        dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, sessions=sessions)), **phone
    ), sessions


def during_the_act(gateway: Gateway, meanwhile: Callable[[], object], **phone: str) -> Phone:
    """A phone whose act, once stored and before its dialogue is committed, lets something else happen."""
    submit = gateway.ussd.actions["submit"]

    def slow(act: Act, caller: Caller, key: bytes) -> ActAnswer:
        answer = submit(act, caller, key)
        meanwhile()
        return answer

    patient = dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, actions={"submit": slow}))
    return Phone(patient, **phone)


def waiting(gateway: Gateway, number: str = NUMBER) -> str | None:
    caller = Caller(msisdn=number, channel="", network="", language="fr")
    found = saved_dialogues.latest(gateway.parts, caller)
    return None if found is None else f"{found.service}.{found.screen}"


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
        assert phone.deliver(f"{CONFIRM}*0*0").text.endswith(root.text.split("\n", 1)[1])
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


class TestOnce:
    """Guarantee 1."""

    def test_an_act_is_of_one_channel_dialogue_and_number(self) -> None:
        digest = keyed(b"k" * 32)
        turn = UssdTurn("a", "s1", NUMBER, "*229#", UssdEvent.CUMULATIVE, "1")
        others = ({"channel": "b"}, {"session_id": "s2"}, {"msisdn": "+2290166000000"})
        keys = {act_key(turn, "1", None, 0, 0, digest)}
        keys |= {act_key(dataclasses.replace(turn, **other), "1", None, 0, 0, digest) for other in others}
        assert len(keys) == 4

    @pytest.mark.parametrize("turn", range(1, len(ACTE)))
    def test_a_commit_that_happened_and_was_not_answered(self, gateway: Gateway, turn: int) -> None:
        expected = Phone(gateway, "whole", "+2290166000000").walk(*ACTE[:-1])
        phone, sessions = flaky(gateway)
        phone.walk(*ACTE[:turn])
        sessions.fails = frozenset({"answer"})
        phone.deliver(ACTE[turn])
        sessions.fails = frozenset()
        again = phone.deliver(ACTE[turn])
        assert again.final if turn == len(expected) else again == expected[turn]
        assert phone.walk(*ACTE[turn:])[-1].final
        assert stored(gateway) == 1
        sessions.close()

    @pytest.mark.parametrize(
        ("received_ms", "remark"),
        [(-2000, "received while the first delivery is at work"), (1, "just after its answer"), (500, "at the edge")],
    )
    def test_the_window_is_counted_from_the_answer(
        self, gateway: Gateway, clock: Clock, received_ms: int, remark: str
    ) -> None:
        """Before the answer nobody can have seen the new screen: the same input is the same turn, however slow."""
        declared = gateway.ussd.channels["mtn_madapi"].model_copy(update={"duplicate_window_ms": 500})
        channels = {**gateway.ussd.channels, "mtn_madapi": declared}

        def at(*times_ms: int) -> Phone:
            times = iter([clock.now + timedelta(milliseconds=ms) for ms in times_ms])
            slow = dataclasses.replace(gateway.ussd, channels=channels, now=lambda: next(times))
            return Phone(dataclasses.replace(gateway, ussd=slow), channel="mtn_madapi")

        at(0, 0).last_input("", new=True)
        answered_ms = 15_000
        answered = at(answered_ms - 5000, answered_ms).last_input("1")
        received = answered_ms + received_ms
        assert at(received, received).last_input("1") == answered, remark
        later = answered_ms + 501
        assert at(later, later).last_input("1") != answered, "past it, the citizen pressed the same key again"

    def test_request_ids_have_no_order(self) -> None:
        digest = keyed(b"k" * 32)
        turn = UssdTurn("c", "s1", NUMBER, "*229#", UssdEvent.INPUT, "1", turn_id="4711")
        body = record(turn, digest, turn_id="9000")
        assert plan(body, turn, digest, 0, 0, ordered=False).kind is Kind.INPUT
        assert plan(body, turn, digest, 0, 0, ordered=True).kind is Kind.REPEAT

    def test_a_channel_that_declares_request_ids(self, gateway: Gateway) -> None:
        declared = gateway.ussd.channels["mtn_madapi"].model_copy(update={"dedupe": "request_id"})
        channels = {**gateway.ussd.channels, "mtn_madapi": declared}
        phone = Phone(
            dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, channels=channels)),
            channel="mtn_madapi",
        )
        first = phone.last_input("", new=True, turn_id="900")
        assert phone.last_input("1", turn_id="17") != first, "a smaller id is no older one"
        assert phone.last_input("1", turn_id="17") == phone.last_input("1", turn_id="17")

    def test_a_session_id_used_again_makes_another_act(self, gateway: Gateway, clock: Clock, redis_url: str) -> None:
        """Sequence numbers start again with each dialogue: an old act must not answer for a new demand."""
        for npi in (NPI, "9876543210"):
            phone = Phone(gateway, channel="mtn_madapi")
            phone.last_input("", new=True, turn_id="1")
            for place, answer in enumerate(("1", "1", npi, "1", "1"), 2):
                end = phone.last_input(answer, turn_id=str(place))
            assert "déposée" in end.text
            clock.pass_by(3600)
            with redis.Redis.from_url(redis_url) as client:
                client.flushall()
        assert stored(gateway) == 2

    def test_any_input_after_the_end_gets_the_last_reply(self, gateway: Gateway, clock: Clock) -> None:
        phone = Phone(gateway, channel="mtn_madapi")
        phone.last_input("", new=True, turn_id="1")
        for place, answer in enumerate(("1", "1", NPI, "1", "1"), 2):
            end = phone.last_input(answer, turn_id=str(place))
        clock.pass_by(60)
        assert end.final
        assert phone.last_input("2", turn_id="7") == end
        assert stored(gateway) == 1

    def test_how_long_a_record_is_kept(self, gateway: Gateway, redis_url: str) -> None:
        """The channel's time to live while it runs, 10 minutes after END, without state, to answer a repetition."""
        declared = gateway.ussd.channels["africastalking"].model_copy(update={"session_ttl_s": 900})
        channels = {**gateway.ussd.channels, "africastalking": declared}
        phone = Phone(dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, channels=channels)))
        with redis.Redis.from_url(redis_url) as client:
            phone.walk(*ACTE[:-1])
            (key,) = client.scan_iter("ussd:*")
            assert 890 <= client.ttl(key) <= 900
            phone.deliver(CONFIRM)
            assert 590 <= client.ttl(key) <= 600
            Phone(phone.gateway, "cut").walk(*ACTE[:3])
            dialogues.take_end(phone.gateway.ussd, UssdEnd("africastalking", "cut", EndStatus.DROPPED))
            assert [590 <= client.ttl(key) <= 600 for key in client.scan_iter("ussd:*")] == [True, True]


class TestTheDeadline:
    """The aggregator stops waiting: past its deadline nothing durable is begun, and a source is told what is left."""

    def late(self, gateway: Gateway, elapsed_s: float) -> Gateway:
        """A gateway whose turns find, once begun, that so many seconds have passed."""
        times = iter([0.0])
        return dataclasses.replace(
            gateway, ussd=dataclasses.replace(gateway.ussd, monotonic=lambda: next(times, elapsed_s))
        )

    @pytest.mark.parametrize(("elapsed_s", "acts"), [(7.9, 1), (8.0, 0), (60.0, 0)])
    def test_no_act_begins_past_it(self, gateway: Gateway, elapsed_s: float, acts: int) -> None:
        Phone(gateway).walk(*ACTE[:-1])
        reply = Phone(self.late(gateway, elapsed_s)).deliver(CONFIRM)
        assert stored(gateway) == acts
        assert (NOTHING_SENT in reply.text) == (acts == 0)

    def test_a_source_is_told_what_is_left(self, gateway: Gateway) -> None:
        left: list[float] = []

        def source(lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
            left.append(left_s)
            return LookupAnswer("unavailable")

        asked = dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, sources={"my_submissions": source}))
        Phone(gateway).walk("", "2")
        assert Phone(self.late(asked, 5.0)).deliver("2*1").final
        assert left == [3.0]

    @pytest.mark.parametrize(("needs", "ends"), [(4, True), (3, False)])
    def test_a_turn_meets_no_more_needs_than_its_bound(
        self, build: Build, other_menus: Path, monkeypatch: pytest.MonkeyPatch, needs: int, ends: bool
    ) -> None:
        """Four, which is also the most that `check` lets a menu ask: a fifth is not met, then regretted."""
        assert ussd.NEEDS_PER_TURN == 4
        monkeypatch.setattr(ussd, "NEEDS_PER_TURN", needs)
        suivi = other_menus / "suivi.yaml"
        text = suivi.read_text(encoding="utf-8")
        start, end = text.index("  etat:\n"), text.index("  detail:\n")
        verb = text[start:end]
        chain = "".join(
            verb.replace("  etat:\n", f"  etat{n}:\n").replace("unknown: inconnue", f"unknown: etat{n + 1}")
            for n in range(1, 4)
        ).replace("unknown: etat4", "unknown: inconnue")
        first = verb.replace("unknown: inconnue", "unknown: etat1")
        suivi.write_text(text[:start] + first + chain + text[end:], encoding="utf-8")
        gateway = build(other_menus)
        asked: list[str] = []

        def source(lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
            asked.append(lookup.source)
            return LookupAnswer("unknown")

        sources = {**gateway.ussd.sources, "submission_status": source}
        phone = Phone(dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, sources=sources)))
        reply = phone.walk("", "2", "2*2", f"2*2*{reference.make(bytes)}")[-1]
        assert len(asked) == needs
        assert ("Aucune demande" in reply.text) == ends


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

        def once_broken(menus, state, caller) -> None:  # type: ignore[no-untyped-def]
            if not failed:
                failed.append(caller.msisdn)
                raise KeyError("a screen that is gone")
            save(menus, state, caller)

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
    main.write_text(main.read_text(encoding="utf-8").replace("  23: infos\n", "  23: infos\n  24: adresse\n"))
    return build(menus)


class TestReplay:
    """Guarantee 3: parts are applied in order, until the first thing that a replay cannot know."""

    def test_the_language_of_a_list_is_the_dialogues(self, gateway: Gateway) -> None:
        Phone(gateway, "filed").walk(*ACTE)
        listed = Phone(gateway, "walked").walk("", "4", "4*2", "4*2*1")[-1]
        assert "Birth" in listed.text
        assert Phone(gateway, "rebuilt").deliver("4*2*1") == listed

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
        phone.deliver("24")
        assert "Quartier" in phone.deliver("24*Rue 12*bis").text
        assert "Rue 12*bis, Ouando" in phone.deliver("24*Rue 12*bis*Ouando").text

    def test_a_replay_stops_at_a_text_whose_end_it_cannot_know(self, build: Build, other_menus: Path) -> None:
        gateway = with_texts(build, other_menus)
        asked = Phone(gateway, "asked").deliver("24")
        assert "Quartier" in Phone(gateway, "one").deliver("24*Rue 12").text, "the last part can only be the text"
        assert Phone(gateway, "more").deliver("24*Rue 12*bis") == asked

    def test_an_empty_first_answer_costs_one_screen_and_no_dialogue(self, phone: Phone) -> None:
        root = phone.deliver("")
        assert phone.deliver("*").text.endswith(root.text.split("\n", 1)[1])
        assert not phone.deliver("**1").final
        assert "NPI" in phone.deliver("**1*1").text
        assert "Commune" in phone.deliver(f"**1*1*{NPI}").text


class TestPersonalData:
    """Guarantee 8: logs name a dialogue and a masked number; nothing else shows what a citizen is or typed."""

    def test_a_turn_can_be_found_in_the_log(self, gateway: Gateway) -> None:
        lines: list[bytes] = []
        logs.start("info", gateway.now, lines.append)
        for number in range(12):  # as many digests as it takes to begin with a digit
            Phone(gateway, f"s{number}").deliver("")
        turns = [json.loads(line) for line in lines if b'"ussd.turn"' in line]
        assert {turn["number"] for turn in turns} == {"+22901******00"}
        assert len({turn["session"] for turn in turns}) == 12
        dialogues.take_end(gateway.ussd, UssdEnd("africastalking", "s0", EndStatus.COMPLETED))
        assert json.loads(lines[-1])["session"] == turns[0]["session"], "the end is told of the same dialogue"

    @pytest.mark.parametrize("value", ["+2290197000000", "+22901970000**", "NPI 1234567890", "N1234567", "Rue 12"])
    def test_a_number_or_an_answer_is_not_written(self, value: str, gateway: Gateway) -> None:
        lines: list[bytes] = []
        logs.start("info", gateway.now, lines.append)
        logs.event("test", value=value)
        assert json.loads(lines[-1])["value"] == "(hidden)"

    def test_why_a_turn_failed_is_logged(self, gateway: Gateway) -> None:
        lines: list[bytes] = []
        logs.start("error", gateway.now, lines.append)
        phone, sessions = flaky(gateway)
        sessions.fails = frozenset({"load"})
        phone.deliver("")
        assert [json.loads(line)["code"] for line in lines] == ["SessionsUnavailable"]

    @pytest.mark.parametrize(
        "value",
        [
            UssdTurn("c", "s", NUMBER, "*229#", UssdEvent.CUMULATIVE, f"1*{NPI}"),
            UssdReply(f"NPI {NPI}", final=True),
            MtSms("c", "", f"NPI {NPI}", (NUMBER,)),
            Plan(Kind.INPUT, (NPI,), NPI, NPI),
            Body(b"", 0, b"", "", 0, 0, NPI, False, "fr", None, b"", NUMBER, ""),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_reprs_hold_no_number_and_no_answer(self, value: object) -> None:
        assert NPI not in repr(value)
        assert NUMBER not in repr(value)


def record(turn: UssdTurn, digest: Callable[[str], bytes], turn_id: str) -> Body:
    who = digest(f"{turn.msisdn}|{turn.service_code}")
    return Body(who, 0, digest("x"), turn_id, 0, 0, "CON", False, "fr", b"state", b"", turn.msisdn, "")

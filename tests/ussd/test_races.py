"""A turn counts once: late, repeated and reordered deliveries, on channels that name their turns and that do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from gateway.engine.outcomes import Lookup, LookupAnswer
from gateway.messages import EndStatus, UssdEnd, UssdEvent, UssdTurn
from gateway.text import reference
from gateway.usecases import dialogues, turns
from gateway.usecases.caller import Caller
from gateway.usecases.transcripts import Body, Kind, act_key, keyed, plan
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NPI, NUMBER, Build, Clock, Phone, stored
from tests.ussd.interference import CONFIRM, NOTHING_SENT, flaky


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
        assert turns.NEEDS_PER_TURN == 4
        monkeypatch.setattr(turns, "NEEDS_PER_TURN", needs)
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


def record(turn: UssdTurn, digest: Callable[[str], bytes], turn_id: str) -> Body:
    who = digest(f"{turn.msisdn}|{turn.service_code}")
    return Body(who, 0, digest("x"), turn_id, 0, 0, "CON", False, "fr", b"state", b"", turn.msisdn, "")

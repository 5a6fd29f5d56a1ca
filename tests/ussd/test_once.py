"""Guarantee 1: a turn counts once, however often and however simultaneously it is delivered."""

from __future__ import annotations

import threading

import pytest

from gateway.messages import EndStatus, UssdEnd, UssdReply
from gateway.store import mts
from gateway.usecases import dialogues
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NPI, Build, Phone, stored


def test_a_dialogue_ends_with_a_reference_and_one_submission(phone: Phone) -> None:
    replies = phone.walk(*ACTE)
    assert [reply.final for reply in replies] == [False] * 5 + [True]
    seals = phone.gateway.parts.seals
    with phone.gateway.database.read() as conn:
        first = mts.for_sending(conn, seals, [1])[1]
    assert first.text.startswith("Récépissé ")
    reference = first.text.removeprefix("Récépissé ")[:14]
    assert reference in replies[-1].text
    assert stored(phone.gateway) == 1


def test_every_turn_delivered_twice(phone: Phone) -> None:
    for text in ACTE:
        assert phone.deliver(text) == phone.deliver(text)
    assert stored(phone.gateway) == 1


def test_a_stale_delivery_gets_the_current_reply_and_moves_nothing(phone: Phone) -> None:
    replies = phone.walk(*ACTE[:4])
    for text in ACTE[:4]:
        assert phone.deliver(text) == replies[-1]
    assert phone.walk(*ACTE[4:])[-1].final
    assert stored(phone.gateway) == 1


@pytest.mark.fault("F20")
def test_every_turn_delivered_by_eight_at_once(gateway: Gateway) -> None:
    expected = Phone(gateway, "alone", "+2290166000000").walk(*ACTE[:-1])
    phone = Phone(gateway)
    for place, text in enumerate(ACTE):
        replies = at_once(phone, text, 8)
        assert len(set(replies)) == 1, text
        if place < len(expected):
            assert replies[0] == expected[place]
    assert stored(gateway) == 1


def at_once(phone: Phone, text: str, deliveries: int) -> list[UssdReply]:
    together = threading.Barrier(deliveries)
    replies: list[UssdReply] = []

    def deliver() -> None:
        together.wait(10)
        replies.append(phone.deliver(text))
        phone.gateway.ussd.sessions.close()

    threads = [threading.Thread(target=deliver) for _ in range(deliveries)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(replies) == deliveries
    return replies


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"text": "2*1"}, "another prefix"),
        ({"msisdn": "+2290166000000"}, "another number"),
        ({"service_code": "*230#"}, "another service code"),
    ],
)
def test_a_conflict_is_one_end_sentence_and_changes_nothing(phone: Phone, changes: dict[str, str], remark: str) -> None:
    phone.walk(*ACTE[:3])
    reply = phone.deliver(**{"text": ACTE[2], **changes})
    assert reply.final, remark
    assert "interrompu" in reply.text
    assert phone.walk(*ACTE[3:])[-1].final
    assert stored(phone.gateway) == 1


def test_a_missed_turn_is_applied_in_order(phone: Phone) -> None:
    expected = Phone(phone.gateway, "whole", "+2290166000000").walk(*ACTE[:4])[-1]
    phone.walk(*ACTE[:2])
    assert phone.deliver(ACTE[3]) == expected, "the answer to *pour qui* was never delivered alone"


def test_a_missed_turn_never_submits(phone: Phone) -> None:
    recap = phone.walk(*ACTE[:4])[-1]
    recap = Phone(phone.gateway, "whole", "+2290166000000").walk(*ACTE[:5])[-1]
    assert phone.deliver(ACTE[5]) == recap, "it stops where the citizen confirms"
    assert stored(phone.gateway) == 0
    assert phone.deliver(f"{ACTE[5]}*1").final
    assert stored(phone.gateway) == 1


def test_an_empty_answer_asks_again(phone: Phone) -> None:
    phone.walk("", "1", "1*1")
    reply = phone.deliver("1*1*")
    assert not reply.final
    assert phone.deliver(f"1*1**{NPI}").text == Phone(phone.gateway, "s2", "+2290166000000").walk(*ACTE[:4])[-1].text


def test_after_the_end_nothing_more_happens(phone: Phone) -> None:
    end = phone.walk(*ACTE)[-1]
    assert phone.deliver(f"{ACTE[-1]}*1") == end
    assert stored(phone.gateway) == 1


def test_two_demands_of_one_dialogue_are_two_acts(gateway: Gateway) -> None:
    """One phone files for two children: the second NPI makes another submission, the same NPI none."""
    Phone(gateway, "a").walk(*ACTE)
    other = [text.replace(NPI, "9876543210") for text in ACTE]
    assert Phone(gateway, "b").walk(*other)[-1].final
    assert stored(gateway) == 2
    again = Phone(gateway, "c").walk(*ACTE)[-1]
    assert stored(gateway) == 2, again.text


class TestLastInputOnly:
    """A channel that sends only the last input, and names no turn: a window decides."""

    def walk(self, phone: Phone, clock: object, *answers: str) -> list[UssdReply]:
        replies = [phone.last_input("", new=True)]
        for answer in answers:
            clock.pass_by(5)  # type: ignore[attr-defined]
            replies.append(phone.last_input(answer))
        return replies

    def test_the_same_dialogue(self, gateway: Gateway, clock: object) -> None:
        phone = Phone(gateway, channel="mtn_madapi")
        replies = self.walk(phone, clock, "1", "1", NPI, "1", "1")
        assert [reply.final for reply in replies] == [False] * 5 + [True]
        assert stored(gateway) == 1
        assert phone.last_input("1") == replies[-1], "delivered again after the end"
        assert stored(gateway) == 1

    def test_a_repetition_within_the_window(self, gateway: Gateway, clock: object) -> None:
        phone = Phone(gateway, channel="mtn_madapi")
        replies = self.walk(phone, clock, "1")
        assert phone.last_input("1") == replies[-1]

    def test_a_lost_dialogue_starts_again_and_says_so(self, gateway: Gateway) -> None:
        phone = Phone(gateway, channel="mtn_madapi")
        reply = phone.last_input("4")
        assert not reply.final
        assert reply.text.startswith("Dialogue interrompu")

    def test_a_new_dial_with_the_same_session_id_is_a_new_dialogue(self, gateway: Gateway, clock: object) -> None:
        phone = Phone(gateway, channel="mtn_madapi")
        first = self.walk(phone, clock, "1", "1")[0]
        clock.pass_by(60)  # type: ignore[attr-defined]
        again = phone.last_input("", new=True)
        assert again.text.startswith("Acte de naissance: demande non terminée."), "what was left is offered"
        assert phone.last_input("3") == first

    def test_a_shortcut_in_the_dialled_string(self, gateway: Gateway, clock: object) -> None:
        plain = self.walk(Phone(gateway, "a", channel="mtn_madapi"), clock, "1")[-1]
        assert Phone(gateway, "b", channel="mtn_madapi").last_input("21", new=True) == plain


class TestAnotherProcess:
    """Two web processes on one Redis: what one remembers of a dialogue, the other may have changed."""

    def test_turns_that_change_process(self, build: Build) -> None:
        one, other = Phone(build()), Phone(build())
        expected = Phone(one.gateway, "alone", "+2290166000000").walk(*ACTE[:-1])
        replies = [(one if place % 2 else other).deliver(text) for place, text in enumerate(ACTE)]
        assert replies[: len(expected)] == expected
        assert replies[-1].final
        assert stored(one.gateway) == 1

    def test_a_stale_memory_is_not_believed(self, build: Build) -> None:
        one, other = Phone(build()), Phone(build())
        one.walk(*ACTE[:3])
        last = other.walk(*ACTE[3:5])[-1]
        assert one.deliver(ACTE[4]) == last, "a repetition, to whoever remembers less"
        assert one.deliver(ACTE[2]) == last, "a stale one"
        assert one.deliver(ACTE[5]).final
        assert stored(one.gateway) == 1

    def test_an_act_waits_for_the_latest_record(self, build: Build) -> None:
        """One process remembers the summary; meanwhile the dialogue dropped, as the other one was told."""
        one, other = Phone(build()), Phone(build())
        summary = one.walk(*ACTE[:-1])[-1]
        dialogues.take_end(other.gateway.ussd, UssdEnd("africastalking", "s1", EndStatus.DROPPED))
        assert one.deliver(ACTE[-1]).text == summary.text, "the dialogue is over: its last reply"
        assert stored(one.gateway) == 0

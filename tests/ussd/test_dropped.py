"""A dropped dialogue is copied to the database, by the end event or by the sweep, and its record keeps no state."""

from __future__ import annotations

import redis

from gateway.messages import EndStatus, UssdEnd
from gateway.usecases import arrivals, dialogues, saved_dialogues
from gateway.usecases.caller import Caller
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, Clock, Phone


def end(gateway: Gateway, status: EndStatus, session: str = "s1") -> None:
    dialogues.take_end(gateway.ussd, UssdEnd("africastalking", session, status))


def waiting(gateway: Gateway, number: str = "+2290197000000") -> str | None:
    found = arrivals.arrive(gateway.parts, Caller(number, "", "", "fr")).waiting
    return None if found is None else f"{found.service}.{found.screen}"


def test_a_drop_is_saved_with_what_was_answered(phone: Phone) -> None:
    phone.walk(*ACTE[:4])
    end(phone.gateway, EndStatus.DROPPED)
    assert waiting(phone.gateway) == "acte-naissance.commune"
    assert waiting(phone.gateway, "+2290166000000") is None


def test_the_same_event_twice_saves_once(phone: Phone) -> None:
    phone.walk(*ACTE[:4])
    end(phone.gateway, EndStatus.DROPPED)
    end(phone.gateway, EndStatus.DROPPED)
    found = arrivals.arrive(phone.gateway.parts, Caller(phone.number, "", "", "fr")).waiting
    assert found is not None
    assert saved_dialogues.settle(phone.gateway.parts, found.id, "continued", b"one") is not None
    assert saved_dialogues.settle(phone.gateway.parts, found.id, "continued", b"two") is None, "it is taken once"
    assert waiting(phone.gateway) is None


def test_a_dialogue_that_ended_is_not_saved(phone: Phone) -> None:
    phone.walk(*ACTE)
    end(phone.gateway, EndStatus.COMPLETED)
    assert waiting(phone.gateway) is None


def test_nothing_answered_is_nothing_to_save(phone: Phone) -> None:
    phone.walk(*ACTE[:2])
    end(phone.gateway, EndStatus.DROPPED)
    assert waiting(phone.gateway) is None


def test_after_a_drop_a_late_delivery_gets_the_last_reply(phone: Phone) -> None:
    last = phone.walk(*ACTE[:4])[-1]
    end(phone.gateway, EndStatus.DROPPED)
    assert phone.deliver(ACTE[3]).text == last.text
    assert phone.deliver(ACTE[4]).text == last.text, "the dialogue is over: nothing advances"


def test_an_end_of_a_dialogue_nobody_knows(gateway: Gateway) -> None:
    end(gateway, EndStatus.DROPPED, session="never-seen")
    assert waiting(gateway) is None


def test_the_sweep_saves_what_no_event_told(phone: Phone, redis_url: str, clock: Clock) -> None:
    phone.walk(*ACTE[:4])
    assert dialogues.sweep_dropped(phone.gateway.ussd) == 0, "it may still go on"
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.scan_iter("ussd:*")
        client.pexpire(key, 100_000)
    assert dialogues.sweep_dropped(phone.gateway.ussd) == 1
    assert waiting(phone.gateway) == "acte-naissance.commune"
    assert dialogues.sweep_dropped(phone.gateway.ussd) == 0

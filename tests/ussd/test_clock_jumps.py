"""The clock jumps on a channel that names no turn, where time tells a repetition from an answer."""

from __future__ import annotations

import pytest

from gateway.wiring import Gateway
from tests.ussd.conftest import NPI, Clock, Phone, stored

WINDOW_S = 0.8
#: No turn lasts longer: what is received before the answer of the first delivery may be its repetition.
TURN_S = 30


@pytest.mark.parametrize("jump_s", [3600, -3600, WINDOW_S + 0.1, -TURN_S - 0.1])
def test_the_same_answer_twice_is_two_answers(gateway: Gateway, clock: Clock, jump_s: float) -> None:
    phone = Phone(gateway, channel="mtn_madapi")
    phone.last_input("", new=True)
    first = phone.last_input("1")
    clock.pass_by(jump_s)
    assert phone.last_input("1").text != first.text


@pytest.mark.parametrize("jump_s", [0, WINDOW_S, -TURN_S])
def test_a_repetition_within_the_window_is_one_answer(gateway: Gateway, clock: Clock, jump_s: float) -> None:
    phone = Phone(gateway, channel="mtn_madapi")
    phone.last_input("", new=True)
    first = phone.last_input("1")
    clock.pass_by(jump_s)
    assert phone.last_input("1") == first


@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_a_demand_is_filed_once(gateway: Gateway, clock: Clock, jump_s: float) -> None:
    phone = Phone(gateway, channel="mtn_madapi")
    phone.last_input("", new=True)
    for answer in ("1", "1", NPI, "1"):
        clock.pass_by(jump_s)
        phone.last_input(answer)
    clock.pass_by(jump_s)
    said = phone.last_input("1")
    assert "déposée" in said.text
    assert phone.last_input("1") == said
    clock.pass_by(-jump_s)
    assert phone.last_input("1") == said, "an ended dialogue says what it said"
    assert stored(gateway) == 1

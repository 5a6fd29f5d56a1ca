"""The switches: each one misbehaves as it says, and only while it is on."""

from __future__ import annotations

import threading
from typing import Any

import pytest

AT = "/channels/africastalking/local/ussd"
MTN = "/channels/mtn_madapi/local/ussd"
TEXT = "text/plain; charset=utf-8"
PHONE = "+2290197000000"


def set_switches(simulator: Any, **switches: Any) -> None:
    assert simulator.call("PUT", "/api/switches", switches).status_code == 200


@pytest.mark.parametrize("how", ["after", "together"])
def test_each_turn_twice_the_same_bytes(gateway: Any, simulator: Any, how: str) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu")]
    set_switches(simulator, deliver_twice=how)
    turn = simulator.turn("dial", {"code": "*229#"})
    first, second = gateway.at(AT)
    assert first.body == second.body
    assert (turn["text"], turn["differs"], turn["hops"]) == ("Menu", False, 1)


@pytest.mark.parametrize("how", ["after", "together"])
def test_two_different_replies_to_one_turn_are_seen(gateway: Any, simulator: Any, how: str) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu"), (200, TEXT, b"CON Autre")]
    set_switches(simulator, deliver_twice=how)
    turn = simulator.turn("dial", {"code": "*229#"})
    assert turn["differs"] is True
    assert turn["text"] in (["Autre"] if how == "after" else ["Menu", "Autre"])


def test_together_is_together(gateway: Any, simulator: Any) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu")]
    gateway.hold_s = 0.6  # the second comes while the first is held
    set_switches(simulator, deliver_twice="together")
    seen: list[int] = []
    watching = threading.Thread(target=lambda: seen.append(_most_at_once(gateway)))
    watching.start()
    simulator.turn("dial", {"code": "*229#"})
    watching.join()
    assert seen == [2]


def _most_at_once(gateway: Any) -> int:
    """How many requests had come by the time the first could be answered."""
    while not gateway.at(AT):
        threading.Event().wait(0.005)
    threading.Event().wait(gateway.hold_s / 2)
    return len(gateway.at(AT))


def test_a_lost_reply_can_be_delivered_again(gateway: Any, simulator: Any) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu"), (200, TEXT, b"CON Deux"), (200, TEXT, b"CON Deux")]
    simulator.turn("dial", {"code": "*229#"})
    set_switches(simulator, drop_next_reply=True)
    lost = simulator.turn("answer", {"text": "2"})
    assert (lost["error"], lost["open"], lost["final"], lost["reply_lost"]) == ("reply_lost", True, False, True)
    assert lost["text"] == "Problème de connexion ou code IHM non valide."
    refused = simulator.call("POST", f"/api/phones/{PHONE}/answer", {"text": "1"})
    assert (refused.status_code, refused.json()["error"]) == (409, "reply_lost")
    again = simulator.turn("redeliver", {})
    assert (again["text"], again["error"], again["reply_lost"]) == ("Deux", None, False)
    _, second, third = gateway.at(AT)
    assert second.body == third.body
    assert simulator.call("GET", "/api/switches").json()["drop_next_reply"] is False  # it served once


def test_the_last_turn_can_be_delivered_again_after_the_end(gateway: Any, simulator: Any) -> None:
    gateway.script[AT] = [(200, TEXT, b"END Merci")]
    simulator.turn("dial", {"code": "*229#"})
    assert simulator.turn("redeliver", {})["text"] == "Merci"
    assert len(gateway.at(AT)) == 2


def test_a_delay_is_before_the_gateway(gateway: Any, simulator: Any) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu")]
    set_switches(simulator, delay_ms=300)
    turning = threading.Thread(target=simulator.turn, args=("dial", {"code": "*229#"}))
    turning.start()
    while not simulator.call("GET", f"/api/phones/{PHONE}").json()["busy"]:
        threading.Event().wait(0.005)
    assert gateway.got == []
    turning.join()
    assert len(gateway.at(AT)) == 1


def test_a_gateway_that_does_not_answer_in_time(gateway: Any, start: Any) -> None:
    gateway.hold_s = 0.5
    simulator = start(reply_s=0.1)
    turn = simulator.turn("dial", {"code": "*229#"})
    assert (turn["error"], turn["open"]) == ("gateway_timeout", False)


def test_a_gateway_that_is_away(start: Any) -> None:
    simulator = start(gateway_url="http://127.0.0.1:9")  # the discard port: nobody listens
    assert simulator.turn("dial", {"code": "*229#"})["error"] == "gateway_unreachable"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([], "a JSON object of switches is expected"),
        ({"nonsense": True}, "there is no switch 'nonsense'"),
        ({"deliver_twice": True}, "deliver_twice is one of no, after, together"),
        ({"fail_sends": "yes"}, "fail_sends is one of no, refuse, error_500, too_many, time_out"),
        ({"fail_sends": ["no"]}, "fail_sends is one of no, refuse, error_500, too_many, time_out"),
        ({"delay_ms": -1}, "delay_ms is a whole number from 0 to 20000"),
        ({"delay_ms": 20001}, "delay_ms is a whole number from 0 to 20000"),
        ({"delay_ms": True}, "delay_ms is a whole number from 0 to 20000"),
        ({"backoffice_down": 1}, "backoffice_down is true or false"),
        ({"reports": "lost", "delay_ms": "1"}, "delay_ms is a whole number from 0 to 20000"),
    ],
)
def test_a_bad_switch_moves_none(simulator: Any, changes: Any, says: str) -> None:
    answer = simulator.call("PUT", "/api/switches", changes)
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_switch", "detail": says})
    assert simulator.call("GET", "/api/switches").json() == {
        "deliver_twice": "no",
        "drop_next_reply": False,
        "delay_ms": 0,
        "fail_sends": "no",
        "reports": "normal",
        "dates": "iso",
        "backoffice_down": False,
        "security_server": "normal",
    }

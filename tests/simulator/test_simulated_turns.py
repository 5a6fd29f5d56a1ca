"""What both aggregators post, byte for byte, and what the phone shows of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.simulator.africastalking import AfricasTalking
from gateway.simulator.network import UssdNetwork
from gateway.simulator.phones import Phones
from gateway.simulator.switches import SwitchPanel
from gateway.simulator.wire import Wire

AT = "/channels/africastalking/local/ussd"
EVENTS = "/channels/africastalking/local/events"
MTN = "/channels/mtn_madapi/local/ussd"
PHONE, MTN_PHONE = "+2290197000000", "+2290166000000"
TEXT = "text/plain; charset=utf-8"


class Later:
    """Remembers what is asked of an agenda; the test runs it."""

    def __init__(self) -> None:
        self.tasks: list[tuple[float, Callable[[], None]]] = []

    def after(self, delay_s: float, task: Callable[[], None]) -> None:
        self.tasks.append((delay_s, task))


def madapi(text: str, going_on: bool = True) -> bytes:
    data = {"inboundResponse": text, "userInputRequired": going_on, "messageType": 1 if going_on else 2}
    return json.dumps({"statusCode": "0000", "statusMessage": "Success", "data": data}).encode()


@pytest.mark.parametrize(
    ("code", "inputs", "texts"),
    [
        ("*229#", [], [""]),
        ("*229#", ["1", "2"], ["", "1", "1%2A2"]),
        ("*229#", ["1", "Koffi Ahouansou"], ["", "1", "1%2AKoffi+Ahouansou"]),
        ("*229#", ["1", "é&="], ["", "1", "1%2A%C3%A9%26%3D"]),
        ("*229#", ["1", "12*5"], ["", "1", "1%2A12%2A5"]),  # a star that was typed looks like the separator
        ("*229#", ["1", ""], ["", "1", "1%2A"]),  # an empty answer leaves a trailing star
        ("*229*1*2#", [], ["1%2A2"]),  # the tail comes in the first request
        ("*229*1*2#", ["3"], ["1%2A2", "1%2A2%2A3"]),  # and stays in front
        ("*229*21#", [], ["21"]),
    ],
)
def test_africastalking_posts_the_whole_transcript(
    gateway: Any, simulator: Any, code: str, inputs: list[str], texts: list[str]
) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu")]
    session = simulator.turn("dial", {"code": code})["session_id"]
    for typed in inputs:
        simulator.turn("answer", {"text": typed})
    got = gateway.at(AT)
    assert [request.body for request in got] == [
        (
            f"sessionId={session}&serviceCode=%2A229%23&phoneNumber=%2B2290197000000&networkCode=61603&text={text}"
        ).encode()
        for text in texts
    ]
    assert {request.headers["Content-Type"] for request in got} == {"application/x-www-form-urlencoded"}
    assert session.startswith("ATUid_")
    assert len(session) == len("ATUid_") + 32


@pytest.mark.parametrize(
    ("code", "inputs"),
    [("*229#", ["1", "Koffi é", ""]), ("*229*1*2#", ["3"])],
)
def test_madapi_posts_the_last_input_only(gateway: Any, simulator: Any, code: str, inputs: list[str]) -> None:
    gateway.script[MTN] = [(200, "application/json", madapi("Menu"))]
    session = simulator.turn("dial", {"code": code}, MTN_PHONE)["session_id"]
    for typed in inputs:
        simulator.turn("answer", {"text": typed}, MTN_PHONE)
    begin = (
        f'{{"sessionId":"{session}","messageType":"0","msisdn":"2290166000000","serviceCode":"*229#",'
        f'"ussdString":"{code}","cellId":"61603-1-1","language":"fr","imsi":"616031660000001"}}'
    )
    following = [
        f'{{"sessionId":"{session}","messageType":"1","msisdn":"2290166000000","serviceCode":"*229#",'
        f'"ussdString":"{typed}"}}'
        for typed in inputs
    ]
    got = gateway.at(MTN)
    assert [request.body.decode() for request in got] == [begin, *following]
    assert {request.headers["Content-Type"] for request in got} == {"application/json"}
    assert session.isdigit()


@pytest.mark.parametrize(
    ("status", "body", "text", "final", "error"),
    [
        (200, "CON Bonjour\n1.Oui", "Bonjour\n1.Oui", False, None),
        (200, "END Merci", "Merci", True, None),
        (200, "CON ", "", False, None),
        (200, "Bonjour", None, True, "gateway_bad_answer"),
        (200, " CON Bonjour", None, True, "gateway_bad_answer"),  # nothing may stand before the word
        (200, "CONBonjour", None, True, "gateway_bad_answer"),
        (200, "", None, True, "gateway_bad_answer"),
        (503, "CON Bonjour", None, True, "gateway_http_503"),
        (404, "", None, True, "gateway_http_404"),
    ],
)
def test_africastalking_reads_the_answer(
    gateway: Any, simulator: Any, status: int, body: str, text: str | None, final: bool, error: str | None
) -> None:
    gateway.script[AT] = [(status, TEXT, body.encode())]
    turn = simulator.turn("dial", {"code": "*229#"})
    expected = "Problème de connexion ou code IHM non valide." if text is None else text
    assert (turn["text"], turn["final"], turn["error"]) == (expected, final, error)
    assert turn["open"] is (not final)


@pytest.mark.parametrize(
    ("status", "body", "final", "error"),
    [
        (200, madapi("Bonjour"), False, None),
        (200, madapi("Bonjour", going_on=False), True, None),
        (200, b"CON Bonjour", True, "gateway_bad_answer"),
        (200, b'{"statusCode":"0000"}', True, "gateway_bad_answer"),
        (200, madapi("Bonjour").replace(b'"0000"', b'"5000"'), True, "gateway_bad_answer"),
        (200, madapi("Bonjour").replace(b"true", b'"true"'), True, "gateway_bad_answer"),
        (200, b"[]", True, "gateway_bad_answer"),
        (500, madapi("Bonjour"), True, "gateway_http_500"),
    ],
)
def test_madapi_reads_the_answer(
    gateway: Any, simulator: Any, status: int, body: bytes, final: bool, error: str | None
) -> None:
    gateway.script[MTN] = [(status, "application/json", body)]
    turn = simulator.turn("dial", {"code": "*229#"}, MTN_PHONE)
    assert (turn["final"], turn["error"]) == (final, error)
    if error is None:
        assert turn["text"] == "Bonjour"


@pytest.mark.parametrize(
    ("answers", "end", "status", "last", "input_", "hops", "message"),
    [
        (["CON A", "END Merci"], None, "Success", "END Merci", "1", "2", None),
        (["CON A", "CON B"], {}, "Incomplete", "CON B", "1", "2", None),
        (["CON A", "CON B"], {"reason": "timed_out"}, "Incomplete", "CON B", "1", "2", None),
        (["CON A", "oops"], None, "Failed", "oops", "1", "2", "gateway_bad_answer"),
    ],
)
def test_africastalking_tells_the_end(
    gateway: Any,
    simulator: Any,
    until: Callable[..., Any],
    answers: list[str],
    end: dict[str, str] | None,
    status: str,
    last: str,
    input_: str,
    hops: str,
    message: str | None,
) -> None:
    gateway.script[AT] = [(200, TEXT, answer.encode()) for answer in answers]
    session = simulator.turn("dial", {"code": "*229#"})["session_id"]
    simulator.turn("answer", {"text": "1"})
    if end is not None:
        simulator.turn("hangup", end)
    (event,) = until(lambda: gateway.at(EVENTS))
    form = {name: values[0] for name, values in parse_qs(event.body.decode(), strict_parsing=True).items()}
    assert form.pop("date")[4] == "-"
    assert form.pop("durationInMillis").isdigit()
    expected = {
        "sessionId": session,
        "serviceCode": "*229#",
        "networkCode": "61603",
        "phoneNumber": PHONE,
        "status": status,
        "cost": "0.00",
        "lastAppResponse": last,
        "input": input_,
        "hopsCount": hops,
    }
    assert form == expected | ({"errorMessage": message} if message else {})


@pytest.mark.parametrize(
    ("reason", "kind", "text"),
    [("hung_up", "4", "user abort"), ("timed_out", "5", "")],
)
def test_madapi_tells_an_abort_on_the_same_address(
    gateway: Any, simulator: Any, until: Callable[..., Any], reason: str, kind: str, text: str
) -> None:
    gateway.script[MTN] = [(200, "application/json", madapi("Menu"))]
    simulator.turn("dial", {"code": "*229#"}, MTN_PHONE)
    simulator.turn("hangup", {"reason": reason}, MTN_PHONE)
    _, told = until(lambda: gateway.at(MTN) if len(gateway.at(MTN)) == 2 else None)
    message = json.loads(told.body)
    assert (message["messageType"], message["ussdString"]) == (kind, text)


def test_madapi_tells_nothing_after_the_last_screen(gateway: Any, simulator: Any) -> None:
    gateway.script[MTN] = [(200, "application/json", madapi("Merci", going_on=False))]
    simulator.turn("dial", {"code": "*229#"}, MTN_PHONE)
    simulator.turn("hangup", {}, MTN_PHONE)
    simulator.world.agenda.close()  # waits for what was to be told
    assert len(gateway.at(MTN)) == 1


def test_a_silent_citizen_is_timed_out(gateway: Any, start: Any, until: Callable[..., Any]) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu")]
    simulator = start(idle_s=0.05)
    simulator.turn("dial", {"code": "*229#"})
    (event,) = until(lambda: gateway.at(EVENTS))
    assert b"status=Incomplete" in event.body
    phone = until(lambda: simulator.call("GET", f"/api/phones/{PHONE}").json())
    assert (phone["open"], phone["error"]) == (False, "timed_out")


def test_an_answer_puts_the_time_out_off(gateway: Any) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu")]
    later = Later()
    wire, phones = Wire(gateway.url, 2), Phones()
    network = UssdNetwork(
        phones,
        SwitchPanel(),
        {"africastalking": AfricasTalking("local", "*229#")},
        wire,
        later,  # type: ignore[arg-type]  # an agenda that only remembers
        service_code="*229#",
        idle_s=30,
    )
    phone = phones.get(PHONE)
    network.dial(phone, "*229#")
    network.answer(phone, "1")
    (first_s, first), (second_s, second) = later.tasks
    assert (first_s, second_s) == (30, 30)
    first()
    assert phone.dialogue
    assert phone.dialogue.open  # the citizen answered since
    second()
    assert (phone.dialogue.open, phone.error) == (False, "timed_out")
    network.close()
    wire.close()


@pytest.mark.parametrize("code", ["*123#", "*2290#", "229#", "*229", "0197000000", "*229*é#"])
def test_another_code_never_reaches_the_gateway(gateway: Any, simulator: Any, code: str) -> None:
    turn = simulator.turn("dial", {"code": code})
    assert (turn["error"], turn["open"], turn["session_id"]) == ("unknown_code", False, None)
    assert gateway.got == []


def test_dialling_again_hangs_up_first(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    gateway.script[AT] = [(200, TEXT, b"CON Menu")]
    first = simulator.turn("dial", {"code": "*229#"})["session_id"]
    second = simulator.turn("dial", {"code": "*229#"})["session_id"]
    assert first != second
    (event,) = until(lambda: gateway.at(EVENTS))
    assert first.encode() in event.body

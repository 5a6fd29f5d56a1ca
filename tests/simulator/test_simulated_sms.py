"""The aggregator's SMS interface: what the SDK sends, what it is answered, what the phones and the gateway get."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

SEND = "/africastalking/version1/messaging"
DLR = "/channels/africastalking/local/dlr"
PHONE, OTHER = "+2290197000000", "+2290160000000"
#: As the SDK 2.0.3 was seen to send it.
FROM_THE_SDK = (
    b"username=sandbox&to=%2B2290197000000%2C%2B2290160000000&message=Bonjour+%C3%A9+%26+c%27est+pr%C3%AAt"
    b"&bulkSMSMode=1&from=EGOUV&enqueue=1"
)


def send(simulator: Any, body: bytes | dict[str, str], key: str = "demo-key", timeout: float = 5) -> Any:
    headers = {"apiKey": key, "Accept": "application/json"}
    if isinstance(body, bytes):
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return requests.post(simulator.url + SEND, data=body, headers=headers, timeout=timeout)


def one(text: str = "Bonjour", to: str = PHONE) -> dict[str, str]:
    return {"username": "sandbox", "to": to, "message": text, "bulkSMSMode": "1"}


def inbox(simulator: Any, phone: str = PHONE) -> Any:
    return simulator.call("GET", f"/api/phones/{phone}/inbox").json()


def test_what_the_sdk_sends(simulator: Any) -> None:
    answer = send(simulator, FROM_THE_SDK)
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    (to_one,), (to_other,) = inbox(simulator), inbox(simulator, OTHER)
    assert answer.json() == {
        "SMSMessageData": {
            "Message": "Sent to 2/2 Total Cost: XOF 30.0000",
            "Recipients": [
                {
                    "statusCode": 102,
                    "number": PHONE,
                    "status": "Success",
                    "cost": "XOF 15.0000",
                    "messageId": to_one["id"],
                },
                {
                    "statusCode": 102,
                    "number": OTHER,
                    "status": "Success",
                    "cost": "XOF 15.0000",
                    "messageId": to_other["id"],
                },
            ],
        }
    }
    assert to_one["id"].startswith("ATXid_")
    assert (to_one["from"], to_one["text"]) == ("EGOUV", "Bonjour é & c'est prêt")
    assert (to_one["segments"], to_one["encoding"], to_one["read"]) == (1, "UCS-2", False)


@pytest.mark.parametrize(
    ("text", "segments", "cost"),
    [("a" * 160, 1, "XOF 15.0000"), ("a" * 161, 2, "XOF 30.0000"), ("ê" * 70, 1, "XOF 15.0000")],
)
def test_segments_and_cost(simulator: Any, text: str, segments: int, cost: str) -> None:
    (recipient,) = send(simulator, one(text)).json()["SMSMessageData"]["Recipients"]
    assert (recipient["statusCode"], recipient["cost"]) == (101, cost)
    assert inbox(simulator)[0]["segments"] == segments


def test_the_newest_is_on_top_and_the_default_sender_is_shown(simulator: Any) -> None:
    send(simulator, one("un"))
    send(simulator, one("deux"))
    assert [(sms["text"], sms["from"]) for sms in inbox(simulator)] == [("deux", "eGouv-BJ"), ("un", "eGouv-BJ")]


def test_one_bad_number_among_good_ones(simulator: Any) -> None:
    data = send(simulator, one(to=f"{PHONE},12")).json()["SMSMessageData"]
    assert data["Message"] == "Sent to 1/2 Total Cost: XOF 15.0000"
    assert data["Recipients"][1] == {
        "statusCode": 403,
        "number": "12",
        "status": "InvalidPhoneNumber",
        "cost": "0",
        "messageId": "None",
    }


@pytest.mark.parametrize(
    ("form", "key", "status", "outcome"),
    [
        (one(), "wrong", 401, "bad_key"),
        (one(), "", 401, "bad_key"),
        (one(to=""), "demo-key", 400, "bad_form"),
        (one(text=""), "demo-key", 400, "bad_form"),
    ],
)
def test_a_send_that_is_not_taken(simulator: Any, form: dict[str, str], key: str, status: int, outcome: str) -> None:
    answer = send(simulator, form, key)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain")
    assert inbox(simulator) == []
    assert [call["outcome"] for call in simulator.call("GET", "/api/sent").json()] == [outcome]


def test_reports_come_after_the_send(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    send(simulator, one())
    until(lambda: len(gateway.at(DLR)) == 2)
    identity = inbox(simulator)[0]["id"]
    assert [report.body.decode() for report in gateway.at(DLR)] == [
        f"id={identity}&status={status}&phoneNumber=%2B2290197000000&networkCode=61603&retryCount=0"
        for status in ("Sent", "Success")
    ]
    assert until(lambda: inbox(simulator)[0]["delivery"] == "Success")


def test_a_report_is_repeated_until_it_is_taken(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    gateway.script[DLR] = [(503, "text/plain", b"")] * 3 + [(200, "text/plain", b"")]
    send(simulator, one())
    until(lambda: len(gateway.at(DLR)) == 5)
    assert until(lambda: inbox(simulator)[0]["delivery"] == "Success")


def test_a_report_is_not_repeated_for_ever(gateway: Any, start: Any, until: Callable[..., Any]) -> None:
    gateway.script[DLR] = [(503, "text/plain", b"")]
    simulator = start(retry_s=0.001)
    send(simulator, one())
    until(lambda: len(gateway.at(DLR)) >= 12)
    much_later = threading.Event()
    simulator.world.agenda.after(0.3, much_later.set)  # a seventh try would be due after 0.03 s
    assert much_later.wait(5)
    assert len(gateway.at(DLR)) == 12  # six tries of each
    assert inbox(simulator)[0]["delivery"] == "taken"


def test_lost_reports(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    simulator.call("PUT", "/api/switches", {"reports": "lost"})
    send(simulator, one())
    until(lambda: inbox(simulator)[0]["delivery"] == "lost")
    simulator.world.agenda.close()
    assert gateway.at(DLR) == []


def test_refused_sends(simulator: Any) -> None:
    simulator.call("PUT", "/api/switches", {"fail_sends": "refuse"})
    answer = send(simulator, one())
    data = answer.json()["SMSMessageData"]
    assert (answer.status_code, data["Message"]) == (201, "Sent to 0/1 Total Cost: 0")
    assert (data["Recipients"][0]["statusCode"], data["Recipients"][0]["messageId"]) == (407, "None")
    assert inbox(simulator) == []


def test_failing_sends(simulator: Any) -> None:
    simulator.call("PUT", "/api/switches", {"fail_sends": "error_500"})
    assert send(simulator, one()).status_code == 500
    assert inbox(simulator) == []
    simulator.call("PUT", "/api/switches", {"fail_sends": "no"})
    assert send(simulator, one()).status_code == 201
    assert [call["outcome"] for call in simulator.call("GET", "/api/sent").json()] == ["error_500", "accepted"]


def test_a_send_without_an_answer_was_delivered(simulator: Any) -> None:
    """The worst case: whoever sends it again doubles it, and the inbox shows it."""
    simulator.call("PUT", "/api/switches", {"fail_sends": "time_out"})
    with pytest.raises(requests.ReadTimeout):
        send(simulator, one(), timeout=0.2)
    assert [sms["text"] for sms in inbox(simulator)] == ["Bonjour"]
    (call,) = simulator.call("GET", "/api/sent").json()
    assert (call["outcome"], call["to"], call["text"]) == ("time_out", [PHONE], "Bonjour")


def test_a_held_send_does_not_hold_the_end(start: Any) -> None:
    simulator = start(hold_s=60)
    simulator.call("PUT", "/api/switches", {"fail_sends": "time_out"})
    held = threading.Thread(target=lambda: send(simulator, one(), timeout=30))
    held.start()
    while not inbox(simulator):
        threading.Event().wait(0.005)
    simulator.world.closing.set()
    held.join(5)
    assert not held.is_alive()

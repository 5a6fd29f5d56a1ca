"""SMS that the phones send, and what becomes of SMS to a phone that is not simply there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

SEND = "/africastalking/version1/messaging"
MO, DLR, OPTOUT = (f"/channels/africastalking/local/{route}" for route in ("mo", "dlr", "optout"))
PHONE = "+2290197000000"


def text(simulator: Any, words: str, **more: str) -> Any:
    return simulator.call("POST", f"/api/phones/{PHONE}/sms", {"text": words, **more})


def phone(simulator: Any) -> Any:
    return simulator.call("GET", f"/api/phones/{PHONE}").json()


def be(simulator: Any, **how: Any) -> Any:
    return simulator.call("PUT", f"/api/phones/{PHONE}/condition", how)


def switch(simulator: Any, **switches: Any) -> None:
    assert simulator.call("PUT", "/api/switches", switches).status_code == 200


def send(simulator: Any, words: str = "Bonjour") -> Any:
    form = {"username": "sandbox", "to": PHONE, "message": words}
    return requests.post(simulator.url + SEND, data=form, headers={"apiKey": "demo-key"}, timeout=5)


def posted(gateway: Any, path: str) -> list[dict[str, str]]:
    return [{k: v[0] for k, v in parse_qs(got.body.decode()).items()} for got in gateway.at(path)]


def statuses(gateway: Any) -> list[str]:
    return [report["status"] for report in posted(gateway, DLR)]


@pytest.mark.parametrize(
    ("dates", "shape"), [("iso", "%Y-%m-%dT%H:%M:%SZ"), ("spaced", "%Y-%m-%d %H:%M:%S")], ids=["iso", "spaced"]
)
def test_a_text_reaches_the_gateway_in_the_aggregators_form(
    gateway: Any, simulator: Any, until: Callable[..., Any], dates: str, shape: str
) -> None:
    switch(simulator, dates=dates)
    sent = text(simulator, "STATUT 4821 0937 5628 é").json()
    assert (sent["to"], sent["segments"], sent["encoding"], sent["units"]) == ("22900", 1, "GSM-7", 23)
    until(lambda: phone(simulator)["outbox"][0]["posting"] == "posted")
    (form,) = posted(gateway, MO)
    assert datetime.strptime(form.pop("date"), shape).replace(tzinfo=UTC)
    assert form == {
        "from": PHONE,
        "id": sent["id"],
        "text": "STATUT 4821 0937 5628 é",
        "to": "22900",
        "networkCode": "61603",
    }


def test_a_text_that_was_not_stored_comes_again_the_same(
    gateway: Any, simulator: Any, until: Callable[..., Any]
) -> None:
    gateway.script[MO] = [(503, "text/plain", b""), (404, "text/plain", b""), (200, "text/plain", b"")]
    text(simulator, "AIDE", to="123")
    until(lambda: phone(simulator)["outbox"][0]["posting"] == "posted")
    assert phone(simulator)["outbox"][0]["tries"] == 3
    assert len({form["id"] for form in posted(gateway, MO)}) == 1
    assert {form["to"] for form in posted(gateway, MO)} == {"123"}


def test_a_gateway_that_never_takes_a_text(start: Any, gateway: Any, until: Callable[..., Any]) -> None:
    simulator = start(retry_s=0.001)
    gateway.script[MO] = [(503, "text/plain", b"")]
    text(simulator, "AIDE")
    until(lambda: phone(simulator)["outbox"][0]["posting"] == "not_posted")


def test_every_text_twice(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    switch(simulator, deliver_twice="after")
    text(simulator, "AIDE")
    until(lambda: phone(simulator)["outbox"][0]["posting"] == "posted")
    first, second = posted(gateway, MO)
    assert first == second


@pytest.mark.parametrize(
    ("how", "arrives", "reported"),
    [
        ("reachable", True, ["Sent", "Success"]),
        ("slow", True, ["Sent", "Success"]),
        ("silent", True, []),
        ("unreachable", False, ["Sent", "AbsentSubscriber"]),
        ("full", False, ["Sent", "Buffered"]),
        ("unknown", False, ["Failed"]),
        ("barred", False, ["Sent", "Expired"]),
    ],
)
def test_what_becomes_of_an_sms(
    start: Any, gateway: Any, until: Callable[..., Any], how: str, arrives: bool, reported: list[str]
) -> None:
    simulator = start(slow_s=0.2)
    assert be(simulator, condition=how).json()["condition"] == how
    send(simulator)
    until(lambda: len(statuses(gateway)) >= len(reported) and len(phone(simulator)["inbox"]) == arrives)
    assert statuses(gateway) == reported
    if how == "unknown":
        assert posted(gateway, DLR)[0]["failureReason"] == "UserDoesNotExist"


@pytest.mark.parametrize("how", ["unreachable", "full"])
def test_what_waited_arrives_later(gateway: Any, simulator: Any, until: Callable[..., Any], how: str) -> None:
    be(simulator, condition=how)
    send(simulator)
    until(lambda: len(statuses(gateway)) == 2)
    assert (phone(simulator)["waiting"], phone(simulator)["inbox"]) == (1, [])
    be(simulator, condition="reachable")
    until(lambda: statuses(gateway)[2:] == ["Success"])
    (sms,) = phone(simulator)["inbox"]
    assert (phone(simulator)["waiting"], sms["text"]) == (0, "Bonjour")
    until(lambda: phone(simulator)["inbox"][0]["delivery"] == "Success")


@pytest.mark.parametrize(
    ("how", "reported"),
    [("twice", ["Sent", "Sent", "Success", "Success"]), ("reversed", ["Success", "Sent"]), ("lost", [])],
)
def test_reports_that_misbehave(
    gateway: Any, simulator: Any, until: Callable[..., Any], how: str, reported: list[str]
) -> None:
    switch(simulator, reports=how)
    send(simulator)
    until(lambda: phone(simulator)["inbox"][0]["delivery"] != "taken" and len(statuses(gateway)) >= len(reported))
    assert statuses(gateway) == reported


def test_reports_before_the_answer(gateway: Any, simulator: Any) -> None:
    switch(simulator, reports="early")
    answer = send(simulator).json()
    ids = {report["id"] for report in posted(gateway, DLR)}
    assert ids == {answer["SMSMessageData"]["Recipients"][0]["messageId"]}
    assert statuses(gateway) == ["Sent", "Success"]


def test_reports_under_an_unknown_id(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    switch(simulator, reports="unknown_id")
    answer = send(simulator).json()
    until(lambda: len(statuses(gateway)) == 2)
    known = answer["SMSMessageData"]["Recipients"][0]["messageId"]
    assert known not in {report["id"] for report in posted(gateway, DLR)}


def test_an_aggregator_that_takes_no_more(simulator: Any) -> None:
    switch(simulator, fail_sends="too_many")
    assert send(simulator).status_code == 429
    assert phone(simulator)["inbox"] == []


def test_a_person_who_told_the_aggregator_to_stop(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    be(simulator, opted_out=True)
    until(lambda: posted(gateway, OPTOUT) == [{"senderId": "22900", "phoneNumber": PHONE}])
    (recipient,) = send(simulator).json()["SMSMessageData"]["Recipients"]
    assert (recipient["statusCode"], recipient["status"], recipient["messageId"]) == (406, "UserInBlacklist", "None")
    be(simulator, opted_out=False)
    assert send(simulator).json()["SMSMessageData"]["Recipients"][0]["statusCode"] == 101
    assert len(posted(gateway, OPTOUT)) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "sms", {}, "bad_text"),
        ("POST", "sms", {"text": ""}, "bad_text"),
        ("POST", "sms", {"text": "a" * 1601}, "bad_text"),
        ("POST", "sms", {"text": "AIDE", "to": "*229#"}, "bad_to"),
        ("PUT", "condition", {"condition": "asleep"}, "bad_condition"),
        ("PUT", "condition", {"condition": []}, "bad_condition"),
        ("PUT", "condition", {"opted_out": "yes"}, "bad_opted_out"),
    ],
)
def test_what_a_phone_cannot_do(simulator: Any, method: str, path: str, body: Any, code: str) -> None:
    answer = simulator.call(method, f"/api/phones/{PHONE}/{path}", body)
    assert (answer.status_code, answer.json()["error"]) == (400, code)

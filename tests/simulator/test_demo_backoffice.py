"""The demo institution keeps to docs/protocol-backoffice.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from standardwebhooks.webhooks import Webhook

EVENTS = "/backoffice/etat-civil/events"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def submission(npi: str = "1234567891", reference: str = "482109375628") -> bytes:
    return json.dumps(
        {
            "reference": reference,
            "service": "acte-naissance",
            "submitted_at": "2026-11-23T13:05:00Z",
            "promised_date": None,
            "language": "fr",
            "assurance": "number",
            "applicant": {"msisdn": "+2290197000000"},
            "fields": {"npi": npi, "commune": "cotonou"},
        }
    ).encode()


def submit(simulator: Any, body: bytes, key: str | None = '"k-1"', bearer: str | None = "Bearer demo-token") -> Any:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    if bearer is not None:
        headers["Authorization"] = bearer
    url = simulator.url + "/backoffice/etat-civil/submissions"
    return requests.post(url, data=body, headers=headers, timeout=5)


def cases(simulator: Any) -> Any:
    return simulator.call("GET", "/api/backoffice").json()["cases"]


@pytest.mark.parametrize(
    ("npi", "decision"),
    [("1234567891", "granted"), ("1234567890", "refused"), ("0000000009", "granted"), ("", "granted")],
)
def test_acknowledged_then_decided(
    gateway: Any, simulator: Any, until: Callable[..., Any], npi: str, decision: str
) -> None:
    answer = submit(simulator, submission(npi))
    number = answer.json()["case"]
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    acknowledged, decided = until(lambda: gateway.at(EVENTS) if len(gateway.at(EVENTS)) == 2 else None)
    for event in (acknowledged, decided):
        Webhook(SECRET).verify(event.body, event.headers)
    one, other = json.loads(acknowledged.body), json.loads(decided.body)
    assert one["type"] == "submission.acknowledged"
    assert one["data"] == {"reference": "482109375628", "case": number}
    assert other["type"] == "submission.decided"
    assert (other["data"]["reference"], other["data"]["decision"]) == ("482109375628", decision)
    assert set(other["data"]["message"]) == {"fr", "en"}
    assert acknowledged.headers["webhook-id"] != decided.headers["webhook-id"]
    (case,) = until(lambda: [case for case in cases(simulator) if case["state"] == decision])
    assert (case["case"], case["reference"], case["calls"]) == (number, "482109375628", 1)


def test_the_same_key_has_the_same_answer_and_one_case(gateway: Any, simulator: Any, until: Callable[..., Any]) -> None:
    first, second = submit(simulator, submission()), submit(simulator, submission())
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    until(lambda: len(gateway.at(EVENTS)) == 2)
    simulator.world.agenda.close()
    assert len(gateway.at(EVENTS)) == 2
    assert [case["calls"] for case in cases(simulator)] == [2]


def test_another_key_is_another_case(simulator: Any) -> None:
    numbers = {submit(simulator, submission(), key).json()["case"] for key in ('"k-1"', '"k-2"')}
    assert len(numbers) == 2


def test_a_key_is_not_reused_for_another_body(simulator: Any) -> None:
    submit(simulator, submission("1234567891"))
    assert submit(simulator, submission("1234567892")).status_code == 409
    assert len(cases(simulator)) == 1


@pytest.mark.parametrize(
    ("body", "key", "bearer", "status"),
    [
        (submission(), '"k"', None, 401),
        (submission(), '"k"', "Bearer wrong", 401),
        (submission(), '"k"', "demo-token", 401),
        (submission(), '"k"', "Bearer é", 401),  # not ASCII: still an answer
        (submission(), None, "Bearer demo-token", 400),
        (submission(), "k", "Bearer demo-token", 400),  # not quoted
        (submission(), '""', "Bearer demo-token", 400),
        (submission(), '"' + "k" * 255 + '"', "Bearer demo-token", 202),
        (submission(), '"' + "k" * 256 + '"', "Bearer demo-token", 400),
        (b"{", '"k"', "Bearer demo-token", 400),
        (b"\xff", '"k"', "Bearer demo-token", 400),
        (b"[]", '"k"', "Bearer demo-token", 400),
        (b'{"reference": "482109375628", "service": "x"}', '"k"', "Bearer demo-token", 400),
        (submission(reference="12"), '"k"', "Bearer demo-token", 400),
    ],
)
def test_who_and_what_is_taken(simulator: Any, body: bytes, key: str | None, bearer: str | None, status: int) -> None:
    header = bearer.encode() if bearer else None  # requests refuses to encode an accent by itself
    assert submit(simulator, body, key, header).status_code == status  # type: ignore[arg-type]
    assert len(cases(simulator)) == (1 if status == 202 else 0)


def test_an_event_is_repeated_with_its_id_until_it_is_taken(
    gateway: Any, simulator: Any, until: Callable[..., Any]
) -> None:
    gateway.script[EVENTS] = [(503, "text/plain", b""), (401, "text/plain", b""), (200, "text/plain", b"")]
    submit(simulator, submission())
    events = until(lambda: gateway.at(EVENTS) if len(gateway.at(EVENTS)) == 4 else None)
    assert len({event.headers["webhook-id"] for event in events[:3]}) == 1
    assert [json.loads(event.body)["type"] for event in events] == [
        *["submission.acknowledged"] * 3,
        "submission.decided",  # not before the acknowledgement was taken
    ]
    (case,) = until(lambda: [case for case in cases(simulator) if case["events"][-1]["answers"] == [200]])
    assert case["events"][0]["answers"] == [503, 401, 200]


def test_events_are_given_up_at_last(gateway: Any, start: Any, until: Callable[..., Any]) -> None:
    gateway.script[EVENTS] = [(503, "text/plain", b"")]
    simulator = start(retry_s=0.0001)
    submit(simulator, submission())
    (case,) = until(
        lambda: [
            case
            for case in cases(simulator)
            if [event["state"] for event in case["events"]] == ["given_up", "given_up"]
        ]
    )
    assert [len(event["answers"]) for event in case["events"]] == [12, 12]


def test_down_is_503_and_takes_nothing(simulator: Any) -> None:
    simulator.call("PUT", "/api/switches", {"backoffice_down": True})
    assert submit(simulator, submission()).status_code == 503
    assert cases(simulator) == []
    simulator.call("PUT", "/api/switches", {"backoffice_down": False})
    assert submit(simulator, submission()).status_code == 202


def test_it_keeps_nothing_personal(simulator: Any) -> None:
    submit(simulator, submission("1234567891"))
    shown = simulator.call("GET", "/api/backoffice").text
    assert "1234567891" not in shown
    assert "97000000" not in shown


def states(simulator: Any, text: str, key: str = '"s-1"', kind: str = "answer", **more: Any) -> Any:
    body = {"reference": "482109375628", "service": "x", "kind": kind, "text": text, "question": None, **more}
    url = f"{simulator.url}/backoffice/etat-civil/submissions/{more.get('reference', '482109375628')}/statements"
    headers = {"Authorization": more.get("bearer", "Bearer demo-token"), "Idempotency-Key": key}
    return requests.post(url, json=body, headers=headers, timeout=5)


def test_it_asks_for_a_npi_that_ends_in_8_and_decides_when_it_is_answered(
    gateway: Any, simulator: Any, until: Callable[..., Any]
) -> None:
    submit(simulator, submission("1234567898"))
    _, asked = until(lambda: gateway.at(EVENTS) if len(gateway.at(EVENTS)) == 2 else None)
    Webhook(SECRET).verify(asked.body, asked.headers)
    event = json.loads(asked.body)
    assert event["type"] == "submission.more_needed"
    assert set(event["data"]["question"]) == {"fr", "en"}
    assert event["data"]["answer_by"] > event["timestamp"]
    until(lambda: cases(simulator)[0]["state"] == "asked")
    assert states(simulator, "Zongo").status_code == 200
    assert states(simulator, "Zongo").status_code == 200, "the same key once more"
    assert states(simulator, "Né à Parakou", '"s-2"', "correction").status_code == 200
    (case,) = until(lambda: [case for case in cases(simulator) if case["state"] == "granted"])
    assert case["statements"] == [
        {"kind": "answer", "text": "Zongo"},
        {"kind": "correction", "text": "Né à Parakou"},
    ]
    simulator.world.agenda.close()
    assert len(gateway.at(EVENTS)) == 3, "decided once"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"reference": "482109375625"}, 404),
        ({"bearer": "Bearer wrong"}, 401),
        ({"key": "s"}, 400),
        ({"kind": "gossip"}, 400),
        ({"text": "x" * 1000}, 200),
        ({"text": "x" * 1001}, 400),
    ],
)
def test_what_is_said_about_a_demand(simulator: Any, more: dict[str, Any], status: int) -> None:
    submit(simulator, submission())
    assert states(simulator, **{"text": "x", **more}).status_code == status


def test_down_takes_no_statement(simulator: Any) -> None:
    submit(simulator, submission())
    simulator.call("PUT", "/api/switches", {"backoffice_down": True})
    assert states(simulator, "x").status_code == 503

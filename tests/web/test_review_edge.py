"""Guarantee 10 at the callbacks' edge: what arrives broken never advances a dialogue, nor ends as a traceback."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from gateway import logs
from gateway.messages import UssdEnd
from gateway.usecases import dialogues
from gateway.usecases.ussd_parts import Ussd
from gateway.web.headers import security_headers
from tests.web.conftest import Site

AT = "/channels/africastalking/local/"


def form(text: str, number: str = "+2290197000000") -> bytes:
    turn = {"sessionId": "s1", "serviceCode": "*229#", "networkCode": "61603", "phoneNumber": number, "text": text}
    return urlencode(turn).encode()


def test_a_body_cut_off_on_its_way_is_no_answer(site: Site) -> None:
    """ "1*1*1234567890" cut after its eighth digit is another answer: it must not be taken for the citizen's."""
    whole = form("1*1*1234567890")
    cut = site.call("POST", AT + "ussd", whole[:-2], CONTENT_LENGTH=str(len(whole)))
    assert cut[0] == 400
    assert "Commune" in site.call("POST", AT + "ussd", whole)[2].decode()


@pytest.mark.parametrize("length", ["9" * 5000, "9" * 10, "16385"])
def test_a_length_of_any_size_is_413(site: Site, length: str) -> None:
    assert site.call("POST", AT + "ussd", b"", CONTENT_LENGTH=length)[0] == 413


@pytest.mark.parametrize("length", ["", "-1", "+1", " 1", "1e3", "0x10", "\u0661", "\u00b2"])
def test_a_length_that_is_no_number_is_411(site: Site, length: str) -> None:
    assert site.call("POST", AT + "ussd", b"", CONTENT_LENGTH=length)[0] == 411


def test_an_event_that_fails_inside_is_asked_for_again_and_logged_without_its_message(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[bytes] = []

    def broken(gateway: Ussd, end: UssdEnd) -> None:
        raise RuntimeError("NPI 1234567890")

    monkeypatch.setattr(dialogues, "take_end", broken)
    failing = Site(site.gateway)
    logs.start("error", site.gateway.now, lines.append)
    event = urlencode({"sessionId": "s1", "status": "Incomplete", "phoneNumber": "+2290197000000"}).encode()
    assert failing.call("POST", AT + "events", event)[0] == 503
    assert json.loads(lines[-1])["exception"] == "RuntimeError"
    assert "1234567890" not in b"".join(lines).decode()


def test_no_byte_of_a_request_reaches_a_header(site: Site) -> None:
    evil = "1\r\nX-Evil: 1"
    for body in (form(evil), form("", number=evil)):
        _, headers, _ = site.call("POST", AT + "ussd", body)
        assert set(headers) <= {"Content-Type", "Content-Length", *dict(security_headers(""))}
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert not any("Evil" in value or "\n" in value for value in headers.values())


@pytest.mark.parametrize(
    ("first", "then", "remark"),
    [
        ({"sessionId": "x" * 128}, 200, "the longest session id"),
        ({"sessionId": "x" * 129}, 400, "one character more"),
        ({"text": "1" * 2000}, 200, "the longest transcript"),
        ({"text": "1" * 2001}, 400, "one character more"),
        ({"networkCode": "9" * 32}, 200, "the longest network code"),
        ({"networkCode": "9" * 33}, 400, "one character more"),
        ({"serviceCode": "*229" + "*2" * 13 + "#"}, 200, "a service code of 31"),
        ({"serviceCode": "*" + "2" * 31 + "#"}, 400, "a service code of 33"),
    ],
)
def test_an_over_long_field_is_400(site: Site, first: dict[str, str], then: int, remark: str) -> None:
    turn = {"sessionId": "s1", "serviceCode": "*229#", "networkCode": "", "phoneNumber": "+2290197000000", "text": ""}
    assert site.call("POST", AT + "ussd", urlencode(turn | first).encode())[0] == then, remark


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_a_post_is_a_callback(site: Site, method: str) -> None:
    assert site.call(method, AT + "ussd", form(""))[0] == 405


def test_a_notification_is_answered_and_does_nothing(site: Site) -> None:
    body = json.dumps({"sessionId": "s1", "messageType": "3", "msisdn": "22997000000", "ussdString": "x"}).encode()
    assert site.call("POST", "/channels/mtn_madapi/local/ussd", body, CONTENT_TYPE="application/json")[0] == 200

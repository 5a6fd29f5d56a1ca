"""The API of the phones, and what the page's server says around it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

AT = "/channels/africastalking/local/ussd"
MTN = "/channels/mtn_madapi/local/ussd"
PHONE = "+2290197000000"


def test_two_phones_before_anybody_asks(simulator: Any) -> None:
    phones = simulator.call("GET", "/api/phones").json()
    assert [(phone["msisdn"], phone["network"]) for phone in phones] == [
        ("+2290197000000", "africastalking"),
        ("+2290166000000", "mtn_madapi"),
    ]


@pytest.mark.parametrize("typed", ["+2290161000000", "%2B2290161000000", "2290161000000", "0161000000", "61000000"])
def test_any_number_gets_a_phone(simulator: Any, typed: str) -> None:
    assert simulator.call("GET", f"/api/phones/{typed}").json()["msisdn"] == "+2290161000000"


def test_a_number_from_elsewhere_gets_one_too(simulator: Any) -> None:
    assert simulator.call("GET", "/api/phones/+233241234567").json()["msisdn"] == "+233241234567"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/api/phones/abc", None, 400, "bad_number"),
        ("POST", f"/api/phones/{PHONE}/dial", {}, 400, "bad_code"),
        ("POST", f"/api/phones/{PHONE}/dial", {"code": ""}, 400, "bad_code"),
        ("POST", f"/api/phones/{PHONE}/dial", {"code": 229}, 400, "bad_code"),
        ("POST", f"/api/phones/{PHONE}/dial", [], 400, "bad_json"),
        ("POST", f"/api/phones/{PHONE}/dial", {"code": "*229#", "network": "x"}, 400, "bad_network"),
        ("POST", f"/api/phones/{PHONE}/answer", {"text": "1"}, 409, "no_dialogue"),
        ("POST", f"/api/phones/{PHONE}/answer", {}, 400, "bad_text"),
        ("POST", f"/api/phones/{PHONE}/answer", {"text": "a" * 183}, 400, "bad_text"),
        ("POST", f"/api/phones/{PHONE}/redeliver", {}, 409, "no_dialogue"),
        ("POST", f"/api/phones/{PHONE}/hangup", {"reason": "bored"}, 400, "bad_reason"),
    ],
)
def test_a_mistake_has_a_code_and_a_sentence(
    simulator: Any, method: str, path: str, body: Any, status: int, error: str
) -> None:
    answer = simulator.call(method, path, body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["detail"]


def test_a_phone_changes_network_only_between_dialogues(gateway: Any, simulator: Any) -> None:
    gateway.script[AT] = [(200, "text/plain", b"END Merci")]
    simulator.turn("dial", {"code": "*229#"})
    simulator.turn("dial", {"code": "*229#", "network": "mtn_madapi"})
    assert (len(gateway.at(AT)), len(gateway.at(MTN))) == (1, 1)
    assert simulator.call("GET", f"/api/phones/{PHONE}").json()["network"] == "mtn_madapi"


def test_hanging_up_needs_no_body_and_no_dialogue(simulator: Any) -> None:
    answer = simulator.call("POST", f"/api/phones/{PHONE}/hangup")
    assert (answer.status_code, answer.json()["text"]) == (200, "")


def test_messages_are_marked_read(simulator: Any) -> None:
    requests.post(
        simulator.url + "/africastalking/version1/messaging",
        data={"username": "sandbox", "to": PHONE, "message": "Bonjour"},
        headers={"apiKey": "demo-key"},
        timeout=5,
    )
    assert simulator.call("GET", f"/api/phones/{PHONE}").json()["unread"] == 1
    simulator.call("POST", f"/api/phones/{PHONE}/inbox/read", {})
    assert simulator.call("GET", f"/api/phones/{PHONE}").json()["unread"] == 0


def test_the_view_is_sent_once_per_change(gateway: Any, simulator: Any) -> None:
    gateway.script[AT] = [(200, "text/plain", b"CON Menu")]
    path = f"/api/view?phone={PHONE.replace('+', '%2B')}"
    view = simulator.call("GET", path).json()
    assert [phone["msisdn"] for phone in view["phones"]] == [PHONE]
    seen = f"{path}&seen={view['seen'].replace('+', '%2B')}"
    assert simulator.call("GET", seen).status_code == 204
    simulator.turn("dial", {"code": "*229#"})
    assert simulator.call("GET", seen).json()["phones"][0]["text"] == "Menu"


def test_reset_makes_a_new_world(gateway: Any, simulator: Any) -> None:
    gateway.script[AT] = [(200, "text/plain", b"CON Menu")]
    simulator.turn("dial", {"code": "*229#"}, "+2290161000000")
    simulator.call("PUT", "/api/switches", {"reports": "lost"})
    assert simulator.call("POST", "/api/reset").status_code == 200
    assert len(simulator.call("GET", "/api/phones").json()) == 2
    assert simulator.call("GET", "/api/switches").json()["reports"] == "normal"
    assert simulator.call("GET", "/api/sent").json() == []


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200), (None, 200)]
)
def test_another_site_cannot_drive_the_phones(simulator: Any, site: str | None, status: int) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    answer = requests.post(f"{simulator.url}/api/reset", headers=headers, timeout=5)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page/phone.css", "text/css; charset=utf-8"),
        ("/page/page.js", "text/javascript; charset=utf-8"),
        ("/page/handset.js", "text/javascript; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_the_page_is_its_own(simulator: Any, path: str, content_type: str) -> None:
    answer = simulator.call("GET", path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "https://" not in answer.text  # no external asset


def test_the_page_is_small(simulator: Any) -> None:
    names = ["/", "/page/phone.css", "/page/page.js", "/page/handset.js", "/page/icon.svg"]
    octets = sum(len(simulator.call("GET", name).content) for name in names)
    assert octets < 40_000


@pytest.mark.parametrize("path", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/nothing", "/static/x"])
def test_nothing_else_is_served(simulator: Any, path: str) -> None:
    assert simulator.call("GET", path).status_code == 404

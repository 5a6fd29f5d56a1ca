"""The site when clocks jump and strangers send what they like."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.store import beats
from tests.web.conftest import Site


def test_a_relay_that_was_last_seen_tomorrow_is_not_there(site: Site) -> None:
    with site.gateway.database.begin() as conn:
        beats.beat(conn, "relay", datetime.now(UTC) + timedelta(hours=1))  # then the clock was set back
    assert json.loads(site.call("GET", "/readyz")[2])["missing"] == ["relay"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_WEBHOOK_ID": "e", "HTTP_WEBHOOK_TIMESTAMP": "9" * 400, "HTTP_WEBHOOK_SIGNATURE": "v1,x"},
        {"HTTP_WEBHOOK_ID": "e", "HTTP_WEBHOOK_TIMESTAMP": "٣", "HTTP_WEBHOOK_SIGNATURE": "v1,x"},
        {"HTTP_WEBHOOK_ID": "e", "HTTP_WEBHOOK_TIMESTAMP": "-1", "HTTP_WEBHOOK_SIGNATURE": "v1,x"},
        {"HTTP_WEBHOOK_ID": "\xff", "HTTP_WEBHOOK_TIMESTAMP": "1", "HTTP_WEBHOOK_SIGNATURE": "\xff " * 900},
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 9000, b"\xff\xfe"])
def test_a_stranger_gets_401_whatever_he_sends(site: Site, headers: dict[str, str], body: bytes) -> None:
    status, _, answer = site.call("POST", "/backoffice/etat-civil/events", body, **headers)
    assert status == 401
    assert json.loads(answer)["code"] == "not_believed"

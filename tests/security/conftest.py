"""What attacks stand on: the whole web application in this process, and a log that keeps every line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from standardwebhooks import Webhook

from gateway import logs, wiring
from tests.web import conftest as web
from tests.web.conftest import Answer, Site

AT = "/channels/africastalking/local/"
NUMBER = "+2290197000000"
site = web.site
Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(site: Site) -> Iterator[Lines]:
    """Every line logged from now on, each of which is one JSON object on one line."""
    written: list[bytes] = []
    logs.start("debug", wiring.now, written.append)

    def read() -> list[dict[str, object]]:
        assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in written)
        assert not any(byte < 0x20 and byte != 0x0A for byte in b"".join(written))
        return [json.loads(line) for line in written]

    yield read
    logs.start("error", wiring.now, lambda line: None)


def ussd(site: Site, text: str, session: str = "s1", **more: str) -> Answer:
    """One delivery of a cumulative transcript."""
    form = {"sessionId": session, "serviceCode": "*229#", "networkCode": "61603", "phoneNumber": NUMBER, "text": text}
    return site.call("POST", AT + "ussd", urlencode(form | more, errors="replace").encode())


def sms(site: Site, text: str, external_id: str, **more: str) -> Answer:
    """One SMS of a citizen."""
    form = {"date": "2026-11-24 08:00:00", "from": NUMBER, "id": external_id, "text": text, "to": "22900"}
    return site.call("POST", AT + "mo", urlencode(form | more, errors="replace").encode())


def event(site: Site, data: dict[str, object], id_: str = "e1", kind: str = "submission.decided") -> Answer:
    """One signed event of the institution."""
    now = datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}).encode()
    secret = site.gateway.keys.webhook_secrets["etat-civil"][0]
    signed = Webhook(secret).sign(id_, now, body.decode())
    headers = {"HTTP_WEBHOOK_ID": id_, "HTTP_WEBHOOK_TIMESTAMP": str(int(now.timestamp()))}
    path = "/backoffice/etat-civil/events"
    return site.call("POST", path, body, HTTP_WEBHOOK_SIGNATURE=signed, CONTENT_TYPE="application/json", **headers)

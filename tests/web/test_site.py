"""The site: health, readiness, metrics, errors as problems, institutions' events."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from gateway.store import beats
from tests.web.conftest import Site

FORM = b"sessionId=ATUid_1&serviceCode=%2A229%23&phoneNumber=%2B2290197000000&networkCode=99999&text="


def test_healthz_asks_nothing(site: Site) -> None:
    assert site.call("GET", "/healthz")[0] == 200


def test_readyz_names_what_is_missing(site: Site) -> None:
    status, _, body = site.call("GET", "/readyz")
    assert (status, json.loads(body)["missing"]) == (503, ["relay"])
    with site.gateway.database.begin() as conn:
        beats.beat(conn, "relay", datetime.now(UTC))
    status, _, body = site.call("GET", "/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "missing": []})


def test_metrics_count_turns_without_a_number(site: Site) -> None:
    site.call("POST", "/channels/africastalking/local/ussd", FORM)
    status, headers, body = site.call("GET", "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert b'ussd_turns_total{channel="africastalking",outcome="continue"}' in body
    assert b"ussd_turn_duration_seconds_bucket" in body
    assert b"0197000000" not in body


def test_metrics_are_not_for_everybody(site: Site) -> None:
    assert site.call("GET", "/metrics", REMOTE_ADDR="203.0.113.7")[0] == 404


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/healthz", 405)])
def test_errors_are_problems(site: Site, method: str, path: str, status: int) -> None:
    answered, headers, body = site.call(method, path)
    assert answered == status
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["status"] == status


def test_a_body_too_large_is_413(site: Site) -> None:
    limit = site.gateway.settings.limits.body_bytes
    assert site.call("POST", "/backoffice/etat-civil/events", b"x" * (limit + 1))[0] == 413


def event(site: Site, body: bytes, *, id_: str = "e1", secret: str | None = None) -> tuple[int, bytes]:
    now = datetime.now(UTC)
    key = secret or site.gateway.keys.webhook_secrets["etat-civil"][0]
    headers = {
        "HTTP_WEBHOOK_ID": id_,
        "HTTP_WEBHOOK_TIMESTAMP": str(int(now.timestamp())),
        "HTTP_WEBHOOK_SIGNATURE": Webhook(key).sign(id_, now, body.decode()),
        "CONTENT_TYPE": "application/json",
    }
    status, _, answer = site.call("POST", "/backoffice/etat-civil/events", body, **headers)
    return status, answer


def acknowledged(reference: str) -> bytes:
    data = {"reference": reference, "case": "EC-1"}
    return json.dumps({"type": "submission.acknowledged", "timestamp": "2026-11-23T13:05:09Z", "data": data}).encode()


def test_an_event_of_an_unknown_submission_is_422(site: Site) -> None:
    status, answer = event(site, acknowledged("482109375628"))
    assert status == 422, answer


def test_a_forged_event_is_401(site: Site) -> None:
    foreign = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    status, answer = event(site, acknowledged("482109375628"), secret=foreign)
    assert status == 401
    assert json.loads(answer)["code"] == "not_believed"


def test_an_unknown_system_is_404(site: Site) -> None:
    assert site.call("POST", "/backoffice/nobody/events", b"{}")[0] == 404


def test_answers_are_kept_out_of_frames_and_caches(site: Site) -> None:
    headers = site.call("GET", "/healthz")[1]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]

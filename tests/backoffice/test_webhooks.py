from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from gateway.backoffice.signing import verifier
from gateway.backoffice.webhooks import WebhookError, parse
from gateway.messages import BackofficeEvent, Decision

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
REFERENCE = "482109375625"


def sent(body: bytes | dict, event_id: str = "evt_1", secret: str = SECRET):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, NOW, raw.decode()),
    }
    return parse("etat-civil", verifier([SECRET]), headers, raw, NOW)


def event(kind: str = "submission.decided", **data: object) -> dict:
    return {
        "type": kind,
        "timestamp": "2026-11-23T13:04:59Z",
        "data": {"reference": REFERENCE, **data},
    }


def test_acknowledged():
    assert sent(event("submission.acknowledged", case="EC-1", message={"fr": "x"})) == BackofficeEvent(
        system="etat-civil",
        event_id="evt_1",
        type="submission.acknowledged",
        reference=REFERENCE,
        occurred_at=datetime(2026, 11, 23, 13, 4, 59, tzinfo=UTC),
        case_number="EC-1",
    )


def test_decided():
    read = sent(event(decision="refused", message={"fr": "Acte introuvable", "en": "Not found"}))
    assert (read.decision, read.message) == (
        Decision.REFUSED,
        {"fr": "Acte introuvable", "en": "Not found"},
    )


@pytest.mark.parametrize(
    ("body", "status", "remark"),
    [
        (b"", 400, "nothing"),
        (b"[]", 400, "not an object"),
        (b'{"type": "submission.decided"}', 400, "no data"),
        (event(), 400, "no decision"),
        (event(decision="maybe"), 400, "an unknown decision"),
        (event(decision="granted", message={"fr": "a" * 601}), 400, "a message too long"),
        (event(decision="granted", message={"français": "a"}), 400, "not a language"),
        (event("submission.acknowledged", case="E" * 25), 400, "a file number too long"),
        ({**event(decision="granted"), "timestamp": "2026-11-23T13:05:00"}, 400, "a time without zone"),
        (event("submission.lost"), 422, "an unknown type"),
        ({**event(), "data": {"reference": "482109375628", "decision": "granted"}}, 422, "a wrong check digit"),
    ],
)
def test_events_that_cannot_be_taken(body, status, remark):
    with pytest.raises(WebhookError) as caught:
        sent(body)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("event_id", "good"),
    [("e" * 128, True), ("e" * 129, False), ("a b", False), ("a\tb", False), ("é", False)],
    ids=["128", "129", "a space", "a tab", "not ASCII"],
)
def test_event_ids(event_id, good):
    if good:
        assert sent(event(decision="granted"), event_id).event_id == event_id
    else:
        with pytest.raises(WebhookError) as caught:
            sent(event(decision="granted"), event_id)
        assert caught.value.status == 400


def test_a_bad_signature_is_401_before_anything_is_read():
    headers = {"webhook-id": "e", "webhook-timestamp": str(int(NOW.timestamp())), "webhook-signature": "v1,AAAA"}
    with pytest.raises(WebhookError) as caught:
        parse("etat-civil", verifier([SECRET]), headers, b"{", NOW)
    assert caught.value.status == 401


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: json.dumps(text).encode()))
def test_whatever_comes_is_a_webhook_error(body):
    try:
        body.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(WebhookError) as caught:
        sent(body)
    assert caught.value.status in (400, 422)
    assert str(body) not in str(caught.value)

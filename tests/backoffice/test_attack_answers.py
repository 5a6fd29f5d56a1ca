"""An institution's system that was taken over: what it answers must not reach a handset or stop a lane."""

import json

import pytest

from gateway.backoffice.base import Fault, LookupItem, LookupResult
from gateway.backoffice.build import build
from gateway.backoffice.signing import verifier
from gateway.backoffice.webhooks import WebhookError, parse
from gateway.backoffice.words import clean
from gateway.messages import BackofficeRequest, HandOver
from gateway.settings import RestSystem

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture
def office(institution, now):
    declared = RestSystem(institution="anip", kind="rest", url=institution.url, read_timeout_s=2)
    built = build("etat-civil", declared, token="t0ken", now=lambda: now)
    yield built
    built.close()


@pytest.fixture
def a_request(now):
    return BackofficeRequest(
        idempotency_key="k-1",
        reference="482109375628",
        service="acte-naissance",
        submitted_at=now,
        promised_on="",
        language="fr",
        msisdn="+2290197000000",
        assurance="number",
        fields={"npi": "1234567890"},
    )


DEEP = b'{"status":"accepted","outcome":"found","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
BAD_UTF8 = b'{"status":"accepted\xff","outcome":"found\xff"}'


@pytest.mark.parametrize("body", [DEEP, DEEP[:30_000], BAD_UTF8], ids=["deep", "deep and cut", "bad UTF-8"])
def test_what_cannot_be_read_is_asked_again(institution, answering, office, a_request, body):
    institution.answers = [answering(202, body)]
    answer = office.submit(a_request)
    assert (answer.outcome, answer.code) == (HandOver.RETRY, "unreadable")
    institution.answers = [answering(200, body)]
    assert office.lookup("slots", {}, "+2290197000000", "fr", 2) == LookupResult(
        "unavailable", fault=Fault("unreadable", misconfigured=True)
    )


@pytest.mark.parametrize(
    ("written", "shown", "remark"),
    [
        ("Venez lundi", "Venez lundi", "plain words stay"),
        ("Ɔ̀kpɛ́ à 10h, 5 €", "Ɔ̀kpɛ́ à 10h, 5 €", "combining marks are words"),
        ("Venez\r\n\tlundi", "Venez lundi", "one line"),
        ("a\0b\x1b[2Jc\x07", "ab[2Jc", "control characters"),
        ("payez \u202e0001\u202c F", "payez 0001 F", "a direction turned round"),
        ("\u2066x\u2069\u200f\u200b\ufeff", "x", "marks that nobody sees"),
        ("\ue000\U000f0000", "", "no meaning agreed"),
        ("{reference} {code} %s %(x)s", "{reference} {code} %s %(x)s", "not filled: see the notices' test"),
        ("👍", "👍", "an emoji is seen"),
    ],
)
def test_words_are_cleaned(written, shown, remark):
    assert clean(written) == shown, remark


def test_reasons_values_and_labels_are_cleaned(institution, answering, office, a_request):
    dirty = "A\x1b[2J\u202eB"
    institution.answers = [answering(422, {"status": "rejected", "code": "no", "reason": {"fr": dirty}})]
    assert office.submit(a_request).reason == {"fr": "A[2JB"}
    found = {"outcome": "found", "values": {"a": dirty, "n": 7}, "items": [{"id": "1", "label": dirty}]}
    institution.answers = [answering(200, found)]
    assert office.lookup("slots", {}, "+2290197000000", "fr", 2) == LookupResult(
        "found", {"a": "A[2JB", "n": 7}, (LookupItem("1", "A[2JB"),)
    )


def test_a_mark_of_byte_order_is_ignored(institution, answering, office, now):
    mark = b"\xef\xbb\xbf"
    institution.answers = [answering(200, mark + b'{"outcome": "found"}')]
    assert office.lookup("slots", {}, "+2290197000000", "fr", 2) == LookupResult("found")
    body = mark + _event(reference="287537518304", decision="granted")
    assert parse("etat-civil", verifier([SECRET]), _signed(body, now), body, now).decision == "granted"


def test_what_an_institution_writes_to_a_citizen_stays_out_of_reprs(institution, answering, office, a_request, now):
    said = {"fr": "Afi Dossou"}
    institution.answers = [answering(422, {"status": "rejected", "reason": said})]
    refused = office.submit(a_request)
    body = _event(reference="287537518304", decision="granted", message=said)
    granted = parse("etat-civil", verifier([SECRET]), _signed(body, now), body, now)
    assert (refused.reason, granted.message) == (said, said)
    assert "Afi" not in repr(refused) + repr(granted)


def test_a_redirect_to_an_address_of_ours_is_not_followed(institution, answering, office, a_request):
    institution.answers = [answering(307, b"", Location=f"{institution.url}/inside")]
    answer = office.submit(a_request)
    assert (answer.outcome, answer.code, len(institution.received)) == (HandOver.RETRY, "http_307", 1)


def _signed(body, now, event_id="e1"):
    from standardwebhooks import Webhook

    signature = Webhook(SECRET).sign(event_id, now, body.decode())
    stamp = str(int(now.timestamp()))
    return {"webhook-id": event_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def _event(**data):
    event = {"type": "submission.decided", "timestamp": "2026-11-23T13:05:00Z", "data": data}
    return json.dumps(event, ensure_ascii=False).encode()


def test_an_event_of_endless_depth_is_a_mistake_of_its_sender(now):
    body = b'{"x":' + b"[" * 6000 + b"]" * 6000 + b"}"
    with pytest.raises(WebhookError) as refused:
        parse("etat-civil", verifier([SECRET]), _signed(body, now), body, now)
    assert refused.value.status == 400


def test_the_message_of_an_event_is_cleaned(now):
    body = _event(reference="287537518304", decision="granted", message={"fr": "A\x1b[2J\u202eB"})
    event = parse("etat-civil", verifier([SECRET]), _signed(body, now), body, now)
    assert event.message == {"fr": "A[2JB"}


def test_a_language_without_words_is_left_out_of_an_event(now):
    """Else it would be taken before the one that has words, and the citizen would be asked nothing."""
    texts = {"fr": " \u200b", "en": "Name?"}
    body = _event(reference="287537518304", decision="granted", message=texts)
    assert parse("etat-civil", verifier([SECRET]), _signed(body, now), body, now).message == {"en": "Name?"}
    body = _event(reference="287537518304", question=texts).replace(b"decided", b"more_needed")
    assert parse("etat-civil", verifier([SECRET]), _signed(body, now), body, now).question == {"en": "Name?"}


@pytest.mark.parametrize("other", ["whsec_" + "B" * 44, "whsec_" + "C" * 44])
def test_the_secret_of_another_system_opens_nothing(now, other):
    body = _event(reference="287537518304", decision="granted")
    with pytest.raises(WebhookError) as refused:
        parse("etat-civil", verifier([other]), _signed(body, now), body, now)
    assert refused.value.status == 401

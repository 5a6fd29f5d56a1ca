"""The tables in cases/: bytes that leave, raw answers that come."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter
from standardwebhooks import Webhook

from gateway.backoffice.base import Fault
from gateway.backoffice.build import build
from gateway.backoffice.xroad import message_id
from gateway.messages import BackofficeRequest, HandOver
from gateway.settings import System

CASES = Path(__file__).with_name("cases")
REQUESTS = yaml.safe_load((CASES / "requests.yaml").read_text())
ANSWERS = yaml.safe_load((CASES / "answers.yaml").read_text())
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
REQUEST = BackofficeRequest(
    idempotency_key="k-1f",
    reference="482109375628",
    service="acte-naissance",
    submitted_at=NOW,
    promised_on="2026-11-26",
    language="fr",
    msisdn="+2290197000000",
    assurance="number",
    fields={"npi": "1234567890", "lieu": "Sèmè"},
)
CALLS = {
    "submit": lambda office: office.submit(REQUEST),
    "withdraw": lambda office: office.withdraw(REQUEST.reference, REQUEST.idempotency_key, "EC 1/é"),
    "poll": lambda office: office.poll(REQUEST.reference, "EC 1/é"),
}
#: What the HTTP library writes by itself.
LIBRARY = ("host", "connection", "user-agent")


@pytest.fixture
def office(institution):
    made = []

    def office(settings):
        system = TypeAdapter(System).validate_python({"institution": "anip", "url": institution.url, **settings})
        made.append(build("etat-civil", system, token="t0ken", secrets=(SECRET,), now=lambda: NOW))
        return made[-1]

    yield office
    for one in made:
        one.close()


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case["name"])
def test_what_leaves(institution, answering, office, case):
    institution.answers = [answering(200, {"status": "accepted"})]
    CALLS[case["call"]](office(case["settings"]))
    (sent,) = institution.received
    head, _, body = case["request"].partition("\n\n")
    body = body.rstrip("\n")
    reading_id = "req_" + hashlib.sha256(sent.line.removesuffix(" HTTP/1.1").encode()).hexdigest()[:32]
    signed_id = sent.headers.get("webhook-id", "")
    known = {
        "{length}": str(len(body.encode())),
        "{message_id}": message_id("k-1f"),
        "{reading_id}": reading_id,
        "{signature}": Webhook(SECRET).sign(signed_id, NOW, body).removeprefix("v1,"),
    }
    for place, value in known.items():
        head = head.replace(place, value)
    line, *rows = head.splitlines()
    assert sent.line == line
    expected = {name.lower(): value for name, value in (row.split(": ", 1) for row in rows)}
    assert {name: value for name, value in sent.headers.items() if name not in LIBRARY} == expected
    assert sent.body == body.encode()
    if body:
        json.loads(body)


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_what_an_answer_means(institution, office, case):
    body = case.get("body", "") if "deep" not in case else "[" * case["deep"]
    length = [] if " 204 " in case["head"] else [f"Content-Length: {len(body.encode())}"]
    institution.answers = ["\r\n".join([case["head"], *length, "", body]).encode()]
    answer = office(case["settings"]).submit(REQUEST)
    assert (answer.outcome.value, answer.code) == (case["outcome"], case["code"])
    assert answer.case_number == case.get("case", "")
    assert answer.reason == case.get("reason", {})
    assert answer.retry_after_s == case.get("wait")
    assert answer.misconfigured is case.get("look", False)
    assert [event.type.value for event in answer.events] == case.get("events", [])
    proof = answer.evidence
    assert (proof and [proof.message_id, proof.digest]) == case.get("evidence")


@pytest.mark.parametrize("status", [200, 404, 410])
def test_news_that_x_road_could_not_pass_on_is_told_again(institution, answering, office, status):
    """Without the header each of these would end it."""
    institution.answers = [answering(status, {}, X_Road_Error="Server.ServerProxy.UnknownService")]
    declared = {"kind": "xroad", "client": "BJ/GOV/ASIN", "service": "BJ/GOV/ANIP/demandes"}
    answer = CALLS["withdraw"](office(declared))
    assert (answer.outcome, answer.misconfigured) == (HandOver.RETRY, True)


@pytest.mark.parametrize("case", ["", ".", ".."])
def test_a_file_number_that_would_lead_elsewhere_is_not_asked_with(institution, answering, office, case):
    institution.answers = [answering(200, {"status": "granted"})]
    asking = office({"kind": "rest", "poll_every_s": 60, "paths": {"status": "/v2/{case}/etat"}})
    assert asking.poll(REQUEST.reference, case) == Fault("no_case", misconfigured=True)
    assert institution.received == []


def test_both_secrets_sign_while_one_takes_the_place_of_the_other(institution, answering):
    other = "whsec_" + "B" * 32
    declared = {"institution": "anip", "kind": "rest", "url": institution.url, "authentication": "hmac"}
    system = TypeAdapter(System).validate_python(declared)
    institution.answers = [answering(200, {"status": "accepted"})]
    office = build("etat-civil", system, token="", secrets=(other, SECRET), now=lambda: NOW)
    office.submit(REQUEST)
    office.close()
    (sent,) = institution.received
    body = sent.body.decode()
    expected = [Webhook(secret).sign("k-1f", NOW, body) for secret in (other, SECRET)]
    assert sent.headers["webhook-signature"].split(" ") == expected


def test_the_id_of_a_message():
    """A UUID of version 8, the same for the same key, and none for a reading."""
    assert message_id("k-1f") == message_id("k-1f") != message_id("k-1f-withdrawal")
    assert message_id("") == ""
    first, second, version, variant, last = message_id("k-1f").split("-")
    assert [len(part) for part in (first, second, version, variant, last)] == [8, 4, 4, 4, 12]
    assert version[0] == "8"
    assert variant[0] in "89ab"

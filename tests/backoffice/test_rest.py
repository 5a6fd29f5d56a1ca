from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from gateway.backoffice.base import Fault, LookupItem, LookupResult
from gateway.backoffice.build import build
from gateway.messages import BackofficeRequest, HandOver
from gateway.settings import RestSystem

NOW = datetime(2026, 11, 23, 13, 5, 9, tzinfo=UTC)
REQUEST = BackofficeRequest(
    idempotency_key="k-1f",
    reference="482109375628",
    service="acte-naissance",
    submitted_at=datetime(2026, 11, 23, 13, 5, 0, 999, tzinfo=UTC),
    promised_on="2026-11-26",
    language="fr",
    msisdn="+2290197000000",
    assurance="number",
    fields={"npi": "1234567890", "copies": 2},
)


def office(url: str, connect_s: float = 1, read_s: float = 1, poll_s: float | None = None):
    settings = RestSystem(
        institution="anip",
        kind="rest",
        url=url,
        connect_timeout_s=connect_s,
        read_timeout_s=read_s,
        poll_every_s=poll_s,
    )
    return build("etat-civil", settings, token="t0ken", now=lambda: NOW)


def test_a_submission_on_the_wire(institution, answering):
    institution.answers = [answering(202, {"status": "accepted", "case": "EC-1"})]
    answer = office(institution.url).submit(REQUEST)
    assert (answer.outcome, answer.case_number) == (HandOver.ACCEPTED, "EC-1")
    (sent,) = institution.received
    assert sent.line == "POST /api/submissions HTTP/1.1"
    assert sent.headers["idempotency-key"] == '"k-1f"'
    assert sent.headers["authorization"] == "Bearer t0ken"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept-encoding"] == "identity"
    assert json.loads(sent.body) == {
        "reference": "482109375628",
        "service": "acte-naissance",
        "submitted_at": "2026-11-23T13:05:00Z",
        "promised_date": "2026-11-26",
        "language": "fr",
        "assurance": "number",
        "applicant": {"msisdn": "+2290197000000"},
        "fields": {"npi": "1234567890", "copies": 2},
    }


ACCEPTED = {"status": "accepted"}
REJECTED = {"status": "rejected", "code": "npi_unknown", "reason": {"fr": "NPI inconnu", "EN!": "x"}}
ANSWERS = [
    # status, body, headers, outcome, code, wait, remark
    (200, ACCEPTED, {}, "accepted", "accepted", None, "the three good statuses"),
    (201, ACCEPTED, {}, "accepted", "accepted", None, "the three good statuses"),
    (202, ACCEPTED, {}, "accepted", "accepted", None, "the three good statuses"),
    (203, ACCEPTED, {}, "retry", "http_203", None, "a transformed answer is none we know"),
    (204, b"", {}, "retry", "http_204", None, "no content says nothing"),
    (200, {**ACCEPTED, "more": [1]}, {}, "accepted", "accepted", None, "unknown keys are ignored"),
    (200, REJECTED, {}, "rejected", "npi_unknown", None, "a rejection with its reason"),
    (422, REJECTED, {}, "rejected", "npi_unknown", None, "a rejection with its reason"),
    (422, ACCEPTED, {}, "rejected", "http_422", None, "a refusal that says accepted is a refusal"),
    (422, b"<html>", {}, "rejected", "http_422", None, "a refusal without a word"),
    (200, {"status": "rejected", "code": "NPI 12345"}, {}, "rejected", "rejected", None, "a code is a code"),
    (200, {"status": "queued"}, {}, "retry", "unreadable", None, "an unknown word"),
    (200, b"{", {}, "retry", "unreadable", None, "broken JSON"),
    (200, b"", {}, "retry", "unreadable", None, "nothing at all"),
    (200, b"\xff\xfe", {}, "retry", "unreadable", None, "not UTF-8"),
    (400, b"", {}, "rejected", "http_400", None, "any other 4xx"),
    (409, b"", {}, "retry", "http_409", None, "it still works on the first attempt with this key"),
    (410, b"", {}, "rejected", "http_410", None, "any other 4xx"),
    (301, b"", {"Location": "http://127.0.0.1:1/"}, "retry", "http_301", None, "a redirect is not followed"),
    (401, b"", {}, "retry", "http_401", None, "our token: nobody decided"),
    (403, b"", {}, "retry", "http_403", None, "our rights: nobody decided"),
    (404, b"", {}, "retry", "http_404", None, "our URL: nobody decided"),
    (408, b"", {}, "retry", "http_408", None, "busy"),
    (425, b"", {}, "retry", "http_425", None, "busy"),
    (429, b"", {"Retry_After": "17"}, "retry", "http_429", 17, "seconds"),
    (503, b"", {"Retry_After": "Mon, 23 Nov 2026 13:06:09 GMT"}, "retry", "http_503", 60, "a date"),
    (503, b"", {"Retry_After": "Mon, 23 Nov 2020 13:06:09 GMT"}, "retry", "http_503", 0, "a date gone by"),
    (503, b"", {"Retry_After": "999999999999"}, "retry", "http_503", 86400, "a day at most"),
    (503, b"", {"Retry_After": "soon"}, "retry", "http_503", None, "unreadable"),
    (503, b"", {"Retry_After": "-4"}, "retry", "http_503", None, "unreadable"),
    (500, b"", {}, "retry", "http_500", None, "a fault of theirs"),
    (599, b"", {}, "retry", "http_599", None, "a fault of theirs"),
]


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row[0]} {row[-1]}")
def test_answers(institution, answering, row):
    status, body, headers, outcome, code, wait, _ = row
    institution.answers = [answering(status, body, **headers)]
    answer = office(institution.url).submit(REQUEST)
    assert (answer.outcome, answer.code, answer.retry_after_s) == (outcome, code, wait)
    if answer.reason:
        assert answer.reason == {"fr": "NPI inconnu"}
    assert len(institution.received) == 1


@pytest.mark.parametrize(
    ("case", "kept"),
    [("E" * 24, "E" * 24), ("E" * 25, ""), ("A\n1", "")],
    ids=["24 fits", "25 is left out", "a line break is left out"],
)
def test_file_numbers(institution, answering, case, kept):
    institution.answers = [answering(202, {"status": "accepted", "case": case})]
    assert office(institution.url).submit(REQUEST).case_number == kept


def test_the_largest_answer(institution, answering):
    filler = 64 * 1024 - len(json.dumps({"status": "accepted", "x": ""}))
    institution.answers = [answering(200, {"status": "accepted", "x": "a" * filler})]
    assert office(institution.url).submit(REQUEST).outcome == HandOver.ACCEPTED
    institution.answers = [answering(200, {"status": "accepted", "x": "a" * (filler + 1)})]
    answer = office(institution.url).submit(REQUEST)
    assert (answer.outcome, answer.code) == (HandOver.RETRY, "too_large")


def _drip(connection: socket.socket) -> None:
    """A header line that never ends: each read is quick, the answer never comes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(200):
        connection.sendall(b"a")
        time.sleep(0.05)  # the fault itself: a server that is slow on purpose


def _drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        connection.sendall(b" ")
        time.sleep(0.05)  # the fault itself: a server that is slow on purpose


def _silent(connection: socket.socket) -> None:
    connection.recv(1)


def _cut(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"status"')


def _hang_up(connection: socket.socket) -> None:
    connection.close()


FAULTS = [
    (_drip, "too_slow", "one byte at a time in the headers"),
    (_drip_body, "too_slow", "one byte at a time in the body"),
    (_silent, "too_slow", "no answer"),
    (_cut, "cut", "half an answer"),
    (_hang_up, "cut", "closed without a word"),
]


@pytest.mark.parametrize(("play", "code", "remark"), FAULTS, ids=[row[2] for row in FAULTS])
def test_no_complete_answer_in_time(institution, play, code, remark):
    institution.answers = [play]
    started = time.monotonic()
    answer = office(institution.url, connect_s=0.3, read_s=0.3).submit(REQUEST)
    assert (answer.outcome, answer.code) == (HandOver.RETRY, code)
    assert time.monotonic() - started < 3


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = office(f"http://127.0.0.1:{port}").submit(REQUEST)
    assert (answer.outcome, answer.code) == (HandOver.RETRY, "no_connection")


def test_a_cut_call_does_not_spoil_the_next(institution, answering):
    back = office(institution.url, connect_s=0.2, read_s=0.2)
    institution.answers = [_drip, answering(200, ACCEPTED)]
    assert back.submit(REQUEST).outcome == HandOver.RETRY
    assert back.submit(REQUEST).outcome == HandOver.ACCEPTED


def test_connections_are_kept_and_shared_by_threads(institution, answering):
    institution.answers = [answering(200, ACCEPTED)]
    back = office(institution.url, read_s=5)
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda _: back.submit(REQUEST).outcome, range(40)))
    assert outcomes == [HandOver.ACCEPTED] * 40
    assert institution.connections <= 4


def test_no_cookie_is_kept(institution, answering):
    institution.answers = [answering(200, ACCEPTED, Set_Cookie="a=1; Path=/")]
    back = office(institution.url)
    back.submit(REQUEST)
    back.submit(REQUEST)
    assert all("cookie" not in request.headers for request in institution.received)


def test_no_proxy_from_the_environment(institution, answering, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    institution.answers = [answering(200, ACCEPTED)]
    assert office(institution.url).submit(REQUEST).outcome == HandOver.ACCEPTED


def test_a_lookup_on_the_wire(institution, answering):
    institution.answers = [
        answering(200, {"outcome": "found", "values": {"n": 3}, "items": [{"id": "a", "label": "A"}]})
    ]
    result = office(institution.url).lookup("a b/c", {"npi": "1"}, "+2290197000000", "en", 2.0)
    assert result == LookupResult("found", {"n": 3}, (LookupItem("a", "A"),))
    (sent,) = institution.received
    assert sent.line == "POST /api/lookups/a%20b%2Fc HTTP/1.1"
    assert json.loads(sent.body) == {"args": {"npi": "1"}, "msisdn": "+2290197000000", "language": "en"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "fault", "remark"),
    [
        (500, {}, {"outcome": "found"}, Fault("http_500"), "a fault"),
        (429, {"Retry_After": "17"}, b"", Fault("http_429", retry_after_s=17), "it asks to be left alone"),
        (401, {}, b"", Fault("http_401", misconfigured=True), "our token"),
        (200, {}, {"outcome": "Found it"}, Fault("unreadable", misconfigured=True), "not an outcome"),
        (200, {}, {"values": {}}, Fault("unreadable", misconfigured=True), "no outcome"),
        (
            200,
            {},
            {"outcome": "found", "items": [{"id": "", "label": ""}]},
            Fault("unreadable", misconfigured=True),
            "an item without id",
        ),
    ],
)
def test_a_lookup_that_cannot_be_read(institution, answering, status, headers, body, fault, remark):
    institution.answers = [answering(status, body, **headers)]
    read = office(institution.url).lookup("s", {}, "+2290197000000", "fr", 2.0)
    assert read == LookupResult("unavailable", fault=fault), remark


def test_a_state_that_is_not_told_says_when_to_come_back(institution, answering):
    institution.answers = [answering(503, b"", Retry_After="60")]
    polled = office(institution.url, poll_s=600)
    assert polled.poll("482109375628", "") == Fault("http_503", retry_after_s=60)


def test_a_lookup_without_time_left_is_not_made(institution, answering):
    institution.answers = [answering(200, {"outcome": "found"})]
    assert office(institution.url).lookup("s", {}, "+2290197000000", "fr", 0.0).fault == Fault("cannot_be_asked")
    assert institution.received == []


def test_nothing_personal_in_reprs():
    text = repr(REQUEST) + repr(office("http://127.0.0.1:1"))
    for hidden in ("1234567890", "t0ken"):
        assert hidden not in text

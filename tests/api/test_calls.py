"""Calls of the API over HTTP: what they do, what they refuse and with which hint."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import text

from gateway.messages import Category, MtState, Role
from gateway.store import mts
from gateway.usecases import mt_moves
from gateway.usecases.actors import Actor
from gateway.usecases.api_keys import Scope
from gateway.usecases.templates import Draft, create
from gateway.workers import lanes
from tests.api.conftest import API, Served, new_key, to
from tests.campaigns.conftest import AWA, BIO, KOFI, A


@pytest.fixture
def key(served: Served) -> str:
    assert served.template() == 1
    return new_key(served)[0]


def expanded(served: Served) -> None:
    """Campaigns become SMS, as a worker makes them; nothing is sent."""
    with ThreadPoolExecutor(2) as pool:
        lanes.drain_once(served.gateway, "bulk", pool)


def moved(served: Served, number: int, state: MtState, code: str = "") -> None:
    with served.parts.database.begin() as conn:
        mts.move(conn, number, MtState.SENDING, "send", "", served.time)
        assert mt_moves.move(conn, served.parts, number, state, "send", code, served.time)


def test_one_notification_from_the_call_to_its_state(served: Served, key: str) -> None:
    answer = served.post("/notifications", key, to(own_reference="lettre-7"))
    assert answer.status_code == 201, answer.text
    sent = answer.json()
    assert answer.headers["Location"] == f"{API}/notifications/{sent['id']}"
    assert (sent["state"], sent["to"], sent["own_reference"]) == ("queued", "+22901******00", "lettre-7")
    assert (sent["segments"], sent["cost_f"], sent["language"]) == (1, 12, "fr")
    expanded(served)
    assert served.get(f"/notifications/{sent['id']}", key).json()["state"] == "queued"
    moved(served, 1, MtState.REJECTED, "InvalidPhoneNumber")
    known = served.get(f"/notifications/{sent['id']}", key).json()
    assert (known["state"], known["code"], known["detail"]) == (
        "failed", "InvalidPhoneNumber", "refused by the aggregator",
    )  # fmt: skip
    listed = served.get("/notifications?own_reference=lettre-7", key).json()
    assert listed == {"notifications": [known], "next": None}
    assert AWA not in answer.text


def test_many_from_one_template(served: Served, key: str) -> None:
    recipients = [{"to": number, "values": {"nom": "X"}, "own_reference": "r"} for number in (AWA, KOFI, BIO)]
    body = {"template_id": 1, "recipients": recipients, "own_reference": "campagne-7"}
    answer = served.post("/notifications/bulk", key, body)
    assert answer.status_code == 201, answer.text
    sent = answer.json()
    campaign = sent["campaign"]
    assert answer.headers["Location"] == f"{API}/campaigns/{campaign['id']}"
    assert (campaign["state"], campaign["rows"]["good"], campaign["cost_f"]) == ("sending", 3, 36)
    assert [one["id"] for one in sent["notifications"]] == [f"{campaign['id']}-{n}" for n in (1, 2, 3)]
    expanded(served)
    known = served.get(f"/campaigns/{campaign['id']}", key).json()
    assert (known["state"], known["rows"]["written"], known["sms"]) == ("done", 3, {"waiting": 3})
    first = served.get("/notifications?own_reference=r&limit=2", key).json()
    rest = served.get(f"/notifications?own_reference=r&limit=2&after={first['next']}", key).json()
    assert len(first["notifications"]) == 2
    assert [len(rest["notifications"]), rest["next"]] == [1, None]
    page = served.get(f"/notifications?campaign={campaign['id']}&after=1&limit=1", key).json()
    assert (page["notifications"][0]["id"], page["next"]) == (f"{campaign['id']}-2", 2)


def test_who_cannot_be_written_to_is_told_and_nothing_is_kept(served: Served, key: str) -> None:
    recipients = [
        {"to": AWA, "values": {"nom": "Awa"}},
        {"to": "12", "values": {"nom": "B"}},
        {"to": KOFI, "values": {}},
        {"to": BIO, "values": {"nom": "https://evil.example"}},
        {"to": "97000000", "values": {"nom": "D"}},
        {"to": "+33612345678", "values": {"nom": "E"}},
    ]
    answer = served.post("/notifications/bulk", key, {"template_id": 1, "recipients": recipients})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_recipients")
    told = {one["pointer"]: one["code"] for one in answer.json()["errors"]}
    assert told == {
        "/recipients/1/to": "unreadable",
        "/recipients/2/values/nom": "no_value:nom",
        "/recipients/3/values/nom": "forbidden:nom",
        "/recipients/4/to": "same_number",
        "/recipients/5/to": "foreign",
    }
    assert "12" not in answer.text.replace("422", ""), "what was wrong is not repeated"
    assert served.count("campaigns") == served.count("campaign_rows") == 0
    part = served.post("/notifications/bulk", key, {"template_id": 1, "recipients": recipients, "part": True})
    assert part.status_code == 201
    assert [one["state"] for one in part.json()["notifications"]] == ["queued", *["refused"] * 5]
    none = served.post("/notifications/bulk", key, {"template_id": 1, "recipients": recipients[1:2], "part": True})
    assert (none.status_code, none.json()["code"]) == (422, "bad_recipients")


def test_more_than_an_institution_lets_go_by_itself_waits_for_a_person(served: Served, key: str) -> None:
    recipients = [{"to": f"+22901970{n:05}", "values": {"nom": "X"}} for n in range(101)]
    sent = served.post("/notifications/bulk", key, {"template_id": 1, "recipients": recipients}).json()
    assert (sent["campaign"]["state"], sent["notifications"][0]["state"]) == ("waiting", "waiting")
    most = served.post("/notifications/bulk", key, {"template_id": 1, "recipients": recipients * 5})
    assert most.status_code == 422
    assert most.json()["errors"][0]["pointer"] == "/recipients"


def test_a_budget_that_is_used_up(served: Served, key: str) -> None:
    with served.parts.database.begin() as conn:
        conn.execute(
            text("INSERT INTO budgets (institution, month, limit_f, used_f) VALUES ('anip', '2026-11-01', 13, 0)")
        )
    assert served.post("/notifications", key, to()).status_code == 201
    refused = served.post("/notifications", key, to(KOFI))
    assert (refused.status_code, refused.json()["code"]) == (422, "budget")
    assert "cost" in refused.json()["detail"]
    assert served.count("campaigns") == 1


TIMES = [
    ("2026-11-24T10:30:00+01:00", 201, "half past ten in Porto-Novo"),
    ("2026-11-24T10:00:00+01:00", 201, "this very second"),
    ("2026-11-24T09:59:59+01:00", 422, "a second ago, whatever the figures look like"),
    ("2026-11-24T09:30:00Z", 201, "the same in UTC"),
    ("2026-11-24T05:00:01-05:00", 201, "an hour from now, elsewhere"),
    ("2026-11-24T10:30:00", 422, "no offset"),
    ("2027-02-22T10:00:00+01:00", 201, "in 90 days"),
    ("2027-02-22T10:00:01+01:00", 422, "later than that"),
    ("9999-12-31T23:59:59-12:00", 422, "beyond what UTC can say"),
    ("0001-01-01T00:00:00+12:00", 422, "before what it can say"),
    ("demain", 422, "no time"),
    (1795514400, 422, "seconds"),
]


@pytest.mark.parametrize(("written", "status", "remark"), TIMES, ids=[row[2] for row in TIMES])
def test_times_have_their_offset(sqlite_served: Served, written: Any, status: int, remark: str) -> None:
    sqlite_served.template()
    answer = sqlite_served.post("/notifications", new_key(sqlite_served)[0], to(start_at=written))
    assert answer.status_code == status, answer.text
    if remark == "no offset":
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/start_at"
        assert "+01:00" in error["detail"]


def test_a_time_with_an_offset_is_that_moment(served: Served, key: str) -> None:
    served.post("/notifications", key, to(start_at="2026-11-24T12:00:00+01:00"))
    with served.parts.database.read() as conn:
        (at,) = conn.execute(text("SELECT start_at FROM campaigns")).one()
    assert str(at)[:19] == "2026-11-24 11:00:00"


BODIES: list[tuple[Any, int, str, str]] = [
    (b"{", 400, "unreadable", "cut off"),
    (b"\xff{}", 400, "unreadable", "not UTF-8"),
    (b"", 400, "unreadable", "nothing"),
    (b"[" * 100_000, 413, "too_large", "deep and long"),
    (b'{"template_id": 1, "to": ' + b"[" * 10_000, 422, "invalid", "deep"),
    (b"[]", 422, "invalid", "a list"),
    ({"to": AWA}, 422, "invalid", "something is missing"),
    (to(unknown=1), 422, "invalid", "something is unknown"),
    (to(template=True), 422, "invalid", "yes is no number"),
    (to(template=2**63), 422, "invalid", "larger than any id"),
    (to(template=99), 404, "not_found", "no such template"),
    (to(own_reference=""), 422, "invalid", "an empty reference"),
    (to(own_reference="r" * 65), 422, "invalid", "a long reference"),
    (to(own_reference="é"), 422, "invalid", "a reference with an accent"),
    (to(own_reference="a\n"), 422, "invalid", "a line's end"),
    (to(values={"nom": "a\0b"}), 422, "invalid", "a NUL"),
    (to(values={"nom": "a" * 501}), 422, "invalid", "a long value"),
    (to(values={"nom": 7}), 422, "invalid", "a number as a value"),
    (to("9" * 33), 422, "invalid", "a long number"),
]


@pytest.mark.parametrize(("body", "status", "code", "remark"), BODIES, ids=[row[3] for row in BODIES])
def test_bodies_are_strict(sqlite_served: Served, body: Any, status: int, code: str, remark: str) -> None:
    served = sqlite_served
    served.template()
    key = new_key(served)[0]
    if isinstance(body, bytes):
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k", "Content-Type": "application/json"}
        answer = requests.post(f"{served.url}{API}/notifications", data=body, headers=headers, timeout=30)
    else:
        answer = served.post("/notifications", key, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    if status == 422:
        assert answer.json()["errors"]
    assert served.count("campaigns") == 0


def test_where_a_fault_stands(sqlite_served: Served) -> None:
    sqlite_served.template()
    key = new_key(sqlite_served)[0]
    body = {"template_id": 1, "recipients": [{"to": AWA}, {"to": KOFI, "values": {"a/b~c": "\x1b[0m"}}]}
    (error,) = sqlite_served.post("/notifications/bulk", key, body).json()["errors"]
    assert error["pointer"] == "/recipients/1/values/a~1b~0c"
    body["recipients"][1] = {"to": 7}
    (error,) = sqlite_served.post("/notifications/bulk", key, body).json()["errors"]
    assert error["pointer"] == "/recipients/1/to"


QUERIES = {
    "/notifications": "one of both",
    "/notifications?own_reference=a&campaign=b": "not both",
    "/notifications?own_reference=a&own_reference=b": "said twice",
    "/notifications?own_reference=a&limit=0": "below 1",
    "/notifications?own_reference=a&limit=501": "above 500",
    "/notifications?own_reference=a&after=-1": "below 0",
    "/notifications?own_reference=a&after=1e3": "no digits",
    "/notifications?own_reference=a&after=9223372036854775808": "larger than any id",
    "/notifications?own_reference=%00": "a NUL",
    "/templates?x=1": "unknown",
    "/submissions?state=nowhere": "no such state",
    "/submissions?state=null": "null is no state",
    "/submissions?after=12": "no reference",
    "/events?after=x": "no place",
}


@pytest.mark.parametrize("path", list(QUERIES), ids=QUERIES.values())
def test_queries_are_strict(sqlite_served: Served, path: str) -> None:
    answer = sqlite_served.get(path, new_key(sqlite_served)[0])
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_query"), answer.text


def test_who_has_no_key(served: Served, key: str) -> None:
    for headers, code in (
        ({}, "no_key"),
        ({"Authorization": key}, "no_key"),
        ({"Authorization": f"Basic {key}"}, "no_key"),
        ({"Authorization": "Bearer "}, "no_key"),
        ({"Authorization": f"Bearer {key[:-1]}"}, "wrong_key"),
        ({"Authorization": f"Bearer {key}x"}, "wrong_key"),
    ):
        answer = requests.get(f"{served.url}{API}/templates", headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (401, code), headers
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert requests.get(f"{served.url}{API}/templates?key={key}", timeout=30).status_code == 401


def test_a_scope_is_all_that_a_key_may(served: Served) -> None:
    served.template()
    reads = new_key(served, scopes=(Scope.SEE_NOTIFICATIONS,))[0]
    refused = served.post("/notifications", reads, to())
    assert (refused.status_code, refused.json()["code"]) == (403, "no_scope")
    assert "notifications:send" in refused.json()["detail"]
    sends = new_key(served, scopes=(Scope.SEND,))[0]
    sent = served.post("/notifications", sends, to()).json()
    assert served.get(f"/notifications/{sent['id']}", sends).status_code == 200, "who sends may look"
    assert served.get(f"/notifications/{sent['id']}", reads).status_code == 200
    for path in ("/templates", "/submissions"):
        assert served.get(path, sends).status_code == 403
    assert served.get("/events", new_key(served, scopes=(Scope.SEE_TEMPLATES,))[0]).json()["code"] == "no_scope"


def test_a_trial_key_reaches_its_guests(served: Served, key: str) -> None:
    trial = new_key(served, live=False, guests=(AWA,))[0]
    sent = served.post("/notifications", trial, to())
    assert sent.status_code == 201
    refused = served.post("/notifications", trial, to(KOFI))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "no_guest")
    path = f"/notifications/{sent.json()['id']}"
    assert served.get(path, trial).status_code == 200
    assert served.get(path, key).status_code == 404, "live keys see nothing of trials"
    live = served.post("/notifications", key, to(own_reference="r")).json()
    assert served.get(f"/notifications/{live['id']}", trial).status_code == 404
    assert served.get(f"/campaigns/{live['campaign']}", trial).status_code == 404
    assert served.get("/notifications?own_reference=r", trial).json()["notifications"] == []


def test_events_of_trials_are_the_trial_keys_own(served: Served, key: str) -> None:
    trial = new_key(served, live=False, guests=(AWA,))[0]
    sent = served.post("/notifications", trial, to(own_reference="essai-1")).json()
    expanded(served)
    moved(served, 1, MtState.ACCEPTED)
    (event,) = served.get("/events", trial).json()["events"]
    assert (event["type"], event["data"]) == (
        "notification.accepted",
        {"notification": sent["id"], "state": "accepted", "own_reference": "essai-1", "code": None},
    )
    assert served.get("/events", key).json() == {"events": [], "next": 1, "more": False}


def test_limits_are_told_and_held(served: Served) -> None:
    served.template()
    key = new_key(served, per_minute=5, per_day=3)[0]
    served.later(seconds=18)
    answer = served.post("/notifications", key, to())
    assert answer.headers["RateLimit-Policy"] == '"minute";q=5;w=60'
    assert answer.headers["RateLimit"] == '"minute";r=4;t=42'
    bulk = {"template_id": 1, "recipients": [{"to": n, "values": {"nom": "X"}} for n in (AWA, KOFI, BIO)]}
    refused = served.post("/notifications/bulk", key, bulk)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_notifications")
    assert int(refused.headers["Retry-After"]) == 14 * 3600 - 18
    assert served.count("campaigns") == 1, "undone"
    bulk["recipients"].pop()
    assert served.post("/notifications/bulk", key, bulk).status_code == 201
    assert served.get("/templates", key).status_code == 200
    assert served.get("/templates", key).headers["RateLimit"] == '"minute";r=0;t=42'
    over = served.get("/templates", key)
    assert (over.status_code, over.json()["code"], over.headers["Retry-After"]) == (429, "too_many_calls", "42")
    assert over.headers["RateLimit"] == '"minute";r=0;t=42'
    served.later(seconds=42)
    assert served.get("/templates", key).status_code == 200


def test_f22_the_last_of_the_day_is_sent_once(served: Served) -> None:
    served.template()
    key = new_key(served, per_day=3)[0]
    numbers = [f"+22901970{n:05}" for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: served.post("/notifications", key, to(number)), numbers))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5
    assert served.count("campaigns") == 3


def test_templates(served: Served, key: str) -> None:
    author = Actor("author@anip", A, frozenset({Role.AUTHOR}))
    two = Draft("avis", Category.INFORMATION, {"fr": "Avis: {texte}", "en": "Notice: {texte}"}, sizes={"texte": 60})
    create(served.parts, author, A, two)
    listed = served.get("/templates", key).json()["templates"]
    first = listed[0]
    assert (first["name"], first["category"], first["languages"]) == ("avis", "information", ["fr", "en"])
    found = served.get(f"/templates/{listed[0]['id']}", key).json()
    assert (found["placeholders"], found["needed"], found["texts"]["en"]) == (
        {"texte": 60}, ["texte"], "Notice: {texte}",
    )  # fmt: skip
    for other in ("0", "99", "x", "1e0", "9" * 30):
        assert served.get(f"/templates/{other}", key).status_code == 404


def test_nothing_of_a_call_is_in_the_log(served: Served, key: str, capfd: Any) -> None:
    from gateway import logs

    written: list[bytes] = []
    logs.start("debug", lambda: served.time, written.append)
    try:
        served.post("/notifications", key, to(own_reference="lettre-7"), idem="cle-de-mairie")
        served.get("/templates", key + "x")
        said = b"".join(written).decode()
    finally:
        logs.start("error", lambda: served.time)
    assert '"event":"api.call"' in said
    assert '"code":"wrong_key"' in said
    for secret in (key, key[9:], AWA, "Awa", "lettre-7", "cle-de-mairie"):
        assert secret not in said, secret

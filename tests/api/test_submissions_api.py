"""Submissions by the API: those of one's systems, moved as a webhook would move them, an agent's left to her."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from gateway.engine.outcomes import Act
from gateway.messages import SubmissionState
from gateway.store import submission_events, submissions
from gateway.usecases import desk
from gateway.usecases.api_keys import Scope
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from tests.api.conftest import Served, new_key
from tests.campaigns.conftest import AWA, KOFI, A, B

Filed = Callable[..., str]


@pytest.fixture
def filed(served: Served, act: Callable[..., Act], caller: Caller) -> Filed:
    """Files a demand that its system has by now; the reference."""

    def file(system: str = "etat-civil", number: str = AWA, npi: str = "1234564412") -> str:
        demand = act(npi)
        demand = replace(demand, args=replace(demand.args, system=system))
        who = replace(caller, channel="africastalking", msisdn=number)
        key = f"{system}{number}{npi}".encode()
        assert submit(served.parts, demand, who, key).outcome == "submitted"
        with served.parts.database.begin() as conn:
            row = conn.execute(text("SELECT id, reference FROM submissions ORDER BY id DESC LIMIT 1")).one()
            submissions.set_state(conn, served.parts.seals, row.id, SubmissionState.DELIVERED, served.time)
            submission_events.add(conn, row.id, "delivered", served.time, "")
        return str(row.reference)

    return file


@pytest.fixture
def key(served: Served) -> str:
    return new_key(served)[0]


def texts(served: Served) -> list[str]:
    from gateway.store import mts

    with served.parts.database.read() as conn:
        ids = [one.id for one in reversed(mts.list_page(conn, 100))]
        found = mts.for_sending(conn, served.parts.seals, ids)
    return [mt.text for one in ids if (mt := found.get(one)) is not None]


def test_from_the_list_to_the_decision(served: Served, filed: Filed, key: str) -> None:
    reference = filed()
    (listed,) = served.get("/submissions", key).json()["submissions"]
    assert (listed["reference"], listed["state"], listed["service"]) == (reference, "delivered", "acte-naissance")
    opened = served.get(f"/submissions/{reference}", key).json()
    assert opened["fields"]["npi"] == "1234564412"
    assert opened["applicant"]["msisdn"] == AWA
    path = f"/submissions/{reference}"
    taken = served.post(f"{path}/acknowledge", key, {"case_number": "EC-77"})
    assert (taken.status_code, taken.json()["state"]) == (200, "acknowledged")
    assert served.post(f"{path}/progress", key, {}).json()["state"] == "in_progress"
    asked = served.post(f"{path}/ask", key, {"question": {"fr": "Joindre la copie du statut"}})
    assert asked.json()["state"] == "more_needed", asked.text
    decided = served.post(f"{path}/decide", key, {"decision": "granted", "message": {"fr": "Guichet 3"}})
    assert decided.json()["state"] == "granted"
    late = served.post(f"{path}/decide", key, {"decision": "refused"})
    assert (late.status_code, late.json()["code"]) == (409, "late")
    said = texts(served)
    assert any("Joindre la copie" in one for one in said)
    assert any("Guichet 3" in one for one in said)
    history = [one["kind"] for one in served.get(path, key).json()["history"]]
    assert [one for one in history if one in ("acknowledged", "in_progress", "more_needed", "decided")] == [
        "acknowledged", "in_progress", "more_needed", "decided",
    ]  # fmt: skip


def test_a_move_is_made_once(served: Served, filed: Filed, key: str) -> None:
    path = f"/submissions/{filed()}/acknowledge"
    first = served.post(path, key, {}, idem="k")
    count = len(texts(served))
    again = served.post(path, key, {}, idem="k")
    assert (again.content, again.headers["Idempotent-Replay"]) == (first.content, "true")
    assert len(texts(served)) == count
    assert served.post(path, key, {}, idem="k2").json()["code"] == "late"
    assert served.count("backoffice_events") == 1, "what was refused left nothing"


def test_who_opened_it_is_kept(served: Served, filed: Filed) -> None:
    reference = filed()
    secret, kept = new_key(served)
    served.get(f"/submissions/{reference}", secret)
    served.post(f"/submissions/{reference}/acknowledge", secret, {})
    with served.parts.database.read() as conn:
        acts = conn.execute(text("SELECT act, who, institution FROM operator_acts WHERE act LIKE 'api.%' ORDER BY id"))
        assert [tuple(row) for row in acts] == [
            ("api.open", f"key:{kept.prefix}", A), ("api.acknowledge", f"key:{kept.prefix}", A),
        ]  # fmt: skip


def test_what_an_agent_has_in_hand_is_hers(served: Served, filed: Filed, key: str) -> None:
    reference = filed("guichet")
    agent = desk.Agent("awa@anip", A)
    assert desk.take(served.parts, agent, reference).outcome is desk.Outcome.DONE
    held = served.post(f"/submissions/{reference}/decide", key, {"decision": "granted"})
    assert (held.status_code, held.json()["code"]) == (409, "held")
    assert served.get("/submissions", key).json()["submissions"][0]["in_hand_of"] == "awa@anip"
    desk.release(served.parts, agent, reference)
    assert served.post(f"/submissions/{reference}/decide", key, {"decision": "granted"}).status_code == 200


def test_pages_states_and_services(served: Served, filed: Filed, key: str) -> None:
    references = [filed(npi=f"123456{n:04}") for n in range(3)]
    served.post(f"/submissions/{references[1]}/acknowledge", key, {})
    first = served.get("/submissions?limit=2", key).json()
    assert [one["reference"] for one in first["submissions"]] == references[:2]
    rest = served.get(f"/submissions?limit=2&after={first['next']}", key).json()
    assert ([one["reference"] for one in rest["submissions"]], rest["next"]) == (references[2:], None)
    only = served.get("/submissions?state=acknowledged&service=acte-naissance", key).json()["submissions"]
    assert [one["reference"] for one in only] == [references[1]]
    assert served.get("/submissions?service=autre", key).json()["submissions"] == []


def test_only_those_of_ones_systems(served: Served, filed: Filed, key: str) -> None:
    ours, theirs = filed(), filed("la-bas", npi="1234560000")
    their_key = new_key(served, B)[0]
    assert [one["reference"] for one in served.get("/submissions", key).json()["submissions"]] == [ours]
    assert [one["reference"] for one in served.get("/submissions", their_key).json()["submissions"]] == [theirs]
    assert served.get(f"/submissions/{theirs}", key).status_code == 404
    assert served.get(f"/submissions?after={theirs}", key).status_code == 404
    assert served.post(f"/submissions/{theirs}/decide", key, {"decision": "granted"}).status_code == 404


def test_what_was_not_handed_over_is_not_there(served: Served, filed: Filed, key: str) -> None:
    reference = filed()
    with served.parts.database.begin() as conn:
        conn.execute(text("UPDATE submissions SET state = 'received'"))
    assert served.get(f"/submissions/{reference}", key).status_code == 404
    assert served.get("/submissions", key).json()["submissions"] == []


def test_a_trial_key_sees_what_its_guests_filed(served: Served, filed: Filed) -> None:
    awa, kofi = filed(), filed(number=KOFI, npi="1234560000")
    trial = new_key(served, live=False, guests=(AWA,))[0]
    assert [one["reference"] for one in served.get("/submissions", trial).json()["submissions"]] == [awa]
    for path in (f"/submissions/{kofi}", f"/submissions?after={kofi}"):
        assert served.get(path, trial).status_code == 404
    assert served.post(f"/submissions/{kofi}/acknowledge", trial, {}).status_code == 404
    assert served.post(f"/submissions/{awa}/acknowledge", trial, {}).status_code == 200
    events = served.get("/events", trial).json()["events"]
    assert [one["data"]["reference"] for one in events] == [awa]


def test_reading_is_not_deciding(served: Served, filed: Filed) -> None:
    reference = filed()
    reads = new_key(served, scopes=(Scope.READ_SUBMISSIONS,))[0]
    assert served.get(f"/submissions/{reference}", reads).status_code == 200
    assert served.post(f"/submissions/{reference}/decide", reads, {"decision": "granted"}).status_code == 403
    decides = new_key(served, scopes=(Scope.HANDLE_SUBMISSIONS,))[0]
    assert served.get(f"/submissions/{reference}", decides).status_code == 403
    assert served.post(f"/submissions/{reference}/decide", decides, {"decision": "granted"}).status_code == 200


WORDS = [
    ("ask", {"question": {}}, "no words"),
    ("ask", {"question": {"fr": " "}}, "nothing said"),
    ("ask", {"question": {"fr": "q" * 161}}, "too long"),
    ("ask", {"question": {"de": "x"}}, "no such language"),
    ("ask", {"question": {"fr": "x"}, "answer_by": "2026-11-24T10:00:00+01:00"}, "over"),
    ("ask", {"question": {"fr": "x"}, "answer_by": "2026-11-24T10:00:00"}, "no offset"),
    ("decide", {"decision": "perhaps"}, "no such decision"),
    ("decide", {"decision": "granted", "message": {"fr": "m" * 601}}, "too long"),
    ("acknowledge", {"case_number": "c" * 25}, "a long number"),
    ("acknowledge", {"unknown": 1}, "unknown"),
]


@pytest.mark.parametrize(("move", "body", "remark"), WORDS, ids=[f"{row[0]}: {row[2]}" for row in WORDS])
def test_words_are_bounded(served: Served, filed: Filed, key: str, move: str, body: Any, remark: str) -> None:
    answer = served.post(f"/submissions/{filed()}/{move}", key, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
    assert answer.json()["errors"]


def test_events_from_the_beginning_and_after(served: Served, filed: Filed, key: str) -> None:
    first = served.get("/events", key).json()
    assert first == {"events": [], "next": 0, "more": False}
    reference = filed()
    (event,) = served.get("/events?after=0", key).json()["events"]
    assert (event["type"], event["data"]["reference"]) == ("submission.received", reference)
    assert event["id"].startswith("msg_")
    filed(npi="1234560000")
    filed(npi="1234560001")
    page = served.get("/events?limit=2", key).json()
    assert (len(page["events"]), page["next"], page["more"]) == (2, 2, True)
    rest = served.get("/events?after=2&limit=2", key).json()
    assert (len(rest["events"]), rest["next"], rest["more"]) == (1, 3, False)
    ahead = served.get("/events?after=4", key)
    assert (ahead.status_code, ahead.json()["code"]) == (410, "cursor_ahead")
    only = new_key(served, scopes=(Scope.SEE_NOTIFICATIONS,))[0]
    assert served.get("/events", only).json() == {"events": [], "next": 3, "more": False}

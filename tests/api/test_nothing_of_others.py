"""Every operation of the API, with every kind of key of one institution, for everything of another: 404."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from gateway.messages import SubmissionState
from gateway.store import submission_events, submissions
from gateway.usecases.api_keys import Scope
from gateway.web.api.operations import Operation
from gateway.web.api.shell import OPERATIONS
from tests.api.conftest import Served, new_key, to
from tests.campaigns.conftest import AWA, B

#: A body that each operation takes, but for what it names.
BODIES: dict[str, Any] = {
    "acknowledge_submission": {},
    "work_on_submission": {},
    "ask_about_submission": {"question": {"fr": "x"}},
    "decide_submission": {"decision": "granted"},
}


def theirs(served: Served, reference: str) -> dict[str, list[str]]:
    """Name in a path -> what names things of the other institution, and things that are not there."""
    template = served.template(B)
    live = served.post("/notifications", new_key(served, B)[0], to(template=template, own_reference="r")).json()
    trial_key = new_key(served, B, live=False, guests=(AWA,))[0]
    trial = served.post("/notifications", trial_key, to(template=template, own_reference="r")).json()
    return {
        "template": [str(template), "99"],
        "notification": [live["id"], trial["id"], "0" * 32 + "-1", live["id"] + "0", live["campaign"], "x-1"],
        "campaign": [live["campaign"], trial["campaign"], live["id"], "0" * 32],
        "reference": [reference, "000000000000", "x"],
    }


@pytest.fixture
def reference(served: Served, act: Any, caller: Any) -> str:
    from dataclasses import replace

    from sqlalchemy import text

    from gateway.usecases.submissions import submit

    demand = act()
    demand = replace(demand, args=replace(demand.args, system="la-bas"))
    assert submit(served.parts, demand, replace(caller, channel="africastalking"), b"k").outcome == "submitted"
    with served.parts.database.begin() as conn:
        row = conn.execute(text("SELECT id, reference FROM submissions")).one()
        submissions.set_state(conn, served.parts.seals, row.id, SubmissionState.DELIVERED, served.time)
        submission_events.add(conn, row.id, "delivered", served.time, "")
    return str(row.reference)


def addresses(operation: Operation, named: dict[str, list[str]]) -> list[str]:
    names = re.findall(r"\{(\w+)\}", operation.path)
    assert set(names) <= set(named), f"{operation.path}: add an example of it"
    return [
        operation.path.format(**dict(zip(names, values, strict=True)))
        for values in itertools.product(*(named[name] for name in names))
        if names
    ]


def test_by_every_operation(served: Served, reference: str) -> None:
    named = theirs(served, reference)
    keys = [new_key(served)[0], new_key(served, live=False, guests=(AWA,))[0]]
    asked = 0
    for operation in OPERATIONS:
        for address in addresses(operation, named):
            for key in keys:
                answer = served.call(operation.method, address, key, BODIES.get(operation.name))
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (operation.name, address)
                asked += 1
    assert asked >= 50


def test_by_lists_and_bodies(served: Served, reference: str) -> None:
    named = theirs(served, reference)
    for key in (new_key(served)[0], new_key(served, live=False, guests=(AWA,))[0]):
        assert served.get("/notifications?own_reference=r", key).json()["notifications"] == []
        for campaign in named["campaign"]:
            assert served.get(f"/notifications?campaign={campaign}", key).status_code == 404
        assert served.get("/templates", key).json()["templates"] == []
        assert served.get("/submissions", key).json()["submissions"] == []
        assert served.get(f"/submissions?after={reference}", key).status_code == 404
        assert served.get("/events", key).json()["events"] == []
        template = int(named["template"][0])
        assert served.post("/notifications", key, to(template=template)).status_code == 404
        bulk = {"template_id": template, "recipients": [{"to": AWA, "values": {"nom": "x"}}]}
        assert served.post("/notifications/bulk", key, bulk).status_code == 404


@pytest.mark.parametrize("scope", list(Scope))
def test_a_key_of_one_scope_gets_no_further(served: Served, reference: str, scope: Scope) -> None:
    """Whatever it lacks is 403 before anything is looked up: it learns nothing of what there is."""
    named = theirs(served, reference)
    key = new_key(served, scopes=(scope,))[0]
    for operation in OPERATIONS:
        for address in addresses(operation, named):
            answer = served.call(operation.method, address, key, BODIES.get(operation.name))
            assert answer.status_code in (403, 404), (operation.name, address)


def test_what_needs_no_key_says_nothing_of_anybody() -> None:
    """An operation that any key may use is a decision."""
    assert [operation.name for operation in OPERATIONS if operation.scope is None] == ["list_events"]

"""An Idempotency-Key: one effect and one answer, however often, at once, and wherever the process dies."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.store import api_keys as stored
from gateway.usecases import idempotency
from gateway.usecases.idempotency import CallRuns, Done
from tests.api.conftest import Served, new_key, to
from tests.campaigns.conftest import AWA, KOFI, A, B

CASES = json.loads((Path(__file__).parent / "cases" / "idempotency.json").read_text())["cases"]
LONG = {"255": "k" * 255, "256": "k" * 256}


@pytest.mark.parametrize("case", CASES, ids=[case["when"] for case in CASES])
def test_as_the_table_says(served: Served, case: dict[str, Any]) -> None:
    templates = {A: served.template(), B: served.template(B)}
    keys = {A: new_key(served)[0], B: new_key(served, B)[0]}
    keys["trial"] = new_key(served, live=False, guests=(AWA,))[0]
    keys["second"] = new_key(served)[0]
    for step in case["steps"]:
        served.later(hours=step.get("hours", 0))
        by = step.get("by", A)
        key = keys["trial" if step.get("trial") else "second" if step.get("second") else by]
        body, path = to(step["to"], templates[by]), "/notifications"
        if step.get("bulk"):
            recipient = {name: body.pop(name) for name in ("to", "values")}
            body, path = {**body, "recipients": [recipient]}, "/notifications/bulk"
        before = served.count("campaign_rows")
        chosen = {} if step["K"] is None else {"Idempotency-Key": LONG.get(step["K"], step["K"])}
        answer = served.call("POST", path, key, body, idem=None, **chosen)
        assert answer.status_code == step["status"], answer.text
        assert (answer.headers.get("Idempotent-Replay") == "true") is step["replay"]
        assert served.count("campaign_rows") - before == step["sent"]
        if "code" in step:
            assert answer.json()["code"] == step["code"]
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_replay_is_the_first_answer_to_the_byte(served: Served) -> None:
    served.template()
    key = new_key(served)[0]
    first = served.post("/notifications", key, to(), idem="k")
    served.later(hours=3)
    again = served.post("/notifications", key, to(), idem="k")
    assert (again.content, again.headers["Location"]) == (first.content, first.headers["Location"])
    assert served.get(again.headers["Location"].removeprefix("/api/v1"), key).json()["id"] == first.json()["id"]


def test_the_same_call_written_otherwise_is_the_same(served: Served) -> None:
    served.template()
    key = new_key(served)[0]
    assert served.post("/notifications", key, to(), idem="k").status_code == 201
    turned = dict(reversed(list(to().items())))
    assert served.post("/notifications", key, turned, idem="k").headers["Idempotent-Replay"] == "true"


def test_twenty_at_once_are_one(served: Served) -> None:
    served.template()
    key = new_key(served)[0]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: served.post("/notifications", key, to(), idem="k"), range(20)))
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {201, 409}
    assert codes.count(201) >= 1
    assert all(answer.headers["Retry-After"] == "2" for answer in answers if answer.status_code == 409)
    assert served.count("campaign_rows") == 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert served.post("/notifications", key, to(), idem="k").headers["Idempotent-Replay"] == "true"


def test_while_the_first_runs_the_second_is_told_to_wait(served: Served) -> None:
    """The first is held in its transaction. On SQLite, which lets one write at a time, the second waits by itself."""
    _, key = new_key(served)
    begun, go_on = threading.Event(), threading.Event()

    def slow(conn: Any, now: Any) -> Done:
        del conn, now
        begun.set()
        assert go_on.wait(20)
        return Done(201, b"first")

    def second(conn: Any, now: Any) -> Done:
        raise AssertionError

    sqlite = served.parts.database._writing.dialect.name == "sqlite"
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(idempotency.once, served.parts, key, "k", b"call", slow)
        assert begun.wait(20)
        if sqlite:  # one writer at a time: the second waits for the first, and gets its answer
            go_on.set()
            first.result(20)
            assert idempotency.once(served.parts, key, "k", b"call", second).replayed
        else:
            with pytest.raises(CallRuns):
                idempotency.once(served.parts, key, "k", b"call", second)
            go_on.set()
            first.result(20)
    assert idempotency.once(served.parts, key, "k", b"call", second) == Done(201, b"first", replayed=True)


def test_a_call_that_fails_leaves_its_key_free(served: Served) -> None:
    _, key = new_key(served)

    def failing(conn: Any, now: Any) -> Done:
        stored.revoke(conn, key.id, now)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        idempotency.once(served.parts, key, "k", b"call", failing)
    assert served.count("api_keys WHERE revoked_at IS NOT NULL") == 0, "undone"
    assert idempotency.once(served.parts, key, "k", b"other", lambda conn, now: Done(200, b"")) == Done(200, b"")


@pytest.mark.parametrize("moment", ["claimed", "done", "committed"])
def test_a_process_that_dies_in_between(served: Served, moment: str) -> None:
    """A child dies after it claimed, after it did the work, after it committed: one effect in the end, never two."""
    served.template()
    _, key = new_key(served)
    parts = served.parts
    url = wiring_url(served)
    child = os.fork()
    if child == 0:
        _die(served, url, key, moment)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    count = served.count("operator_acts WHERE act = 'done'")
    assert count == (1 if moment == "committed" else 0)

    def do(conn: Any, now: Any) -> Done:
        _effect(conn, now)
        return Done(201, b"again")

    if moment != "committed":
        with pytest.raises(CallRuns):  # nobody knows yet that it is dead
            idempotency.once(parts, key, "k", b"call", do)
        served.later(seconds=61)
    answer = idempotency.once(parts, key, "k", b"call", do)
    assert answer.replayed is (moment == "committed")
    assert served.count("operator_acts WHERE act = 'done'") == 1


def test_whoever_was_too_slow_undoes_what_it_did(served: Served) -> None:
    """Its claim was taken over while it worked: of the two only the one that has the claim has an effect."""
    _, key = new_key(served)

    def slow(conn: Any, now: Any) -> Done:
        _effect(conn, now)
        taken = "UPDATE idempotency_keys SET token = 'of another'"
        conn.exec_driver_sql(taken)
        return Done(201, b"slow")

    with pytest.raises(CallRuns):
        idempotency.once(served.parts, key, "k", b"call", slow)
    assert served.count("operator_acts WHERE act = 'done'") == 0


def _effect(conn: Any, now: Any) -> None:
    from gateway.store import stops

    stops.note_act(conn, "test", "done", "", "", now)


def wiring_url(served: Served) -> str:
    from gateway import wiring

    return wiring.database_url(served.gateway.settings)


def _die(served: Served, url: str, key: Any, moment: str) -> None:
    """In the child: connections of its own, and an end without any clearing up."""
    from dataclasses import replace

    from gateway.store.db import open_database

    parts = replace(served.parts, database=open_database(url), announce=lambda lanes: os._exit(9))

    def do(conn: Any, now: Any) -> Done:
        if moment == "claimed":
            os._exit(9)
        _effect(conn, now)
        return Done(201, b"first", lanes=("bulk",))

    if moment == "done":
        from gateway.store import idempotency as kept

        real = kept.finish

        def finished(*args: Any) -> bool:
            real(*args)
            os._exit(9)

        kept.finish = finished
    try:
        idempotency.once(parts, key, "k", b"call", do)
    finally:
        os._exit(1)


def test_answers_are_sealed_and_forgotten(served: Served) -> None:
    from sqlalchemy import text

    from gateway.usecases import upkeep

    served.template()
    key = new_key(served)[0]
    body = to(KOFI, own_reference="lettre-7")
    sent = served.post("/notifications", key, body, idem="visible-key").json()
    with served.parts.database.read() as conn:
        (row,) = conn.execute(text("SELECT * FROM idempotency_keys")).all()
    for secret in ("lettre-7", sent["id"], "visible-key", KOFI):
        assert secret.encode() not in b"".join(bytes(v) for v in row if isinstance(v, bytes | memoryview))
    served.later(days=1, seconds=1)
    assert upkeep.sweep(served.parts)["calls_forgotten"] == 1
    assert served.count("idempotency_keys") == 0

"""Webhooks to institutions: stored with the effect, signed anew on each attempt, sent until taken, or for 75 hours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from gateway import logs
from gateway.backoffice import endpoints, signing
from gateway.outgoing import Doors
from gateway.settings import HookSettings
from gateway.store import hooks as stored
from gateway.store import outbox
from gateway.store.campaign_rows import Origin
from gateway.usecases import hooks, upkeep
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from tests.backoffice.receivers import Receiver, certificate, receiver
from tests.usecases.conftest import MSISDN, Bench

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@dataclass
class Hooked:
    """An installation with one endpoint, `suivi`, that really listens."""

    bench: Bench
    receiver: Receiver
    settings: HookSettings

    def secrets(self, *secrets: str) -> None:
        doors = Doors(lambda one: True, lambda *_: ("127.0.0.2",))
        built = endpoints.build("suivi", self.settings, signing.signers(secrets), doors)
        self.bench.parts = replace(self.bench.parts, endpoints={"suivi": built})

    def deliver(self) -> int:
        rows = self.bench.claim("backoffice")
        mine = [row for row in rows if row.kind == "hook"]
        for row in mine:
            hooks.deliver(self.bench.parts, row)
        with self.bench.parts.database.begin() as conn:
            for row in rows:
                if row.kind != "hook":  # hand-overs have their own tests
                    outbox.done(conn, row.id, row.token, "", self.bench.time)
        return len(mine)

    def tell(self, kind: str = hooks.STATEMENT) -> None:
        with self.bench.parts.database.begin() as conn:
            assert hooks.tell(conn, self.bench.parts, kind, 1, self.bench.time)

    def outcomes(self) -> list[str | None]:
        with self.bench.parts.database.read() as conn:
            return list(conn.execute(text("SELECT outcome FROM hooks ORDER BY id")).scalars())

    def state(self) -> stored.EndpointState:
        with self.bench.parts.database.read() as conn:
            return stored.state_of(conn, "suivi")

    def due_at(self) -> datetime:
        with self.bench.parts.database.read() as conn:
            (row,) = outbox.of_target(conn, "hook", 1)
        return row.due_at


@pytest.fixture
def hooked(bench: Bench, tmp_path: Path, act: Callable[..., Any], caller: Caller) -> Iterator[Hooked]:
    certified = certificate(tmp_path, "hook.example")
    with receiver("127.0.0.2", certified) as here:
        every = ("submission.received", "submission.withdrawn", "submission.statement", "notification.delivered")
        settings = HookSettings(
            institution="anip",
            url=f"https://hook.example:{here.port}/in",
            secret_env="X",
            events=every,
            ca=certified[0],
        )
        other = HookSettings(institution="autre", url="https://autre.example", secret_env="Y", events=every)
        changed = bench.parts.settings.model_copy(update={"hooks": {"suivi": settings, "autre": other}})
        bench.parts = replace(bench.parts, settings=changed)
        made = Hooked(bench, here, settings)
        made.secrets(OLD)
        submit(bench.parts, act(), caller, b"k" * 32)
        yield made
        for one in bench.parts.endpoints.values():
            one.client.close()


def test_a_demand_is_told_with_nothing_personal_in_it(hooked: Hooked) -> None:
    assert hooked.bench.announced == ["urgent", "backoffice"]
    assert hooked.deliver() == 1
    ((headers, body),) = hooked.receiver.received
    with hooked.bench.parts.database.read() as conn:
        reference = conn.execute(text("SELECT reference FROM submissions")).scalar_one()
    assert json.loads(body) == {
        "type": "submission.received",
        "timestamp": "2026-11-23T13:05:00.000Z",
        "data": {
            "reference": reference,
            "service": "acte-naissance",
            "state": "received",
            "submitted_at": "2026-11-23T13:05:00.000Z",
            "promised_on": json.loads(body)["data"]["promised_on"],
        },
    }
    assert len(body) < 20_000
    for personal in (MSISDN, "1234564412", "4412", "cotonou"):
        assert personal not in body.decode()
    assert headers["webhook-id"].startswith("msg_")
    assert "." not in headers["webhook-id"]
    assert headers["content-type"] == "application/json"
    assert int(headers["webhook-timestamp"]) == int(hooked.bench.time.timestamp())
    assert headers["host"] == f"hook.example:{hooked.receiver.port}"
    sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), hooked.bench.time.tzinfo)
    assert Webhook(OLD).sign(headers["webhook-id"], sent_at, body.decode()) == headers["webhook-signature"]
    assert hooked.outcomes() == ["taken"]
    assert hooked.deliver() == 0


def test_the_library_of_the_standard_verifies_it(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `verify` reads the system clock: the webhook is made now."""
    hooked.bench.time = datetime.now(hooked.bench.time.tzinfo)
    hooked.deliver()
    ((headers, body),) = hooked.receiver.received
    assert Webhook(OLD).verify(body, headers)["type"] == "submission.received"


def test_an_effect_that_is_undone_is_not_told(hooked: Hooked) -> None:
    def undone() -> None:
        with hooked.bench.parts.database.begin() as conn:
            hooks.tell(conn, hooked.bench.parts, hooks.STATEMENT, 1, hooked.bench.time)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert hooked.outcomes() == [None]


@pytest.mark.parametrize(
    ("kind", "told", "remark"),
    [(hooks.WITHDRAWN, True, "it asked for it"), (hooks.CORRECTED, False, "it did not"), ("x", False, "nobody did")],
)
def test_only_what_an_endpoint_asked_for_is_told(hooked: Hooked, kind: str, told: bool, remark: str) -> None:
    with hooked.bench.parts.database.begin() as conn:
        assert hooks.tell(conn, hooked.bench.parts, kind, 1, hooked.bench.time) is told, remark
        assert not hooks.tell(conn, hooked.bench.parts, kind, 404, hooked.bench.time), "no such demand"
    assert len(hooked.outcomes()) == 1 + told, "and nothing to another institution's endpoint"


def test_states_of_notifications_are_told_to_whoever_asked_for_the_notification(hooked: Hooked) -> None:
    hooked.deliver()
    with hooked.bench.parts.database.begin() as conn:
        parts, now = hooked.bench.parts, hooked.bench.time
        ours = Origin(None, "n-7", "anip", "lettre-7", live=True, by_api=False)
        hooks.tell_notifications(conn, parts, (ours,), "delivered", "", now)
        hooks.tell_notifications(conn, parts, (ours,), "failed", "", now)
        hooks.tell_notifications(conn, parts, (replace(ours, institution="nobody"),), "delivered", "", now)
    assert len(hooked.outcomes()) == 2
    hooked.deliver()
    body = json.loads(hooked.receiver.received[-1][1])
    assert (body["type"], body["data"]) == (
        "notification.delivered",
        {"notification": "n-7", "state": "delivered", "own_reference": "lettre-7", "code": None},
    )


def test_two_secrets_sign_while_one_is_being_changed(hooked: Hooked) -> None:
    hooked.secrets(OLD, NEW)
    hooked.bench.time = datetime.now(hooked.bench.time.tzinfo)
    hooked.deliver()
    ((headers, body),) = hooked.receiver.received
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(body, headers)


@pytest.mark.fault("F19")
def test_it_is_tried_for_75_hours_under_one_id_and_given_up(hooked: Hooked) -> None:
    hooked.receiver.says(500)
    began, waits = hooked.bench.time, []
    while hooked.outcomes() == [None]:
        assert hooked.deliver() == 1
        due = hooked.due_at()
        waits.append((due - hooked.bench.time).total_seconds())
        hooked.bench.time = max(due, hooked.bench.time)
    assert hooked.outcomes() == ["given_up"]
    attempts = hooked.receiver.received
    assert len(attempts) == 10
    assert len({headers["webhook-id"] for headers, _ in attempts}) == 1
    assert len({body for _, body in attempts}) == 1, "the same bytes"
    assert len({headers["webhook-timestamp"] for headers, _ in attempts}) == 10, "the time of each attempt"
    assert len({headers["webhook-signature"] for headers, _ in attempts}) == 10
    for waited, planned in zip(waits, hooks.WAITS_S, strict=False):
        assert planned * 0.9 <= waited <= planned * 1.1
    assert 68 <= (hooked.bench.time - began) / timedelta(hours=1) <= 84
    assert sum(hooks.WAITS_S) == pytest.approx(75.5 * 3600, rel=0.01)
    assert hooked.state().failing_since == began
    assert hooked.deliver() == 0


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (200, "http_200", "taken"),
        (299, "http_299", "taken"),
        (300, "http_300", None),
        (301, "http_301", None),
        (302, "http_302", None),
        (307, "http_307", None),
        (400, "http_400", None),
        (404, "http_404", None),
        (409, "http_409", None),
        (410, "http_410", "disabled"),
        (411, "http_411", None),
        (500, "http_500", None),
    ],
)
def test_what_an_answer_means(hooked: Hooked, status: int, code: str, outcome: str | None) -> None:
    hooked.receiver.says(status, Location=f"https://hook.example:{hooked.receiver.port}/elsewhere")
    hooked.deliver()
    assert hooked.outcomes() == [outcome]
    assert len(hooked.receiver.received) == 1, "no redirect is followed"
    with hooked.bench.parts.database.read() as conn:
        (row,) = outbox.of_target(conn, "hook", 1)
    assert row.last_code == code


def test_a_silent_endpoint_has_no_breaker_that_would_break_the_schedule_of_others(hooked: Hooked) -> None:
    hooked.receiver.says(500)
    while hooked.outcomes() == [None]:
        hooked.deliver()
        hooked.bench.time = max(hooked.due_at(), hooked.bench.time)
    hooked.tell()
    assert hooked.deliver() == 1, "ten attempts in a row failed, and the next webhook is tried at once"


def test_no_endpoint_takes_more_than_its_share_of_the_calls(hooked: Hooked) -> None:
    for _ in range(5):
        hooked.tell()
    hooked.receiver.says(204)
    assert [hooked.deliver() for _ in range(3)] == [4, 2, 0]


def test_whoever_enables_an_endpoint_does_not_wait_as_it_once_asked(hooked: Hooked) -> None:
    hooked.receiver.says(429, Retry_After="86400")
    hooked.deliver()
    with hooked.bench.parts.database.begin() as conn:
        stored.disable(conn, "suivi", "person", hooked.bench.time)
    hooked.receiver.says(204)
    hooks.enable(hooked.bench.parts, "suivi", "op")
    hooked.tell()
    assert hooked.deliver() == 1


def test_410_disables_the_endpoint_until_a_person_enables_it(hooked: Hooked) -> None:
    hooked.tell()
    hooked.receiver.says(410)
    hooked.deliver()
    assert hooked.outcomes() == ["disabled", "disabled"]
    assert len(hooked.receiver.received) == 1 + (hooked.state().disabled_at is None)
    hooked.tell()
    assert hooked.deliver() == 0, "kept, not sent"
    assert hooked.outcomes() == ["disabled"] * 3
    hooked.receiver.says(204)
    assert hooks.enable(hooked.bench.parts, "suivi", "op")
    assert not hooks.enable(hooked.bench.parts, "suivi", "op")
    assert hooked.deliver() == 0, "nothing by itself"
    first = hooked.receiver.received[0][0]["webhook-id"]
    assert hooks.replay(hooked.bench.parts, "suivi", 2, "op") == 2
    assert hooked.deliver() == 2
    assert hooked.outcomes() == ["taken", "taken", "disabled"]
    assert first in [headers["webhook-id"] for headers, _ in hooked.receiver.received[1:]], "the id it had"
    assert hooks.replay(hooked.bench.parts, "suivi", 10, "op") == 1
    assert hooks.replay(hooked.bench.parts, "suivi", 10, "op") == 0


@pytest.mark.parametrize(
    ("status", "headers", "wait_s", "remark"),
    [
        (429, {}, 60, "too many"),
        (502, {}, 60, "a proxy without anybody behind it"),
        (504, {}, 60, "the same"),
        (503, {}, 0, "its own affair"),
        (503, {"Retry_After": "900"}, 900, "it says how long"),
        (429, {"Retry_After": "Mon, 23 Nov 2026 13:15:00 GMT"}, 600, "until when"),
        (429, {"Retry_After": "99999999999"}, 86_400, "never more than a day"),
        (429, {"Retry_After": "0"}, 1, "at once"),
        (429, {"Retry_After": "soon"}, 60, "unreadable"),
    ],
)
def test_an_endpoint_that_asks_for_fewer_calls_gets_fewer(
    hooked: Hooked, status: int, headers: dict[str, str], wait_s: int, remark: str
) -> None:
    hooked.receiver.says(status, **headers)
    hooked.deliver()
    due = hooked.due_at()
    assert due - hooked.bench.time >= timedelta(seconds=max(wait_s, 4)), remark
    hooked.receiver.says(204)
    hooked.tell()
    hooked.deliver()
    assert len(hooked.receiver.received) == (1 if wait_s else 2), "the others wait, too"
    hooked.bench.time = max(due, hooked.bench.time + timedelta(seconds=wait_s + 10))
    hooked.deliver()
    assert hooked.outcomes() == ["taken", "taken"]
    assert hooked.state() == stored.EndpointState("suivi")
    with hooked.bench.parts.database.read() as conn:
        (row,) = outbox.of_target(conn, "hook", 2)
    assert row.attempts == 1, "waiting is no attempt"


@pytest.mark.parametrize("reach", ["allowed", "refused"])
def test_private_addresses_are_refused_unless_the_operator_allows_them(hooked: Hooked, reach: str) -> None:
    with receiver() as here:
        settings = HookSettings(
            institution="anip",
            url=f"http://localhost:{here.port}",
            secret_env="X",
            events=("submission.received",),
            allow_private=reach == "allowed",
        )
        built = endpoints.build("suivi", settings, signing.signers((OLD,)))
        hooked.bench.parts = replace(hooked.bench.parts, endpoints={"suivi": built})
        hooked.deliver()
        built.client.close()
        assert len(here.received) == (1 if reach == "allowed" else 0)
    assert hooked.outcomes() == ["taken" if reach == "allowed" else None]
    assert hooked.state().why == ("" if reach == "allowed" else "private_address")


def test_without_a_secret_nothing_is_sent_and_nothing_is_lost(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []
    logs.start("info", lambda: hooked.bench.time)  # whatever another test left
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lines.append))
    hooked.secrets()
    hooked.deliver()
    (line,) = (one for one in lines if b"hook.told" in one)
    assert (b'"level":"error"' in line, b"no_secret" in line) == (True, True), "a person looks, not after 75 hours"
    assert (hooked.receiver.received, hooked.outcomes()) == ([], [None])
    hooked.secrets(NEW)
    hooked.bench.time = hooked.due_at()
    hooked.deliver()
    assert hooked.outcomes() == ["taken"]


def test_an_endpoint_that_is_no_longer_configured_is_told_nothing(hooked: Hooked) -> None:
    hooked.bench.parts = replace(hooked.bench.parts, endpoints={})
    hooked.deliver()
    assert hooked.outcomes() == ["disabled"]


def test_settled_webhooks_are_forgotten_with_the_texts(hooked: Hooked) -> None:
    hooked.tell()
    hooked.receiver.answers = [(204, {}), (500, {})]
    hooked.deliver()
    hooked.bench.later(days=31)
    upkeep.sweep(hooked.bench.parts)
    upkeep.sweep(hooked.bench.parts)
    assert hooked.outcomes() == [None], "what still waits is kept"


def test_work_that_waits_for_an_endpoint_is_not_late_work_of_ours(hooked: Hooked) -> None:
    hooked.receiver.says(500)
    hooked.deliver()
    began = hooked.bench.time
    hooked.bench.time = hooked.due_at()
    hooked.deliver()
    with hooked.bench.parts.database.read() as conn:
        (lane,) = [one for one in outbox.counts(conn) if one.lane == "backoffice"]
    assert lane.oldest_at > began + timedelta(minutes=4)

"""Lookups at an institution that is slow: one budget a turn, then the answer is promised, and it comes by SMS."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from redis import Redis

from gateway.engine.outcomes import Lookup, LookupAnswer, Saved
from gateway.messages import UssdEvent, UssdTurn
from gateway.store import breakers, outbox
from gateway.usecases import promised_answers
from gateway.usecases.caller import Caller
from gateway.usecases.ussd import Attempt
from gateway.wiring import Gateway
from tests.ussd.conftest import Build, Phone

TERRAIN = Path("tests/menu/examples/terrain.yaml")


class Office:
    """An institution over HTTP that answers when `open` is set; `calls` counts those that arrived."""

    def __init__(self) -> None:
        office, self.open, self.calls = self, threading.Event(), 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                office.calls += 1
                office.open.wait(20)
                body = json.dumps({"outcome": "trouve", "values": {"surface": 600}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    office.open.set()
    office.server.shutdown()
    office.server.server_close()


@pytest.fixture
def gateway(build: Build, office: Office, tmp_path: Path) -> Gateway:
    """A gateway whose service `terrain` (shortcut 91) asks this office, half a second a turn at most."""
    menus, config = tmp_path / "menus", tmp_path / "config"
    shutil.copytree("menus", menus)
    shutil.copytree("config", config)
    shutil.copy(TERRAIN, menus)
    main = menus / "main.yaml"
    main.write_text(main.read_text().replace("shortcuts:\n", "shortcuts:\n  91: terrain\n"))
    declared = yaml.safe_load((config / "gateway.yaml").read_text())
    declared["systems"]["etat-civil"] |= {"url": office.url, "sources": ["cadastre"]}
    declared["limits"]["lookup_budget_ms"] = 500
    (config / "gateway.yaml").write_text(yaml.safe_dump(declared))
    return build(menus=menus, config=config / "gateway.yaml")


def keep_promises(gateway: Gateway) -> None:
    with gateway.database.begin() as conn:
        rows = outbox.claim(conn, "backoffice", gateway.new_id(), 10, 60, gateway.now())
    for row in rows:
        promised_answers.keep(gateway.parts, row)


def sent(gateway: Gateway) -> list[str]:
    with gateway.database.read() as conn:
        return [row.code for row in conn.exec_driver_sql("SELECT template AS code FROM mts")]


def test_in_time(gateway: Gateway, office: Office) -> None:
    office.open.set()
    phone = Phone(gateway)
    assert phone.walk("", "91", "91*12")[-1].text == "Parcelle 12: 600 m2"
    assert Phone(gateway, "s2").walk("", "91", "91*12")[-1].text == "Parcelle 12: 600 m2"
    assert office.calls == 1, "the answer was young enough"


def test_too_slow_for_the_turn_and_answered_by_sms(gateway: Gateway, office: Office) -> None:
    phone = Phone(gateway)
    reply = phone.walk("", "91", "91*12")[-1]
    assert (reply.text, reply.final) == ("Le cadastre ne répond pas encore: sa réponse vient par SMS.", True)
    assert phone.deliver("91*12") == reply, "delivered again: no second promise"
    office.open.set()
    keep_promises(gateway)
    keep_promises(gateway)
    assert sent(gateway) == ["late_answer"]


def test_a_system_that_is_away_is_not_called_and_the_screen_promises_an_sms_at_once(
    gateway: Gateway, office: Office
) -> None:
    now = gateway.now()
    with gateway.database.begin() as conn:
        breakers.failed(conn, "etat-civil", 1, now + timedelta(hours=1), "too_slow", now)
    reply = Phone(gateway).walk("", "91", "91*12")[-1]
    assert reply.text == "Le cadastre ne répond pas encore: sa réponse vient par SMS."
    keep_promises(gateway)
    assert office.calls == 0
    assert sent(gateway) == []
    office.open.set()
    with gateway.database.begin() as conn:
        breakers.failed(conn, "etat-civil", 1, now, "too_slow", now)  # it may be asked again
    keep_promises(gateway)
    assert (office.calls, sent(gateway)) == (1, ["late_answer"])


def test_redis_lost_after_the_promise(gateway: Gateway, office: Office) -> None:
    """The rebuilt dialogue finds the promise done: the same screen, and one SMS."""
    phone = Phone(gateway)
    reply = phone.walk("", "91", "91*12")[-1]
    with Redis.from_url(gateway.ussd.sessions._url) as redis:
        redis.flushall()
    assert phone.deliver("91*12") == reply
    office.open.set()
    keep_promises(gateway)
    assert sent(gateway) == ["late_answer"]


def test_the_lookups_of_a_turn_share_their_time(gateway: Gateway) -> None:
    """What the first one took is not there for the second."""
    given: list[float] = []
    time = [100.0]

    def slow(_need: Lookup, _caller: Caller, left_s: float) -> LookupAnswer:
        given.append(left_s)
        time[0] += 0.3
        return LookupAnswer("trouve", {"surface": Saved(1)})

    sources = {**gateway.ussd.sources, "cadastre": slow}
    ussd = dataclasses.replace(gateway.ussd, sources=sources, monotonic=lambda: time[0])
    turn = UssdTurn("africastalking", "s1", "+2290197000000", "*229#", UssdEvent.CUMULATIVE, "")
    attempt = Attempt(ussd, turn, deadline=time[0] + 8)
    for _ in range(2):
        attempt.meet(Lookup("cadastre", {}), "", replay=False)
    assert given == [pytest.approx(0.5), pytest.approx(0.2)]
    late = Attempt(ussd, turn, deadline=time[0] + 0.1)
    late.meet(Lookup("cadastre", {}), "", replay=False)
    assert given[-1] == pytest.approx(0.1), "the turn's own deadline is nearer"

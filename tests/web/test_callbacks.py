"""The callbacks' edge: who may call, what is refused, what a reply looks like on the wire."""

from __future__ import annotations

import io
import ipaddress
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.build import build
from gateway.messages import Dlr, UssdEnd, UssdReply, UssdTurn
from gateway.settings import ChannelSettings
from gateway.store.db import StoreUnavailable, Why
from gateway.web.callbacks import Callbacks, in_front_of
from gateway.web.front import WsgiApp
from gateway.web.surges import Surges

TOKEN = "0123456789abcdef0123456789abcdef"
SECOND = "fedcba9876543210fedcba9876543210"
FORM = b"sessionId=ATUid_1&serviceCode=%2A229%23&phoneNumber=%2B2290197000000&networkCode=99999&text="
EVENT = (
    b"date=2026-12-01+08%3A15%3A30&sessionId=ATUid_1&serviceCode=%2A229%23&networkCode=99999"
    b"&phoneNumber=%2B2290197000000&status=Incomplete&cost=0.00&durationInMillis=15&hopsCount=3&input=1"
)
DLR = b"id=ATXid_1&status=Success&phoneNumber=%2B2290197000000&networkCode=99999&retryCount=0"


class Edge:
    """The callbacks as a server would call them, with what reached the use cases."""

    def __init__(self, allow_from: tuple[str, ...] = (), away: bool = False, site: WsgiApp | None = None) -> None:
        self.taken: list[UssdTurn | UssdEnd | Dlr] = []
        self.away = away
        declared = ChannelSettings(kind="africastalking", username="sandbox")
        channel = build("at", declared, config_folder=Path("config"), api_key="k", region="BJ")
        callbacks = Callbacks(
            channels={"at": channel},
            tokens={"at": (TOKEN.encode(), SECOND.encode())},
            allow_from={"at": tuple(ipaddress.ip_network(network) for network in allow_from)},
            body_bytes=4096,
            take_turn=self._turn,
            take_end=self._take,
            take_mo=lambda mo: None,
            take_optout=lambda optout: None,
            take_sim=lambda answer: None,
            take_dlr=self._take,
            surges=Surges({"at": 2}, factor=10, floor=600, refused=60, monotonic=lambda: 0.0),
        )
        self.application = in_front_of(site or self._site, callbacks, site_threads=1, headers=())

    def _turn(self, turn: UssdTurn) -> UssdReply:
        self.taken.append(turn)
        return UssdReply("Bienvenue é", final=False)

    def _take(self, event: UssdEnd | Dlr) -> None:
        if self.away:
            raise StoreUnavailable(Why.AWAY)
        self.taken.append(event)

    @staticmethod
    def _site(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return (b"site",)

    def call(self, path: str, body: bytes = FORM, **environ: str) -> tuple[str, dict[str, str], bytes]:
        seen: list[Any] = []
        given: dict[str, Any] = {
            "PATH_INFO": path,
            "REQUEST_METHOD": "POST",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "QUERY_STRING": "",
            "wsgi.input": io.BytesIO(body),
            **environ,
        }
        answer = b"".join(self.application(given, lambda status, headers: seen.extend((status, dict(headers)))))
        return seen[0], seen[1], answer


def test_a_turn_is_answered_in_the_aggregators_form() -> None:
    edge = Edge()
    status, headers, body = edge.call(f"/channels/at/{TOKEN}/ussd")
    assert (status, body) == ("200 OK", "CON Bienvenue é".encode())
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["Content-Length"] == str(len(body))
    assert [type(taken) for taken in edge.taken] == [UssdTurn]


def test_two_tokens_may_be_valid_at_once() -> None:
    assert Edge().call(f"/channels/at/{SECOND}/ussd")[0] == "200 OK"


@pytest.mark.parametrize(
    ("path", "remark"),
    [
        (f"/channels/at/{TOKEN[:-1]}0/ussd", "wrong token"),
        ("/channels/at//ussd", "no token"),
        (f"/channels/other/{TOKEN}/ussd", "another channel"),
        (f"/channels/at/{TOKEN}/nothing", "unknown route"),
        (f"/channels/at/{TOKEN}/ussd/", "one slash too many"),
        (f"/channels/at/{TOKEN}", "no route"),
        ("/channels/at/local/ussd", "the local token, where it is not believed"),
        ("/channels/at/é\udcff/ussd", "a token that is no ASCII"),
    ],
)
def test_anything_wrong_in_the_path_is_the_same_404(path: str, remark: str) -> None:
    edge = Edge()
    assert edge.call(path) == edge.call("/channels/nobody/nothing/ussd"), remark
    assert edge.call(path)[0] == "404 Not Found"
    assert not edge.taken


@pytest.mark.parametrize(
    ("body", "environ", "status", "remark"),
    [
        (FORM, {"REQUEST_METHOD": "GET"}, "405", "not a POST"),
        (FORM, {"HTTP_ORIGIN": "http://evil.example"}, "403", "a page posts a form"),
        (FORM, {"HTTP_SEC_FETCH_SITE": "cross-site"}, "403", "a page posts a form, and hides where it is from"),
        (FORM, {"CONTENT_LENGTH": ""}, "411", "no length"),
        (FORM, {"CONTENT_LENGTH": "-1"}, "411", "no number"),
        (FORM, {"CONTENT_LENGTH": "4097"}, "413", "over the limit"),
        (b"text=1", {}, "400", "no session, no number"),
        (b"\xff\xfe", {}, "400", "no form"),
        (FORM.replace(b"0197000000", b"x"), {}, "400", "no number"),
    ],
)
def test_bad_requests_never_reach_the_engine(body: bytes, environ: dict[str, str], status: str, remark: str) -> None:
    edge = Edge()
    assert edge.call(f"/channels/at/{TOKEN}/ussd", body, **environ)[0].startswith(status), remark
    assert not edge.taken


def test_a_body_at_the_limit_is_read() -> None:
    body = FORM + b"&padding="
    body += b"x" * (4096 - len(body))
    assert Edge().call(f"/channels/at/{TOKEN}/ussd", body)[0] == "200 OK"


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.1.2.3", "200"), ("::ffff:10.1.2.3", "200"), ("10.2.0.1", "403"), ("not an address", "403"), ("::1", "403")],
)
def test_a_channel_may_be_called_only_from_its_networks(address: str, status: str) -> None:
    edge = Edge(allow_from=("10.1.0.0/16",))
    assert edge.call(f"/channels/at/{TOKEN}/ussd", REMOTE_ADDR=address)[0].startswith(status)
    assert bool(edge.taken) == (status == "200")


def test_events_and_reports_are_taken() -> None:
    edge = Edge()
    assert edge.call(f"/channels/at/{TOKEN}/events", EVENT)[0] == "200 OK"
    assert edge.call(f"/channels/at/{TOKEN}/dlr", DLR)[0] == "200 OK"
    assert [type(taken) for taken in edge.taken] == [UssdEnd, Dlr]


def test_what_cannot_be_stored_is_asked_for_again() -> None:
    edge = Edge(away=True)
    assert edge.call(f"/channels/at/{TOKEN}/dlr", DLR)[0].startswith("503")
    assert edge.call(f"/channels/at/{TOKEN}/events", EVENT)[0].startswith("503")


def test_everything_else_is_the_sites() -> None:
    assert Edge().call("/healthz")[2] == b"site"
    assert Edge().call("/channelsx")[2] == b"site"


def test_slow_bodies_to_the_site_leave_a_thread_for_turns() -> None:
    arrived, let_go = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        arrived.set()
        assert let_go.wait(10)
        start_response("200 OK", [])
        return (b"slow",)

    edge = Edge(site=slow)
    held = threading.Thread(target=edge.call, args=("/backoffice/x/events",))
    held.start()
    assert arrived.wait(10)
    status, headers, _ = edge.call("/backoffice/x/events")
    assert status.startswith("503")
    assert headers["Retry-After"] == "2"
    assert edge.call(f"/channels/at/{TOKEN}/ussd")[0] == "200 OK"
    let_go.set()
    held.join(10)
    assert edge.call("/backoffice/x/events")[0] == "200 OK", "the place is free again"

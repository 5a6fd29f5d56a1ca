"""Calls to others: only to the origins that the configuration names, whatever a URL looks like."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway import outgoing
from gateway.channels.africastalking import AfricasTalkingChannel
from gateway.messages import MtSms
from gateway.outgoing import Client, NotSent, origin_of
from gateway.settings import ChannelSettings


class Server(HTTPServer):
    """Counts connections, and answers each call with a redirect to itself."""

    connections = 0
    paths: list[str]
    authorizations: list[str | None]

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.authorizations.append(self.headers["Authorization"])
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), _Handler) as listening:
        listening.paths, listening.authorizations = [], []
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def client(*declared: str) -> Client:
    return Client(declared, connect_timeout_s=2, read_timeout_s=2, total_s=4, max_bytes=1000)


def test_a_declared_origin_is_called_and_its_redirect_is_an_answer(server: Server) -> None:
    calling = client(f"http://127.0.0.1:{server.server_port}/v1")
    assert calling.post(f"http://127.0.0.1:{server.server_port}/v2/x", {}, b"1").status == 302
    calling.close()
    assert server.paths == ["/v2/x"]


@pytest.mark.parametrize(
    ("url", "remark"),
    [
        ("http://localhost:{port}/v1", "another name of the same machine"),
        ("http://127.0.0.1:{port}0/v1", "a port that begins the same"),
        ("http://127.0.0.1/v1", "another port"),
        ("https://127.0.0.1:{port}/v1", "another scheme"),
        ("HTTP://127.0.0.1:{port}/v1", "not as it was declared"),
        ("http://127.0.0.1:{port}@127.0.0.2:{port}/v1", "the origin as a user"),
        ("http://user:password@127.0.0.1:{port}/v1", "a user"),
        ("http://127.0.0.1:{port}\\@127.0.0.2:{port}/v1", "a backslash, which readers of URLs disagree about"),
        ("http://127.0.0.1:{port}#@127.0.0.2:{port}/v1", "a fragment"),
        ("http://127.0.0.1:{port}?@127.0.0.2:{port}/v1", "a query"),
        ("http://127.0.0.1:{port}.evil.example/v1", "a host that begins the same"),
        (" http://127.0.0.1:{port}/v1", "a space"),
        ("http:///127.0.0.1:{port}/v1", "a slash too many"),
        ("//127.0.0.1:{port}/v1", "no scheme"),
        ("file:///etc/passwd", "a file"),
        ("http://169.254.169.254/latest/meta-data/", "a cloud's secrets"),
        ("", "nothing"),
    ],
)
def test_no_other_is_called(server: Server, monkeypatch: pytest.MonkeyPatch, url: str, remark: str) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError(f"a socket was opened: {remark}")

    calling = client(f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setattr(socket, "create_connection", opened)
    monkeypatch.setattr(outgoing._PlainConnection, "connect", opened)
    monkeypatch.setattr(outgoing._TlsConnection, "connect", opened)
    with pytest.raises(NotSent, match=r"^origin$"):
        calling.post(url.format(port=server.server_port), {}, b"1")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.africastalking.com/version1", "https://api.africastalking.com"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://[::1]:8001/x", "http://[::1]:8001"),
        ("http://back_office/x", "http://back_office"),
        ("https://user@x.example/", None),
        ("https://user:password@x.example", None),
        ("https://x.example\\@evil.example/", None),
        ("https://x.example:https/", None),
        ("https://x.example?q", None),
        ("https://x.example/#f", None),
        ("https:///x", None),
        ("ftp://x.example", None),
        ("https://x example/", None),
        ("", None),
    ],
)
def test_origins(url: str, origin: str | None) -> None:
    if origin is None:
        with pytest.raises(ValueError, match=r"^no origin$"):
            client(url)
    else:
        assert origin_of(url) == origin


def test_a_client_of_nothing_calls_nobody() -> None:
    with pytest.raises(NotSent):
        client().post("http://127.0.0.1:1/", {}, b"")


def test_the_environment_sends_no_call_elsewhere(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy would read every text and key; a netrc file would send a password along."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    calling = client(f"http://127.0.0.1:{server.server_port}/v1")
    assert calling.post(f"http://127.0.0.1:{server.server_port}/v1", {}, b"1").status == 302
    calling.close()
    assert server.paths == ["/v1"]
    assert server.authorizations == [None]


@pytest.mark.parametrize("kind", ["sms", "insights"])
def test_the_aggregators_sdk_calls_through_our_client(
    server: Server, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whatever the SDK does: its own session is never used, and a host that is not declared is not called."""

    def used(*_: object, **__: object) -> None:
        raise AssertionError("the SDK made a call of its own")

    for name in ("request", "get", "post"):
        monkeypatch.setattr(f"requests.api.{name}", used)
        monkeypatch.setattr(f"requests.{name}", used)
    declared = f"http://127.0.0.1:{server.server_port}/v1"
    given = ChannelSettings(
        kind="africastalking", username="sandbox", sms=True, base_url=declared, insights_url=declared
    )
    channel = AfricasTalkingChannel("at", given, api_key="key", region="BJ")

    def call() -> object:
        if kind == "insights":
            return channel.ask_sim("+2290197000000")
        (result,) = channel.send(MtSms("at", "", "x", ("+2290197000000",)))
        return result.code

    assert call() in (None, "http_302")
    assert len(server.paths) == 1, "a redirect is an answer"
    service = channel._sms if kind == "sms" else channel._insights
    for name, value in vars(service).items():  # as an SDK that was tampered with would
        if isinstance(value, str) and value.startswith("http://"):
            setattr(service, name, value.replace("127.0.0.1", "localhost"))
    assert call() in (None, "no_connection", "not_sent")
    assert len(server.paths) == 1

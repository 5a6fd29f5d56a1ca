"""Calls over real TLS: whom we believe, and what we show to a server that asks who we are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.outgoing import Client, NoAnswer, NotSent
from tests.certificates import Authority, Pair, server_context


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        shown = self.connection.getpeercert() or {}  # type: ignore[attr-defined]  # a TLS socket
        names = [value for part in shown.get("subject", ()) for key, value in part if key == "commonName"]
        body = f"{self.command} {','.join(names)}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Road-Id", "abc")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Server(HTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A refused handshake is what some tests want."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Authority:
    return Authority(folder, "ours")


@pytest.fixture(scope="module")
def foreign(folder: Path) -> Authority:
    return Authority(folder, "foreign")


@pytest.fixture
def serving(ours: Authority) -> Iterator[Callable[..., str]]:
    """Starts a TLS server; its URL."""
    started: list[tuple[HTTPServer, threading.Thread]] = []

    def start(pair: Pair, clients: Path | None = None) -> str:
        server = _Server(("127.0.0.1", 0), _Handler)
        server.socket = server_context(pair, clients).wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((server, thread))
        return f"https://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in started:
        server.shutdown()
        server.server_close()
        thread.join()


def client(url: str, **more: Any) -> Client:
    return Client((url,), connect_timeout_s=2, read_timeout_s=2, total_s=4, max_bytes=1000, **more)


def test_a_server_of_the_private_authority_is_believed(serving, ours):
    url = serving(ours.issue("s1", server=True))
    answer = client(url, ca_file=ours.file).get(f"{url}/a", {})
    assert (answer.status, answer.body, answer.headers.get("x-road-id")) == (200, b"GET ", "abc")


def test_a_server_of_another_authority_hears_nothing(serving, ours, foreign):
    url = serving(foreign.issue("s2", server=True))
    with pytest.raises(NotSent):
        client(url, ca_file=ours.file).post(f"{url}/a", {}, b"secret")


def test_a_private_authority_takes_the_place_of_the_public_ones(serving, ours):
    url = serving(ours.issue("s3", server=True))
    with pytest.raises(NotSent):
        client(url).post(f"{url}/a", {}, b"secret")


def test_a_certificate_for_another_name_is_none(serving, ours):
    url = serving(ours.issue("s4", server=True)).replace("127.0.0.1", "localhost")
    with pytest.raises(NotSent):
        client(url, ca_file=ours.file).get(f"{url}/a", {})


def test_the_certificate_we_show(serving, ours):
    url = serving(ours.issue("s5", server=True), ours.file)
    shown = ours.issue("passerelle")
    speaking = client(url, ca_file=ours.file, certificate=(shown.cert, shown.key))
    assert speaking.post(f"{url}/a", {}, b"x").body == b"POST passerelle"
    assert speaking.get(f"{url}/a", {}).body == b"GET passerelle"


@pytest.mark.parametrize("shown", ["none", "foreign"])
def test_a_server_that_demands_a_certificate_refuses(serving, ours, foreign, shown):
    """With TLS 1.3 it says so after we have begun to write: no answer, and nothing that looks like one."""
    url = serving(ours.issue("s6", server=True), ours.file)
    pair = foreign.issue("other")
    certificate = None if shown == "none" else (pair.cert, pair.key)
    with pytest.raises((NotSent, NoAnswer)):
        client(url, ca_file=ours.file, certificate=certificate).post(f"{url}/a", {}, b"x")


@pytest.mark.parametrize("what", ["missing", "with a password", "no certificate"])
def test_files_that_cannot_be_used(serving, ours, folder, what):
    url = serving(ours.issue("s7", server=True), ours.file)
    pair = ours.issue("locked", password=b"secret")
    certificate = {
        "missing": (folder / "nowhere.crt", folder / "nowhere.key"),
        "with a password": (pair.cert, pair.key),
        "no certificate": (Path(__file__), Path(__file__)),
    }[what]
    with pytest.raises(NotSent):
        client(url, ca_file=ours.file, certificate=certificate).get(f"{url}/a", {})

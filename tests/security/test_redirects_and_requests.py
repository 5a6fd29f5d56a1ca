"""Open redirects, Host headers and server-side requests: nobody sends anybody anywhere, us included."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest

from gateway.workers import lanes
from tests.security.conftest import event, sms, ussd
from tests.web.conftest import Site
from tests.web.test_verify import deposit, post

EVIL = "evil.example"
PATHS = [
    "//evil.example", "//evil.example/verify", "/\\evil.example", "/verify/", "//verify", "/verify//", "/./verify",
    "/verify/../verify", "/%2f%2fevil.example", "/https://evil.example", "/healthz/", "//metrics", "/;@evil.example",
    "/backoffice//etat-civil//events", "/channels//evil.example", "http://evil.example/verify",
]  # fmt: skip
QUERIES = ["", "next=https://evil.example", "next=//evil.example&url=//evil.example&lang=//evil.example"]
HOSTS = {
    "HTTP_HOST": EVIL,
    "HTTP_X_FORWARDED_HOST": EVIL,
    "HTTP_X_ORIGINAL_URL": "https://evil.example/",
    "HTTP_X_REWRITE_URL": "/metrics",
    "HTTP_FORWARDED": "host=evil.example",
    "SERVER_NAME": EVIL,
    "HTTP_REFERER": "https://evil.example/",
}


@pytest.mark.parametrize("query", QUERIES)
def test_nothing_is_redirected_and_no_host_is_repeated(site: Site, query: str) -> None:
    pages = [*PATHS, "/", "/verify", "/healthz", "/readyz", "/metrics", "/nothing"]
    for path, method in product(pages, ("GET", "POST", "HEAD", "OPTIONS")):
        status, headers, body = site.call(method, path, b"", QUERY_STRING=query, **HOSTS)
        assert not 300 <= status < 400, (method, path)
        assert "Location" not in headers
        if path != "/metrics":  # it names modules and labels of ours
            assert EVIL.encode() not in body
        assert not [value for value in headers.values() if EVIL in value]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The network addresses that this process connects to or asks the name of (a unix socket is none)."""
    seen: list[Any] = []
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def connecting(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple):
            seen.append(address[:2])
        connect(self, address)

    def asking(host: Any, *args: Any, **more: Any) -> Any:
        seen.append((host, args[0] if args else None))
        return lookup(host, *args, **more)

    monkeypatch.setattr(socket.socket, "connect", connecting)
    monkeypatch.setattr(socket, "getaddrinfo", asking)
    return seen


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data/", "https://evil.example/x", "file:///etc/x"])
def test_no_address_in_a_message_is_called(site: Site, called: list[Any], url: str) -> None:
    number, code = deposit(site)
    data = {"reference": number, "case": url[:24], "decision": "granted", "message": {"fr": url, "en": url}}
    assert event(site, {**data, "callback": url, "url": url, "$ref": url})[0] == 200
    sms(site, url, "m1")
    sms(site, f"STATUT {url}", "m2")
    ussd(site, url)
    ussd(site, f"2*2*{url.replace('*', '')}", session="s2")
    post(site, reference=number, code=code, last4=url)
    with ThreadPoolExecutor(2) as pool:
        while lanes.drain_once(site.gateway, "urgent", pool) != (0, 0):
            pass
    ours = {tuple(site.gateway.settings.simulator_bind.split(":"))}  # the declared address of the aggregator
    assert {(str(host), str(port)) for host, port in called} <= ours
    assert called, "the watch sees calls"

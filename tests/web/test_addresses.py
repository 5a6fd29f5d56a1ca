"""Whose request it is: what a proxy says is believed only of our proxies, and only as far as they are ours."""

from __future__ import annotations

import pytest

from gateway.web.addresses import client_address, comes_from, networks_of

PROXIES = networks_of(("10.0.0.0/8", "fd00::/8"))
PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded_for", "client", "remark"),
    [
        ("41.85.0.7", "41.85.0.7", "one hop"),
        ("6.6.6.6, 41.85.0.7", "41.85.0.7", "what the client wrote stands left of what the proxy saw"),
        ("127.0.0.1,41.85.0.7", "41.85.0.7", "no space"),
        ("41.85.0.7, 10.2.3.4", "41.85.0.7", "two of our proxies"),
        ("6.6.6.6, 41.85.0.7, 10.2.3.4, 10.9.9.9", "41.85.0.7", "three of them"),
        ("10.2.3.4", "10.2.3.4", "a machine of ours calls through our proxy"),
        ("10.7.7.7, 10.2.3.4", "10.7.7.7", "the same, through two"),
        ("41.85.0.7:51000", "41.85.0.7", "with a port"),
        ("2001:db8::7", "2001:db8::7", "IPv6"),
        ("[2001:db8::7]", "2001:db8::7", "IPv6 in brackets"),
        ("[2001:db8::7]:443", "2001:db8::7", "IPv6 with a port"),
        ("2001:DB8:0:0::7", "2001:db8::7", "one form of it"),
        ("::ffff:41.85.0.7", "41.85.0.7", "IPv4 on an IPv6 socket"),
        ("41.85.0.7, fd00::1", "41.85.0.7", "our proxy speaks IPv6"),
        ("41.85.0.7, ::ffff:10.0.0.9", "41.85.0.7", "our proxy, as an IPv6 socket shows it"),
        ("", "", "nothing in it"),
        ("41.85.0.7,", "", "ends in nothing"),
        ("unknown", "", "a word"),
        ("41.85.0.7, unknown", "", "hidden by the last hop: who stands before it may be made up"),
        ("41.85.0.7, 10.0.0.2, x", "", "garbage at the right"),
        ("x, 41.85.0.7", "41.85.0.7", "garbage at the left is the client's"),
        ("41.85.0.7:x", "", "no port"),
        ("041.085.000.007", "", "not how an address is written"),
        ("41.85.0.7/8", "", "a network"),
        ("fe80::1%eth0", "", "a zone"),
        ("1", "", "a number"),
        ("41.85.0.7 6.6.6.6", "", "no comma"),
        ("6.6.6.6\x00, 41.85.0.7", "41.85.0.7", "NUL at the left"),
        ("6.6.6.6, " * 400 + "41.85.0.7", "41.85.0.7", "very many"),
        ("41.85.0.7, " + "10.0.0.2, " * 40 + "10.0.0.2", "10.0.0.2", "more hops than are read: never further left"),
    ],
)
def test_x_forwarded_for(forwarded_for: str, client: str, remark: str) -> None:
    environ = {"REMOTE_ADDR": PEER, "HTTP_X_FORWARDED_FOR": forwarded_for}
    assert client_address(environ, PROXIES) == client, remark


@pytest.mark.parametrize(
    ("forwarded", "client", "remark"),
    [
        ("for=41.85.0.7", "41.85.0.7", "one hop"),
        ("For=41.85.0.7;proto=https;by=10.0.0.1", "41.85.0.7", "names in any case, other pairs"),
        ("proto=https ; for=41.85.0.7", "41.85.0.7", "not the first pair"),
        ("for=6.6.6.6, for=41.85.0.7", "41.85.0.7", "what the client wrote stands left"),
        ('for="[2001:db8::7]:4711"', "2001:db8::7", "quoted, with a port"),
        ('for="41.85.0.7:4711"', "41.85.0.7", "quoted"),
        ("for=41.85.0.7, for=10.2.3.4", "41.85.0.7", "two proxies"),
        ("for=41.85.0.7, proto=https", "", "the last hop hides its client"),
        ("for=_hidden", "", "an obfuscated name"),
        ("for=unknown", "", "unknown"),
        ('for="', "", "a quote that does not end"),
        ('for="6.6.6.6, for=41.85.0.7', "", "the client's quote swallows the proxy's word"),
        ('for="6.6.6.6, for="[2001:db8::7]"', "", "the same, before a quote of the proxy"),
        ('for="a\\", for=41.85.0.7', "", "an escaped quote"),
        ("for = 41.85.0.7", "", "spaces where none may be"),
        ("for=41.85.0.7,", "", "ends in nothing"),
        ("41.85.0.7", "", "no pair"),
        ("", "", "nothing in it"),
        ("for=" + "x" * 9000 + ", for=41.85.0.7", "41.85.0.7", "long"),
        (" \t" * 4000 + "x", "", "much space"),
    ],
)
def test_forwarded(forwarded: str, client: str, remark: str) -> None:
    assert client_address({"REMOTE_ADDR": PEER, "HTTP_FORWARDED": forwarded}, PROXIES) == client, remark


@pytest.mark.parametrize(
    ("forwarded_for", "forwarded", "client"),
    [
        ("41.85.0.7", "for=41.85.0.7", "41.85.0.7"),
        ("41.85.0.7", "for=127.0.0.1", ""),  # the proxy wrote one, the client the other: which, nobody can say here
        ("127.0.0.1", "for=41.85.0.7", ""),
        ("41.85.0.7", "x", ""),
    ],
)
def test_two_headers_that_disagree_are_not_believed(forwarded_for: str, forwarded: str, client: str) -> None:
    environ = {"REMOTE_ADDR": PEER, "HTTP_X_FORWARDED_FOR": forwarded_for, "HTTP_FORWARDED": forwarded}
    assert client_address(environ, PROXIES) == client


@pytest.mark.parametrize("peer", ["41.85.0.9", "11.0.0.1", "::1", "", "10.0.0.1x", "2001:db8::1"])
@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"])
def test_a_header_from_a_peer_that_is_no_proxy_of_ours_changes_nothing(peer: str, header: str) -> None:
    environ = {"REMOTE_ADDR": peer, header: "127.0.0.1" if header.endswith("FOR") else "for=127.0.0.1"}
    assert client_address(environ, PROXIES) == peer


def test_without_proxies_the_peer_is_the_client() -> None:
    assert client_address({"REMOTE_ADDR": PEER, "HTTP_X_FORWARDED_FOR": "6.6.6.6"}, ()) == PEER


@pytest.mark.parametrize("peer", ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"])
def test_a_proxy_that_says_nothing_speaks_for_itself(peer: str) -> None:
    assert client_address({"REMOTE_ADDR": peer}, PROXIES) == peer


def test_nobody_comes_from_nowhere() -> None:
    assert not comes_from(networks_of(("0.0.0.0/0", "::/0")), "")

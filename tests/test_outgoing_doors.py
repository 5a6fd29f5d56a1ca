"""Private addresses are not called, whatever the name says, and whatever it says the second time."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.outgoing import Client, Doors, NotSent, is_public
from tests.backoffice.receivers import certificate, receiver


@pytest.mark.parametrize(
    ("address", "public", "remark"),
    [
        ("127.0.0.1", False, "this machine"),
        ("127.255.255.254", False, "this machine, the end of its range"),
        ("128.0.0.1", True, "just past it"),
        ("0.0.0.0", False, "this machine, on Linux"),
        ("0.1.2.3", False, "this network"),
        ("9.255.255.255", True, "before 10/8"),
        ("10.0.0.0", False, "private"),
        ("10.255.255.255", False, "private"),
        ("11.0.0.0", True, "past 10/8"),
        ("172.15.255.255", True, "before 172.16/12"),
        ("172.16.0.1", False, "private"),
        ("172.31.255.255", False, "private"),
        ("172.32.0.0", True, "past it"),
        ("192.167.255.255", True, "before 192.168/16"),
        ("192.168.0.1", False, "private"),
        ("192.169.0.0", True, "past it"),
        ("100.63.255.255", True, "before the operators' own range"),
        ("100.64.0.1", False, "carrier-grade NAT (RFC 6598)"),
        ("100.100.100.200", False, "a provider's metadata, in the same range"),
        ("100.127.255.255", False, "carrier-grade NAT"),
        ("100.128.0.0", True, "past it"),
        ("169.253.255.255", True, "before link-local"),
        ("169.254.169.254", False, "metadata of most providers, link-local"),
        ("169.255.0.0", True, "past it"),
        ("168.63.129.16", False, "metadata of a provider, a public address"),
        ("192.0.0.192", False, "metadata of another"),
        ("192.0.2.1", False, "documentation"),
        ("198.18.0.1", False, "benchmarks"),
        ("223.255.255.255", True, "before multicast"),
        ("224.0.0.1", False, "multicast"),
        ("239.255.255.255", False, "multicast"),
        ("240.0.0.1", False, "reserved"),
        ("255.255.255.255", False, "broadcast"),
        ("41.79.216.1", True, "an address in Bénin"),
        ("::", False, "unspecified"),
        ("::1", False, "this machine"),
        ("::7f00:1", False, "IPv4-compatible, long abolished"),
        ("::ffff:127.0.0.1", False, "IPv4 inside IPv6: this machine"),
        ("::ffff:10.0.0.1", False, "IPv4 inside IPv6: private"),
        ("::ffff:169.254.169.254", False, "IPv4 inside IPv6: metadata"),
        ("::ffff:41.79.216.1", True, "IPv4 inside IPv6: public"),
        ("64:ff9b::7f00:1", False, "translated: this machine"),
        ("64:ff9b::a9fe:a9fe", False, "translated: metadata"),
        ("64:ff9b::294f:d801", True, "translated: public"),
        ("64:ff9b:1:a9fe:a9:fe00:808:808", False, "translated inside a network (RFC 8215), as RFC 6052 writes a /48"),
        ("64:ff9b:1::808:808", False, "translated inside a network: only that network knows where to"),
        ("2002:7f00:1::", False, "6to4: this machine"),
        ("2002:c0a8:1::1", False, "6to4: private"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False, "Teredo"),
        ("fe80::1", False, "link-local"),
        ("fec0::1", False, "site-local, abolished"),
        ("fc00::1", False, "ULA"),
        ("fd00:ec2::254", False, "metadata of a provider, ULA"),
        ("ff02::1", False, "multicast"),
        ("2001:db8::1", False, "documentation"),
        ("2c0f:f248::1", True, "an address of Africa"),
    ],
)
def test_which_addresses_are_public(address: str, public: bool, remark: str) -> None:
    assert is_public(ipaddress.ip_address(address)) is public, remark


def client(url: str, doors: Doors | None, ca_file: str | None = None, total_s: float = 4) -> Client:
    return Client(
        (url,), connect_timeout_s=2, read_timeout_s=2, total_s=total_s, max_bytes=1000, doors=doors, ca_file=ca_file
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_however_it_is_written_this_machine_is_not_called(host: str) -> None:
    with receiver() as here:
        calling = client(f"http://{host}:{here.port}", Doors())
        with pytest.raises(NotSent, match=r"^private_address$"):
            calling.post(f"http://{host}:{here.port}/", {}, b"1")
        assert here.received == []


@pytest.mark.parametrize(
    ("addresses", "remark"),
    [
        (("127.0.0.2", "10.0.0.1"), "a private one at the end"),
        (("10.0.0.1", "127.0.0.2"), "a private one at the start"),
        (("127.0.0.2", "fd00::1"), "a private one of the other family"),
        (("127.0.0.2", "fe80::1%1"), "with a zone"),
    ],
)
def test_one_private_address_among_others_is_enough(addresses: tuple[str, ...], remark: str) -> None:
    with receiver("127.0.0.2") as here:
        doors = Doors(lambda one: str(one) == "127.0.0.2", lambda *_: addresses)
        url = f"http://hook.example:{here.port}/"
        with pytest.raises(NotSent, match=r"^private_address$"):
            client(url, doors).post(url, {}, b"1")
        assert here.received == [], remark


@pytest.fixture
def certified(tmp_path: Path) -> tuple[Path, Path]:
    return certificate(tmp_path, "hook.example")


class Rebinding:
    """A resolver that names the allowed address first, and this machine ever after."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append((host, port))
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0],)


def test_a_name_that_changes_its_address_leads_nowhere_else(certified: tuple[Path, Path]) -> None:
    """127.0.0.2 stands for a public address, 127.0.0.1 for a private one."""
    with receiver("127.0.0.2", certified) as outside, receiver("127.0.0.1", certified, outside.port) as inside:
        resolve = Rebinding("127.0.0.2", "127.0.0.1")
        url = f"https://hook.example:{outside.port}/in"
        calling = client(url, Doors(lambda one: str(one) == "127.0.0.2", resolve), str(certified[0]))
        assert calling.post(url, {}, b"1").status == 204
        assert resolve.asked == [("hook.example", outside.port)], "once: nobody looks a second time"
        ((headers, body),) = outside.received
        assert (headers["host"], body) == (f"hook.example:{outside.port}", b"1")
        calling.close()  # the next call makes a new connection
        with pytest.raises(NotSent, match=r"^private_address$"):
            calling.post(url, {}, b"2")
        assert inside.received == []
        assert len(outside.received) == 1


def test_the_certificate_is_still_the_name_s(certified: tuple[Path, Path], tmp_path: Path) -> None:
    other = certificate(tmp_path, "other.example")
    with receiver("127.0.0.2", other) as here:
        url = f"https://hook.example:{here.port}/"
        doors = Doors(lambda one: True, lambda *_: ("127.0.0.2",))
        with pytest.raises(NotSent, match="SSLError"):
            client(url, doors, str(other[0])).post(url, {}, b"1")
    by_address = certificate(tmp_path, "127.0.0.2")
    with receiver("127.0.0.2", by_address) as here:
        url = f"https://hook.example:{here.port}/"
        with pytest.raises(NotSent, match="SSLError"):
            client(url, doors, str(by_address[0])).post(url, {}, b"1")
        assert here.received == []


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with receiver("127.0.0.2") as here:
        doors = Doors(lambda one: True, lambda *_: ("127.0.0.3", "127.0.0.2"))
        url = f"http://hook.example:{here.port}/"
        assert client(url, doors).post(url, {}, b"1").status == 204


def test_a_name_without_an_address_is_not_called() -> None:
    def unknown(host: str, port: int) -> Iterator[str]:
        raise OSError(host, port)

    with pytest.raises(NotSent, match="ConnectionError"):
        client("http://hook.example/", Doors(is_public, unknown)).post("http://hook.example/", {}, b"1")


def test_a_resolver_that_does_not_answer_is_not_waited_for() -> None:
    answer = threading.Event()

    def silent(host: str, port: int) -> tuple[str, ...]:
        answer.wait(30)
        return ("127.0.0.2",)

    url = "http://hook.example/"
    calling = Client(
        (url,), connect_timeout_s=0.2, read_timeout_s=2, total_s=4, max_bytes=9, doors=Doors(resolve=silent)
    )
    started = time.monotonic()
    with pytest.raises(NotSent):
        calling.post(url, {}, b"1")
    assert time.monotonic() - started < 20, "not as long as the resolver takes"
    answer.set()


def test_nor_where_any_address_may_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookup has less time than a resolver takes that is away, and its thread is needed for other citizens."""
    answer, waited = threading.Event(), threading.Event()
    resolver = socket.getaddrinfo

    def silent(host: str, *rest: Any, **more: Any) -> Any:
        if host == "hook.example":
            answer.wait(30)
            waited.set()
        return resolver(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    url = "http://hook.example/"
    calling = Client((url,), connect_timeout_s=0.2, read_timeout_s=2, total_s=4, max_bytes=9)
    with pytest.raises(NotSent):
        calling.post(url, {}, b"1")
    assert not waited.is_set()
    answer.set()


def test_a_call_ends_in_its_time_however_many_addresses_do_not_answer() -> None:
    with socket.socket() as full:
        full.bind(("0.0.0.0", 0))  # each of the addresses below
        full.listen(0)
        port = full.getsockname()[1]
        with contextlib.ExitStack() as waiting:
            for _ in range(3):  # what nobody accepts fills its queue: then nothing answers at all
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(("127.0.0.2", port))
            url = f"http://hook.example:{port}/"
            doors = Doors(lambda one: True, lambda *_: tuple(f"127.0.1.{number}" for number in range(1, 61)))
            calling = Client((url,), connect_timeout_s=0.5, read_timeout_s=2, total_s=0.5, max_bytes=9, doors=doors)
            started = time.monotonic()
            with pytest.raises(NotSent):
                calling.post(url, {}, b"1")
            assert time.monotonic() - started < 15, "not as long as sixty addresses take"

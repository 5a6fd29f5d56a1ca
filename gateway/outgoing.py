"""HTTP to others: pooled, bounded, and told apart by the only question that matters: did any byte leave?

A call that failed before a byte left may be tried again by anybody. One that failed after may have been carried out.
No redirect is followed, no cookie kept, no proxy or netrc read, and only the origins that the configuration names are
called. The timeouts of `requests` count each read by itself:
a server which gives one byte a second is never late. Here the whole call has its time, and a timer ends it.

A name is resolved once for each connection, and no longer than it may take to connect. With `Doors` every address of it
is looked at, and the connection goes to that very address, while the TLS certificate and the Host are still the name's:
no second look at the name can lead elsewhere.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

#: Connections kept open to each host; a thread beyond them opens its own and closes it after.
_POOL = 64
#: Scheme, host and port, nothing before the host: `https://api.example.com@evil.example` has another host.
_ORIGIN = re.compile(r"(https?://(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@\\:\[\]]+)(?::\d{1,5})?)(?:/[^\s\\?#]*)?")


Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
#: (host, port) -> addresses, as getaddrinfo finds them. May raise OSError.
Resolve = Callable[[str, int], Iterable[str]]


class NotSent(Exception):
    """No byte of the request left this machine: a foreign origin, no route, no connection, no TLS, no time left.

    Its text is a code: `origin`, `private_address`, or the kind of error.
    """


class NoAnswer(Exception):
    """Bytes left, and no complete answer came. `code`: cut, too_slow, too_large."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer, whatever its status; `retry_after` is the header as received, "" when there was none.

    `headers` are looked up in any letter case.
    """

    status: int
    body: bytes = field(repr=False)
    retry_after: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def is_public(address: Ip) -> bool:
    """Whether an address is one of the public internet: not of this machine, of its networks, nor of its provider."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.teredo is not None or address in _LOCAL_NAT64:
            return False
        inner = address.ipv4_mapped or address.sixtofour or _translated(address)
        if inner is not None:
            return is_public(inner)
    named = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    return address.is_global and not named and not any(address in network for network in _CLOSED)


def resolved(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, or of what the system reads as an address. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True, slots=True)
class Doors:
    """Which addresses may be connected to. A name with any other among its addresses is not called at all."""

    may_open: Callable[[Ip], bool] = is_public
    resolve: Resolve = resolved

    def addresses(self, host: str, port: int, within_s: float) -> tuple[str, ...]:
        """What may be connected to for this host. Raises Refused, or OSError when there is nothing within that time."""
        found: list[str] = []

        def look() -> None:
            with contextlib.suppress(OSError, UnicodeError):
                found.extend(self.resolve(host, port))

        # A resolver has no time limit of its own: whoever waits for it must not wait for ever.
        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        looking.join(within_s)
        addresses = tuple(found)
        if not addresses:
            raise OSError("no address")
        if not all(self.may_open(ipaddress.ip_address(one.partition("%")[0])) for one in addresses):
            raise Refused
        return addresses


class Refused(Exception):
    """A name that leads to an address which may not be connected to."""


_ANYWHERE = Doors(may_open=lambda _: True)


#: What versions of Python disagree about, or call global: IETF's own, site-local and link-local addresses, and those
#: where providers of machines answer with secrets (Oracle's is in the first, Azure's is the last).
_CLOSED = tuple(
    ipaddress.ip_network(one)
    for one in ("192.0.0.0/24", "169.254.0.0/16", "fe80::/10", "fec0::/10", "168.63.129.16/32")
)
#: IPv4 inside IPv6, for networks without IPv4 (RFC 6052 §2.1).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: The same, but only the network itself knows where in it the IPv4 is, and what it leads to (RFC 8215).
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def origin_of(url: str) -> str:
    """`https://host:port` of a base address as it is written; ValueError for one with a user, a query or a fragment."""
    found = _ORIGIN.fullmatch(url)
    if found is None:
        raise ValueError("no origin")  # the address may hold a password
    return found[1]


class Client:
    """A pooled HTTP client, safe to share between threads.

    `declared` are the addresses of the configuration: only what begins with the origin of one of them is called.
    `total_s` is the most a whole call may last, `read_timeout_s` the longest silence in it; an answer larger than
    `max_bytes` is none. `ca_file` (PEM) takes the place of the public authorities; `certificate` is what we show to a
    server that asks who we are: the files (PEM) of the certificate and of its key, which has no password. Files that
    cannot be used are NotSent at each call.
    """

    def __init__(
        self,
        declared: Iterable[str],
        *,
        connect_timeout_s: float,
        read_timeout_s: float,
        total_s: float,
        max_bytes: int,
        ca_file: Path | None = None,
        certificate: tuple[Path, Path] | None = None,
        doors: Doors | None = None,
    ) -> None:
        """Raises ValueError for a declared address without an origin.

        `doors`: which addresses may be connected to; None: any. `ca_file`: who is believed about names instead of the
        authorities that everybody believes.
        """
        # Compared as text, up to the slash that ends an origin: no two readers of URLs can then see different hosts.
        self._may_begin = tuple(origin_of(url) + "/" for url in declared)
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._total_s = total_s
        self._max_bytes = max_bytes
        self._doors = doors or _ANYWHERE
        self._session = _Session()
        if ca_file is not None:
            self._session.verify = str(ca_file)
        if certificate is not None:
            self._session.cert = (str(certificate[0]), str(certificate[1]))

    def post(
        self, url: str, headers: Mapping[str, str], data: bytes | Mapping[str, Any], total_s: float | None = None
    ) -> Answer:
        """The answer to one POST (a mapping is a form), read whole; `total_s` may shorten this call.

        Raises NotSent or NoAnswer, which hold nothing of what was sent or received.
        """
        return self._call("POST", url, headers, data, total_s)

    def get(self, url: str, headers: Mapping[str, str], total_s: float | None = None) -> Answer:
        """As `post`, for a reading."""
        return self._call("GET", url, headers, None, total_s)

    def close(self) -> None:
        """Closes the kept connections; a later call opens new ones."""
        self._session.close()

    def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: bytes | Mapping[str, Any] | None,
        total_s: float | None,
    ) -> Answer:
        if not url.startswith(self._may_begin):
            raise NotSent("origin")
        total_s = self._total_s if total_s is None else min(total_s, self._total_s)
        timeout = (min(self._connect_timeout_s, total_s), min(self._read_timeout_s, total_s))
        with _Call(total_s, self._doors) as call:
            try:
                # Streamed, so that the answer is read here, up to a limit, and not inside the client.
                with self._session.request(
                    method, url, headers=headers, data=data, timeout=timeout, stream=True
                ) as response:
                    body = response.raw.read(self._max_bytes + 1, decode_content=True)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                # From None: the cause names the URL and may quote headers, a key among them.
                if not call.bytes_left:
                    raise NotSent("private_address" if call.refused else type(error).__name__) from None
                slow = call.is_over or isinstance(error, requests.ReadTimeout)
                raise NoAnswer("too_slow" if slow else "cut") from None
        if call.is_over:  # a head cut short by the timer looks like an answer without a body
            raise NoAnswer("too_slow")
        if len(body) > self._max_bytes:
            raise NoAnswer("too_large")
        if not body and not _says_its_length(response):
            raise NoAnswer("cut")
        return Answer(response.status_code, body, response.headers.get("Retry-After", ""), response.headers)


class _Call:
    """One call under way in this thread, ended by a timer when it lasts too long."""

    def __init__(self, total_s: float, doors: Doors) -> None:
        self.doors = doors
        self.refused = False
        self.bytes_left = False
        self.is_over = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(total_s, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Call:
        _here.call = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """From now on the connection may serve another call."""
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def leave(self, sock: socket.socket | None) -> None:
        """Told before bytes are given to a connected socket."""
        with self._lock:
            if self.is_over:
                raise TimeoutError
            self.bytes_left = True
            self._socket = sock

    def _end(self) -> None:
        """Ends the connection, as its reader will see it."""
        with self._lock, contextlib.suppress(OSError):
            self.is_over = True
            if self._socket is not None:
                # Not the TLS socket's own method: it would take the session away from under the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Here(threading.local):
    """The call that this thread makes: from connecting to the answer, a connection stays in one thread."""

    call: _Call


_here = _Here()


def _connected(connection: HTTPConnection) -> socket.socket:
    """A socket to an address that was looked at. urllib3 would wait for a resolver, and for each address, in turn."""
    call = _here.call
    within_s = connection.timeout if isinstance(connection.timeout, int | float) else 1.0
    error: Exception = OSError("no address")
    try:
        for address in call.doors.addresses(connection.host.strip("[]"), connection.port, within_s):
            if call.is_over:
                break
            try:
                return create_connection((address, connection.port), within_s, None, connection.socket_options)
            except OSError as failed:
                error = failed
    except Refused:
        call.refused = True
    except OSError as failed:
        error = failed
    raise NewConnectionError(connection, type(error).__name__)


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _here.call.leave(self.sock)
        super().send(data)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _here.call.leave(self.sock)
        super().send(data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=_POOL, pool_maxsize=_POOL, max_retries=0)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: a redirect is an answer like others. Followed, a 302 would turn the POST into a GET that succeeds."""


def _says_its_length(response: requests.Response) -> bool:
    """False for a head that may have been cut off: the client takes the end of the connection for the end of it."""
    if response.status_code in {204, 304}:  # these have no body
        return True
    return "Content-Length" in response.headers or "Transfer-Encoding" in response.headers

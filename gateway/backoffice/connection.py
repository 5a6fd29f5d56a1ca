"""HTTP to an institution: pooled, no proxy, no redirect, an answer of bounded size within a bounded time.

The timeouts of `requests` count each read by itself: a server that gives one byte a second is never late.
Here a watch closes the socket when the whole call has lasted too long.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.response import BaseHTTPResponse

#: Pooled connections to one institution: the threads of a worker, and a few more.
_POOL = 16
_CHUNK = 8192


class NoAnswer(Exception):
    """No complete answer came; `code` says how far it went: no_connection, cut, too_slow, too_large.

    Whether the request was read by the other side is not known, save for no_connection.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: str  #: the header as received, "" when there was none
    body: bytes = field(repr=False)


class _Watch:
    """Closes the socket of one call when its time is over."""

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._bark)
        self._timer.daemon = True
        self.barked = False

    def __enter__(self) -> _Watch:
        _current.watch = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        _current.watch = None
        with self._lock:
            self._socket = None
        self._timer.cancel()

    def look_at(self, sock: socket.socket) -> None:
        with self._lock:
            self._socket = sock
            if self.barked:
                _shut(sock)

    def _bark(self) -> None:
        with self._lock:
            self.barked = True
            if self._socket is not None:
                _shut(self._socket)


_current = threading.local()


def _shut(sock: socket.socket) -> None:
    try:
        # Below TLS, on purpose: SSLSocket.shutdown would forget its state under the reading thread.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return  # closed already


def _watched(connection: HTTPConnection) -> None:
    watch: _Watch | None = getattr(_current, "watch", None)
    if watch is not None and isinstance(connection.sock, socket.socket):
        watch.look_at(connection.sock)


class _Plain(HTTPConnection):
    def getresponse(self) -> Any:
        _watched(self)
        return super().getresponse()


class _Tls(HTTPSConnection):
    def getresponse(self) -> Any:
        _watched(self)
        return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


def open_session() -> requests.Session:
    """A session for one institution, safe to share between threads; it keeps no cookie, reads no proxy."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(pool_connections=1, pool_maxsize=_POOL, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def post(
    session: requests.Session,
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    connect_timeout_s: float,
    total_s: float,
    max_bytes: int,
) -> Answer:
    """The answer to one POST, read whole. Raises NoAnswer; nothing in it tells what was sent or received."""
    with _Watch(total_s) as watch:
        try:
            with session.post(
                url,
                data=body,
                headers=headers,
                timeout=(min(connect_timeout_s, total_s), total_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read(response.raw, max_bytes)
                if watch.barked:  # headers cut short by the watch look like an answer without a body
                    raise NoAnswer("too_slow")
                return Answer(response.status_code, response.headers.get("Retry-After", ""), body)
        except NoAnswer:
            raise
        except (requests.RequestException, HTTPError, OSError) as error:
            raise NoAnswer(_why(error, watch.barked)) from None  # their messages hold the URL


def _read(raw: BaseHTTPResponse, max_bytes: int) -> bytes:
    """The body as it came: we ask for no compression; a server that compresses all the same is unreadable."""
    parts: list[bytes] = []
    left = max_bytes + 1
    while left > 0 and (part := raw.read(min(left, _CHUNK), decode_content=False)):
        parts.append(part)
        left -= len(part)
    if left <= 0:
        raise NoAnswer("too_large")
    return b"".join(parts)


def _why(error: Exception, barked: bool) -> str:
    if barked or isinstance(error, requests.ReadTimeout):
        return "too_slow"
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return "no_connection"
    if isinstance(error, requests.ConnectionError) and isinstance(_cause(error), NewConnectionError):
        return "no_connection"
    return "cut"


def _cause(error: requests.ConnectionError) -> object:
    """What urllib3 gave as the reason, behind its MaxRetryError."""
    inner = error.args[0] if error.args else error
    return getattr(inner, "reason", inner)

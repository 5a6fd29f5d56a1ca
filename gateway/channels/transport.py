"""One HTTP call to an aggregator, told apart by the only question that matters for an SMS: did any byte leave?

A call that failed before a byte left may be tried again. One that failed after may have sent the SMS.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

#: Connections kept open for each host; a thread beyond them opens its own and closes it after.
_POOL = 32
#: An answer for 1,000 recipients takes about 200 KiB; what is larger is not an answer.
_ANSWER_MAX = 1 << 20
#: A day: an aggregator that asks for longer is asked again anyway.
_RETRY_AFTER_MAX_S = 86_400


class NotSent(Exception):
    """No byte of the request left this machine: no route, no connection, no TLS."""


class NoAnswer(Exception):
    """Bytes left, and no complete answer came: the request may have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer. `retry_after_s` is None unless the server named a number of seconds."""

    status: int
    body: bytes = field(repr=False)
    retry_after_s: int | None = None


class Transport:
    """A pooled HTTP client, safe to share between threads: no redirects, no cookies, no proxy or netrc from outside."""

    def __init__(self, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._timeout = (connect_timeout_s, read_timeout_s)
        # The read timeout is of each piece: an answer that drips byte by byte would hold its thread for ever.
        self._answer_s = 2 * read_timeout_s
        self._session = _Session()

    def post(self, url: str, headers: Mapping[str, str], data: Mapping[str, Any]) -> Answer:
        """The answer to one form POST, whatever its status. Raises `NotSent` or `NoAnswer`."""
        call = _here.call = _Call(self._answer_s)
        try:
            # Streamed, so that the answer is read here, up to a limit, and not inside the client.
            with self._session.post(url, headers=headers, data=data, timeout=self._timeout, stream=True) as response:
                body = response.raw.read(_ANSWER_MAX + 1, decode_content=True)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            # From None: the cause names the URL and may quote headers, the key among them.
            reason = type(error).__name__
            raise (NoAnswer(reason) if call.bytes_left else NotSent(reason)) from None
        finally:
            call.finish()
        if len(body) > _ANSWER_MAX:
            raise NoAnswer("too large")
        if not body and not _says_its_length(response):
            raise NoAnswer("cut off")
        return Answer(response.status_code, body, _retry_after_s(response.headers.get("Retry-After", "")))

    def close(self) -> None:
        """Closes the kept connections; a later call opens new ones."""
        self._session.close()


class _Call:
    """One call under way; from the moment that bytes leave, its whole answer has `answer_s` seconds to come."""

    def __init__(self, answer_s: float) -> None:
        self.bytes_left = False
        self._answer_s = answer_s
        self._limit: threading.Timer | None = None
        self._finished = False
        self._lock = threading.Lock()

    def leave(self, sock: socket.socket | None) -> None:
        """Told before bytes are given to a connected socket."""
        self.bytes_left = True
        if self._limit is None and sock is not None:
            self._limit = threading.Timer(self._answer_s, self._cut, (sock,))
            self._limit.daemon = True
            self._limit.start()

    def finish(self) -> None:
        """From now on the connection may serve another call."""
        with self._lock:
            self._finished = True
        if self._limit is not None:
            self._limit.cancel()

    def _cut(self, sock: socket.socket) -> None:
        """Ends the connection, as its reader will see it."""
        with self._lock, contextlib.suppress(OSError):
            if not self._finished:
                # Not the TLS socket's own method: it would take the session away from under the reading thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Here(threading.local):
    """The call that this thread makes: from connecting to the answer, a connection stays in one thread."""

    call: _Call


_here = _Here()


class _PlainConnection(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _here.call.leave(self.sock)
        super().send(data)


class _TlsConnection(HTTPSConnection):
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


def _retry_after_s(value: str) -> int | None:
    # The form with a date is left to the caller's own delay: it would need the clocks to agree.
    return min(int(value), _RETRY_AFTER_MAX_S) if value.isascii() and value.isdigit() else None

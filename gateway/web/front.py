"""What every request meets first: bounds, the address of who really called, and an end for errors nobody caught."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gateway import logs
from gateway.web.addresses import PEER, Networks, client_address
from gateway.web.headers import Headers

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

#: An aggregator sends about ten, a browser behind two proxies about thirty.
HEADERS_MAX = 64
#: All names and values together, in characters. The web server itself stops reading not far above.
HEADER_CHARS_MAX = 16_384
#: Our longest path is a channel's name, a token and a route: below 120.
PATH_CHARS_MAX = 512
QUERY_CHARS_MAX = 2048
#: What a method may be before a route is asked: TRACE repeats headers, CONNECT is for proxies, others do not exist.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_REASONS = {
    405: "Method Not Allowed",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}


def behind_front(application: WsgiApp, proxies: Networks, headers: Headers) -> WsgiApp:
    """`application` with REMOTE_ADDR made the client's, out of reach of requests beyond the bounds and of tracebacks.

    The web server would write an error that reaches it to the log with its message and the whole path, token included.
    """

    def front(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status = _refusal(environ)
        if status:
            return _refuse(status, headers, start_response)
        if proxies:
            environ[PEER] = environ.get("REMOTE_ADDR")
            environ["REMOTE_ADDR"] = client_address(environ, proxies)
        try:
            return application(environ, start_response)
        except Exception as error:
            logs.failure("web.failed", error)
            return _refuse(500, headers, start_response)

    return front


def _refusal(environ: Environ) -> int:
    """The status of a request beyond the bounds; 0 for all others."""
    if len(environ["PATH_INFO"]) > PATH_CHARS_MAX or len(environ.get("QUERY_STRING") or "") > QUERY_CHARS_MAX:
        return 414
    if environ["REQUEST_METHOD"] not in METHODS:
        return 405
    count = chars = 0
    for name, value in environ.items():
        if name[:5] == "HTTP_":
            count += 1
            chars += len(name) + len(value)
    return 431 if count > HEADERS_MAX or chars > HEADER_CHARS_MAX else 0


def _refuse(status: int, headers: Headers, start_response: StartResponse) -> Iterable[bytes]:
    body = f"{_REASONS[status].lower()}\n".encode()
    kind = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    if status == 405:
        kind.append(("Allow", ", ".join(sorted(METHODS))))  # RFC 9110 §15.5.6
    start_response(f"{status} {_REASONS[status]}", [*kind, *headers])
    return (body,)

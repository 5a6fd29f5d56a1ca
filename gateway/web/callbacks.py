"""What aggregators call: `POST /channels/<channel>/<token>/ussd|events|mo|dlr|optout|sim`, answered in front of Flask.

A USSD turn is the hot path of the whole gateway; Flask's dispatch and form parsing would cost half of it. A wrong
channel, token or route is one and the same 404; a body that cannot be read is 400 and never reaches the engine.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway import logs, metrics
from gateway.channels.base import Channel, ChannelError, HttpAnswer, Ignored
from gateway.messages import Dlr, MoSms, OptOut, SimAnswer, UssdEnd, UssdReply, UssdTurn
from gateway.store.db import StoreUnavailable
from gateway.web.addresses import Networks, comes_from
from gateway.web.front import Environ, StartResponse, WsgiApp
from gateway.web.headers import Headers
from gateway.web.surges import NO_CHANNEL, Surges

_REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    503: "Service Unavailable",
}
_TEXT = "text/plain; charset=utf-8"
#: A length of more digits is too large, whatever the limit; Python refuses to read one of thousands.
_LENGTH_DIGITS = 9
#: As long as ours are; the token of no channel.
_NOBODYS = (b"0" * 32,)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What callbacks use. `tokens`: channel -> the tokens believed now, as bytes."""

    channels: Mapping[str, Channel]
    tokens: Mapping[str, tuple[bytes, ...]]
    allow_from: Mapping[str, Networks]  #: channel -> who may call it; empty: anybody with the token
    body_bytes: int
    take_turn: Callable[[UssdTurn], UssdReply]
    take_end: Callable[[UssdEnd], None]
    take_mo: Callable[[MoSms], None]
    take_dlr: Callable[[Dlr], None]
    take_optout: Callable[[OptOut], None]
    take_sim: Callable[[SimAnswer], object]
    surges: Surges


def in_front_of(site: WsgiApp, callbacks: Callbacks, site_threads: int, headers: Headers) -> WsgiApp:
    """A WSGI application that answers the callbacks itself and leaves everything else to `site`.

    At most `site_threads` requests with a body are in the site at once: anybody may send it one slowly, byte by byte,
    and a citizen's turn must find a thread free all the same. A callback's body is read only after its token. `headers`
    join every answer of this edge but a 200, which only the aggregator's program reads.
    """
    places = threading.BoundedSemaphore(site_threads)

    def elsewhere(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") in {None, "", "0"} and "HTTP_TRANSFER_ENCODING" not in environ:
            return site(environ, start_response)
        if not places.acquire(blocking=False):
            start_response("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "2"), *headers])
            return ()
        try:
            return tuple(site(environ, start_response))
        finally:
            places.release()

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if not path.startswith("/channels/"):
            return elsewhere(environ, start_response)
        answer = _answer(callbacks, path, environ)
        kind = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        more = () if answer.status == 200 else headers
        start_response(f"{answer.status} {_REASONS.get(answer.status, 'Error')}", [*kind, *more])
        return (answer.body,)

    return application


def _answer(callbacks: Callbacks, path: str, environ: Environ) -> HttpAnswer:
    parts = path.split("/")  # "", "channels", channel, token, route
    if len(parts) != 5 or parts[4] not in _ROUTES:
        return _no_door(callbacks, NO_CHANNEL)
    name, route = parts[2], parts[4]
    place = _place_of_token(callbacks, name, parts[3])
    if place is None:
        return _no_door(callbacks, name)
    callbacks.surges.take(name, place)
    if environ["REQUEST_METHOD"] != "POST":
        return _refused(name, route, 405, "method")
    allowed = callbacks.allow_from[name]
    if allowed and not comes_from(allowed, environ.get("REMOTE_ADDR")):
        callbacks.surges.refuse(name)
        return _refused(name, route, 403, "address")
    if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:  # a page in somebody's browser is no aggregator
        return _refused(name, route, 403, "browser")
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdecimal()):
        return _refused(name, route, 411, "length")
    if len(length) > _LENGTH_DIGITS or int(length) > callbacks.body_bytes:
        return _refused(name, route, 413, "too_large")
    body: bytes = environ["wsgi.input"].read(int(length))
    if len(body) != int(length):  # cut off on its way: half an answer is no answer
        return _refused(name, route, 400, "cut_off")
    try:
        return _ROUTES[route](callbacks, callbacks.channels[name], body, environ)
    except ChannelError as error:
        return _refused(name, route, error.status, error.code, str(error))
    except StoreUnavailable as error:
        logs.event("callback.unavailable", level="error", channel=name, route=route, why=error.why)
        return _plain(503, "not stored, send it again")
    except Exception as error:  # left to the server, it would be logged with its message
        logs.failure("callback.failed", error, channel=name, route=route)
        return _plain(503, "not stored, send it again")


def _ussd(callbacks: Callbacks, channel: Channel, body: bytes, environ: Environ) -> HttpAnswer:
    turn = channel.parse_ussd(body, environ.get("CONTENT_TYPE") or "", environ.get("QUERY_STRING") or "")
    if isinstance(turn, UssdTurn):
        return channel.format_ussd(turn, callbacks.take_turn(turn))
    if not isinstance(turn, Ignored):
        callbacks.take_end(turn)
    return channel.format_end()


def _events(callbacks: Callbacks, channel: Channel, body: bytes, environ: Environ) -> HttpAnswer:
    callbacks.take_end(channel.parse_event(body, environ.get("CONTENT_TYPE") or ""))
    return channel.format_end()


def _mo(callbacks: Callbacks, channel: Channel, body: bytes, environ: Environ) -> HttpAnswer:
    """Stored, then 200: it is answered later, by an SMS of its own."""
    mo = channel.parse_mo(body, environ.get("CONTENT_TYPE") or "")
    if not isinstance(mo, Ignored):
        callbacks.take_mo(mo)
    return channel.format_end()


def _optout(callbacks: Callbacks, channel: Channel, body: bytes, environ: Environ) -> HttpAnswer:
    callbacks.take_optout(channel.parse_optout(body, environ.get("CONTENT_TYPE") or ""))
    return channel.format_end()


def _dlr(callbacks: Callbacks, channel: Channel, body: bytes, environ: Environ) -> HttpAnswer:
    callbacks.take_dlr(channel.parse_dlr(body, environ.get("CONTENT_TYPE") or ""))
    return channel.format_end()


def _sim(callbacks: Callbacks, channel: Channel, body: bytes, environ: Environ) -> HttpAnswer:
    callbacks.take_sim(channel.parse_sim(body, environ.get("CONTENT_TYPE") or ""))
    return channel.format_end()


_ROUTES = {"ussd": _ussd, "events": _events, "mo": _mo, "dlr": _dlr, "optout": _optout, "sim": _sim}


def _place_of_token(callbacks: Callbacks, channel: str, token: str) -> int | None:
    """Which of the channel's tokens this is, compared in constant time with each of them; None for a wrong one.

    An unknown channel is compared with too, so that the time of an answer does not tell which channels there are.
    """
    given = token.encode("utf-8", "surrogateescape")
    place = None
    for number, expected in enumerate(callbacks.tokens.get(channel, _NOBODYS)):
        if hmac.compare_digest(given, expected):
            place = number
    return place if channel in callbacks.tokens else None


def _no_door(callbacks: Callbacks, channel: str) -> HttpAnswer:
    """One and the same 404, whatever was wrong in the path."""
    callbacks.surges.refuse(channel)
    return _plain(404, "not found")


def _refused(channel: str, route: str, status: int, code: str, sentence: str = "") -> HttpAnswer:
    metrics.callbacks_refused.labels(channel, route, code).inc()
    logs.event("callback.refused", level="warning", channel=channel, route=route, code=code)
    return _plain(status, sentence or _REASONS[status].lower())


def _plain(status: int, sentence: str) -> HttpAnswer:
    return HttpAnswer(status, _TEXT, sentence.encode())

"""The yardstick: a bare WSGI callable that does a turn's Redis commands with a record of the same size, no more."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from typing import Any

from gateway.keys import Ciphers
from gateway.store.sessions import Sessions

_BODY = os.urandom(int(os.environ.get("BENCH_RECORD_BYTES", "450")))
_ANSWER = b"CON " + b"x" * 140
_sessions = Sessions(os.environ["GATEWAY_SESSIONS_URL"], Ciphers({"e1": b"1" * 32}), os.urandom)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """HMGET and EVALSHA on a key drawn from the request, then a fixed answer."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    key = "bare:" + hashlib.blake2b(body[:40], digest_size=8).hexdigest()  # begins with the session id
    record = _sessions.guess(key) or _sessions.load(key)
    _sessions.commit(key, record.version, _BODY, 600_000)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(_ANSWER)))])
    return (_ANSWER,)

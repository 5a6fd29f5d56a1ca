"""The whole web application of a gateway in this process, with real Redis and SQLite."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import settings, wiring
from gateway.store import migrate
from gateway.web.site import build_web
from gateway.wiring import Gateway

Answer = tuple[int, dict[str, str], bytes]


class Site:
    """Calls a WSGI application as a server would."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.application: Callable[..., Iterable[bytes]] = build_web(gateway)

    def call(self, method: str, path: str, body: bytes = b"", **environ: str) -> Answer:
        seen: list[Any] = []
        given: dict[str, Any] = {
            "PATH_INFO": path,
            "REQUEST_METHOD": method,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "QUERY_STRING": "",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            **environ,
        }
        chunks = self.application(given, lambda status, headers, *_: seen.extend((status, dict(headers))))
        answer = b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        return int(seen[0][:3]), seen[1], answer


@pytest.fixture
def site(tmp_path: Path, redis_url: str) -> Iterator[Site]:
    declared = settings.load(
        {"GATEWAY_DATA": str(tmp_path), "GATEWAY_REDIS": redis_url, "GATEWAY_LOCAL": "1", "GATEWAY_LOG_LEVEL": "error"}
    )
    declared = declared.model_copy(update={"privacy": declared.privacy.model_copy(update={"notice": ""})})
    migrate.upgrade(wiring.database_url(declared))
    gateway = wiring.build(declared)
    yield Site(gateway)
    gateway.close()

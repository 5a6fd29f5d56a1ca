"""The site: everything the gateway serves but the aggregators' callbacks, which are answered in front of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, Response, abort, request
from prometheus_client import CONTENT_TYPE_LATEST

from gateway import logs, metrics
from gateway.backoffice.webhooks import WebhookError
from gateway.messages import BackofficeEvent
from gateway.store.db import StoreUnavailable
from gateway.web.addresses import Networks, comes_from, hides_its_client
from gateway.web.errors import problem, register
from gateway.web.headers import Headers

#: What `take_event` answers for a reference that is none of the system's.
UNKNOWN_REFERENCE = "unknown_reference"
#: A relay that has not been heard for this long is not there.
RELAY_SILENCE_S = 30


@dataclass(frozen=True, slots=True)
class Site:
    """What the site uses. `read_event(system, headers, body, now)` verifies and reads, `take_event` stores."""

    systems: frozenset[str]
    read_event: Callable[[str, Mapping[str, str], bytes, datetime], BackofficeEvent]
    take_event: Callable[[BackofficeEvent], str]
    ping_database: Callable[[], None]
    ping_redis: Callable[[], None]
    relay_beat: Callable[[], datetime | None]
    exposition: Callable[[], bytes]  #: all metrics, in Prometheus' text form
    monitoring_from: Networks
    proxies: Networks
    headers: Headers  #: of every answer that has none of the same name
    body_bytes: int
    now: Callable[[], datetime]
    error_page: Callable[[int], Response] | None = None  #: what people get where they look at pages


def create_app(site: Site) -> Flask:
    """The Flask application; it serves no static folder."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = site.body_bytes
    # Both would answer with a redirect to the Host that the request named, whoever that is.
    app.url_map.merge_slashes = app.url_map.strict_slashes = False
    register(app, site.error_page)
    _health(app, site)
    _events(app, site)

    @app.after_request
    def secured(answer: Response) -> Response:
        for name, value in site.headers:
            answer.headers.setdefault(name, value)
        return answer

    return app


def _health(app: Flask, site: Site) -> None:
    @app.get("/")
    def index() -> Response:
        return Response("Passerelle\n", content_type="text/plain; charset=utf-8")

    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers; nothing else is asked."""
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @app.get("/readyz")
    def readyz() -> tuple[dict[str, object], int]:
        """Whether work can be done: 200, or 503 with what is missing."""
        missing = [name for name, check in _checks(site).items() if not check()]
        return {"ready": not missing, "missing": missing}, 503 if missing else 200

    @app.get("/metrics")
    def figures() -> Response:
        # Behind a proxy on this machine that nobody declared, all the world seems to call from here.
        if hides_its_client(request.environ, site.proxies) or not comes_from(site.monitoring_from, request.remote_addr):
            abort(404)
        return Response(site.exposition(), content_type=CONTENT_TYPE_LATEST)


def _checks(site: Site) -> dict[str, Callable[[], bool]]:
    def answers(ping: Callable[[], None]) -> bool:
        try:
            ping()
        except StoreUnavailable:
            return False
        return True

    def relay_is_alive() -> bool:
        try:
            beat = site.relay_beat()
        except StoreUnavailable:
            return False
        # Either way: a clock that was set back must not make a dead relay look alive.
        return beat is not None and abs((site.now() - beat).total_seconds()) < RELAY_SILENCE_S

    return {
        "database": lambda: answers(site.ping_database),
        "redis": lambda: answers(site.ping_redis),
        "relay": relay_is_alive,
    }


def _events(app: Flask, site: Site) -> None:
    @app.post("/backoffice/<system>/events")
    def backoffice_event(system: str) -> Response:
        """What an institution tells of a submission (docs/protocol-backoffice.md)."""
        if system not in site.systems:
            abort(404)
        try:
            event = site.read_event(system, dict(request.headers), request.get_data(), site.now())
        except WebhookError as error:
            logs.event("backoffice.refused", level="warning", system=system, code=error.code, why=error.detail)
            metrics.backoffice_events.labels(system, error.code).inc()
            return problem(error.status, "Event refused", str(error), code=str(error.code))
        outcome = site.take_event(event)
        metrics.backoffice_events.labels(system, outcome).inc()
        if outcome == UNKNOWN_REFERENCE:
            return problem(422, "Event refused", "No submission of this system has this reference.", code=outcome)
        return Response(status=200)

"""Every call of the API meets this first: whose key, how often, what it may; then it is read, and done once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, g, request

from gateway import logs, metrics
from gateway.store.api_keys import StoredKey
from gateway.store.db import StoreUnavailable
from gateway.usecases import api_keys, idempotency
from gateway.usecases.actors import Absent
from gateway.usecases.api_keys import Rate, RateReached
from gateway.usecases.campaign_words import CampaignRefused
from gateway.usecases.idempotency import CallRuns, Done, KeyReused
from gateway.usecases.parts import Parts
from gateway.web.api import events, notifications, openapi, pages, reading, submissions, templates
from gateway.web.api.operations import Answer, Call, Operation, Write
from gateway.web.api.refusals import Refused, answer_of

PREFIX = "/api/v1"
OPERATIONS: tuple[Operation, ...] = (
    *notifications.OPERATIONS,
    *templates.OPERATIONS,
    *submissions.OPERATIONS,
    *events.OPERATIONS,
)


def add_api(app: Flask, parts: Parts) -> None:
    """Adds the API, its specification and the page that shows it to the site."""
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    for operation in OPERATIONS:
        path = operation.path.replace("{", "<").replace("}", ">")
        blueprint.add_url_rule(path, operation.name, _answering(parts, operation), methods=[operation.method])
    specification = openapi.specification(OPERATIONS, PREFIX, parts.settings.public_url)
    pages.add_pages(blueprint, specification)
    _refusing(blueprint)
    blueprint.after_request(_with_limits)
    app.register_blueprint(blueprint)


def _answering(parts: Parts, operation: Operation) -> Callable[..., Response]:
    def answered(**names: str) -> Response:
        key = g.api_key = _key(parts)
        g.api_rate = api_keys.count_call(parts, key)
        if operation.scope is not None and operation.scope not in key.scopes and not _implied(operation, key):
            raise Refused("no_scope", operation.scope)
        query = reading.query(request, operation.query)
        if not operation.writes:
            answer = operation.view(Call(parts, key, query), **names)
            return _json(msgspec.json.encode(answer.value), operation.status)
        given = reading.idempotency_key(request)
        body = reading.body(request, operation.body, operation.body_bytes)
        return _written(parts, operation, Call(parts, key, query, body), given, names)

    return answered


def _written(parts: Parts, operation: Operation, call: Call, given: str, names: dict[str, str]) -> Response:
    """What is asked for is done once for its Idempotency-Key. The address of what was made is kept with the answer."""

    def do(conn: Any, now: Any) -> Done:
        answer: Answer = operation.view(call, Write(conn, now), **names)
        kept = msgspec.json.encode([answer.location, msgspec.Raw(msgspec.json.encode(answer.value))])
        return Done(operation.status, kept, answer.lanes)

    line = f"{request.method} {request.path}\n".encode()
    done = idempotency.once(parts, call.key, given, line + msgspec.json.encode(call.body), do)
    location, value = msgspec.json.decode(done.body, type=tuple[str, msgspec.Raw])
    answered = _json(bytes(value), done.status)
    if location:
        answered.headers["Location"] = PREFIX + location
    if done.replayed:
        answered.headers["Idempotent-Replay"] = "true"
    return answered


def _key(parts: Parts) -> StoredKey:
    given = request.headers.getlist("Authorization")
    kind, _, presented = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if kind.lower() != "bearer" or not presented.strip():
        raise Refused("no_key")
    key = api_keys.find(parts, presented.strip())
    if key is None:
        logs.event("api.refused", level="warning", code="wrong_key")
        raise Refused("wrong_key")
    return key


def _implied(operation: Operation, key: StoredKey) -> bool:
    """Whoever may send may see what became of it."""
    return operation.scope is api_keys.Scope.SEE_NOTIFICATIONS and api_keys.Scope.SEND in key.scopes


def _json(body: bytes, status: int) -> Response:
    return Response(body, status, content_type="application/json")


def _refusing(blueprint: Blueprint) -> None:
    """What is raised on the way becomes a problem; what is not named here is the site's (web/errors.py)."""

    @blueprint.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        metrics.api_refusals.labels(error.code).inc()
        return answer_of(error)

    @blueprint.errorhandler(Absent)
    def absent(error: Absent) -> Response:
        del error
        return refused(Refused("not_found"))

    @blueprint.errorhandler(CampaignRefused)
    def campaign(error: CampaignRefused) -> Response:
        code = error.code.partition(":")[0]
        answer = answer_of(Refused("refused", error.sentence("en")))
        body = msgspec.json.decode(answer.get_data())
        answer.set_data(msgspec.json.encode({**body, "code": code}))
        metrics.api_refusals.labels("refused").inc()
        return answer

    @blueprint.errorhandler(RateReached)
    def rate(error: RateReached) -> Response:
        if error.window == "minute":
            g.api_rate = Rate(error.limit, 0, error.retry_after_s)
        code = "too_many_calls" if error.window == "minute" else "too_many_notifications"
        return refused(Refused(code, error.limit, retry_after_s=error.retry_after_s))

    @blueprint.errorhandler(KeyReused)
    def reused(error: KeyReused) -> Response:
        del error
        return refused(Refused("idempotency_key_reused"))

    @blueprint.errorhandler(CallRuns)
    def runs(error: CallRuns) -> Response:
        del error
        return refused(Refused("call_runs", retry_after_s=idempotency.RETRY_AFTER_S))

    @blueprint.errorhandler(StoreUnavailable)
    def unavailable(error: StoreUnavailable) -> Response:
        logs.event("web.unavailable", level="error", why=error.why)
        return refused(Refused("unavailable", retry_after_s=5))


def _with_limits(answer: Response) -> Response:
    """What is left of the key's minute (draft-ietf-httpapi-ratelimit-headers), and who called, for the log."""
    rate: Rate | None = g.get("api_rate")
    key: StoredKey | None = g.get("api_key")
    if rate is not None and key is not None:
        answer.headers["RateLimit-Policy"] = f'"minute";q={rate.limit};w=60'
        answer.headers["RateLimit"] = f'"minute";r={rate.left};t={rate.resets_s}'
        logs.event(
            "api.call",
            api_key_id=key.id,
            operation=(request.endpoint or "").partition(".")[2],
            status=answer.status_code,
        )
        metrics.api_calls.labels((request.endpoint or "").partition(".")[2], f"{answer.status_code // 100}xx").inc()
    return answer

"""Errors as problem details (RFC 9457): one place where the site's errors become answers."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from gateway import logs
from gateway.store.db import StoreUnavailable


def problem(status: int, title: str, detail: str = "", **more: object) -> Response:
    """An `application/problem+json` answer; `more` are extension members."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    return Response(json.dumps(body | more), status, content_type="application/problem+json")


#: Where people look at pages.
_PAGES = "/console"


def register(app: Flask, page: Callable[[int], Response] | None = None) -> None:
    """Maps every error of the site to a problem; an unexpected one says nothing of what happened inside.

    `page`: what people get of a status, on the pages that they look at.
    """

    def told(status: int, title: str, detail: str = "") -> Response:
        if page is not None and (request.path == _PAGES or request.path.startswith(f"{_PAGES}/")):
            return page(status)
        return problem(status, title, detail)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        answer = told(error.code or 500, error.name)
        if error.response is None:
            for name, value in error.get_headers():
                if name.lower() in ("allow", "retry-after"):
                    answer.headers[name] = value
        return answer

    @app.errorhandler(StoreUnavailable)
    def unavailable(error: StoreUnavailable) -> Response:
        logs.event("web.unavailable", level="error", why=error.why)
        answer = told(503, "Service Unavailable", "Nothing was stored. Send it again later.")
        answer.headers["Retry-After"] = "5"
        return answer

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        logs.failure("web.failed", error)
        return told(500, "Internal Server Error")

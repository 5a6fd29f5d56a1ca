"""The specification of the API (OpenAPI 3.1.0), made of the same table of operations that answers the calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.web.api.operations import Operation
from gateway.web.api.refusals import CODES, Problem

_JSON, _PROBLEM = "application/json", "application/problem+json"
#: What any call may be refused for; then what a call with a body may, and one that writes.
_ANY = ("no_key", "wrong_key", "no_scope", "not_found", "bad_query", "too_many_calls", "unavailable")
_WITH_BODY = ("not_json", "unreadable", "too_large", "invalid")
_WRITING = ("no_idempotency_key", "bad_idempotency_key", "call_runs", "idempotency_key_reused")
_REFS = "#/components/schemas/{name}"
_ABOUT = """\
Institutions' own systems send notifications, follow them, and handle the submissions of their services.

Send your key as `Authorization: Bearer psl_...`. Calls that write need an `Idempotency-Key`: the same key and the same
call, sent again within a day, gets the first answer (`Idempotent-Replay: true`) and does nothing again. Errors are
problem details (RFC 9457) whose `code` does not change. Times have an offset. A trial key (`psl_test_...`) reaches only
its guests, and sees only what trial keys sent and what its guests filed.
"""


def specification(operations: Sequence[Operation], prefix: str, public_url: str) -> Mapping[str, Any]:
    """The document, as JSON values."""
    kinds = [one for operation in operations for one in (operation.body, operation.answer) if one is not None]
    _, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REFS)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Passerelle", "version": "1", "description": _ABOUT},
        "servers": [{"url": public_url.rstrip("/") + prefix}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.subject for operation in operations)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key of your institution."}
            },
            "schemas": components,
        },
    }


def codes_of(operation: Operation) -> tuple[str, ...]:
    """The refusals that an operation may answer."""
    body = _WITH_BODY if operation.body is not None else ()
    return (*_ANY, *body, *(_WRITING if operation.writes else ()), *operation.refusals)


def _operation(operation: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.subject],
        "summary": operation.summary,
        "parameters": [*_names(operation), *_query(operation), *(_key() if operation.writes else ())],
        "responses": {str(operation.status): _answered(operation), **_refused(codes_of(operation))},
    }
    description = [operation.description] if operation.description else []
    if operation.scope is not None:
        description.append(f"Scope: `{operation.scope}`.")
    if description:
        said["description"] = "\n\n".join(description)
    if operation.body is not None:
        schema = {"$ref": _REFS.format(name=operation.body.__name__)}
        said["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    return said


def _names(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        schema = {"type": "string", "minLength": 1, "maxLength": 64}
        yield {
            "name": name, "in": "path", "required": True, "description": operation.names[name], "schema": schema,
        }  # fmt: skip


def _query(operation: Operation) -> Iterable[dict[str, Any]]:
    if operation.query is None:
        return
    _, components = msgspec.json.schema_components([operation.query], ref_template=_REFS)
    for name, schema in components[operation.query.__name__]["properties"].items():
        shown = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
        if "$ref" in shown:
            shown = {"enum": components[shown["$ref"].rpartition("/")[2]]["enum"]}
        shown = dict(shown)
        if schema.get("default") is not None:
            shown["default"] = schema["default"]
        description = shown.pop("description", "")
        yield {"name": name, "in": "query", "required": False, "description": description, "schema": shown}


def _key() -> Iterable[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    description = "New for each thing you want done, the same when you try again: a UUID is a good one."
    yield {"name": "Idempotency-Key", "in": "header", "required": True, "description": description, "schema": schema}


def _answered(operation: Operation) -> dict[str, Any]:
    schema = {"$ref": _REFS.format(name=operation.answer.__name__)}
    headers = {"RateLimit": _header("What is left of the key's minute: `r` calls, for `t` seconds.")}
    headers["RateLimit-Policy"] = _header("How many calls (`q`) in how many seconds (`w`).")
    if operation.writes:
        headers["Idempotent-Replay"] = _header("`true`: this is the first answer again; nothing was done now.")
    if operation.status == 201:
        headers["Location"] = _header("The address of what was made.")
    return {"description": "Done.", "headers": headers, "content": {_JSON: {"schema": schema}}}


def _refused(codes: Iterable[str]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(CODES[code][0], []).append(code)
    content = {_PROBLEM: {"schema": {"$ref": _REFS.format(name="Problem")}}}
    found: dict[str, Any] = {}
    for status, those in sorted(by_status.items()):
        found[str(status)] = {
            "description": "; ".join(f"`{one}`: {CODES[one][1]}" for one in those),
            "content": content,
        }
        if status in (409, 429, 503):
            found[str(status)]["headers"] = {"Retry-After": _header("Seconds to wait.")}
    return found


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}

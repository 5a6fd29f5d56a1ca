"""The specification, for machines and for people: one JSON document, and a page made of it, open to anybody."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from flask import Blueprint, Response, render_template
from markupsafe import Markup

_STYLE = (Path(__file__).parents[1] / "templates" / "api.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class _Field:
    """One value of a call or an answer, as the page shows it."""

    name: str
    kind: str
    needed: bool
    description: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """One operation, as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    description: Sequence[str]
    parameters: Sequence[_Field]
    body: Sequence[_Field]
    answer: Sequence[_Field]
    status: str
    refusals: Sequence[tuple[str, str]]


def add_pages(blueprint: Blueprint, specification: Mapping[str, Any]) -> None:
    """Adds /openapi.json and the page."""
    document = msgspec.json.encode(specification)

    @blueprint.get("/openapi.json")
    def specified() -> Response:
        return Response(document, content_type="application/json")

    @blueprint.get("")
    @blueprint.get("/")
    def explained() -> Response:
        html = render_template(
            "api.html",
            info=specification["info"],
            about=specification["info"]["description"].strip().split("\n\n"),
            server=specification["servers"][0]["url"],
            subjects=_subjects(specification),
            values=_values(specification),
            marked=_marked,
            style=Markup(_STYLE),  # noqa: S704 - a file of ours
        )
        answer = Response(html, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer


def _marked(said: str) -> Markup:
    """The sentence with what stands between backticks as code; everything else of it is text."""
    pieces = said.split("`")
    whole = zip(pieces[::2], [*pieces[1::2], ""], strict=False)
    return Markup("").join(
        Markup("{}<code>{}</code>").format(text, code) if code else Markup("{}").format(text) for text, code in whole
    )


def _subjects(specification: Mapping[str, Any]) -> dict[str, list[_Shown]]:
    found: dict[str, list[_Shown]] = {tag["name"]: [] for tag in specification["tags"]}
    for path, methods in specification["paths"].items():
        for method, one in methods.items():
            found[one["tags"][0]].append(_shown(specification, path, method, one))
    return found


def _shown(specification: Mapping[str, Any], path: str, method: str, one: Mapping[str, Any]) -> _Shown:
    responses = one["responses"]
    status = next(status for status in responses if status.startswith("2"))
    asked = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return _Shown(
        name=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        description=one.get("description", "").split("\n\n"),
        parameters=[
            _Field(each["name"], _kind(each["schema"]), each["required"], each["description"])
            for each in one["parameters"]
        ],
        body=_fields(specification, asked),
        answer=_fields(specification, responses[status]["content"]["application/json"]["schema"]),
        status=status,
        refusals=[(code, said["description"]) for code, said in responses.items() if not code.startswith("2")],
    )


def _values(specification: Mapping[str, Any]) -> dict[str, Sequence[_Field]]:
    """The values that stand within others."""
    schemas = specification["components"]["schemas"]
    return {name: _fields(specification, schema) for name, schema in sorted(schemas.items()) if "properties" in schema}


def _fields(specification: Mapping[str, Any], schema: Mapping[str, Any]) -> list[_Field]:
    if "$ref" in schema:
        schema = specification["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    needed = schema.get("required", ())
    return [_Field(name, _kind(one), name in needed, _said(one)) for name, one in schema.get("properties", {}).items()]


def _said(schema: Mapping[str, Any]) -> str:
    for one in (schema, *schema.get("anyOf", ())):
        if one.get("description"):
            return str(one["description"])
    return ""


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in a few words: "string, 1 to 64 characters", "list of Recipient, 1 to 500"."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kind = str(schema.get("format") or schema.get("type", "anything"))
    if kind == "array":
        kind = f"list of {_kind(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        kind = f"by name: {_kind(schema['additionalProperties'])}"
    for least, most, unit in (
        ("minLength", "maxLength", " characters"), ("minItems", "maxItems", ""), ("minimum", "maximum", ""),
    ):  # fmt: skip
        if most in schema and schema[most] < 2**63 - 1:
            kind += f", {schema.get(least, 0)} to {schema[most]}{unit}"
    return kind

"""Reading a call: strict JSON and queries, each fault told with its place and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.web.api.refusals import Error, Refused

_KEY = re.compile(r"[!-~]{1,255}")
_PLACE = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
#: What msgspec says of a time without a zone, and what we say.
_ZONE = "timezone component"
_ZONE_HINT = "a time needs its offset: 2026-12-01T09:00:00+01:00 for nine o'clock in Porto-Novo"


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key of a call that writes. Raises Refused."""
    given = request.headers.getlist("Idempotency-Key")
    if not given:
        raise Refused("no_idempotency_key")
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise Refused("bad_idempotency_key")
    return given[0]


def body(request: Request, kind: type[msgspec.Struct] | None, most: int) -> Any:
    """The body as `kind`, None where there is none to read. Raises Refused."""
    request.max_content_length = most
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refused("too_large", most) from None
    if kind is None:
        if raw.strip():
            raise Refused("invalid", errors=(Error("", "this call has no body"),))
        return None
    if request.mimetype != "application/json":
        raise Refused("not_json")
    try:
        read = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise Refused("invalid", errors=(_error(error),)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("unreadable", str(error)[:120]) from None
    faults = [Error(pointer, "a control character: leave it out") for pointer in _controls(msgspec.to_builtins(read))]
    if faults:
        raise Refused("invalid", errors=faults[:20])
    return read


def query(request: Request, kind: type[msgspec.Struct] | None) -> Any:
    """The query as `kind`. Raises Refused: also for what is unknown, or said twice."""
    found: dict[str, str] = {}
    for name, values in request.args.lists():
        if kind is None or name not in kind.__struct_fields__:
            raise Refused("bad_query", f"`{name[:40]}` is unknown")
        if len(values) > 1:
            raise Refused("bad_query", f"`{name}` is said twice")
        found[name] = values[0]
    if kind is None:
        return None
    try:
        read = msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        told = _error(error)
        raise Refused("bad_query", f"`{told.pointer.strip('/')}`: {told.detail}") from None
    for name, value in found.items():
        if not value.isprintable():
            raise Refused("bad_query", f"`{name}` has a control character")
        if getattr(read, name) is None:  # lax reading takes "null" for it
            raise Refused("bad_query", f"`{name}`: leave it out instead")
        if isinstance(getattr(read, name), int) and not value.isdecimal():
            raise Refused("bad_query", f"`{name}` is written in digits")
    return read


def _error(error: msgspec.ValidationError) -> Error:
    """msgspec's sentence ("Expected `str`, got `int` - at `$.recipients[3].to`") with its place as a pointer."""
    said = str(error)
    place = _PLACE.search(said)
    detail = said[: place.start()] if place else said
    if _ZONE in detail:
        detail = _ZONE_HINT
    pointer = "".join(f"/{name or number}" for name, number in _STEP.findall(place[1])) if place else ""
    return Error(pointer, detail)


def _controls(value: Any, pointer: str = "") -> Iterator[str]:
    """Where control characters stand: no text of ours needs one, and PostgreSQL takes no NUL."""
    if isinstance(value, str):
        if any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in value):
            yield pointer
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _controls(name, f"{pointer}/{_escaped(name)}")
            yield from _controls(inner, f"{pointer}/{_escaped(name)}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _controls(inner, f"{pointer}/{number}")


def _escaped(name: str) -> str:
    """RFC 6901 §3."""
    return name.replace("~", "~0").replace("/", "~1")

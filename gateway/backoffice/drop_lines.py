"""The lines of a day's file, as docs/protocol-drop.md writes them. The same thing told again is the same bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.backoffice import written
from gateway.backoffice.words import UNREADABLE
from gateway.messages import BackofficeReminder, BackofficeRequest, BackofficeStatement


class _Key(msgspec.Struct):
    key: str


_decode_key = msgspec.json.Decoder(_Key).decode


def submission(request: BackofficeRequest) -> bytes:
    """A new demand."""
    return _line(request.idempotency_key, "submission.received", written.submission(request))


def withdrawal(reference: str, idempotency_key: str) -> bytes:
    """A demand that was withdrawn."""
    return _line(f"{idempotency_key}-withdrawal", "submission.withdrawn", {"reference": reference})


def statement(said: BackofficeStatement) -> bytes:
    """What a citizen says about a demand."""
    return _line(said.idempotency_key, "submission.statement", written.statement(said))


def reminder(late: BackofficeReminder) -> bytes:
    """A promised date that has passed."""
    return _line(late.idempotency_key, "submission.late", written.reminder(late))


def once(content: bytes) -> list[bytes]:
    """The lines of a day, each key once: at its first place, with what was written last under it."""
    lines: dict[str, bytes] = {}
    for line in content.splitlines(keepends=True):
        lines[_key(line)] = line
    return list(lines.values())


def _key(line: bytes) -> str:
    """The key of a line; the line itself when the disk has damaged it: who reads it sees it then, and asks."""
    try:
        return _decode_key(line).key
    except UNREADABLE:
        return repr(line)


def _line(key: str, type_: str, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"key": key, "type": type_, "data": data}) + b"\n"

"""The lines of a day's file, as docs/protocol-drop.md writes them. The same thing told again is the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.backoffice.words import UNREADABLE
from gateway.messages import BackofficeReminder, BackofficeRequest, BackofficeStatement, OnBehalf


class _Key(msgspec.Struct):
    key: str


_decode_key = msgspec.json.Decoder(_Key).decode


def submission(request: BackofficeRequest) -> bytes:
    """A new demand."""
    data: dict[str, Any] = {
        "reference": request.reference,
        "service": request.service,
        "submitted_at": _utc(request.submitted_at),
        "promised_date": request.promised_on or None,
        "language": request.language,
        "assurance": request.assurance,
        "applicant": {"msisdn": request.msisdn},
        "fields": request.fields,
    }
    if request.on_behalf is not None:
        data["on_behalf"] = {
            "kind": request.on_behalf,
            "relation": request.relation or None,
            "helper": {"msisdn": request.helper_msisdn},
            # The document of a person without a phone is handed to her, never to who dialled.
            "delivery": "in_person" if request.on_behalf is OnBehalf.DECLARED else "as_usual",
        }
    return _line(request.idempotency_key, "submission.received", data)


def withdrawal(reference: str, idempotency_key: str) -> bytes:
    """A demand that was withdrawn."""
    return _line(f"{idempotency_key}-withdrawal", "submission.withdrawn", {"reference": reference})


def statement(said: BackofficeStatement) -> bytes:
    """What a citizen says about a demand."""
    data = {
        "reference": said.reference,
        "service": said.service,
        "kind": said.kind,
        "text": said.text,
        "question": said.question_id or None,
        "said_at": _utc(said.said_at),
    }
    return _line(said.idempotency_key, "submission.statement", data)


def reminder(late: BackofficeReminder) -> bytes:
    """A promised date that has passed."""
    data = {"reference": late.reference, "service": late.service, "promised_date": late.promised_on}
    return _line(late.idempotency_key, "submission.late", data)


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


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

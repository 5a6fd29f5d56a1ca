"""Events from institutions: verified bytes in, a BackofficeEvent out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from gateway.backoffice.signing import SigningError, Verifier
from gateway.backoffice.words import BYTE_ORDER_MARK, UNREADABLE, clean
from gateway.messages import BackofficeEvent, Decision, EventType
from gateway.text import reference

#: What an event may say to a citizen, in characters; more could not be sent as an SMS anyway.
MESSAGE_MAX = 600
#: What it may ask a citizen: it must leave room for the answer's instructions in one SMS of two segments.
QUESTION_MAX = 160
#: A file number is shown on a handset and in an SMS.
CASE_MAX = 24
_ID = re.compile(r"[!-~]{1,128}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class WebhookFault(StrEnum):
    NOT_BELIEVED = "not_believed"
    BAD_ID = "bad_id"
    UNREADABLE = "unreadable"
    UNKNOWN_TYPE = "unknown_type"
    BAD_REFERENCE = "bad_reference"


#: Code -> HTTP status and sentence. A sentence never repeats what was received.
_ANSWERS: dict[WebhookFault, tuple[int, str]] = {
    WebhookFault.NOT_BELIEVED: (401, "the signature or its time is not believed"),
    WebhookFault.BAD_ID: (400, "webhook-id must be 1 to 128 visible ASCII characters"),
    WebhookFault.UNREADABLE: (400, "the body is not an event as docs/protocol-backoffice.md writes it"),
    WebhookFault.UNKNOWN_TYPE: (422, f"type must be one of {', '.join(EventType)}"),
    WebhookFault.BAD_REFERENCE: (422, "this is no reference of ours"),
}


class WebhookError(Exception):
    """An event that cannot be taken; `status` is the HTTP status to answer, `detail` what more is known of it."""

    def __init__(self, code: WebhookFault, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        self.status, sentence = _ANSWERS[code]
        super().__init__(f"{sentence} ({detail})" if detail else sentence)


class _Data(msgspec.Struct):
    reference: Annotated[str, msgspec.Meta(max_length=64)]
    case: Annotated[str, msgspec.Meta(max_length=CASE_MAX)] = ""
    decision: Decision | None = None
    message: dict[str, Annotated[str, msgspec.Meta(max_length=MESSAGE_MAX)]] = {}
    question: dict[str, Annotated[str, msgspec.Meta(max_length=QUESTION_MAX)]] = {}
    answer_by: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Event(msgspec.Struct):
    type: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    data: _Data


class _Named(msgspec.Struct):
    id: str


_decode = msgspec.json.Decoder(_Event).decode
_decode_name = msgspec.json.Decoder(_Named).decode


def parse(system: str, verifier: Verifier, headers: Mapping[str, str], body: bytes, now: datetime) -> BackofficeEvent:
    """The event that `system` signed. `body` is exactly what was received. Raises WebhookError."""
    try:
        event_id = verifier.check(headers, body, now)
    except SigningError as error:
        raise WebhookError(WebhookFault.NOT_BELIEVED, error.code) from error
    return _read(system, event_id, body)


def read_line(system: str, line: bytes) -> BackofficeEvent:
    """The event of a line of a believed file: as a webhook's body, with its `id` in it. Raises WebhookError."""
    try:
        event_id = _decode_name(line).id
    except UNREADABLE:
        raise WebhookError(WebhookFault.UNREADABLE) from None
    return _read(system, event_id, line)


def _read(system: str, event_id: str, body: bytes) -> BackofficeEvent:
    if not _ID.fullmatch(event_id):
        raise WebhookError(WebhookFault.BAD_ID)
    try:
        event = _decode(body.removeprefix(BYTE_ORDER_MARK))
    except UNREADABLE:
        raise WebhookError(WebhookFault.UNREADABLE) from None  # msgspec may repeat what it read
    return _meaning(system, event_id, event)


def _meaning(system: str, event_id: str, event: _Event) -> BackofficeEvent:
    data = event.data
    try:
        type_ = EventType(event.type)
    except ValueError:
        raise WebhookError(WebhookFault.UNKNOWN_TYPE) from None
    if type_ is EventType.DECIDED and data.decision is None:
        raise WebhookError(WebhookFault.UNREADABLE, "decision is missing")
    if type_ is EventType.MORE_NEEDED and not _cleaned(data.question):
        raise WebhookError(WebhookFault.UNREADABLE, "question is missing")
    if not all(_LANGUAGE.fullmatch(language) for language in (*data.message, *data.question)):
        raise WebhookError(WebhookFault.UNREADABLE, "message and question are by language: fr, en")
    parsed = reference.parse(data.reference)
    if parsed is None:
        raise WebhookError(WebhookFault.BAD_REFERENCE)
    return BackofficeEvent(
        system=system,
        event_id=event_id,
        type=type_,
        reference=parsed,
        occurred_at=event.timestamp,
        case_number=data.case if data.case.isprintable() else "",
        decision=data.decision if type_ is EventType.DECIDED else None,
        message=_cleaned(data.message) if type_ is EventType.DECIDED else {},
        question=_cleaned(data.question) if type_ is EventType.MORE_NEEDED else {},
        answer_by=data.answer_by if type_ is EventType.MORE_NEEDED else None,
    )


def _cleaned(by_language: Mapping[str, str]) -> dict[str, str]:
    """What is left of each text; a language in which nothing is left is not there."""
    return {language: cleaned for language, text in by_language.items() if (cleaned := clean(text))}

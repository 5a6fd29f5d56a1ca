"""Why a call of the API is refused: one table, each with its status and what the caller should do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Response

from gateway.web.errors import problem

#: Code -> HTTP status, title, what to do.
CODES: Mapping[str, tuple[int, str, str]] = {
    "no_key": (401, "No API key", "Send your key in the header `Authorization: Bearer psl_...`."),
    "wrong_key": (401, "Unknown API key", "This key opens nothing: it was mistyped or revoked. Ask for another one."),
    "no_scope": (403, "Not allowed", "This key lacks the scope `{0}`: make a key that has it."),
    "not_found": (404, "Not found", "There is no such thing, or it is not your institution's."),
    "no_idempotency_key": (
        400, "No Idempotency-Key",
        "Send a header `Idempotency-Key` that is new for each thing you want done, and the same when you try again.",
    ),
    "bad_idempotency_key": (
        400, "Bad Idempotency-Key", "An Idempotency-Key has 1 to 255 visible ASCII characters: a UUID is a good one.",
    ),
    "call_runs": (409, "The same call is running", "Wait as `Retry-After` says, then send it again: nothing doubles."),
    "idempotency_key_reused": (
        422, "Idempotency-Key used before", "It was sent with another call: take a new key for a new thing.",
    ),
    "not_json": (415, "Not JSON", "Send the body as `Content-Type: application/json`, in UTF-8."),
    "unreadable": (400, "Unreadable body", "The body is no JSON: {0}"),
    "too_large": (413, "Body too large", "Send at most {0} bytes: split the call."),
    "invalid": (422, "Invalid values", "Correct what `errors` names; nothing was done."),
    "bad_query": (400, "Bad query", "Correct the query: {0}"),
    "bad_recipients": (
        422, "Some recipients cannot be written to",
        "Nothing was sent. Correct those that `errors` names, or send the others with `\"part\": true`.",
    ),
    "refused": (422, "Refused", "{0}"),
    "held": (409, "An agent has it in hand", "An agent of your institution handles this submission: ask at the desk."),
    "late": (409, "Too late", "The submission is there already, or further: read it again."),
    "cursor_ahead": (
        410, "Nothing is there yet",
        "The list ends before this place: the gateway was restored from a backup. Begin again with `after=0`.",
    ),
    "too_many_calls": (429, "Too many calls", "This key may make {0} calls a minute: wait as `Retry-After` says."),
    "too_many_notifications": (
        429, "Too many notifications", "This key may send {0} notifications a day: wait as `Retry-After` says.",
    ),
    "unavailable": (503, "Try again later", "Nothing was done. Send it again with the same Idempotency-Key."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Error:
    """One thing to correct. `pointer` (RFC 6901) is where it stands in the body."""

    pointer: str
    detail: str
    code: str = "invalid"


class Refused(Exception):
    """The call is refused with a code of CODES; `said` fills its sentence."""

    def __init__(
        self, code: str, *said: object, errors: Sequence[Error] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.said = said
        self.errors = errors
        self.retry_after_s = retry_after_s


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a call was refused, and what to do (RFC 9457). `code` does not change; sentences may."""

    type: str
    title: str
    status: int
    code: str = ""
    detail: str = ""
    errors: list[dict[str, str]] = msgspec.field(default_factory=list)


def answer_of(refused: Refused) -> Response:
    """The refusal as a problem."""
    status, title, sentence = CODES[refused.code]
    more: dict[str, Any] = {"code": refused.code}
    if refused.errors:
        more["errors"] = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in refused.errors]
    answer = problem(status, title, sentence.format(*refused.said) if refused.said else sentence, **more)
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer

"""A back office over REST, as docs/protocol-backoffice.md writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from gateway.backoffice.base import LookupItem, LookupResult
from gateway.backoffice.webhooks import CASE_MAX, MESSAGE_MAX
from gateway.backoffice.words import UNREADABLE, clean
from gateway.messages import (
    BackofficeAnswer,
    BackofficeEvent,
    BackofficeReminder,
    BackofficeRequest,
    BackofficeStatement,
    HandOver,
    OnBehalf,
)
from gateway.outgoing import Answer, Client, NoAnswer, NotSent
from gateway.settings import RestSystem

#: An answer is a few words; what is longer is not one.
_ANSWER_BYTES = 64 * 1024
#: However long an institution asks us to wait, we look again within a day.
_LONGEST_WAIT_S = 86_400
#: The system is busy, still works on the same key (409), or the request never reached the program that decides.
_BUSY = frozenset({408, 409, 425, 429})
#: Not a word about this demand but about the way to the system: a wrong address, a token that ran out. A
#: person must look; until then demands wait, because refusing them would tell citizens what nobody decided.
_MISCONFIGURED = frozenset({401, 403, 404, 405, 407})
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class _SubmitAnswer(msgspec.Struct):
    status: str
    case: str = ""
    code: str = ""
    reason: dict[str, str] = {}


class _Item(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    label: Annotated[str, msgspec.Meta(max_length=160)]


class _LookupAnswer(msgspec.Struct):
    outcome: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]
    values: dict[str, str | int] = {}
    items: Annotated[list[_Item], msgspec.Meta(max_length=2000)] = []
    confirmed: bool = False


_decode_submit = msgspec.json.Decoder(_SubmitAnswer).decode
_decode_lookup = msgspec.json.Decoder(_LookupAnswer).decode


class RestBackOffice:
    """One institution's system behind its URL; safe to share between threads."""

    def __init__(self, name: str, settings: RestSystem, token: str, now: Callable[[], datetime]) -> None:
        self._name = name
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._now = now
        self._client = Client(
            (self._url,),
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            total_s=settings.connect_timeout_s + settings.read_timeout_s,
            max_bytes=_ANSWER_BYTES,
        )
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }

    @property
    def name(self) -> str:
        return self._name

    @property
    def settings(self) -> RestSystem:
        return self._settings

    def submit(self, request: BackofficeRequest) -> BackofficeAnswer:
        """Offers one submission; whatever is not a readable answer is a RETRY, which the key makes safe."""
        key = {"Idempotency-Key": f'"{request.idempotency_key}"'}
        try:
            answer = self._post("/submissions", _written(request), key)
        except NotSent:
            return BackofficeAnswer(HandOver.RETRY, code="no_connection")
        except NoAnswer as error:
            return BackofficeAnswer(HandOver.RETRY, code=error.code)
        return self._read(answer)

    def withdraw(self, reference: str, idempotency_key: str) -> BackofficeAnswer:
        """Tells that a demand was withdrawn. A system that knows nothing of it (404, 410) has nothing left to do."""
        return self._tell(
            f"/submissions/{reference}/withdrawal", {"reference": reference}, f"{idempotency_key}-withdrawal"
        )

    def state(self, statement: BackofficeStatement) -> BackofficeAnswer:
        """Passes on an answer or a correction."""
        body = {
            "reference": statement.reference,
            "service": statement.service,
            "kind": statement.kind.value,
            "text": statement.text,
            "question": statement.question_id or None,
            "said_at": _utc(statement.said_at),
        }
        return self._tell(f"/submissions/{statement.reference}/statements", body, statement.idempotency_key)

    def remind(self, reminder: BackofficeReminder) -> BackofficeAnswer:
        """Tells that the promised date has passed."""
        body = {"reference": reminder.reference, "service": reminder.service, "promised_date": reminder.promised_on}
        return self._tell(f"/submissions/{reminder.reference}/reminder", body, reminder.idempotency_key)

    def poll(self, reference: str, case_number: str) -> tuple[BackofficeEvent, ...] | None:
        """Nothing: this system calls back."""
        del reference, case_number
        return ()

    def lookup(
        self, source: str, args: Mapping[str, str | int], msisdn: str, language: str, timeout_s: float
    ) -> LookupResult:
        """A reading, "unavailable" when none came within `timeout_s` or none that can be read."""
        body = {"args": dict(args), "msisdn": msisdn, "language": language}
        if timeout_s <= 0:
            return LookupResult("unavailable")
        try:
            answer = self._post(f"/lookups/{quote(source, safe='')}", body, {}, timeout_s)
            read = _decode_lookup(answer.body) if answer.status == 200 else None
        except (NotSent, NoAnswer, *UNREADABLE):
            read = None
        if read is None:
            return LookupResult("unavailable")
        values = {name: clean(value) if isinstance(value, str) else value for name, value in read.values.items()}
        items = tuple(LookupItem(item.id, clean(item.label)) for item in read.items)
        return LookupResult(read.outcome, values, items, read.confirmed)

    def close(self) -> None:
        """Closes the pooled connections."""
        self._client.close()

    def _post(self, path: str, body: object, headers: dict[str, str], total_s: float | None = None) -> Answer:
        return self._client.post(
            self._url + path, {**self._headers, **headers}, msgspec.json.encode(body), total_s=total_s
        )

    def _tell(self, path: str, body: object, idempotency_key: str) -> BackofficeAnswer:
        """Tells something about a demand that it has; one that it does not know (404, 410) needs no news."""
        try:
            answer = self._post(path, body, {"Idempotency-Key": f'"{idempotency_key}"'})
        except NotSent:
            return BackofficeAnswer(HandOver.RETRY, code="no_connection")
        except NoAnswer as error:
            return BackofficeAnswer(HandOver.RETRY, code=error.code)
        if 200 <= answer.status < 300 or answer.status in (404, 410):
            return BackofficeAnswer(HandOver.ACCEPTED, code=f"http_{answer.status}")
        return self._retry(f"http_{answer.status}", answer)

    def _read(self, answer: Answer) -> BackofficeAnswer:
        status = answer.status
        if status in _BUSY or status in _MISCONFIGURED or status >= 500 or 300 <= status < 400:
            return self._retry(f"http_{status}", answer)
        read = _readable(answer.body)
        if status in (200, 201, 202):
            if read is None or read.status not in ("accepted", "rejected"):
                return self._retry("unreadable", answer)
            if read.status == "accepted":
                return BackofficeAnswer(HandOver.ACCEPTED, case_number=_case(read.case), code="accepted")
            return _rejected(read, "rejected")
        if status == 422 and read is not None and read.status == "rejected":
            return _rejected(read, "http_422")
        if 400 <= status < 500:
            return BackofficeAnswer(HandOver.REJECTED, code=f"http_{status}")
        return self._retry(f"http_{status}", answer)  # 204 and other 2xx: no answer that we know

    def _retry(self, code: str, answer: Answer) -> BackofficeAnswer:
        wait_s = _wait_s(answer.retry_after, self._now)
        return BackofficeAnswer(HandOver.RETRY, code=code, retry_after_s=wait_s)


def _written(request: BackofficeRequest) -> dict[str, Any]:
    return {
        "reference": request.reference,
        "service": request.service,
        "submitted_at": _utc(request.submitted_at),
        "promised_date": request.promised_on or None,
        "language": request.language,
        "assurance": request.assurance,
        "applicant": {"msisdn": request.msisdn},
        "fields": request.fields,
        **({} if request.on_behalf is None else {"on_behalf": _on_behalf(request)}),
    }


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _on_behalf(request: BackofficeRequest) -> dict[str, Any]:
    """Somebody else dialled. The document of a person without a phone is handed to her, never to who dialled."""
    return {
        "kind": request.on_behalf,
        "relation": request.relation or None,
        "helper": {"msisdn": request.helper_msisdn},
        "delivery": "in_person" if request.on_behalf is OnBehalf.DECLARED else "as_usual",
    }


def _readable(body: bytes) -> _SubmitAnswer | None:
    try:
        return _decode_submit(body)
    except UNREADABLE:
        return None


def _rejected(read: _SubmitAnswer, otherwise: str) -> BackofficeAnswer:
    reason = {
        language: clean(text)[:MESSAGE_MAX] for language, text in read.reason.items() if _LANGUAGE.fullmatch(language)
    }
    code = read.code if _CODE.fullmatch(read.code) else otherwise
    return BackofficeAnswer(HandOver.REJECTED, code=code, reason=reason)


def _case(given: str) -> str:
    """A file number that a handset can show; a longer or unprintable one is left out, never cut."""
    return given if len(given) <= CASE_MAX and given.isprintable() else ""


def _wait_s(header: str, now: Callable[[], datetime]) -> int | None:
    """Seconds asked for by a Retry-After header (RFC 9110 §10.2.3), None when it is absent or unreadable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    if until.tzinfo is None:
        return None
    return min(max(0, int((until - now()).total_seconds())), _LONGEST_WAIT_S)

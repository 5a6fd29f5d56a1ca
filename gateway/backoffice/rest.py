"""A back office over HTTP and JSON, as docs/protocol-backoffice.md writes it, or as gateway.yaml maps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec

from gateway import logs
from gateway.backoffice import mapping, written
from gateway.backoffice.answers import Reader, code_of, lost
from gateway.backoffice.base import Fault, LookupItem, LookupResult
from gateway.backoffice.ways import Call, Way
from gateway.backoffice.words import BYTE_ORDER_MARK, UNREADABLE, clean
from gateway.messages import (
    BackofficeAnswer,
    BackofficeEvent,
    BackofficeReminder,
    BackofficeRequest,
    BackofficeStatement,
    HandOver,
)
from gateway.outgoing import Client, NoAnswer, NotSent, origin_of
from gateway.settings import HttpSystem
from gateway.settings.mapping import NONE, Rules

#: An answer is a few words; what is longer is not one.
_ANSWER_BYTES = 64 * 1024


class _Item(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    label: Annotated[str, msgspec.Meta(max_length=160)]


class _LookupAnswer(msgspec.Struct):
    outcome: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]
    values: dict[str, str | int] = {}
    items: Annotated[list[_Item], msgspec.Meta(max_length=2000)] = []
    confirmed: bool = False


_decode_lookup = msgspec.json.Decoder(_LookupAnswer).decode


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call as it leaves; without a body it is a GET."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


class RestBackOffice:
    """One institution's system behind its URL; safe to share between threads."""

    def __init__(self, name: str, settings: HttpSystem, way: Way, now: Callable[[], datetime]) -> None:
        self._name = name
        self._settings = settings
        self._way = way
        self._reader = Reader(name, settings.answers, way, now)
        self._origin = origin_of(settings.url)
        cert, key = settings.client_cert_file, settings.client_key_file
        self._client = Client(
            (settings.url,),
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            total_s=settings.connect_timeout_s + settings.read_timeout_s,
            max_bytes=_ANSWER_BYTES,
            ca_file=settings.ca_file,
            certificate=None if cert is None or key is None else (cert, key),
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def settings(self) -> HttpSystem:
        return self._settings

    def submit(self, request: BackofficeRequest) -> BackofficeAnswer:
        """Offers one submission; whatever is not a readable answer is a RETRY, which the key makes safe."""
        call = self.prepared(request)
        try:
            answer = self._client.post(call.url, call.headers, call.body or b"")
        except (NotSent, NoAnswer) as error:
            return lost(error)
        return self._reader.submitted(answer, request.reference)

    def prepared(self, request: BackofficeRequest) -> Prepared:
        """What `submit` sends; nothing leaves."""
        body = mapping.body(written.submission(request), self._settings.fields.submit)
        return self._prepared(self._settings.paths.submit, body, request.idempotency_key, request.reference)

    def withdraw(self, reference: str, idempotency_key: str, case_number: str = "") -> BackofficeAnswer:
        """Tells that a demand was withdrawn. A system that knows nothing of it (404, 410) has nothing left to do."""
        paths, fields, key = self._settings.paths, self._settings.fields, f"{idempotency_key}-withdrawal"
        return self._tell(paths.withdraw, {"reference": reference}, fields.withdraw, key, case_number)

    def state(self, statement: BackofficeStatement) -> BackofficeAnswer:
        """Passes on an answer or a correction."""
        paths, fields, about = self._settings.paths, self._settings.fields, written.statement(statement)
        return self._tell(paths.statement, about, fields.statement, statement.idempotency_key, statement.case_number)

    def remind(self, reminder: BackofficeReminder) -> BackofficeAnswer:
        """Tells that the promised date has passed."""
        paths, fields, about = self._settings.paths, self._settings.fields, written.reminder(reminder)
        return self._tell(paths.reminder, about, fields.reminder, reminder.idempotency_key, reminder.case_number)

    def poll(self, reference: str, case_number: str) -> tuple[BackofficeEvent, ...] | Fault:
        """The state that the system tells of a demand; a Fault when it tells none. () of a system that calls back."""
        if self._settings.poll_every_s is None:
            return ()
        found = self._news(reference, case_number)
        if isinstance(found, Fault):
            level: logs.Level = "error" if found.misconfigured else "warning"
            logs.event("backoffice.unread", level=level, system=self._name, code=found.code)
        return found

    def lookup(
        self, source: str, args: Mapping[str, str | int], msisdn: str, language: str, timeout_s: float
    ) -> LookupResult:
        """A reading, "unavailable" when none came within `timeout_s` or none that can be read."""
        path = mapping.path(self._settings.paths.lookup, source=source)
        if timeout_s <= 0 or path is None or path == NONE:
            return LookupResult("unavailable", fault=Fault("cannot_be_asked"))
        body = msgspec.json.encode({"args": dict(args), "msisdn": msisdn, "language": language})
        call = self._prepared(path, body)
        try:
            answer = self._client.post(call.url, call.headers, body, timeout_s)
        except (NotSent, NoAnswer) as error:
            return LookupResult("unavailable", fault=Fault(code_of(error)))
        fault = self._reader.unread(answer)
        try:
            read = _decode_lookup(answer.body.removeprefix(BYTE_ORDER_MARK)) if fault is None else None
        except UNREADABLE:
            fault, read = Fault("unreadable", misconfigured=True), None
        if read is None:
            return LookupResult("unavailable", fault=fault)
        values = {name: clean(value) if isinstance(value, str) else value for name, value in read.values.items()}
        items = tuple(LookupItem(item.id, clean(item.label)) for item in read.items)
        return LookupResult(read.outcome, values, items, read.confirmed)

    def close(self) -> None:
        """Closes the pooled connections."""
        self._client.close()

    def _tell(
        self, template: str, about: dict[str, Any], rules: Rules | None, key: str, case_number: str
    ) -> BackofficeAnswer:
        if template == NONE:
            return BackofficeAnswer(HandOver.ACCEPTED, code="cannot_be_told")
        reference: str = about["reference"]
        path = mapping.path(template, reference=reference, case=case_number)
        if path is None:
            return BackofficeAnswer(HandOver.RETRY, code="no_case", misconfigured=True)
        about = about | {"case": case_number} if case_number else about
        call = self._prepared(path, mapping.body(about, rules), key, reference)
        try:
            return self._reader.told(self._client.post(call.url, call.headers, call.body or b""))
        except (NotSent, NoAnswer) as error:
            return lost(error)

    def _news(self, reference: str, case_number: str) -> tuple[BackofficeEvent, ...] | Fault:
        path = mapping.path(self._settings.paths.status, reference=reference, case=case_number)
        if path is None:
            return Fault("no_case", misconfigured=True)
        call = self._prepared(path, None, reference=reference)
        try:
            answer = self._client.get(call.url, call.headers)
        except (NotSent, NoAnswer) as error:
            return Fault(code_of(error))
        return self._reader.news(answer, reference)

    def _prepared(self, path: str, body: bytes | None, key: str = "", reference: str = "") -> Prepared:
        url = self._way.base + path
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        method = "GET" if body is None else "POST"
        call = Call(method, url.removeprefix(self._origin), body or b"", key, reference)
        return Prepared(url, headers | dict(self._way.headers(call)), body)

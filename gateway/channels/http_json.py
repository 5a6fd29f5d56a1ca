"""The declared channel: any aggregator that posts one JSON object per turn with the last input alone.

What it calls its fields, how it tells a new dialogue from an answer, and how it wants to be answered are in
config/channels/<declaration>.yaml. It does USSD only: it neither sends SMS nor reads delivery reports.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any, Never

import msgspec

from gateway.channels import fields
from gateway.channels.base import (
    ChannelDeclarationError,
    ChannelError,
    ChannelFault,
    HttpAnswer,
    Ignored,
)
from gateway.channels.declaration import fill, read
from gateway.messages import EndStatus, MtSms, UssdEnd, UssdEvent, UssdReply, UssdTurn
from gateway.settings import ChannelSettings

#: A sequence number or a request id, in characters.
_TURN_MAX = 64
_JSON = "application/json"


class HttpJsonChannel:
    """One declared channel, safe to share between threads."""

    def __init__(self, name: str, settings: ChannelSettings, *, config_folder: Path, region: str) -> None:
        """`ChannelDeclarationError` when the declaration cannot be used, or does not go with the settings."""
        self.name = name
        self._region = region
        self._account = settings.username
        self._declared = read(config_folder, settings.declaration or name)
        self._events = self._declared.signals.by_value()
        self._check_settings(settings)
        end = self._declared.end_answer
        self._end = HttpAnswer(end.status, _JSON, msgspec.json.encode(end.body))

    def parse_ussd(self, body: bytes, content_type: str, query: str = "") -> UssdTurn | UssdEnd | Ignored:
        """A turn; the end of a dialogue, for an abort or a time-out; or nothing for us."""
        del content_type, query  # aggregators name JSON in several ways: the body decides
        received = _read_json(body)
        declared = self._declared.fields
        self._check_account(received)
        kind = self._events.get(_text(received, self._declared.signals.field).casefold())
        if kind is None:
            raise ChannelError(ChannelFault.UNKNOWN_EVENT, self._declared.signals.field)
        if kind == "ignore":
            return Ignored()
        given = _text(received, declared.number)
        number = fields.number(given, declared.number, self._region)
        session_id = self._session_id(received, number)
        if kind in {"abort", "timeout"}:
            return UssdEnd(self.name, session_id, EndStatus.DROPPED)
        text = fields.answer(_text(received, declared.input), declared.input, self._declared.max_input)
        code = self._service_code(received)
        return UssdTurn(
            channel=self.name,
            session_id=session_id,
            msisdn=number,
            service_code=code,
            event=UssdEvent.NEW if kind == "new" else UssdEvent.INPUT,
            text=_dial_tail(text, code) if kind == "new" else text,
            turn_id=self._turn_id(received),
            network=fields.network(_text(received, declared.network), declared.network or ""),
            number_given=given,
            imsi=_imsi(_text(received, declared.imsi)),
        )

    def format_ussd(self, turn: UssdTurn, reply: UssdReply) -> HttpAnswer:
        """The declared reply with this text."""
        values = {
            "text": reply.text.encode("utf-8", "replace").decode(),
            "session": turn.session_id,
            "number": turn.number_given or turn.msisdn.removeprefix("+"),
            "msisdn": turn.msisdn,
            "service_code": turn.service_code,
            "turn": turn.turn_id or "",
            "account": self._account,
        }
        return HttpAnswer(200, _JSON, msgspec.json.encode(fill(self._declared.reply, values, final=reply.final)))

    def format_end(self) -> HttpAnswer:
        """The declared answer to an end or to an ignored message."""
        return self._end

    def parse_event(self, body: bytes, content_type: str) -> Never:
        """`ChannelError` NOT_SUPPORTED: the end of a dialogue is told on the turn's own route."""
        del body, content_type
        raise ChannelError(ChannelFault.NOT_SUPPORTED)

    def parse_dlr(self, body: bytes, content_type: str) -> Never:
        """`ChannelError` NOT_SUPPORTED: a declared channel does USSD only."""
        del body, content_type
        raise ChannelError(ChannelFault.NOT_SUPPORTED)

    def parse_mo(self, body: bytes, content_type: str) -> Never:
        """`ChannelError` NOT_SUPPORTED: a declared channel does USSD only."""
        del body, content_type
        raise ChannelError(ChannelFault.NOT_SUPPORTED)

    def parse_optout(self, body: bytes, content_type: str) -> Never:
        """`ChannelError` NOT_SUPPORTED: a declared channel does USSD only."""
        del body, content_type
        raise ChannelError(ChannelFault.NOT_SUPPORTED)

    def ask_sim(self, number: str) -> None:
        """None: a declared channel does USSD only."""
        del number

    def parse_sim(self, body: bytes, content_type: str) -> Never:
        """`ChannelError` NOT_SUPPORTED: a declared channel does USSD only."""
        del body, content_type
        raise ChannelError(ChannelFault.NOT_SUPPORTED)

    def send(self, sms: MtSms) -> Never:
        """`ChannelError` NOT_SUPPORTED: a declared channel does USSD only."""
        del sms
        raise ChannelError(ChannelFault.NOT_SUPPORTED)

    def _check_settings(self, settings: ChannelSettings) -> None:
        where = f"channels.{self.name}"
        faults = []
        if settings.dedupe == "transcript":
            faults.append(f"{where}.dedupe: only the last input is sent: say sequence, request_id or window")
        if settings.dedupe in {"sequence", "request_id"} and self._declared.fields.turn is None:
            faults.append(f"{where}.dedupe: {settings.dedupe} needs fields.turn in the declaration")
        if settings.dedupe == "window" and self._declared.fields.turn is not None:
            faults.append(f"{where}.dedupe: the declaration names each turn (fields.turn): say sequence or request_id")
        if self._declared.fields.account is not None and not self._account:
            faults.append(f"{where}.username: the declaration compares {self._declared.fields.account} to it")
        if settings.sms:
            faults.append(f"{where}.sms: a declared channel does USSD only")
        if faults:
            raise ChannelDeclarationError(faults)

    def _check_account(self, received: dict[str, Any]) -> None:
        name = self._declared.fields.account
        if name is None:
            return
        given = _text(received, name).encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._account.encode()):
            raise ChannelError(ChannelFault.FOREIGN_ACCOUNT, name)

    def _session_id(self, received: dict[str, Any], number: str) -> str:
        name = self._declared.fields.session
        given = _text(received, name)
        if not given and self._declared.session_from_number:
            return number.removeprefix("+")
        return fields.session_id(given, name)

    def _service_code(self, received: dict[str, Any]) -> str:
        """The code in one spelling, `*713*55#`, because aggregators write it with or without the signs around it."""
        name = self._declared.fields.service_code
        given = fields.service_code(_text(received, name), name or "")
        bare = given.strip("*#")
        return f"*{bare}#" if bare else self._declared.service_code or ""

    def _turn_id(self, received: dict[str, Any]) -> str | None:
        name = self._declared.fields.turn
        given = _text(received, name)
        if len(given) > _TURN_MAX:
            raise ChannelError(ChannelFault.FIELD_TOO_LONG, name or "")
        return given or None


def _imsi(given: str) -> str:
    """15 digits at most (3GPP TS 23.003 §2.2); whatever else stands there names no SIM."""
    return given if given.isascii() and given.isdigit() and 14 <= len(given) <= 15 else ""


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        received = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # From None: the decoder's error may quote the body.
        raise ChannelError(ChannelFault.UNREADABLE_BODY) from None
    if not isinstance(received, dict):
        raise ChannelError(ChannelFault.UNREADABLE_BODY)
    return received


def _text(received: dict[str, Any], name: str | None) -> str:
    """A field as text: "" when it is absent or null, `true` and `false` in lower case."""
    value = None if name is None else received.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise ChannelError(ChannelFault.UNREADABLE_BODY, name or "")


def _dial_tail(dialled: str, service_code: str) -> str:
    """What was dialled after the service code: "1*2" for `*928*55*1*2#` with `*928*55#`, else ""."""
    code = service_code.strip("*#")
    bare = dialled.strip().removeprefix("*").removesuffix("#")
    return bare.removeprefix(code + "*") if code and bare.startswith(code + "*") else ""

"""What every channel can do, and the errors of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.messages import Dlr, MoSms, MtSms, OptOut, SendResult, SimAnswer, UssdEnd, UssdReply, UssdTurn


class ChannelFault(StrEnum):
    """Why a callback was refused, or a channel cannot do what was asked."""

    UNREADABLE_BODY = "unreadable_body"
    MISSING_FIELD = "missing_field"
    BAD_SESSION_ID = "bad_session_id"
    BAD_SERVICE_CODE = "bad_service_code"
    BAD_NUMBER = "bad_number"
    BAD_MESSAGE_ID = "bad_message_id"
    FIELD_TOO_LONG = "field_too_long"
    UNKNOWN_EVENT = "unknown_event"
    FOREIGN_ACCOUNT = "foreign_account"
    NOT_SUPPORTED = "not_supported"


#: Code -> HTTP status and sentence. A sentence never repeats what was received.
_ANSWERS: dict[ChannelFault, tuple[int, str]] = {
    ChannelFault.UNREADABLE_BODY: (400, "the body cannot be read as this channel's form"),
    ChannelFault.MISSING_FIELD: (400, "a required field is missing or empty"),
    ChannelFault.BAD_SESSION_ID: (
        400,
        "the session id is longer than 128 or holds other than A-Z a-z 0-9 _ . : -",
    ),
    ChannelFault.BAD_SERVICE_CODE: (
        400,
        "the service code is longer than 32 or holds other than digits, * and #",
    ),
    ChannelFault.BAD_NUMBER: (400, "the phone number cannot be read"),
    ChannelFault.BAD_MESSAGE_ID: (400, "the message id is longer than 128 or not printable ASCII"),
    ChannelFault.FIELD_TOO_LONG: (400, "a field is longer than this channel allows"),
    ChannelFault.UNKNOWN_EVENT: (400, "the event is none that this channel declares"),
    ChannelFault.FOREIGN_ACCOUNT: (403, "the callback belongs to another account"),
    ChannelFault.NOT_SUPPORTED: (400, "this channel cannot do that"),
}


class ChannelDeclarationError(Exception):
    """A channel that cannot be built as configured: every fault, each naming its file and key, in `faults`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class ChannelError(Exception):
    """A callback that cannot be used, or an operation the channel does not have.

    `status` is the HTTP status to answer; `name` is the field at fault as the aggregator calls it, or "". Neither the
    message nor the repr holds anything that was received.
    """

    def __init__(self, code: ChannelFault, name: str = "") -> None:
        self.code = code
        self.name = name
        self.status, sentence = _ANSWERS[code]
        super().__init__(f"{name}: {sentence}" if name else sentence)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message of the aggregator that is none of our business; answer it with `format_end`."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back to the aggregator."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class Channel(Protocol):
    """One aggregator account, safe to share between threads.

    `parse_*` raise `ChannelError` for whatever they cannot read, and nothing else. `content_type` is the header as
    received ("" when there was none), `query` the raw query string.
    """

    @property
    def name(self) -> str:
        """The channel's name in gateway.yaml."""
        ...

    def parse_ussd(self, body: bytes, content_type: str, query: str = "") -> UssdTurn | UssdEnd | Ignored:
        """What the aggregator tells on the USSD route: a turn, the end of a dialogue, or nothing for us."""
        ...

    def format_ussd(self, turn: UssdTurn, reply: UssdReply) -> HttpAnswer:
        """The answer to `turn` in the aggregator's form."""
        ...

    def format_end(self) -> HttpAnswer:
        """The answer to an end, an event, a delivery report or an ignored message."""
        ...

    def parse_event(self, body: bytes, content_type: str) -> UssdEnd:
        """The end of a dialogue, told on its own route."""
        ...

    def parse_dlr(self, body: bytes, content_type: str) -> Dlr:
        """One delivery report."""
        ...

    def parse_mo(self, body: bytes, content_type: str) -> MoSms | Ignored:
        """One SMS that a citizen sent, or nothing for us."""
        ...

    def parse_optout(self, body: bytes, content_type: str) -> OptOut:
        """A citizen told the aggregator that she wants nothing more."""
        ...

    def ask_sim(self, number: str) -> str | None:
        """The id of a question to the operator: when was the SIM of this number changed? None: it was not asked."""
        ...

    def parse_sim(self, body: bytes, content_type: str) -> SimAnswer:
        """The operator's answer."""
        ...

    def send(self, sms: MtSms) -> tuple[SendResult, ...]:
        """Hands one text over; one result for each recipient, in their order. What a network does is no error."""
        ...

"""The fields that every aggregator sends in its own words, checked the same way for all."""

from __future__ import annotations

import re

from gateway.channels.base import ChannelError, ChannelFault
from gateway.text import msisdn

_SESSION_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_SERVICE_CODE = re.compile(r"[0-9*#]{0,32}")
_SHORT_CODE = re.compile(r"\+?[0-9]{1,15}")
_SHORT_CODE_MAX = 64
_NETWORK = re.compile(r"[A-Za-z0-9_. -]*")
_NETWORK_MAX = 32
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,128}")


def session_id(value: str, name: str) -> str:
    """A session id as it is; it may become part of a key, so its characters are few."""
    if not value:
        raise ChannelError(ChannelFault.MISSING_FIELD, name)
    if not _SESSION_ID.fullmatch(value):
        raise ChannelError(ChannelFault.BAD_SESSION_ID, name)
    return value


def service_code(value: str, name: str) -> str:
    """A service code as it is, "" when there is none."""
    if not _SERVICE_CODE.fullmatch(value):
        raise ChannelError(ChannelFault.BAD_SERVICE_CODE, name)
    return value


def short_code(value: str, name: str) -> str:
    """The short code that an SMS was sent to; "" for a name, or for none."""
    if len(value) > _SHORT_CODE_MAX:
        raise ChannelError(ChannelFault.FIELD_TOO_LONG, name)
    return value if _SHORT_CODE.fullmatch(value) else ""


def number(value: str, name: str, region: str) -> str:
    """The E.164 form of the citizen's number."""
    try:
        return msisdn.normalise(value, region)
    except msisdn.MsisdnError as error:
        missing = error.code is msisdn.MsisdnFault.MISSING
        fault = ChannelFault.MISSING_FIELD if missing else ChannelFault.BAD_NUMBER
        raise ChannelError(fault, name) from None


def network(value: str, name: str) -> str:
    """An operator's code as it is; "" for none, or for one that no configuration could name."""
    if len(value) > _NETWORK_MAX:
        raise ChannelError(ChannelFault.FIELD_TOO_LONG, name)
    return value if _NETWORK.fullmatch(value) else ""


def answer(value: str, name: str, max_chars: int) -> str:
    """What the citizen typed, as it is: any character may be an answer."""
    if len(value) > max_chars:
        raise ChannelError(ChannelFault.FIELD_TOO_LONG, name)
    return value


def message_id(value: str, name: str) -> str:
    """The aggregator's id of a message, which some write "None" when they have none."""
    if value in {"", "None"}:
        raise ChannelError(ChannelFault.MISSING_FIELD, name)
    if not _MESSAGE_ID.fullmatch(value):
        raise ChannelError(ChannelFault.BAD_MESSAGE_ID, name)
    return value


def word(value: str) -> str:
    """A status or reason as logs may keep it: one short word, or "" for anything else."""
    return value if _WORD.fullmatch(value) else ""


def whole_number(value: str) -> int | None:
    """A count or a duration, None when it is not written in a few digits."""
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 12 else None

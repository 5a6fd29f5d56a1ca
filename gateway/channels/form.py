"""Reading an application/x-www-form-urlencoded body: bytes in, first value of each field out, nothing guessed."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from gateway.channels.base import ChannelError, ChannelFault

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parse(body: bytes, content_type: str) -> dict[str, str]:
    """Field -> value; of a repeated field the first one counts. `ChannelError` when it is not such a form in UTF-8."""
    if content_type and content_type.partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise ChannelError(ChannelFault.UNREADABLE_BODY)
    fields: dict[str, str] = {}
    try:
        for pair in body.decode().split("&"):
            name, _, value = pair.partition("=")
            # The aggregator's own names need no decoding: this is on the path of every turn.
            fields.setdefault(name if name.isalnum() else _decoded(name), _decoded(value))
    except UnicodeDecodeError:
        # From None: the codec's error would carry the body into a traceback.
        raise ChannelError(ChannelFault.UNREADABLE_BODY) from None
    return fields


def _decoded(part: str) -> str:
    part = part.replace("+", " ")
    if "%" not in part:
        return part
    if _BAD_ESCAPE.search(part):
        raise ChannelError(ChannelFault.UNREADABLE_BODY)
    return unquote_to_bytes(part).decode()

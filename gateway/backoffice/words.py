"""What an institution writes to citizens: its words, and nothing that would act on a handset or on a terminal."""

from __future__ import annotations

import unicodedata

import msgspec

#: What msgspec raises for bytes that are no JSON of ours: bad UTF-8 and endless nesting are not its DecodeError.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
#: Some programs begin UTF-8 with the mark of byte order; a reader of JSON may ignore it (RFC 8259 §8.1).
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def clean(text: str) -> str:
    """`text` on one line, without control characters, marks that turn the reading direction, or unassigned ones."""
    return " ".join("".join(" " if c.isspace() else c for c in text if c.isspace() or _is_seen(c)).split())


def _is_seen(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")

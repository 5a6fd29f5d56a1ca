"""The chain of a submission's history: each entry holds the digest of the one before. Its form can never change.

An entry that is altered, removed or put elsewhere no longer fits its neighbours. What an entry says of personal data is
a salted digest: without the salt, which is erased with the data, it says nothing and still fits.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec

#: What the first entry of a chain follows.
START = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def link(
    previous: bytes,
    submission_id: int,
    number: int,
    at: datetime,
    kind: str,
    code: str,
    event_id: str | None,
    data_digest: bytes | None,
) -> bytes:
    """The 32 bytes of an entry: SHA-256 over `previous` and the JSON array of the rest, `at` in microseconds."""
    said = [
        submission_id,
        number,
        (at - _EPOCH) // timedelta(microseconds=1),
        kind,
        code,
        event_id,
        None if data_digest is None else data_digest.hex(),
    ]
    return hashlib.sha256(previous + msgspec.json.encode(said)).digest()

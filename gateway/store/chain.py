"""The chain of a submission's history, and the checkpoints over all chains. Their forms can never change.

An entry that is altered, removed or put elsewhere no longer fits its neighbours. What an entry says of personal data is
a salted digest: without the salt, which is erased with the data, it says nothing and still fits. Whoever could write
the database could make a chain anew; a checkpoint's root holds the heads of all chains that grew, and is signed.
"""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime, timedelta

import msgspec

#: What the first entry of a chain follows, and what the first checkpoint does.
START = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKPOINT = b"passerelle checkpoint 1\n"
_HEAD = struct.Struct(">QQ")


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
        _microseconds(at),
        kind,
        code,
        event_id,
        None if data_digest is None else data_digest.hex(),
    ]
    return hashlib.sha256(previous + msgspec.json.encode(said)).digest()


class Root:
    """The root of one checkpoint, made head by head: SHA-256 over what it follows, what it says, and the heads.

    So a root that somebody noted holds every checkpoint before it. Its bytes: a fixed line, `previous`, the JSON array
    of number, `at` in microseconds, count of heads and key id, a line feed; then for each head, in order of
    `submission_id`: the id and the entry's number (8 bytes each, big-endian) and its link (32 bytes).
    """

    def __init__(self, previous: bytes, number: int, at: datetime, heads: int, key_id: str) -> None:
        said = msgspec.json.encode([number, _microseconds(at), heads, key_id])
        self._hash = hashlib.sha256(_CHECKPOINT + previous + said + b"\n")

    def add(self, submission_id: int, number: int, link: bytes) -> None:
        """One more head; give them in order of `submission_id`."""
        self._hash.update(_HEAD.pack(submission_id, number) + link)

    def digest(self) -> bytes:
        return self._hash.digest()


def signed(root: bytes) -> bytes:
    """What is signed of a checkpoint: nothing else that this key could ever sign begins so."""
    return _CHECKPOINT + root


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)

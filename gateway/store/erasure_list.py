"""The list of persons who were erased: a file beside the keys, replayed when a backup is restored.

JSON Lines of `{"digest", "at", "who"}`: the keyed digest of the number, which names nobody without the key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from gateway import logs

NAME = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Erasure:
    digest: bytes
    at: datetime
    who: str


class _Line(msgspec.Struct):
    digest: str
    at: datetime
    who: str = ""


_decode = msgspec.json.Decoder(_Line).decode


def append(path: Path, digest: bytes, at: datetime, who: str) -> None:
    """Adds one, on the disk when this returns. Raises OSError."""
    line = msgspec.json.encode(_Line(digest.hex(), at, who)) + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> tuple[Erasure, ...]:
    """Those in the file, none when there is no file; a line that was cut off by a crash is told and left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    found: list[Erasure] = []
    for number, line in enumerate(lines, 1):
        try:
            told = _decode(line)
            found.append(Erasure(bytes.fromhex(told.digest), told.at, told.who))
        except (msgspec.MsgspecError, ValueError):
            logs.event("erasures.unreadable_line", level="warning", line=number)
    return tuple(found)

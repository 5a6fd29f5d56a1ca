"""The list of erased numbers, a file beside the keys: a backup made before an erasure must not bring the number back.

One JSON object a line, only ever added to. It holds keyed digests: without the keys it names nobody.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from gateway import logs

#: Its name in the data folder.
NAME = "erasures.jsonl"


class ErasureListError(Exception):
    """The list cannot be read or written; the message says where."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A number that was erased: its `holdings.digest_of`, when, and by whom.

    `since`: when the holding that was erased began; None: that of everybody who ever held the number.
    """

    digest: bytes = field(repr=False)
    at: datetime
    who: str
    since: datetime | None = None


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    digest: str
    at: datetime
    who: str
    since: datetime | None = None


def append(path: Path, digest: bytes, at: datetime, who: str, since: datetime | None = None) -> None:
    """Adds an erasure; on the disk when this returns. Raises ErasureListError."""
    line = msgspec.json.encode(_Line(digest.hex(), at, who, since)) + b"\n"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = _whole(file)
            os.ftruncate(file, end)
            os.pwrite(file, line, end)
            os.fsync(file)
        finally:
            os.close(file)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ErasureListError(f"{path}: cannot be written ({error.strerror})") from error


def read(path: Path) -> tuple[Erasure, ...]:
    """Every erasure, oldest first. A last line that is cut off is left out with a warning. Raises ErasureListError."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ErasureListError(f"{path}: cannot be read ({error.strerror})") from error
    found: list[Erasure] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            read_line = msgspec.json.decode(line, type=_Line)
            found.append(Erasure(bytes.fromhex(read_line.digest), read_line.at, read_line.who, read_line.since))
        except (msgspec.DecodeError, ValueError) as error:
            if number < len(lines):
                raise ErasureListError(f"{path}:{number}: damaged; restore the list from its copy") from error
            logs.event("erasures.cut_off", level="warning", line=number)
    return tuple(found)


def _whole(file: int) -> int:
    """Where the last whole line ends: what a crash left half written after it was never confirmed to anybody."""
    size = os.fstat(file).st_size
    return os.pread(file, size, 0).rfind(b"\n") + 1

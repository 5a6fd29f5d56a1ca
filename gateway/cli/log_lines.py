"""Our JSON log lines of one submission, from the files of all processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec


class _Line(msgspec.Struct):
    at: str | None = None
    submission_id: int | None = None


def of_submission(folder: Path, submission_id: int) -> tuple[tuple[str, str], ...]:
    """(file, line) of every line about the submission in `*.log` and `*.log.1` of `folder`, in the order of time."""
    files = sorted([*folder.glob("*.log"), *folder.glob("*.log.1")])
    found = [(at, file.name, line) for file in files for at, line in _lines(file, submission_id)]
    return tuple((name, line) for _, name, line in sorted(found, key=lambda one: one[0]))


def _lines(file: Path, submission_id: int) -> Iterator[tuple[str, str]]:
    decode = msgspec.json.Decoder(_Line).decode
    mark = f'"submission_id":{submission_id}'.encode()  # most lines are not even read
    with file.open("rb") as lines:
        for raw in lines:
            if mark not in raw:
                continue
            try:
                read = decode(raw)
            except msgspec.DecodeError:  # of a library, or cut by a full disk
                continue
            if read.submission_id == submission_id:
                yield read.at or "", raw.decode(errors="replace").rstrip()

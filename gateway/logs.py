"""One JSON line per event, on standard error: ids, codes and masked numbers, by construction.

`event("mt.sent", mt_id=7, outcome="accepted", duration_ms=41)` is the only way our code logs. A value that does not
look like an id or a code is not written: a sentence, a number, a token cannot reach a log by mistake. What libraries
log passes through `LibraryFormatter`, which hides digit runs, callback tokens and what looks like a secret.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import msgspec

Level = Literal["debug", "info", "warning", "error"]
Field = str | int | float | bool | None

_LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_CODE = re.compile(r"[A-Za-z_*#][A-Za-z0-9_.:/*#-]{0,79}|[A-Za-z0-9_.:*#-]{1,6}|")
#: What text.msisdn.mask makes of a number: "+22901******00".
_MASKED = re.compile(r"\+\d{1,5}\*{2,}\d{0,2}")
_DIGITS = re.compile(r"\d{7,}")
_TOKEN = re.compile(r"(/channels/[^/\s]+/)[^/\s]+")
#: What is as long as our tokens and holds a digit, wherever it stands: a path may be written in many ways.
_SECRET = re.compile(r"(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{24,}")
#: The user and password of an address: `redis://:password@host`.
_LOGIN = re.compile(r"(?<=//)[^/\s@]+@")
_encoder = msgspec.json.Encoder()


def _to_stderr(line: bytes) -> None:
    """One system call a line: `sys.stderr` would encode it again and cost a turn several times as much."""
    with contextlib.suppress(OSError):  # nobody reads our logs any more: that is no reason to fail a turn
        os.write(2, line)


class _Sink:
    """Where lines go: replaced by `start` and by tests."""

    threshold: int = 20
    write: Callable[[bytes], object] = staticmethod(_to_stderr)
    clock: Callable[[], datetime] | None = None


def start(level: Level, clock: Callable[[], datetime], write: Callable[[bytes], object] | None = None) -> None:
    """Logs at `level` and above from now on; library logs join at warning and above."""
    _Sink.threshold = _LEVELS[level]
    _Sink.clock = staticmethod(clock)
    if write is not None:
        _Sink.write = staticmethod(write)
    handler = _LibraryHandler()
    handler.setFormatter(LibraryFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(_LEVELS[level], logging.WARNING))


def event(name: str, level: Level = "info", **fields: Field) -> None:
    """Writes one event. Strings must look like ids or codes: at most 80 characters, no run of 7 digits, no token."""
    number = _LEVELS[level]
    if number < _Sink.threshold:
        return
    line: dict[str, Field] = {"at": _stamp(), "level": level, "event": name}
    for key, value in fields.items():
        line[key] = _safe(value) if isinstance(value, str) else value
    _Sink.write(_encoder.encode(line) + b"\n")


@lru_cache(maxsize=1024)  # channels, screens and outcomes come back line after line
def _safe(value: str) -> str:
    code = _CODE.fullmatch(value) and not _DIGITS.search(value) and not _SECRET.search(value)
    return value if code or _MASKED.fullmatch(value) else "(hidden)"


def _stamp() -> str | None:
    if _Sink.clock is None:
        return None
    return _Sink.clock().astimezone(UTC).isoformat(timespec="milliseconds")


class _LibraryHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            _Sink.write(self.format(record).encode() + b"\n")
        except Exception:
            self.handleError(record)


class LibraryFormatter(logging.Formatter):
    """A library's record as one JSON line, tokens and long digit runs hidden; a traceback keeps its frames only."""

    def format(self, record: logging.LogRecord) -> str:
        message = _LOGIN.sub("(login)@", _TOKEN.sub(r"\1(token)", record.getMessage()))
        line: dict[str, Field] = {
            "at": _stamp(),
            "level": record.levelname.lower(),
            "event": f"library.{record.name}",
            "message": _DIGITS.sub("(digits)", _SECRET.sub("(secret)", message))[:500],
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = where(record.exc_info[1])
        return _encoder.encode(line).decode()


def where(error: BaseException | None) -> str:
    """The last frames of an error as `file:line`, without its message, which may hold what a citizen typed."""
    frames: list[str] = []
    trace = error.__traceback__ if error is not None else None
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames[-4:])


def failure(name: str, error: BaseException, level: Level = "error", **fields: Field) -> None:
    """An unexpected error: its type and its place, never its message."""
    number = _LEVELS[level]
    if number < _Sink.threshold:
        return
    line: dict[str, Field] = {"at": _stamp(), "level": level, "event": name}
    for key, value in fields.items():
        line[key] = _safe(value) if isinstance(value, str) else value
    line["exception"] = type(error).__name__
    line["where"] = where(error)
    _Sink.write(_encoder.encode(line) + b"\n")

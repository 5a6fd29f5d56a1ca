"""What the upkeep does for institutions that work by files: closes days, takes answers, erases what is old."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from gateway import logs, metrics
from gateway.backoffice import drop_answers, webhooks
from gateway.backoffice.drop import DropBackOffice
from gateway.backoffice.drop_answers import BadLine, Fault, Found
from gateway.backoffice.webhooks import WebhookError
from gateway.backoffice.words import BYTE_ORDER_MARK
from gateway.store.db import StoreUnavailable
from gateway.usecases import backoffice_events
from gateway.usecases.parts import Parts


@dataclass(frozen=True, slots=True)
class Read:
    """What came of the answer files of one institution."""

    files: int = 0  #: taken as a whole
    refused: int = 0  #: with at least one bad line, or refused as a whole


def drops(parts: Parts) -> dict[str, DropBackOffice]:
    """The systems of kind `drop`, by name."""
    return {name: system for name, system in parts.systems.items() if isinstance(system, DropBackOffice)}


def sweep(parts: Parts) -> dict[str, int]:
    """How many files were closed, read, refused, erased. A system whose folder fails stops none of the others."""
    counts = {"days_closed": 0, "answers_read": 0, "answers_refused": 0, "files_erased": 0}
    for name, office in drops(parts).items():
        try:
            counts["days_closed"] += len(office.close_days())
            done = read_answers(parts, office)
            counts["answers_read"] += done.files
            counts["answers_refused"] += done.refused
            counts["files_erased"] += erase_old(parts, office)
        except StoreUnavailable as error:
            logs.event("drop.failed", level="error", system=name, code=error.code, why=error.why)
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "?")
            logs.event("drop.failed", level="error", system=name, code=code)
        except Exception as error:  # a fault of ours with one institution: the others have their own files
            logs.failure("drop.failed", error, system=name)
    return counts


def read_answers(parts: Parts, office: DropBackOffice) -> Read:
    """Takes each complete file, line by line, and moves it. Raises OSError, StoreUnavailable: then it stays.

    A line that was taken before has no effect, so that whoever is killed in between loses and doubles nothing.
    """
    files = refused = 0
    with drop_answers.reading(office, parts.now()) as answers:
        if answers is None:
            return Read()
        for one in answers.found():
            lines, bad = (0, []) if one.fault is not None else _take(parts, office.name, one)
            if one.fault is None and not bad:
                answers.keep(one)
                files += 1
                logs.event("drop.read", system=office.name, lines=lines)
            else:
                answers.refuse(one, lines, bad)
                refused += 1
                code = one.fault or "bad_lines"
                logs.event("drop.refused", level="error", system=office.name, code=code, lines=lines, bad=len(bad))
    return Read(files, refused)


def erase_old(parts: Parts, office: DropBackOffice) -> int:
    """How many old files were erased, in both folders. Raises OSError."""
    erased = office.erase_old()
    with drop_answers.reading(office, parts.now()) as answers:
        return erased + (answers.erase_old() if answers is not None else 0)


def _take(parts: Parts, system: str, one: Found) -> tuple[int, list[BadLine]]:
    """How many lines the file has, and those that were not taken. Raises StoreUnavailable."""
    lines, bad = 0, []
    for number, line in _lines(one.content):
        lines += 1
        try:
            event = webhooks.read_line(system, line)
        except WebhookError as error:
            outcome = error.code.value
            bad.append(BadLine(number, Fault(outcome)))
        else:
            outcome = backoffice_events.take_event(parts, event, parts.now())
            if outcome == backoffice_events.UNKNOWN_REFERENCE:
                bad.append(BadLine(number, Fault.UNKNOWN_REFERENCE))
        metrics.backoffice_events.labels(system, outcome).inc()
    return lines, bad


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, from 1; empty ones are no lines. A file made on Windows is one, too."""
    for number, line in enumerate(content.removeprefix(BYTE_ORDER_MARK).split(b"\n"), 1):
        if line.strip():
            yield number, line

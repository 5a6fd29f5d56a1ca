"""An institution that fetches a signed file each day, and puts its answers in another folder (docs/protocol-drop.md).

In its folder: `NAME-2026-11-23.jsonl` with its signature once the day is over, and `.open`, ours alone, with the file
of the day that goes on and a list of what each closed file held (digests only), so that nothing is told in two files.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway import logs
from gateway.backoffice import drop_files, drop_lines
from gateway.backoffice.base import LookupResult
from gateway.backoffice.drop_files import SIGNATURE
from gateway.messages import (
    BackofficeAnswer,
    BackofficeEvent,
    BackofficeReminder,
    BackofficeRequest,
    BackofficeStatement,
    HandOver,
)
from gateway.settings import DropSystem

_OPEN = ".open"
_LOCK = "lock"
_LIST = ".done"  # digests of the lines of a closed file
_TEMPORARY = "temporary"
_ONE_DAY = timedelta(days=1)
#: A demand that is offered again because its answer was lost comes within hours: leases, retries, a long stop.
_COMPARED = timedelta(days=7)
#: Days without any upkeep that are made up for: a clock that is years ahead must not fill the disk.
_MADE_UP = 31
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP)


@dataclass(frozen=True, slots=True)
class Closed:
    """A day's file that was closed."""

    name: str
    lines: int


class DropBackOffice:
    """One institution's two folders; safe to share between threads, and between processes of one machine."""

    def __init__(
        self,
        name: str,
        settings: DropSystem,
        *,
        secrets: Sequence[str],
        data: Path,
        zone: ZoneInfo,
        now: Callable[[], datetime],
    ) -> None:
        self._name, self._settings, self._zone, self._now = name, settings, zone, now
        self.secrets = tuple(secrets)
        self.folder, self.answers_folder = data / settings.folder, data / settings.answers_folder
        self._data = data
        shared = settings.readable_by == "group"
        self.file_mode, self.folder_mode = (0o640, 0o750) if shared else (0o600, 0o700)
        self._pattern = re.compile(rf"{re.escape(name)}-(\d{{4}}-\d\d-\d\d)(?:-\d+)?\.jsonl")

    @property
    def name(self) -> str:
        return self._name

    @property
    def settings(self) -> DropSystem:
        return self._settings

    def submit(self, request: BackofficeRequest) -> BackofficeAnswer:
        """QUEUED once the line is on the disk."""
        return self._told(drop_lines.submission(request), HandOver.QUEUED)

    def withdraw(self, reference: str, idempotency_key: str, case_number: str = "") -> BackofficeAnswer:
        """ACCEPTED once the line is on the disk, behind that of the demand."""
        del case_number
        return self._told(drop_lines.withdrawal(reference, idempotency_key), HandOver.ACCEPTED)

    def state(self, statement: BackofficeStatement) -> BackofficeAnswer:
        """ACCEPTED once the line is on the disk."""
        return self._told(drop_lines.statement(statement), HandOver.ACCEPTED)

    def remind(self, reminder: BackofficeReminder) -> BackofficeAnswer:
        """ACCEPTED once the line is on the disk."""
        return self._told(drop_lines.reminder(reminder), HandOver.ACCEPTED)

    def poll(self, reference: str, case_number: str) -> tuple[BackofficeEvent, ...]:
        """Nothing: what is new comes in answer files."""
        del reference, case_number
        return ()

    def lookup(
        self, source: str, args: Mapping[str, str | int], msisdn: str, language: str, timeout_s: float
    ) -> LookupResult:
        """Always "unavailable": nothing is read up overnight while a citizen waits."""
        del source, args, msisdn, language, timeout_s
        return LookupResult("unavailable")

    def close_days(self, *, early: bool = False) -> tuple[Closed, ...]:
        """Closes each day that is over; with `early` also the one that goes on, which then begins another file.

        Raises OSError. Whoever is killed in between leaves what the next one finishes; others wait meanwhile.
        """
        closed: list[Closed] = []
        with self._places() as (folder, hidden), drop_files.alone(hidden, _LOCK, wait=True):
            today = self.day()
            self._list_what_is_closed(folder, hidden)
            for day in self._days(hidden):
                if day < today or early:
                    closed += self._close(folder, hidden, day, over=day < today)
            if self._settings.empty_days:
                closed += self._make_up(folder, hidden, today)
        return tuple(closed)

    def erase_old(self) -> int:
        """How many files of days longer ago than `keep_days` were erased. Raises OSError."""
        last = self.day() - timedelta(days=self._settings.keep_days)
        erased = 0
        with self._places() as (folder, hidden), drop_files.alone(hidden, _LOCK, wait=True):
            for name in sorted(os.listdir(folder)):
                day = self._day_of(name.removesuffix(SIGNATURE))
                if day is not None and day < last:
                    drop_files.remove(folder, name)
                    erased += not name.endswith(SIGNATURE)
            for name, day in self._listed(hidden).items():
                if day < last - _COMPARED:
                    drop_files.remove(hidden, name + _LIST)
        return erased

    def day(self) -> date:
        """The day whose file is being written now."""
        local = self._now().astimezone(self._zone)
        return local.date() + (_ONE_DAY if local.hour >= self._settings.close_hour else timedelta())

    @contextmanager
    def places(self) -> Iterator[tuple[int, int]]:
        """The descriptors of the folder of the institution's answers, and of ours that holds the locks."""
        mode = 0o770 if self._settings.readable_by == "group" else 0o700  # the institution writes there
        with self._places() as (_, hidden), drop_files.folder(self.answers_folder, mode) as answers:
            yield answers, hidden

    @contextmanager
    def _places(self) -> Iterator[tuple[int, int]]:
        for path in (self.folder, self.answers_folder):
            if self._data in path.parents:  # elsewhere a missing folder is a disk that is not there
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            drop_files.folder(self.folder, self.folder_mode) as folder,
            drop_files.folder(_OPEN, 0o700, folder) as hidden,
        ):
            yield folder, hidden

    def _told(self, line: bytes, outcome: HandOver) -> BackofficeAnswer:
        try:
            with self._places() as (_, hidden), drop_files.alone(hidden, _LOCK, wait=True):
                drop_files.append(hidden, self._file(self.day()), line)
        except OSError as error:
            code = "no_room" if error.errno in _NO_ROOM else "no_folder" if error.errno in _NO_FOLDER else "not_written"
            logs.event("drop.not_written", level="error", system=self._name, code=code)
            return BackofficeAnswer(HandOver.RETRY, code=code, misconfigured=code == "no_folder")
        return BackofficeAnswer(outcome, code="written")

    def _close(self, folder: int, hidden: int, day: date, *, over: bool) -> Iterator[Closed]:
        """Writes what is new of a day into a file, and forgets the open one; each step can be done again.

        The signature first: a file that can be seen has one. The open file last: until then it is the truth.
        """
        known = self._known(hidden, day)
        lines = drop_lines.once(drop_files.read_own(hidden, self._file(day)))
        fresh = [line for line in lines if _digest(line) not in known]
        wanted = over and self._settings.empty_days and day not in self._listed(hidden).values()
        if fresh or wanted:
            yield self._publish(folder, hidden, day, fresh)
        drop_files.remove(hidden, self._file(day))

    def _publish(self, folder: int, hidden: int, day: date, lines: Sequence[bytes]) -> Closed:
        name, content = self._free_name(folder, hidden, day), b"".join(lines)
        signature = drop_files.sign(self.secrets, name, content)
        drop_files.write_whole(hidden, _TEMPORARY, signature, folder, name + SIGNATURE, self.file_mode)
        drop_files.write_whole(hidden, _TEMPORARY, content, folder, name, self.file_mode)
        self._list(hidden, name, lines)
        logs.event("drop.closed", system=self._name, lines=len(lines))
        return Closed(name, len(lines))

    def _make_up(self, folder: int, hidden: int, today: date) -> Iterator[Closed]:
        """An empty file for each day that nobody wrote or closed; then today's, so that tomorrow knows of it."""
        known = {*self._days(hidden), *self._listed(hidden).values()}
        day = max(min(known, default=today), today - timedelta(days=_MADE_UP))
        while day < today:
            if day not in known:
                yield self._publish(folder, hidden, day, ())
            day += _ONE_DAY
        drop_files.append(hidden, self._file(today), b"")

    def _list_what_is_closed(self, folder: int, hidden: int) -> None:
        """Lists the files that a crash left without a list: they are there, and may be fetched at any moment."""
        for name in sorted(set(os.listdir(folder)) - set(self._listed(hidden))):
            if self._day_of(name) is not None:
                content, _ = drop_files.read_foreign(folder, name, sys.maxsize)
                self._list(hidden, name, content.splitlines(keepends=True))

    def _list(self, hidden: int, name: str, lines: Sequence[bytes]) -> None:
        digests = "".join(f"{_digest(line)}\n" for line in lines).encode()
        drop_files.write_whole(hidden, _TEMPORARY, digests, hidden, name + _LIST, 0o600)

    def _known(self, hidden: int, day: date) -> set[str]:
        """Digests of the lines of all files that were closed lately."""
        known: set[str] = set()
        for name, of in self._listed(hidden).items():
            if of >= day - _COMPARED:
                known.update(drop_files.read_own(hidden, name + _LIST).decode("ascii").split())
        return known

    def _listed(self, hidden: int) -> dict[str, date]:
        """The closed files that we know of, and their days."""
        names = (name.removesuffix(_LIST) for name in os.listdir(hidden) if name.endswith(_LIST))
        return {name: day for name in names if (day := self._day_of(name)) is not None}

    def _free_name(self, folder: int, hidden: int, day: date) -> str:
        taken = {*os.listdir(folder), *self._listed(hidden)}
        name, number = self._file(day), 1
        while name in taken:
            number += 1
            name = f"{self._name}-{day.isoformat()}-{number}.jsonl"
        return name

    def _days(self, hidden: int) -> list[date]:
        """The days of the open files, oldest first."""
        found = (self._day_of(name) for name in os.listdir(hidden))
        return sorted({day for day in found if day is not None})

    def _file(self, day: date) -> str:
        return f"{self._name}-{day.isoformat()}.jsonl"

    def _day_of(self, name: str) -> date | None:
        match = self._pattern.fullmatch(name)
        try:
            return None if match is None else date.fromisoformat(match[1])
        except ValueError:
            return None


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()

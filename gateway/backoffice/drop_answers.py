"""The answer files of an institution: which are complete and signed, and where they go once they were read."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gateway.backoffice import drop_files
from gateway.backoffice.drop import DropBackOffice
from gateway.backoffice.drop_files import SIGNATURE
from gateway.backoffice.words import clean

_LOCK = "answers.lock"
_TEMPORARY = "report.temporary"
_READ, _REFUSED = "read", "refused"
_REPORT = ".txt"
_SUFFIX = ".jsonl"
#: More than an institution needs to see what is wrong.
_REPORTED = 1000
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


class Fault(StrEnum):
    """Why a file, or a line of it, was not taken."""

    LINK = "link"
    NO_FILE = "no_file"
    TOO_LARGE = "too_large"
    NO_ACCESS = "no_access"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    NOT_BELIEVED = "not_believed"
    BAD_ID = "bad_id"
    UNREADABLE = "unreadable"
    UNKNOWN_TYPE = "unknown_type"
    BAD_REFERENCE = "bad_reference"
    UNKNOWN_REFERENCE = "unknown_reference"


#: What is wrong and what to do, in French and in English; nothing of what was read is repeated.
_SENTENCES = {
    Fault.LINK: (
        "ce n'est pas un fichier mais un lien : déposez le fichier lui-même",
        "this is not a file but a link: put the file itself there",
    ),
    Fault.NO_FILE: ("ce n'est pas un fichier : déposez un fichier", "this is not a file: put a file there"),
    Fault.TOO_LARGE: (
        "le fichier est trop grand : répartissez ses lignes en plusieurs fichiers, chacun signé",
        "the file is too large: split its lines over several files, each one signed",
    ),
    Fault.NO_ACCESS: (
        "le fichier ne peut pas être lu : donnez le droit de lecture à la passerelle, et déposez-le de nouveau",
        "the file cannot be read: let the gateway read it, and put it there again",
    ),
    Fault.UNSIGNED: (
        "la signature (.sig) manque : déposez de nouveau le fichier, puis sa signature",
        "its signature (.sig) is missing: put the file there again, then its signature",
    ),
    Fault.BAD_SIGNATURE: (
        "la signature ne correspond pas au nom et au contenu : signez et déposez de nouveau, avec le secret en vigueur",
        "the signature does not fit name and content: sign and put it there again, with the secret in use",
    ),
    Fault.NOT_BELIEVED: ("signature refusée", "signature refused"),
    Fault.BAD_ID: ("« id » : de 1 à 128 caractères ASCII visibles", '"id": 1 to 128 visible ASCII characters'),
    Fault.UNREADABLE: (
        "ce n'est pas un événement tel que le protocole l'écrit : corrigez la ligne",
        "not an event as the protocol writes it: correct the line",
    ),
    Fault.UNKNOWN_TYPE: ("« type » inconnu : corrigez-le", '"type" is unknown: correct it'),
    Fault.BAD_REFERENCE: (
        "« reference » : 12 chiffres, dont le dernier vérifie les autres : corrigez la faute de frappe",
        '"reference": 12 digits, the last of which checks the others: correct the slip',
    ),
    Fault.UNKNOWN_REFERENCE: (
        "aucune demande de votre institution ne porte cette référence : vérifiez-la",
        "no demand of your institution has this reference: check it",
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """A file that waits. `content` is what was signed; with `fault` it is refused as a whole."""

    name: str = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    seen: tuple[int, int, int] | None = None  #: which file that was: inode, size, change


@dataclass(frozen=True, slots=True)
class BadLine:
    number: int  #: from 1
    fault: Fault


class Answers:
    """The open folder of one institution's answers. Raises OSError."""

    def __init__(self, office: DropBackOffice, at: int, now: datetime) -> None:
        self._office, self._at, self._now = office, at, now

    def found(self) -> Iterator[Found]:
        """The files that can be taken or must be refused, by name; what may still be being copied is left out."""
        for name in sorted(os.listdir(self._at)):
            if name.endswith(_SUFFIX) and not name.startswith("."):
                one = self._look(name)
                if one is not None:
                    yield one

    def keep(self, one: Found) -> None:
        """Moves a file that was taken as a whole to `read`."""
        with drop_files.folder(_READ, self._office.folder_mode, self._at) as to:
            self._move(one, to, self._free(to, one.name))

    def refuse(self, one: Found, lines: int, bad: Sequence[BadLine]) -> None:
        """Moves a file to `refused`, with a report beside it; the report first: a file that is there has one."""
        with drop_files.folder(_REFUSED, self._office.folder_mode, self._at) as to:
            name = self._free(to, one.name)
            text = "\n".join(_report(one, lines, bad)) + "\n"
            mode = self._office.file_mode
            drop_files.write_whole(to, _TEMPORARY, text.encode(), to, name + _REPORT, mode)
            self._move(one, to, name)

    def erase_old(self) -> int:
        """How many files, read or refused longer than `keep_days` ago, were erased; and signatures without a file."""
        erased = 0
        keep = timedelta(days=self._office.settings.keep_days)
        for place in (_READ, _REFUSED):
            with drop_files.folder(place, self._office.folder_mode, self._at) as at:
                for name in os.listdir(at):
                    if self._age(at, name) > keep:
                        _remove(at, name)
                        erased += name.endswith(_SUFFIX)
        for name in os.listdir(self._at):
            alone = name.endswith(_SUFFIX + SIGNATURE) and not self._is_there(name.removesuffix(SIGNATURE))
            if alone and self._age(self._at, name) > self._patience:
                _remove(self._at, name)
        return erased

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=self._office.settings.incomplete_s)

    def _look(self, name: str) -> Found | None:
        try:
            content, seen = drop_files.read_foreign(self._at, name, self._office.settings.answers_max_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            faults = {errno.ELOOP: Fault.LINK, errno.EINVAL: Fault.NO_FILE, errno.EFBIG: Fault.TOO_LARGE}
            faults |= {errno.ENXIO: Fault.NO_FILE, errno.EACCES: Fault.NO_ACCESS}
            if error.errno not in faults:
                raise
            return Found(name, fault=faults[error.errno])
        which = _which(seen)
        signature = drop_files.read_signature(self._at, name)
        newest = seen.st_ctime if signature is None else max(seen.st_ctime, signature[1].st_ctime)
        if signature is not None and drop_files.is_signed(self._office.secrets, name, content, signature[0]):
            return Found(name, content, seen=which)
        if self._now - datetime.fromtimestamp(newest, UTC) <= self._patience:
            return None
        return Found(name, fault=Fault.UNSIGNED if signature is None else Fault.BAD_SIGNATURE, seen=which)

    def _move(self, one: Found, to: int, name: str) -> None:
        """The file, then its signature; a file that was put there meanwhile under the same name stays, to be read."""
        now = os.stat(one.name, dir_fd=self._at, follow_symlinks=False)
        if one.seen is not None and _which(now) != one.seen:
            return
        os.rename(one.name, name, src_dir_fd=self._at, dst_dir_fd=to)
        if self._is_there(one.name + SIGNATURE):
            os.rename(one.name + SIGNATURE, name + SIGNATURE, src_dir_fd=self._at, dst_dir_fd=to)
        os.fsync(to)
        os.fsync(self._at)

    def _free(self, to: int, name: str) -> str:
        """A name in the folder `to` that no file has yet, made of plain characters."""
        stem, number = _UNFIT.sub("_", name)[:150].removesuffix(_SUFFIX), 1
        taken = set(os.listdir(to))
        free = stem + _SUFFIX
        while free in taken:
            number += 1
            free = f"{stem}-{number}{_SUFFIX}"
        return free

    def _is_there(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._at, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _age(self, at: int, name: str) -> timedelta:
        """Since the system last changed it: a copied file keeps no date of its own here."""
        changed = os.stat(name, dir_fd=at, follow_symlinks=False).st_ctime
        return self._now - datetime.fromtimestamp(changed, UTC)


@contextmanager
def reading(office: DropBackOffice, now: datetime) -> Iterator[Answers | None]:
    """The folder of an institution's answers; None when another worker reads it. Raises OSError."""
    with office.places() as (answers, hidden), drop_files.alone(hidden, _LOCK, wait=False) as free:
        yield Answers(office, answers, now) if free else None


def _remove(at: int, name: str) -> None:
    try:
        drop_files.remove(at, name)
    except (IsADirectoryError, PermissionError):  # a folder that somebody put there: not ours to empty
        return


def _which(seen: os.stat_result) -> tuple[int, int, int]:
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _report(one: Found, lines: int, bad: Sequence[BadLine]) -> Iterator[str]:
    yield clean(one.name)
    if one.fault is not None:
        french, english = _SENTENCES[one.fault]
        yield f"Rien de ce fichier n'a été pris : {french}."
        yield f"Nothing of this file was taken: {english}."
        return
    yield f"{len(bad)} ligne(s) sur {lines} n'ont pas été prises. Les autres le sont : inutile de les renvoyer."
    yield "Corrigez celles-ci et déposez-les dans un nouveau fichier, signé."
    yield f"{len(bad)} of {lines} lines were not taken. The others were: no need to send them again."
    yield "Correct these and put them there in a new, signed file."
    for line in bad[:_REPORTED]:
        french, english = _SENTENCES[line.fault]
        yield f"ligne {line.number} : {french} / line {line.number}: {english}"
    if len(bad) > _REPORTED:
        yield f"... +{len(bad) - _REPORTED}"

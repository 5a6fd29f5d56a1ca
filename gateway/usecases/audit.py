"""Sealing the histories each minute, and proving that they are whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway import logs
from gateway.store import audit, checkpoints
from gateway.store.audit import Flaw, Tally
from gateway.store.checkpoints import Checkpoint
from gateway.store.db import Connection
from gateway.usecases.parts import Parts

#: Entries that one checkpoint covers at most: its transaction is short after an upgrade, too.
BATCH = 5000
#: The sweep comes every 30 s: every second one of them seals.
_EVERY = timedelta(seconds=50)
#: With nothing new, one a day all the same: else nobody could tell an end that was cut off from a quiet time.
_QUIET = timedelta(days=1)
_LATE = timedelta(hours=25)
_WAITING = timedelta(minutes=10)
_GROUP = 6

_SENTENCES = {  # {about}: demand and entry; {kind}: of the entry, or the key's id
    "chain_gone": "{about}: its whole history was removed",
    "demand_gone": "{about}: entries {number} to {to} belong to a demand that is not there any more",
    "removed": "{about}: entries {number} to {to} were removed",
    "twice": "{about}: there are two entries {number}",
    "altered": "{about}: entry {number} ({kind}) was altered, put elsewhere or inserted: it does not fit its link",
    "reordered": "{about}: entry {number} ({kind}) was stored before the entry that it follows",
    "sealed_early": "{about}: entry {number} ({kind}) is under an older checkpoint than the entry before it",
    "data_altered": "{about}: the stored data are not those of entry {number} ({kind})",
    "data_were_altered": "{about}: when entry {number} ({kind}) was written, the data no longer fitted the one before",
    "data_removed": "{about}: the data of entry {number} ({kind}) are gone, and no entry says that they were erased",
    "data_after_erasure": "{about}: there are data again after entry {number} said that they were erased",
    "said_inserted": "{about}: there is a question or a statement that no entry tells of",
    "said_unreadable": "{about}: a question or a statement cannot be opened with our keys",
    "data_unreadable": "{about}: the data of entry {number} ({kind}) cannot be opened with our keys",
    "checkpoint_missing": "checkpoints {number} to {to} were removed",
    "checkpoint_order": "checkpoint {number} does not follow the one before it",
    "checkpoint_time": "checkpoint {number} is dated more than five minutes before the one it follows",
    "unknown_key": "checkpoint {number} is signed with {kind}, which is no key of this installation",
    "forged": "checkpoint {number} was altered or forged: its signature is not one of key {kind}",
    "retired_key": "checkpoint {number} is signed with key {kind}, which had been replaced by then",
    "heads_removed": "checkpoint {number}: {to} of the chains that it sealed have lost their end, or are gone",
    "heads_altered": "checkpoint {number}: it, or a chain that it sealed, is not as it was",
    "no_such_root": "no checkpoint has the root that was noted: the history up to it was made anew, or its end cut off",
    "no_checkpoint_lately": "the newest checkpoint is more than a day old: upkeep does not run, or the end was cut off",
}


@dataclass(slots=True)
class Report:
    """What a verification looked at; filled while it runs."""

    tally: Tally
    flaws: int = 0
    newest: Checkpoint | None = None
    noted: Checkpoint | None = None  #: the one whose root was given
    waiting: int = 0  #: entries that no checkpoint covers yet
    waiting_since: datetime | None = None


def seal(parts: Parts, conn: Connection, now: datetime) -> int:
    """How many entries a new checkpoint covers: once a minute when there are any, once a day when there are none."""
    checkpoints.lock(conn)
    last, new = checkpoints.newest(conn), checkpoints.waiting(conn, BATCH)
    if not _due(last, new, now):
        return 0
    made, entries = checkpoints.seal(conn, parts.signing(), now, BATCH)
    logs.event("audit.checkpoint", number=made.number, heads=made.heads, root=shown(made.root), key=made.key_id)
    return entries


def verify(parts: Parts, report: Report, reference: str | None = None, since: bytes | None = None) -> Iterator[Flaw]:
    """Everything that is wrong with all histories, or with that of one demand; fills `report`.

    `since`: a root noted earlier, which has to be there. Raises LookupError for an unknown reference.
    """
    now = parts.now()
    with parts.database.read() as conn:
        audit.begin(conn)
        one = None if reference is None else audit.id_of(conn, reference)
        if reference is not None and one is None:
            raise LookupError(reference)
        report.newest = checkpoints.newest(conn)
        for flaw in _flaws(parts, conn, report, one, since):
            report.flaws += 1
            logs.event(
                "audit.flaw",
                level="error",
                code=flaw.code,
                submission_id=flaw.submission_id or None,
                number=flaw.number,
            )
            yield flaw
        report.waiting, report.waiting_since = audit.waiting_since(conn)
    if report.waiting_since is not None and report.waiting_since > now - _WAITING:
        report.waiting_since = None
    counts = report.tally
    logs.event(
        "audit.verified",
        level="error" if report.flaws else "info",
        flaws=report.flaws,
        demands=counts.demands,
        entries=counts.entries,
        checkpoints=counts.checkpoints,
        newest=report.newest.number if report.newest else None,
        root=shown(report.newest.root) if report.newest else None,
    )


def sentence(flaw: Flaw) -> str:
    """What a person is told of a flaw."""
    about = f"demand {flaw.reference or '?'} (id {flaw.submission_id})"
    return _SENTENCES[flaw.code].format(about=about, number=flaw.number, to=flaw.to, kind=flaw.kind)


def shown(root: bytes) -> str:
    """A root as it is printed and logged, `r:3f09ab:...`: in groups, which no log hides as if it were a number."""
    digits = root.hex()
    return "r:" + ":".join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))


def read_root(text: str) -> bytes:
    """The root in what `shown` wrote, or in 64 hexadecimal digits. Raises ValueError."""
    digits = re.sub(r"[\s:]", "", text.strip().lower().removeprefix("r:"))
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("a root has 64 hexadecimal digits")
    return bytes.fromhex(digits)


def _due(last: Checkpoint | None, new: int, now: datetime) -> bool:
    if last is None or new >= BATCH:
        return new > 0
    # Either way: a clock that was far ahead for a moment must not stop the sealing until that time comes.
    return abs(now - last.at) >= (_EVERY if new else _QUIET)


def _flaws(parts: Parts, conn: Connection, report: Report, one: int | None, since: bytes | None) -> Iterator[Flaw]:
    public, tally = parts.signing().public, report.tally
    yield from audit.chains(conn, tally, one)
    yield from audit.data(conn, parts.seals, tally, one)
    if one is not None:
        yield from audit.sealed_of(conn, public, tally, one)
    else:
        yield from audit.sealed(conn, public, tally)
        if report.newest is not None and report.newest.at < parts.now() - _LATE:
            yield Flaw("no_checkpoint_lately", number=report.newest.number)
    if since is not None:
        report.noted = checkpoints.of_root(conn, since)
        if report.noted is None:
            yield Flaw("no_such_root")

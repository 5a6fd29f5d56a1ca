"""Reading the whole history again: entries, checkpoints and data, each against what it should be. Nothing is changed.

All three read in one order, few rows at a time: a history of millions of entries takes no more memory than a short
one. Everything is read as it stood at one moment, while the gateway goes on working.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, exists, func, or_, select, text

from gateway.keys import PublicKey
from gateway.store import chain, chain_data, checkpoints
from gateway.store.checkpoints import Checkpoint
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import submission_events, submissions

#: Other machines get a copy of a changed key file when somebody brings it.
RETIRED_GRACE = timedelta(hours=1)
#: How far apart the clocks of two machines may be that seal one after the other.
_SKEW = timedelta(minutes=5)
_ROWS = 2000
#: Later than any checkpoint.
_UNSEALED = 2**63
_NOTHING: tuple[None, tuple[()]] = (None, ())


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is not as it was. `code` says what: see `usecases/audit.py`, which has a sentence for each."""

    code: str
    submission_id: int = 0
    reference: str = ""
    number: int = 0  #: of the entry or of the checkpoint it is about
    to: int = 0  #: the last of several
    kind: str = ""


@dataclass(slots=True)
class Tally:
    """What was looked at so far."""

    demands: int = 0
    entries: int = 0
    checkpoints: int = 0
    data: int = 0


def begin(conn: Connection) -> None:
    """First of all: everything is seen as it stands now, however long the reading takes."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        conn.execute(text("SET LOCAL statement_timeout = 0"))
        conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def id_of(conn: Connection, reference: str) -> int | None:
    """The id of a demand, None when there is none."""
    return conn.execute(select(submissions.c.id).where(submissions.c.reference == reference)).scalar_one_or_none()


def waiting_since(conn: Connection) -> tuple[int, datetime | None]:
    """How many entries wait for a checkpoint, and the time of the oldest."""
    e = submission_events.c
    row = conn.execute(select(func.count().label("many"), func.min(e.at).label("at")).where(e.checkpoint_id.is_(None)))
    found = row.one()
    return found.many, found.at


def chains(conn: Connection, tally: Tally, submission_id: int | None = None) -> Iterator[Flaw]:
    """What is wrong with the chain of each demand, or of one."""
    s, e = submissions.c, submission_events.c
    of_all = select(s.id.label("demand"), s.reference, submission_events).join_from(
        submissions, submission_events, e.submission_id == s.id, isouter=True
    )
    if submission_id is not None:
        of_all = of_all.where(s.id == submission_id)
    for _, rows in groupby(_streamed(conn, of_all.order_by(s.id, e.number)), attrgetter("demand")):
        tally.demands += 1
        yield from _chain(rows, tally)
    if submission_id is None:
        orphans = select(e.submission_id, func.max(e.number).label("last")).where(
            ~exists().where(s.id == e.submission_id)
        )
        for row in _streamed(conn, orphans.group_by(e.submission_id)):
            yield Flaw("demand_gone", row.submission_id, number=1, to=row.last)


def _chain(rows: Iterable[Any], tally: Tally) -> Iterator[Flaw]:
    previous: bytes | None = chain.START
    expected, last_id, last_sealed = 1, 0, 0
    for row in rows:
        if row.number is None:  # the demand has no entry at all
            yield Flaw("chain_gone", row.demand, row.reference)
            return
        tally.entries += 1
        if row.number > expected:
            yield Flaw("removed", row.demand, row.reference, expected, row.number - 1)
            previous = None  # what it followed is not there any more
        elif row.number < expected:
            yield _at(row, "twice")
        if previous is not None and row.link != _link(previous, row):
            yield _at(row, "altered")
        if row.id <= last_id:
            yield _at(row, "reordered")
        sealed = _UNSEALED if row.checkpoint_id is None else row.checkpoint_id
        if sealed < last_sealed:
            yield _at(row, "sealed_early")
        previous, expected, last_id, last_sealed = row.link, row.number + 1, row.id, sealed


def _at(row: Any, code: str) -> Flaw:
    return Flaw(code, row.demand, row.reference, row.number, kind=row.kind)


def _link(previous: bytes, row: Any) -> bytes:
    return chain.link(
        previous, row.submission_id, row.number, row.at, row.kind, row.code, row.event_id, row.data_digest
    )


def sealed(conn: Connection, public: Mapping[str, PublicKey], tally: Tally) -> Iterator[Flaw]:
    """What is wrong with the checkpoints and with the heads that they seal."""
    e = submission_events.c
    entries = select(e.checkpoint_id, e.submission_id, e.number, e.link).where(e.checkpoint_id.is_not(None))
    ordered = _streamed(conn, entries.order_by(e.checkpoint_id, e.submission_id, e.number))
    groups = groupby(ordered, attrgetter("checkpoint_id"))
    number, rows = next(groups, _NOTHING)
    before: Checkpoint | None = None
    for one in checkpoints.stream(conn):
        tally.checkpoints += 1
        while number is not None and number < one.number:
            yield Flaw("checkpoint_missing", number=number, to=number)
            number, rows = next(groups, _NOTHING)
        heads: Iterable[Any] = ()
        if number == one.number:
            heads = rows
        yield from _follows(before, one)
        yield from _signature(one, public)
        yield from _heads(one, heads)
        if number == one.number:
            number, rows = next(groups, _NOTHING)
        before = one
    while number is not None:
        yield Flaw("checkpoint_missing", number=number, to=number)
        number, rows = next(groups, _NOTHING)


def sealed_of(conn: Connection, public: Mapping[str, PublicKey], tally: Tally, submission_id: int) -> Iterator[Flaw]:
    """What is wrong with the checkpoints that sealed entries of one demand, each by itself."""
    e = submission_events.c
    numbers = select(e.checkpoint_id).where(e.submission_id == submission_id, e.checkpoint_id.is_not(None)).distinct()
    for number in conn.execute(numbers.order_by(e.checkpoint_id)).scalars().all():
        one = checkpoints.of_number(conn, number)
        if one is None:
            yield Flaw("checkpoint_missing", number=number, to=number)
            continue
        tally.checkpoints += 1
        entries = select(e.submission_id, e.number, e.link).where(e.checkpoint_id == number)
        yield from _signature(one, public)
        yield from _heads(one, _streamed(conn, entries.order_by(e.submission_id, e.number)))


def _follows(before: Checkpoint | None, one: Checkpoint) -> Iterator[Flaw]:
    expected = 1 if before is None else before.number + 1
    if one.number > expected:
        yield Flaw("checkpoint_missing", number=expected, to=one.number - 1)
    elif one.previous != (chain.START if before is None else before.root):
        yield Flaw("checkpoint_order", number=one.number)
    if before is not None and one.at < before.at - _SKEW:
        yield Flaw("checkpoint_time", number=one.number)


def _signature(one: Checkpoint, public: Mapping[str, PublicKey]) -> Iterator[Flaw]:
    key = public.get(one.key_id)
    if key is None:
        yield Flaw("unknown_key", number=one.number, kind=one.key_id)
    elif not checkpoints.is_signed(one, key.raw):
        yield Flaw("forged", number=one.number, kind=one.key_id)
    elif key.until is not None and one.at > key.until + RETIRED_GRACE:
        yield Flaw("retired_key", number=one.number, kind=one.key_id)


def _heads(one: Checkpoint, entries: Iterable[Any]) -> Iterator[Flaw]:
    """The heads are counted as the root is made: what it says of their number is part of it."""
    root, found = chain.Root(one.previous, one.number, one.at, one.heads, one.key_id), 0
    for _, rows in groupby(entries, attrgetter("submission_id")):
        *_, head = rows
        root.add(head.submission_id, head.number, head.link)
        found += 1
    if found < one.heads:
        yield Flaw("heads_removed", number=one.number, to=one.heads - found)
    elif root.digest() != one.root:
        yield Flaw("heads_altered", number=one.number)


def data(conn: Connection, seals: Seals, tally: Tally, submission_id: int | None = None) -> Iterator[Flaw]:
    """Which stored data do not fit the digests in their histories; what was erased is not looked at."""
    e, s = submission_events.c, submissions.c
    said = select(*chain_data.columns(), e.number, e.kind, e.code, e.data_digest)
    joined = said.join_from(submissions, submission_events, e.submission_id == s.id).join(*chain_data.number())
    wanted = joined.where(or_(e.data_digest.is_not(None), e.kind == chain_data.ERASED))
    if submission_id is not None:
        wanted = wanted.where(s.id == submission_id)
    texts = _Texts(_streamed(conn, chain_data.said_rows(submission_id)))
    for demand, rows in groupby(_streamed(conn, wanted.order_by(s.id, e.number)), attrgetter("id")):
        entries = list(rows)
        tally.data += 1
        yield from _data_of(seals, entries, texts.of(demand))


class _Texts:
    """The questions and statements of one demand after the other, in the order in which demands are read."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, submission_id: int) -> list[Any]:
        """Those of this demand; asked for with growing ids."""
        found = []
        while self._next is not None and self._next.submission_id <= submission_id:
            if self._next.submission_id == submission_id:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def _data_of(seals: Seals, entries: Sequence[Any], texts: Sequence[Any]) -> Iterator[Flaw]:
    row = entries[-1]
    here = partial(Flaw, submission_id=row.id, reference=row.reference)
    erased = any(one.kind == chain_data.ERASED for one in entries)
    for one in entries:
        if one.kind in chain_data.DEMAND and one.code == chain_data.ALTERED:
            yield here("data_were_altered", number=one.number, kind=one.kind)
    if row.salt_sealed is None or row.fields_sealed is None:
        if not erased:
            yield here("data_removed", number=entries[0].number, kind=entries[0].kind)
        return
    if erased:  # something was put in the place of what was erased
        yield here("data_after_erasure", number=row.number)
        return
    for kinds, value in ((chain_data.DEMAND, chain_data.demand), (chain_data.ANSWER, chain_data.answer)):
        covering = [one for one in entries if one.kind in kinds and one.data_digest is not None]
        try:
            if covering and covering[-1].data_digest != chain_data.digest(
                chain_data.salt(seals, row), value(seals, row)
            ):
                yield here("data_altered", number=covering[-1].number, kind=covering[-1].kind)
        except SealBroken:
            yield here("data_unreadable", number=covering[-1].number, kind=covering[-1].kind)
    told = [one for one in entries if one.kind in chain_data.SAID and one.data_digest is not None]
    try:
        salt = chain_data.salt(seals, row) if texts else b""
        stored = Counter(chain_data.digest(salt, chain_data.said(seals, one)) for one in texts)
    except SealBroken:
        yield here("said_unreadable")
        return
    lost = [one for one in told if not stored[one.data_digest]]
    for one in lost:
        yield here("data_altered", number=one.number, kind=one.kind)
    if stored.total() > len(told):
        yield here("said_inserted")


def _streamed(conn: Connection, rows: Select[Any]) -> Iterator[Any]:
    return iter(conn.execute(rows.execution_options(yield_per=_ROWS)))

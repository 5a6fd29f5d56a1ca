"""Submissions as the agents of one institution see them: their inbox, who has which in hand, what they have read.

Every function takes the desk: what is not of it does not exist here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select, update

from gateway.messages import SubmissionState
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import holdings, questions, statements, submission_events, submissions

_S = SubmissionState
_s, _e = submissions.c, submission_events.c
#: In the hands of the institution, and not decided.
OPEN = (_S.QUEUED, _S.DELIVERED, _S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.MORE_NEEDED)
CLOSED = (_S.GRANTED, _S.REFUSED, _S.WITHDRAWN)
#: Entries of a history that say that the institution was told of the demand. A closed one without any of them never
#: was its business: a proposal that nobody agreed to, a demand withdrawn before it was handed over.
_TOLD = ("queued", "delivered", "acknowledged", "in_progress", "more_needed", "decided", "withdrawal_told")
#: Entries that an agent must see: a new demand, and what telling.py told the desk.
_NEWS = ("queued", "withdrawal_told", "statement_told", "reminder_told")
_NEVER = date(9999, 12, 31)  # a demand without a promised date comes after all that have one
_QUESTION, _STATEMENT = "questions.text_sealed", "statements.text_sealed"


@dataclass(frozen=True, slots=True)
class Desk:
    """One institution, and its systems of kind `desk`."""

    institution: str
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line of the inbox; nothing in it is personal. `assignee` is "" when nobody has it in hand."""

    id: int
    reference: str
    service: str
    system: str
    state: SubmissionState
    submitted_at: datetime
    promised_on: date | None
    assignee: str
    assigned_at: datetime | None
    unread: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which lines are asked for. `state` None: open ones, and closed ones with something unread."""

    state: SubmissionState | None = None
    service: str | None = None
    assignee: str | None = None  #: "": those that nobody has
    unread: bool = False  #: only those in which something is unread


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines an inbox has; `late`: open, and the promised date has passed."""

    by_state: Mapping[SubmissionState, int]
    unread: int
    unassigned: int
    late: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was asked or said about a demand: `kind` is "question", "answer" or "correction"; no text once erased."""

    at: datetime
    kind: str
    text: Mapping[str, str] = field(repr=False)  #: by language; under "" what a citizen typed


def page(conn: Connection, desk: Desk, chosen: Chosen, limit: int, after_id: int | None = None) -> tuple[Waiting, ...]:
    """At most `limit` lines, the earliest promised date first, then the oldest; those after the line `after_id`."""
    lines = _chosen(desk, chosen).order_by(_due(), _s.id).limit(limit)
    if after_id is not None:
        last = conn.execute(select(_due()).where(_s.id == after_id, _visible(desk))).scalar_one_or_none()
        if last is None:
            return ()
        lines = lines.where(or_(_due() > last, and_(_due() == last, _s.id > after_id)))
    return tuple(_waiting(row) for row in conn.execute(lines))


def filed(
    conn: Connection,
    desk: Desk,
    state: SubmissionState | None,
    service: str | None,
    after_id: int,
    limit: int,
    guests: Collection[bytes] | None,
) -> tuple[Waiting, ...]:
    """At most `limit` demands by id after one, in a state and of a service when given.

    `guests`: only those of numbers with these digests.
    """
    lines = _lines(desk).where(_s.id > after_id).order_by(_s.id).limit(limit)
    if state is not None:
        lines = lines.where(_s.state == state)
    if service is not None:
        lines = lines.where(_s.service == bounded(service, 64))
    if guests is not None:
        lines = lines.where(_s.holding_id.in_(_holdings_of(guests)))
    return tuple(_waiting(row) for row in conn.execute(lines))


def is_of(conn: Connection, submission_id: int, guests: Collection[bytes]) -> bool:
    """Whether the demand is of a number with one of these digests."""
    found = select(_s.id).where(_s.id == submission_id, _s.holding_id.in_(_holdings_of(guests)))
    return conn.execute(found).scalar_one_or_none() is not None


def find(conn: Connection, desk: Desk, reference: str) -> Waiting | None:
    """The line of a reference (12 digits); None when there is none such at this desk."""
    row = conn.execute(_lines(desk).where(_s.reference == reference)).one_or_none()
    return None if row is None else _waiting(row)


def numbered(conn: Connection, desk: Desk, submission_id: int) -> Waiting | None:
    """The line of an id; None when there is none such at this desk."""
    row = conn.execute(_lines(desk).where(_s.id == submission_id)).one_or_none()
    return None if row is None else _waiting(row)


def counts(conn: Connection, desk: Desk, today: date) -> Counts:
    """What waits at the desk; `today` is the local day."""
    states = conn.execute(select(_s.state, func.count()).where(_visible(desk)).group_by(_s.state))

    def many(*conditions: ColumnElement[bool]) -> int:
        return conn.execute(select(func.count()).select_from(submissions).where(*conditions)).scalar_one()

    still_open = and_(_visible(desk), _s.state.in_(OPEN))
    return Counts(
        by_state={SubmissionState(state): count for state, count in states},
        unread=many(_visible(desk), _unread()),
        unassigned=many(still_open, _s.assignee.is_(None)),
        late=many(still_open, _s.promised_on < today),
    )


def take(conn: Connection, desk: Desk, submission_id: int, who: str, now: datetime) -> str:
    """Who has the demand after this: `who` if nobody had it, else whoever had; "" when it is not open at this desk.

    Two at once: one has it, the other is told who.
    """
    free = update(submissions).where(_at(desk, submission_id), _s.assignee.is_(None))
    conn.execute(free.values(assignee=bounded(who, 64), assigned_at=now))
    return conn.execute(select(_s.assignee).where(_at(desk, submission_id))).scalar_one_or_none() or ""


def hand(conn: Connection, desk: Desk, submission_id: int, holder: str | None, to: str | None, now: datetime) -> bool:
    """Whether the demand, in the hand of `holder` (None: of nobody) until now, is in that of `to` (None: of nobody)."""
    held = _s.assignee.is_(None) if holder is None else _s.assignee == bounded(holder, 64)
    given: dict[str, object] = {"assignee": None if to is None else bounded(to, 64)}
    given["assigned_at"] = None if to is None else now
    return conn.execute(update(submissions).where(_at(desk, submission_id), held).values(given)).rowcount == 1


def note_read(conn: Connection, desk: Desk, submission_id: int) -> None:
    """An agent has seen all that is in the history of the demand now."""
    last = select(func.max(_e.number)).where(_e.submission_id == submission_id).scalar_subquery()
    seen = update(submissions).where(_s.id == submission_id, _s.system.in_(desk.systems))
    conn.execute(seen.values(read_number=last))


def said(conn: Connection, seals: Seals, submission_id: int) -> tuple[Said, ...]:
    """What the institution asked and the citizen said, oldest first."""
    q, t = questions.c, statements.c
    asked = conn.execute(select(q.asked_at, q.text_sealed).where(q.submission_id == submission_id))
    told = conn.execute(select(t.said_at, t.kind, t.text_sealed).where(t.submission_id == submission_id))
    all_said = [Said(row.asked_at, "question", _by_language(seals, row.text_sealed)) for row in asked]
    all_said += [Said(row.said_at, row.kind, {"": seals.shown(row.text_sealed, _STATEMENT)}) for row in told]
    return tuple(sorted(all_said, key=lambda one: one.at))


def _by_language(seals: Seals, sealed: bytes | None) -> dict[str, str]:
    return {} if sealed is None else dict(seals.open_json(sealed, _QUESTION))


def _holdings_of(digests: Collection[bytes]) -> Any:
    return select(holdings.c.id).where(holdings.c.msisdn_digest.in_(digests)).scalar_subquery()


def _due() -> ColumnElement[date]:
    return func.coalesce(_s.promised_on, literal(_NEVER))


def _lines(desk: Desk) -> Select[Any]:
    return select(submissions, _unread().label("unread")).where(_visible(desk))


def _chosen(desk: Desk, chosen: Chosen) -> Select[Any]:
    lines = _lines(desk)
    if chosen.state is not None:
        lines = lines.where(_s.state == chosen.state)
    else:
        lines = lines.where(or_(_s.state.in_(OPEN), _unread()))
    if chosen.service is not None:
        lines = lines.where(_s.service == chosen.service)
    if chosen.assignee is not None:
        lines = lines.where(_s.assignee == chosen.assignee if chosen.assignee else _s.assignee.is_(None))
    return lines.where(_unread()) if chosen.unread else lines


def _ours(desk: Desk) -> ColumnElement[bool]:
    # Both: a system that was given to another institution since does not bring it the demands of the one before.
    return and_(_s.system.in_(desk.systems), _s.institution == desk.institution)


def _at(desk: Desk, submission_id: int) -> ColumnElement[bool]:
    return and_(_s.id == submission_id, _ours(desk), _s.state.in_(OPEN))


def _visible(desk: Desk) -> ColumnElement[bool]:
    return and_(_ours(desk), or_(_s.state.in_(OPEN), and_(_s.state.in_(CLOSED), _has(_TOLD))))


def _unread() -> ColumnElement[bool]:
    return _has(_NEWS, _e.number > func.coalesce(_s.read_number, 0))


def _has(kinds: tuple[str, ...], *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_e.id).where(_e.submission_id == _s.id, _e.kind.in_(kinds), *more).exists()


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        id=row.id,
        reference=row.reference,
        service=row.service,
        system=row.system,
        state=SubmissionState(row.state),
        submitted_at=row.submitted_at,
        promised_on=row.promised_on,
        assignee=row.assignee or "",
        assigned_at=row.assigned_at,
        unread=bool(row.unread),
    )

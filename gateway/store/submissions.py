"""Submissions: the durable demands. A state only moves forward; a person may bring a dead one back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, Row, func, select, update

from gateway.messages import Decision, OnBehalf, SubmissionState
from gateway.store import questions, statements, submission_events
from gateway.store.columns import bounded, is_in
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import OPEN_SUBMISSION, submissions

FIELDS = "submissions.fields_sealed"
RELATION = "submissions.relation_sealed"
_LABEL = "submissions.label_sealed"
MESSAGE = "submissions.message_sealed"
_S = SubmissionState

#: state -> the states it can be reached from (see SubmissionState). A dead one may still be answered: the hand-over
#: can have had its effect although no answer came back.
_UNTAKEN = (_S.RECEIVED, _S.QUEUED, _S.DELIVERED, _S.DEAD)
_TAKEN = (_S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.MORE_NEEDED)
MOVES: Mapping[SubmissionState, tuple[SubmissionState, ...]] = {
    _S.QUEUED: (_S.RECEIVED, _S.DEAD),
    _S.DELIVERED: (_S.RECEIVED, _S.QUEUED, _S.DEAD),
    _S.ACKNOWLEDGED: _UNTAKEN,
    _S.IN_PROGRESS: (*_UNTAKEN, _S.ACKNOWLEDGED, _S.MORE_NEEDED),
    _S.MORE_NEEDED: (*_UNTAKEN, _S.ACKNOWLEDGED, _S.IN_PROGRESS),
    _S.GRANTED: (*_UNTAKEN, *_TAKEN),
    _S.REFUSED: (*_UNTAKEN, *_TAKEN),
    _S.DEAD: (_S.RECEIVED,),
    _S.RECEIVED: (_S.DEAD, _S.PROPOSED),  # from dead only by a person
    _S.WITHDRAWN: (_S.PROPOSED, *_UNTAKEN, *_TAKEN),
}


class ReferenceTaken(Exception):
    """The new reference belongs to another submission: make another one and insert again, in the same transaction."""


class AlreadyOpen(Exception):
    """A submission about the same subject still waits for an answer: which one, and whose."""

    def __init__(self, reference: str, holding_id: int) -> None:
        super().__init__("a submission about the same subject is open")
        self.reference = reference
        self.holding_id = holding_id


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """A demand to store."""

    reference: str  #: 12 digits
    service: str
    menu_version: str
    system: str
    institution: str
    holding_id: int
    channel: str
    language: str
    assurance: str
    sensitive: bool
    fields: Mapping[str, str | int] = field(repr=False)
    subject: Sequence[tuple[str, str | int]] = field(repr=False)  #: empty: no duplicate is looked for
    label: str = field(repr=False)  #: what tells it apart in the citizen's own list
    idempotency_key: str
    receipt_key_id: str  #: which key made the verification code
    promised_on: date | None
    keep_s: int | None  #: how long personal data stay after closure; None: they stay
    state: SubmissionState = SubmissionState.RECEIVED  #: or `proposed`, until the person it is for agrees
    on_behalf: OnBehalf | None = None
    relation: str = field(default="", repr=False)  #: what the helper is to the person it is for
    helper_id: int | None = None  #: the holding of who dialled, when it is for somebody else
    hand_over_by: datetime | None = None  #: when it is given up if nobody took it; None: after the system's attempts


@dataclass(frozen=True, slots=True)
class StoredSubmission:
    """A submission without its fields. `label` and `message` are empty once erased, or when they cannot be read."""

    id: int
    reference: str
    service: str
    menu_version: str
    system: str
    institution: str
    holding_id: int
    channel: str
    language: str
    assurance: str
    sensitive: bool
    state: SubmissionState
    label: str = field(repr=False)
    case_number: str
    decision: Decision | None
    message: dict[str, str] = field(repr=False)  #: by language, the institution's words to the citizen
    promised_on: date | None
    receipt_key_id: str
    submitted_at: datetime
    acknowledged_at: datetime | None
    decided_at: datetime | None
    closed_at: datetime | None
    on_behalf: OnBehalf | None = None
    helper_id: int | None = None
    moved_at: datetime | None = None  #: when another number took it over
    idempotency_key: str = ""
    hand_over_by: datetime | None = None  #: past it, an institution that never took it is given up
    late_told_at: datetime | None = None  #: when citizen and institution were told that the promised date passed


def insert(conn: Connection, seals: Seals, new: NewSubmission, now: datetime) -> int:
    """The id of the stored submission. Raises ReferenceTaken or AlreadyOpen; the transaction stays usable.

    Two at once about the same subject: one is stored, the other is told AlreadyOpen when the first has committed.
    """
    row = {
        "reference": new.reference,
        "service": new.service,
        "menu_version": new.menu_version,
        "system": new.system,
        "institution": new.institution,
        "holding_id": new.holding_id,
        "channel": new.channel,
        "language": new.language,
        "assurance": new.assurance,
        "sensitive": new.sensitive,
        "state": new.state,
        "fields_sealed": seals.seal_json(dict(new.fields), FIELDS),
        "subject_digest": _subject_digest(seals, new.service, new.subject),
        "label_sealed": seals.seal(new.label, _LABEL),
        "idempotency_key": new.idempotency_key,
        "case_number": "",
        "promised_on": new.promised_on,
        "receipt_key_id": new.receipt_key_id,
        "keep_s": new.keep_s,
        "submitted_at": now,
        "on_behalf": new.on_behalf,
        "relation_sealed": seals.seal(new.relation, RELATION) if new.relation else None,
        "helper_id": new.helper_id,
        "hand_over_by": new.hand_over_by,
    }
    # Twice: the one that stood in the way may have been closed between the INSERT and the search for it.
    for _ in range(2):
        stored = insert_into(conn, submissions).values(row).on_conflict_do_nothing().returning(submissions.c.id)
        submission_id: int | None = conn.execute(stored).scalar_one_or_none()
        if submission_id is not None:
            return submission_id
        open_one = find_open(conn, seals, new.service, new.subject)
        if open_one is not None:
            raise AlreadyOpen(open_one.reference, open_one.holding_id)
        if by_reference(conn, seals, new.reference) is not None:
            raise ReferenceTaken
    raise ValueError("the idempotency key belongs to another submission")


def find_open(
    conn: Connection, seals: Seals, service: str, subject: Sequence[tuple[str, str | int]]
) -> StoredSubmission | None:
    """The submission to `service` about `subject` that still waits for an answer, None when there is none."""
    digest = _subject_digest(seals, service, subject)
    if digest is None:
        return None
    row = conn.execute(
        select(submissions).where(
            submissions.c.service == service,
            submissions.c.subject_digest == digest,
            is_in(submissions.c.state, OPEN_SUBMISSION),
        )
    ).one_or_none()
    return None if row is None else _stored(seals, row)


def by_reference(conn: Connection, seals: Seals, reference: str) -> StoredSubmission | None:
    """The submission of a reference (12 digits), None when there is none."""
    row = conn.execute(select(submissions).where(submissions.c.reference == reference)).one_or_none()
    return None if row is None else _stored(seals, row)


def by_id(conn: Connection, seals: Seals, submission_id: int) -> StoredSubmission | None:
    """The submission of an id, None when there is none."""
    row = conn.execute(select(submissions).where(submissions.c.id == submission_id)).one_or_none()
    return None if row is None else _stored(seals, row)


def by_ids(conn: Connection, seals: Seals, ids: Collection[int]) -> dict[int, StoredSubmission]:
    """The submissions of these ids."""
    rows = conn.execute(select(submissions).where(submissions.c.id.in_(ids)))
    return {row.id: _stored(seals, row) for row in rows}


def of_holding(conn: Connection, seals: Seals, holding_id: int, limit: int) -> tuple[StoredSubmission, ...]:
    """The latest `limit` submissions of a holding, newest first."""
    latest = select(submissions).where(submissions.c.holding_id == holding_id)
    rows = conn.execute(latest.order_by(submissions.c.id.desc()).limit(limit))
    return tuple(_stored(seals, row) for row in rows)


def list_page(
    conn: Connection,
    seals: Seals,
    limit: int,
    before_id: int | None = None,
    state: SubmissionState | None = None,
) -> tuple[StoredSubmission, ...]:
    """A page of all submissions, newest first: those with an id below `before_id`, in `state`, when given."""
    page = select(submissions).order_by(submissions.c.id.desc()).limit(limit)
    if before_id is not None:
        page = page.where(submissions.c.id < before_id)
    if state is not None:
        page = page.where(submissions.c.state == state)
    return tuple(_stored(seals, row) for row in conn.execute(page))


def set_state(
    conn: Connection,
    seals: Seals,
    submission_id: int,
    to: SubmissionState,
    now: datetime,
    *,
    case_number: str = "",
    message: Mapping[str, str] | None = None,
) -> bool:
    """Whether the submission moved to `to` by this call; False when MOVES forbids it (already there, already further).

    `case_number` and `message` (by language) are stored with the move when they are given. Granted, refused and
    withdrawn close it: its personal data are due for erasure `keep_s` later.
    """
    values: dict[str, object] = {"state": to}
    if case_number:
        values["case_number"] = bounded(case_number, 128)
    if message:
        values["message_sealed"] = seals.seal_json(dict(message), MESSAGE)
    if to is _S.ACKNOWLEDGED:
        values["acknowledged_at"] = now
    row = conn.execute(
        update(submissions)
        .where(submissions.c.id == submission_id, submissions.c.state.in_(MOVES.get(to, ())))
        .values(values)
        .returning(submissions.c.keep_s)
    ).one_or_none()
    if row is None:
        return False
    if to in (_S.GRANTED, _S.REFUSED, _S.WITHDRAWN):
        due = None if row.keep_s is None else now + timedelta(seconds=row.keep_s)
        closing: dict[str, object] = {"closed_at": now, "erase_after": due}
        if to is not _S.WITHDRAWN:
            closing |= {"decision": Decision(to), "decided_at": now}
        conn.execute(update(submissions).where(submissions.c.id == submission_id).values(closing))
    return True


def hold(conn: Connection, submission_id: int) -> None:
    """Nobody else moves the demand until this transaction ends."""
    conn.execute(select(submissions.c.id).where(submissions.c.id == submission_id).with_for_update())


def move(conn: Connection, submission_id: int, holding_id: int, now: datetime) -> None:
    """The demand belongs to another holding from now on."""
    moved = update(submissions).where(submissions.c.id == submission_id)
    conn.execute(moved.values(holding_id=holding_id, moved_at=now))


def set_hand_over_by(conn: Connection, submission_id: int, by: datetime | None) -> None:
    """Until when it may be handed over from now on; None: as often as its system is tried."""
    conn.execute(update(submissions).where(submissions.c.id == submission_id).values(hand_over_by=by))


def note_case(conn: Connection, submission_id: int, case_number: str) -> None:
    """Keeps the institution's number of the file when it comes without a move of the state; the first one stays."""
    unnamed = update(submissions).where(submissions.c.id == submission_id, submissions.c.case_number == "")
    unnamed = unnamed.where(submissions.c.fields_sealed.is_not(None))  # once erased, it stays so
    conn.execute(unnamed.values(case_number=bounded(case_number, 128)))


def erase_due(conn: Connection, now: datetime, limit: int, undecided_before: datetime | None = None) -> tuple[int, ...]:
    """The ids, at most `limit`, whose personal data were due and are now erased; then call `mt_texts.erase_of`.

    `undecided_before`: those made before then that nobody ever decided are due too; None: they are kept.
    """
    s = submissions.c
    over = s.erase_after <= now
    if undecided_before is not None:
        left = is_in(s.state, OPEN_SUBMISSION) & (s.submitted_at <= undecided_before) & s.fields_sealed.is_not(None)
        over = over | left
    due = select(s.id).where(over).limit(limit)
    return erase(conn, s.id.in_(due.scalar_subquery()), now)


def erase(conn: Connection, which: ColumnElement[bool], now: datetime) -> tuple[int, ...]:
    """The ids of those that `which` says, now without personal data, questions and statements; histories stay whole."""
    sealed = ("fields_sealed", "relation_sealed", "label_sealed", "message_sealed", "subject_digest", "erase_after")
    gone = {**dict.fromkeys((*sealed, "salt_sealed")), "case_number": ""}
    erased = tuple(conn.execute(update(submissions).where(which).values(gone).returning(submissions.c.id)).scalars())
    questions.erase_of(conn, erased)
    statements.erase_of(conn, erased)
    for one in erased:
        submission_events.add(conn, one, "erased", now)
    return erased


def count_by_state(conn: Connection) -> dict[SubmissionState, int]:
    """How many submissions are in each state; states with none are left out."""
    rows = conn.execute(select(submissions.c.state, func.count()).group_by(submissions.c.state))
    return {SubmissionState(state): count for state, count in rows}


def _subject_digest(seals: Seals, service: str, subject: Sequence[tuple[str, str | int]]) -> bytes | None:
    """None for an empty subject. The service is in it, so that equal digests say nothing across services."""
    if not subject:
        return None
    pairs = [[service], *([name, str(value)] for name, value in subject)]
    return seals.digest("subject", msgspec.json.encode(pairs).decode())


def _stored(seals: Seals, row: Row[*tuple[object, ...]]) -> StoredSubmission:
    return StoredSubmission(
        id=row.id,
        reference=row.reference,
        service=row.service,
        menu_version=row.menu_version,
        system=row.system,
        institution=row.institution,
        holding_id=row.holding_id,
        channel=row.channel,
        language=row.language,
        assurance=row.assurance,
        sensitive=row.sensitive,
        state=SubmissionState(row.state),
        label=seals.shown(row.label_sealed, _LABEL),
        case_number=row.case_number,
        decision=None if row.decision is None else Decision(row.decision),
        message=msgspec.json.decode(seals.shown(row.message_sealed, MESSAGE) or "{}"),
        promised_on=row.promised_on,
        receipt_key_id=row.receipt_key_id,
        submitted_at=row.submitted_at,
        acknowledged_at=row.acknowledged_at,
        decided_at=row.decided_at,
        closed_at=row.closed_at,
        on_behalf=None if row.on_behalf is None else OnBehalf(row.on_behalf),
        helper_id=row.helper_id,
        moved_at=row.moved_at,
        idempotency_key=row.idempotency_key,
        hand_over_by=row.hand_over_by,
        late_told_at=row.late_told_at,
    )

"""What a person may see of submissions, masked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.messages import SubmissionState
from gateway.store import dead_letters, holdings, mts, outbox, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.mts import Mt
from gateway.store.outbox import OutboxRow
from gateway.store.sealed import SealBroken
from gateway.store.submission_events import SubmissionEvent
from gateway.store.submissions import StoredSubmission
from gateway.text import msisdn, reference
from gateway.usecases.parts import Parts


@dataclass(frozen=True, slots=True)
class Line:
    """One submission in a list.

    `number` is masked, "?" when it cannot be read; `code` is the last word of the hand-over ("http_503"), or "".
    """

    id: int
    reference: str  #: as people read it: "4821 0937 5628"
    service: str
    system: str
    state: SubmissionState
    number: str
    channel: str
    submitted_at: datetime
    code: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is known of one submission, without its fields, label, messages and texts."""

    line: Line
    case_number: str
    promised_on: str  #: ISO date, "" when none is promised
    hand_over_by: datetime | None
    late_told_at: datetime | None
    events: tuple[SubmissionEvent, ...]
    sms: tuple[Mt, ...]
    work: tuple[OutboxRow, ...]  #: what its institution is told, and the sending of its SMS


def list_submissions(
    parts: Parts, limit: int, before_id: int | None = None, state: SubmissionState | None = None
) -> tuple[Line, ...]:
    """The newest submissions, older than `before_id` and in `state` when given. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        page = submissions.list_page(conn, parts.seals, limit, before_id, state)
        return tuple(line_of(conn, parts, one) for one in page)


def show(parts: Parts, typed: str) -> Sheet | None:
    """The submission of a reference as a person typed it, None when there is none. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        one = _find(conn, parts, typed)
        if one is None:
            return None
        sms = mts.of_submission(conn, one.id)
        sendings = (row for mt in sms for row in outbox.of_target(conn, "mt", mt.id))
        return Sheet(
            line=line_of(conn, parts, one),
            case_number=one.case_number,
            promised_on=one.promised_on.isoformat() if one.promised_on else "",
            hand_over_by=one.hand_over_by,
            late_told_at=one.late_told_at,
            events=submission_events.of(conn, one.id),
            sms=sms,
            work=(*dead_letters.told_of(conn, one.id), *sendings),
        )


def find_line(conn: Connection, parts: Parts, typed: str) -> Line | None:
    """The submission of a reference as a person typed it, None when there is none."""
    one = _find(conn, parts, typed)
    return None if one is None else line_of(conn, parts, one)


def _find(conn: Connection, parts: Parts, typed: str) -> StoredSubmission | None:
    number = reference.parse(typed)
    return None if number is None else submissions.by_reference(conn, parts.seals, number)


def line_of(conn: Connection, parts: Parts, one: StoredSubmission) -> Line:
    """A submission in a list."""
    rows = outbox.of_target(conn, "submission", one.id)
    return Line(
        id=one.id,
        reference=reference.show(one.reference),
        service=one.service,
        system=one.system,
        state=one.state,
        number=_number(conn, parts, one.holding_id),
        channel=one.channel,
        submitted_at=one.submitted_at,
        code=rows[-1].last_code if rows else "",
    )


def _number(conn: Connection, parts: Parts, holding_id: int) -> str:
    try:
        return msisdn.mask(holdings.msisdn_of(conn, parts.seals, holding_id))
    except SealBroken:
        return "?"

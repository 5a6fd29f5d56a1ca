"""Dead letters, as an operator inspects, mends and replays them: nothing of them is lost, and nothing is in clear."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway import logs
from gateway.messages import SubmissionState
from gateway.store import dead_letters, outbox, stops, submission_events, submissions
from gateway.store.db import Connection
from gateway.store.dead_letters import DeadRow, Obstacle
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import hand_over, inspection, notices
from gateway.usecases.inspection import Line
from gateway.usecases.parts import Parts

#: Rows replayed in one transaction.
_BATCH = 100


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter: of which demand (masked), since when and why, and what stands in the way of a replay."""

    row: DeadRow
    line: Line
    obstacle: Obstacle | None
    key_id: str  #: of the key that is missing, else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters: of these references, of a system, of a code; all that is given must fit."""

    references: tuple[str, ...] | None = None  #: 12 digits each
    system: str | None = None
    code: str | None = None

    @property
    def subject(self) -> str:
        """What the record of operators' acts calls it."""
        if self.references is not None:
            return " ".join(self.references)
        given = {"system": self.system, "code": self.code}
        return " ".join(f"{name}:{value}" for name, value in given.items() if value)


def selection(typed: Sequence[str], system: str | None, code: str | None) -> Selection | str:
    """What a person asked for; the first reference that is none, as typed."""
    numbers = [reference.parse(one) for one in typed]
    for one, number in zip(typed, numbers, strict=True):
        if number is None:
            return one
    return Selection(tuple(number for number in numbers if number) if typed else None, system, code)


def find(
    parts: Parts, chosen: Selection, limit: int | None = None, system_now: str | None = None
) -> tuple[DeadLetter, ...]:
    """The dead letters of a selection, those given up first first. Raises StoreUnavailable.

    `system_now`: the system that would be told, in place of the one they were for.
    """
    with parts.database.read() as conn:
        rows = dead_letters.find(
            conn, references=chosen.references, system=chosen.system, code=chosen.code, limit=limit
        )
        whole = submissions.by_ids(conn, parts.seals, {row.submission_id for row in rows})
        return tuple(_letter(conn, parts, row, whole[row.submission_id], system_now) for row in rows)


def replay(
    parts: Parts, chosen: Selection, letters: Collection[DeadLetter], who: str, system_now: str | None = None
) -> int:
    """How many of these letters will be told again, with the same keys; those with an obstacle are left.

    `who` and the selection are kept among the acts of operators. `system_now`: gateway.yaml calls their system so now.
    Raises StoreUnavailable.
    """
    ready = [letter.row for letter in letters if letter.obstacle is None]
    done = 0
    for start in range(0, len(ready), _BATCH):
        with parts.database.begin() as conn:
            if start == 0:
                renamed = f" system-now={system_now}" if system_now else ""
                detail = f"{len(ready)} of {len(letters)}{renamed}"
                stops.note_act(conn, who, "replay", chosen.subject, detail, parts.now())
            done += sum(_replay(conn, parts, row, system_now) for row in ready[start : start + _BATCH])
    if done:
        parts.announce((hand_over.LANE,))
    logs.event("submission.replayed", level="warning", rows=done, system=system_now or chosen.system)
    return done


def _letter(
    conn: Connection, parts: Parts, row: DeadRow, submission: StoredSubmission, system_now: str | None
) -> DeadLetter:
    stands, key_id = dead_letters.obstacle(conn, parts.seals, row)
    if stands is None and (system_now or row.system) not in parts.settings.systems:
        stands = Obstacle.NO_SYSTEM
    return DeadLetter(row, inspection.line_of(conn, parts, submission), stands, key_id)


def _replay(conn: Connection, parts: Parts, row: DeadRow, system_now: str | None) -> bool:
    """Whether the row was dead still and is ready again, its attempts and its time counted anew."""
    now = parts.now()
    if not outbox.requeue(conn, row.id, now):
        return False
    if system_now is not None and system_now != row.system:
        dead_letters.readdress(conn, row, system_now, parts.settings.systems[system_now].institution)
        submission_events.add(conn, row.submission_id, "readdressed", now, system_now)
    if row.kind == "submission":
        submissions.set_state(conn, parts.seals, row.submission_id, SubmissionState.RECEIVED, now)
        stored = submissions.by_id(conn, parts.seals, row.submission_id)
        by = None if stored is None else hand_over.deadline(notices.service_of(parts, stored), now)
        submissions.set_hand_over_by(conn, row.submission_id, by)
        submission_events.add(conn, row.submission_id, "replayed", now, "person")
    else:
        submission_events.add(conn, row.submission_id, f"{row.kind}_replayed", now, "person")
    return True

"""All that is kept about one number, in every table, opened: to be given to the person whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from gateway.messages import SubmissionState
from gateway.store import api_keys, audiences, campaign_rows
from gateway.store import holdings as numbers
from gateway.store import questions as asked
from gateway.store import statements as said
from gateway.store import submissions as demands
from gateway.store.conversations import STATE as _TALK
from gateway.store.db import Connection
from gateway.store.mt_texts import WITH_A_CODE
from gateway.store.persons import began
from gateway.store.saved_dialogues import STATE as _LEFT
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import (
    agreements,
    cached_answers,
    codes,
    conversations,
    erasures,
    holdings,
    mos,
    mts,
    preferences,
    promised_answers,
    questions,
    saved_dialogues,
    sim_checks,
    statements,
    submission_events,
    submissions,
)

_CACHED, _ASKED = "cached_answers.answer_sealed", "promised_answers.args_sealed"
_MESSAGE, _MT_TEXT, _MO_TEXT = "submissions.message_sealed", "mts.text_sealed", "mos.text_sealed"

#: What the citizen typed in a dialogue, by name, from the engine's encoded state.
ReadState = Callable[[bytes], Mapping[str, Any]]


def export(conn: Connection, seals: Seals, msisdn: str, read_state: ReadState, *, everybody: bool) -> dict[str, Any]:
    """All that is kept of whoever holds a number (E.164) now, as JSON values; times are UTC, ISO 8601.

    `everybody`: of those who held it before, too. One-time codes are not in it: they are kept as digests only.
    """
    digest = numbers.digest_of(seals, msisdn)
    current = numbers.held(conn, seals, msisdn)
    since = None if everybody or current is None else current.opened_at
    held = numbers.of_number(conn, digest) if everybody else (() if current is None else (current.id,))
    after = began(conn, digest, since)
    known = everybody or current is not None
    received = [mos.c.msisdn_digest == digest, *([mos.c.received_at > after] if after else [])] if known else None
    return {
        "number": msisdn,
        **_of_number(conn, held, digest),
        "demands": [
            _demand(conn, seals, row) | _talk(conn, seals, row.id)
            for row in _rows(conn, submissions, "holding_id", held)
        ],
        "demands_made_for_somebody_else": _for_others(conn, held),
        "asked_to_agree": _agreements(conn, held),
        "sms_sent_to_the_number": [
            _shown(row, "created_at", "template", "category", "state", "segments")
            | {"text": "" if row.template in WITH_A_CODE else seals.shown(row.text_sealed, _MT_TEXT)}
            for row in _rows(conn, mts, "holding_id", held)
        ],
        "sms_from_the_number": [
            _shown(row, "received_at", "short_code", "network", "state")
            | {"text": seals.shown(row.text_sealed, _MO_TEXT)}
            for row in (() if received is None else conn.execute(select(mos).where(*received).order_by(mos.c.id)))
        ],
        "rows_of_notifications": _notified(conn, seals, digest, after) if known else [],
        "lists_of_institutions": [
            {"institution": one.institution, "name": one.name, "made_at": one.created_at.isoformat()}
            for one in (audiences.lists_with(conn, seals, digest) if known else ())
        ],
        "guest_of_trial_keys": [
            {"institution": institution, "made_at": made_at.isoformat()}
            for institution, made_at in (api_keys.guest_of(conn, seals, digest) if known else ())
        ],
        "dialogues_not_finished": [
            _shown(row, "service", "channel", "screen", "saved_at", "expires_at")
            | {"answers": _answers(seals, row.state_sealed, _LEFT, read_state)}
            for row in _rows(conn, saved_dialogues, "holding_id", held)
        ],
        "conversation_by_sms": [
            _shown(row, "channel", "short_code", "dialogue_until", "updated_at")
            | {"answers": _answers(seals, row.state_sealed, _TALK, read_state)}
            for row in conn.execute(select(conversations).where(conversations.c.holding_id.in_(held)))
        ],
        "answers_of_institutions": [
            _shown(row, "answered_at", "forget_at") | {"answer": _opened(seals, row.answer_sealed, _CACHED)}
            for row in conn.execute(select(cached_answers).where(cached_answers.c.holding_id.in_(held)))
        ],
        "answers_promised_by_sms": [
            _shown(row, "service", "source", "asked_at", "settled_at", "outcome")
            | {"asked": _opened(seals, row.args_sealed, _ASKED)}
            for row in _rows(conn, promised_answers, "holding_id", held)
        ],
    }


def _of_number(conn: Connection, held: Sequence[int], digest: bytes) -> dict[str, Any]:
    """What is known of the number itself."""
    e = erasures.c
    return {
        "holdings": [
            _shown(
                row,
                *("opened_at", "closed_at", "closed_why", "last_seen_at", "network", "sim_changed_at"),
                *("notice", "notice_at"),
            )
            for row in conn.execute(select(holdings).where(holdings.c.id.in_(held)).order_by(holdings.c.id))
        ],
        "choices": [
            _shown(row, "subject", "value", "at", "source") for row in _rows(conn, preferences, "holding_id", held)
        ],
        "one_time_codes": [
            _shown(row, "purpose", "created_at", "expires_at", "wrong", "proved_at", "used_at")
            for row in _rows(conn, codes, "holding_id", held)
        ],
        "questions_about_the_sim": [
            _shown(row, "asked_at", "answered_at", "swapped_at") for row in _rows(conn, sim_checks, "holding_id", held)
        ],
        "erasures": [
            _shown(row, "at", "who") for row in conn.execute(select(erasures).where(e.msisdn_digest == digest))
        ],
    }


def _talk(conn: Connection, seals: Seals, submission_id: int) -> dict[str, Any]:
    """What was asked and said about a demand."""
    return {
        "questions": [
            _shown(one, "asked_at", "expires_at", "settled_at", "outcome")
            | {"text": _opened(seals, one.text_sealed, asked.TEXT)}
            for one in _rows(conn, questions, "submission_id", (submission_id,))
        ],
        "statements": [
            _shown(one, "said_at", "kind", "channel") | {"text": seals.shown(one.text_sealed, said.TEXT)}
            for one in _rows(conn, statements, "submission_id", (submission_id,))
        ],
    }


def _opened(seals: Seals, sealed: bytes | None, where: str) -> Any:
    """A sealed JSON value; None for what is erased or cannot be read."""
    try:
        return None if sealed is None else seals.open_json(sealed, where)
    except SealBroken:
        return None


def _for_others(conn: Connection, held: Sequence[int]) -> list[dict[str, Any]]:
    """What she made for others who agreed: that she did, and nothing of what it says of them."""
    s = submissions.c
    rows = conn.execute(select(submissions).where(s.helper_id.in_(held), s.holding_id.not_in(held)).order_by(s.id))
    return [_shown(row, "reference", "service", "state", "submitted_at") for row in rows]


def _notified(conn: Connection, seals: Seals, digest: bytes, after: datetime | None) -> list[dict[str, Any]]:
    """What institutions gave us to write to her."""
    return [
        {
            "institution": institution,
            "prepared_at": at.isoformat(),
            "values": dict(row.values),
            "state": row.state.value,
        }
        for row, institution, at in campaign_rows.of_number(conn, seals, digest, after)
    ]


def _agreements(conn: Connection, held: Sequence[int]) -> list[dict[str, Any]]:
    """What somebody else asked for her."""
    a, s = agreements.c, submissions.c
    found = select(s.reference, s.service, a.created_at, a.settled_at, a.outcome).join(
        agreements, a.submission_id == s.id
    )
    rows = conn.execute(found.where(a.holding_id.in_(held)).order_by(a.id))
    return [_shown(row, "reference", "service", "created_at", "settled_at", "outcome") for row in rows]


def _demand(conn: Connection, seals: Seals, row: Any) -> dict[str, Any]:
    fields = None if row.fields_sealed is None else seals.open_json(row.fields_sealed, demands.FIELDS)
    times = ("submitted_at", "acknowledged_at", "decided_at", "closed_at", "erase_after", "moved_at")
    moves = conn.execute(select(submission_events).where(submission_events.c.submission_id == row.id))
    return _shown(row, "reference", "service", "institution", "decision", "case_number", "on_behalf", *times) | {
        "state": SubmissionState(row.state).value,
        "fields": fields,
        "relation": seals.shown(row.relation_sealed, demands.RELATION),
        "message": seals.shown(row.message_sealed, _MESSAGE),
        "history": [_shown(move, "at", "kind", "code") for move in moves],
    }


def _answers(seals: Seals, sealed: bytes | None, where: str, read_state: ReadState) -> Mapping[str, Any]:
    if sealed is None:
        return {}
    try:
        return read_state(seals.open_bytes(sealed, where))
    except SealBroken:
        return {}


def _rows(conn: Connection, table: Any, column: str, held: Sequence[int]) -> Sequence[Any]:
    return conn.execute(select(table).where(table.c[column].in_(held)).order_by(table.c.id)).all()


def _shown(row: Any, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}

"""All that is kept about one number, in every table: to show it to her, or to erase it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from gateway.messages import MtState, SubmissionState
from gateway.store import holdings as numbers
from gateway.store import submissions as demands
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import (
    OPEN_SUBMISSION,
    agreements,
    codes,
    conversations,
    erasures,
    holdings,
    mos,
    mts,
    preferences,
    saved_dialogues,
    sim_checks,
    stray_dlrs,
    submissions,
)

_LABEL, _MESSAGE = "submissions.label_sealed", "submissions.message_sealed"
_MT_TEXT, _MO_TEXT = "mts.text_sealed", "mos.text_sealed"
#: An SMS in one of these has not left: its text is still needed.
_UNSENT = (MtState.CREATED, MtState.SENDING)


@dataclass(frozen=True, slots=True)
class Counts:
    """What was erased; `left`: demands that an institution still handles, erased when they are closed."""

    holdings: int = 0
    demands: int = 0
    left: int = 0
    texts: int = 0
    others: int = 0


def counts_of(conn: Connection, holding_id: int) -> tuple[int, int]:
    """How many demands and how many readable texts of a holding are kept."""
    asked = select(func.count()).where(submissions.c.holding_id == holding_id, submissions.c.fields_sealed.is_not(None))
    told = select(func.count()).where(mts.c.holding_id == holding_id, mts.c.text_sealed.is_not(None))
    return conn.execute(asked).scalar_one(), conn.execute(told).scalar_one()


def note_erasure(conn: Connection, digest: bytes, who: str, now: datetime) -> None:
    """Keeps that this number was erased: finished by the sweep when its open demands are closed."""
    conn.execute(insert(erasures).values(msisdn_digest=digest, at=now, who=bounded(who, 64)))


def unfinished(conn: Connection, limit: int) -> tuple[tuple[bytes, datetime], ...]:
    """Numbers that were erased and still have a holding from before, because of a demand that was open then."""
    e, h = erasures.c, holdings.c
    found = select(e.msisdn_digest, e.at).join(holdings, h.msisdn_digest == e.msisdn_digest)
    rows = conn.execute(found.where(h.opened_at <= e.at, h.last_seen_at <= e.at).distinct().limit(limit))
    return tuple((row.msisdn_digest, row.at) for row in rows)


def erase(conn: Connection, seals: Seals, digest: bytes, before: datetime, now: datetime) -> Counts:
    """Erases what is kept of a number whose digest this is, up to `before`.

    What an institution still handles stays until it is closed, with the number that it needs; it is then due at once.
    """
    h, s = holdings.c, submissions.c
    held = tuple(conn.execute(select(h.id).where(h.msisdn_digest == digest, h.opened_at <= before)).scalars())
    if not held:
        return Counts(texts=_erase_mos(conn, digest, before))
    busy = frozenset(
        conn.execute(select(s.holding_id).where(s.holding_id.in_(held), s.state.in_(OPEN_SUBMISSION))).scalars()
    )
    left = conn.execute(
        update(submissions).where(s.holding_id.in_(held), s.state.in_(OPEN_SUBMISSION)).values(keep_s=0)
    ).rowcount
    closed = s.holding_id.in_(held) & s.state.not_in(OPEN_SUBMISSION)
    erased = len(demands.erase(conn, closed & s.fields_sealed.is_not(None), now))
    texts = _erase_texts(conn, held) + _erase_mos(conn, digest, before)
    others = _erase_others(conn, held)
    free = tuple(one for one in held if one not in busy)
    return Counts(_forget_numbers(conn, seals, free, now), erased, left, texts, others)


def _erase_texts(conn: Connection, held: Sequence[int]) -> int:
    m = mts.c
    done = update(mts).where(m.holding_id.in_(held), m.state.not_in(_UNSENT), m.text_sealed.is_not(None))
    return conn.execute(done.values(text_sealed=None, msisdn_sealed=None)).rowcount


def _erase_mos(conn: Connection, digest: bytes, before: datetime) -> int:
    m = mos.c
    done = update(mos).where(m.msisdn_digest == digest, m.received_at <= before)
    erased = conn.execute(done.values(text_sealed=None, msisdn_sealed=None, msisdn_digest=b"")).rowcount
    strays = update(stray_dlrs).where(stray_dlrs.c.msisdn_digest == digest)
    conn.execute(strays.values(msisdn_digest=None))
    return erased


def _erase_others(conn: Connection, held: Sequence[int]) -> int:
    """What hangs on the number and on no demand: her dialogues, choices, codes, questions asked about her SIM."""
    rows = 0
    for table in (conversations, saved_dialogues, codes, sim_checks):
        rows += conn.execute(delete(table).where(table.c.holding_id.in_(held))).rowcount
    return rows


def _forget_numbers(conn: Connection, seals: Seals, held: Collection[int], now: datetime) -> int:
    """The holdings stay, for the demands that hang on them; the number is nobody's and the choices are gone."""
    if not held:
        return 0
    conn.execute(delete(preferences).where(preferences.c.holding_id.in_(held)))
    a, nobody = agreements.c, numbers.digest_of(seals, "")
    conn.execute(update(agreements).where(a.holding_id.in_(held)).values(code_digest=b""))
    conn.execute(
        update(mts).where(mts.c.holding_id.in_(held)).values(msisdn_digest=b"", msisdn_sealed=None, text_sealed=None)
    )
    nothing = {"msisdn_digest": nobody, "msisdn_sealed": numbers.sealed_number(seals, ""), "imsi_digest": None}
    h = holdings.c
    over = {**nothing, "network": None, "closed_at": func.coalesce(h.closed_at, now), "closed_why": "erased"}
    return conn.execute(update(holdings).where(h.id.in_(held)).values(over)).rowcount


def export(conn: Connection, seals: Seals, msisdn: str) -> dict[str, Any]:
    """All that is kept of a number (E.164), opened, as JSON values; times are UTC, ISO 8601."""
    digest = numbers.digest_of(seals, msisdn)
    held = numbers.of_number(conn, digest)
    of_holdings = conn.execute(select(holdings).where(holdings.c.id.in_(held)).order_by(holdings.c.id))
    sent = conn.execute(select(mts).where(mts.c.holding_id.in_(held)).order_by(mts.c.id))
    received = conn.execute(select(mos).where(mos.c.msisdn_digest == digest).order_by(mos.c.id))
    chosen = conn.execute(select(preferences).where(preferences.c.holding_id.in_(held)).order_by(preferences.c.id))
    left = conn.execute(select(saved_dialogues).where(saved_dialogues.c.holding_id.in_(held)))
    s = submissions.c
    asked = conn.execute(
        select(submissions).where(s.holding_id.in_(held) | s.helper_id.in_(held)).order_by(submissions.c.id)
    )
    return {
        "number": msisdn,
        "holdings": [
            _shown(row, "opened_at", "closed_at", "closed_why", "last_seen_at", "network", "notice", "notice_at")
            for row in of_holdings
        ],
        "demands": [_demand(seals, row) for row in asked],
        "sms_sent_to_the_number": [
            _shown(row, "created_at", "template", "category", "state", "segments", "private")
            | {"text": "" if row.private else seals.shown(row.text_sealed, _MT_TEXT)}
            for row in sent
        ],
        "sms_from_the_number": [
            _shown(row, "received_at", "short_code", "network", "state")
            | {"text": seals.shown(row.text_sealed, _MO_TEXT)}
            for row in received
        ],
        "choices": [_shown(row, "subject", "value", "at", "source") for row in chosen],
        "dialogues_not_finished": [
            _shown(row, "service", "channel", "screen", "saved_at", "expires_at") for row in left
        ],
    }


def _demand(seals: Seals, row: Any) -> dict[str, Any]:
    fields = None if row.fields_sealed is None else seals.open_json(row.fields_sealed, demands.FIELDS)
    times = ("submitted_at", "acknowledged_at", "decided_at", "closed_at", "erase_after")
    return _shown(row, "reference", "service", "institution", "state", "decision", "case_number", *times) | {
        "fields": fields,
        "relation": seals.shown(row.relation_sealed, demands.RELATION),
        "message": seals.shown(row.message_sealed, _MESSAGE),
        "state": SubmissionState(row.state).value,
    }


def _shown(row: Any, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}

"""Erasing what is kept about one number, in every table (person_export.py shows it).

A number may have had others before her: what is erased is the holding that she has, unless everybody's is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from gateway.messages import MtState
from gateway.store import api_keys, audiences, campaign_rows
from gateway.store import holdings as numbers
from gateway.store import submissions as demands
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import (
    OPEN_SUBMISSION,
    agreements,
    cached_answers,
    codes,
    conversations,
    erasures,
    holdings,
    mos,
    mts,
    outbox,
    preferences,
    promised_answers,
    saved_dialogues,
    sim_checks,
    stray_dlrs,
    submissions,
)

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


def note_erasure(conn: Connection, digest: bytes, who: str, now: datetime, since: datetime | None = None) -> None:
    """Keeps that this number was erased: finished by the sweep when its open demands are closed. `since` as below."""
    conn.execute(insert(erasures).values(msisdn_digest=digest, at=now, who=bounded(who, 64), since=since))


def erased_since(conn: Connection, digest: bytes, at: datetime) -> bool:
    """Whether the number was erased after that moment."""
    e = erasures.c
    found = select(e.id).where(e.msisdn_digest == digest, e.at > at).limit(1)
    return conn.execute(found).scalar_one_or_none() is not None


def erased_among(conn: Connection, digests: Collection[bytes], at: datetime) -> frozenset[bytes]:
    """Those of these numbers that were erased after that moment."""
    e = erasures.c
    found = select(e.msisdn_digest).where(e.msisdn_digest.in_(digests), e.at > at)
    return frozenset(bytes(digest) for digest in conn.execute(found).scalars())


def unfinished(conn: Connection, limit: int) -> tuple[tuple[bytes, datetime, datetime | None], ...]:
    """Numbers erased while a demand was open that is closed by now: digest, when, since when (see `erase`)."""
    e, h, s = erasures.c, holdings.c, submissions.c
    needed = select(s.id).where((s.holding_id == h.id) | (s.helper_id == h.id), s.state.in_(OPEN_SUBMISSION))
    found = select(e.msisdn_digest, e.at, e.since).join(holdings, h.msisdn_digest == e.msisdn_digest)
    mine = (h.opened_at <= e.at) & (h.last_seen_at <= e.at) & (e.since.is_(None) | (h.opened_at >= e.since))
    rows = conn.execute(found.where(mine, ~needed.exists()).distinct().limit(limit))
    return tuple((row.msisdn_digest, row.at, row.since) for row in rows)


def erase(
    conn: Connection, seals: Seals, digest: bytes, before: datetime, now: datetime, since: datetime | None = None
) -> Counts:
    """Erases what is kept of a number whose digest this is, up to `before`, of holdings that began `since` then.

    `since` None: of everybody who ever held it. What an institution still handles stays until it is closed, with the
    numbers that it needs; it is then due at once.
    """
    h, s = holdings.c, submissions.c
    mine = [h.msisdn_digest == digest, h.opened_at <= before, *([h.opened_at >= since] if since is not None else [])]
    held = tuple(conn.execute(select(h.id).where(*mine)).scalars())
    texts = _erase_mos(conn, digest, before, since)
    texts += campaign_rows.erase_number(conn, digest, before, began(conn, digest, since))
    texts += audiences.forget_number(conn, seals, digest)
    texts += api_keys.forget_guest(conn, seals, digest)
    if not held:
        return Counts(texts=texts)
    open_ones = select(s.holding_id, s.helper_id).where(
        s.holding_id.in_(held) | s.helper_id.in_(held), s.state.in_(OPEN_SUBMISSION)
    )
    busy = frozenset(one for row in conn.execute(open_ones) for one in row)
    left = conn.execute(
        update(submissions).where(s.holding_id.in_(held), s.state.in_(OPEN_SUBMISSION)).values(keep_s=0)
    ).rowcount
    closed = s.holding_id.in_(held) & s.state.not_in(OPEN_SUBMISSION)
    ids = demands.erase(conn, closed & s.fields_sealed.is_not(None), now)
    texts += _erase_texts(conn, held)
    others = _erase_others(conn, held)
    free = tuple(one for one in held if one not in busy)
    return Counts(_forget_numbers(conn, seals, free, now), len(ids), left, texts, others)


def began(conn: Connection, digest: bytes, since: datetime | None) -> datetime | None:
    """The last sign of whoever held the number before a holding that began then: later SMS are not hers.

    None: nobody did, or it is not asked (`since` None).
    """
    h = holdings.c
    if since is None:
        return None
    before = select(func.max(h.last_seen_at)).where(h.msisdn_digest == digest, h.opened_at < since)
    last: datetime | None = conn.execute(before).scalar_one_or_none()
    return last


def _erase_texts(conn: Connection, held: Sequence[int]) -> int:
    m = mts.c
    done = update(mts).where(m.holding_id.in_(held), m.state.not_in(_UNSENT), m.text_sealed.is_not(None))
    return conn.execute(done.values(text_sealed=None, msisdn_sealed=None)).rowcount


def _erase_mos(conn: Connection, digest: bytes, before: datetime, since: datetime | None) -> int:
    m, o, after = mos.c, outbox.c, began(conn, digest, since)
    mine = [m.msisdn_digest == digest, m.received_at <= before, *([m.received_at > after] if after else [])]
    ordered = update(outbox).where(o.kind == "mo", o.target_id.in_(select(m.id).where(*mine).scalar_subquery()))
    conn.execute(ordered.values(order_key=None))  # it is made of the digest
    erased = conn.execute(update(mos).where(*mine).values(text_sealed=None, msisdn_sealed=None, msisdn_digest=b""))
    strays = update(stray_dlrs).where(stray_dlrs.c.msisdn_digest == digest)
    conn.execute(strays.values(msisdn_digest=None))
    return erased.rowcount


def _erase_others(conn: Connection, held: Sequence[int]) -> int:
    """What hangs on the number and on no demand: her dialogues, choices, codes, questions asked about her SIM."""
    rows = 0
    for table in (conversations, saved_dialogues, codes, sim_checks, cached_answers, promised_answers):
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

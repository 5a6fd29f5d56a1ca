"""The rows of campaigns: who is written to, what is said to her, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, func, insert, select, update

from gateway.messages import CampaignState, MtState, RowState
from gateway.store.columns import bounded, is_in
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import OutboxState, campaign_rows, campaigns, mt_events, mts, outbox

VALUES = "campaign_rows.values_sealed"
MSISDN = "campaign_rows.msisdn_sealed"
#: What is left of a row that is erased: its place, its state, its figures.
_GONE: Mapping[str, Any] = {"msisdn_digest": None, "msisdn_sealed": None, "values_sealed": None}


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row as it was checked. `values`: of a wrong row, under "", what stands in the cell that is wrong."""

    number: int
    msisdn: str | None = field(repr=False)  #: E.164; None: there is none that can be read
    digest: bytes | None = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    language: str
    state: RowState
    code: str
    cell: str
    segments: int = 0
    cost_f: int = 0
    own_reference: str | None = None


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row. `msisdn` and `values` are empty once erased. `mt_*` are of its SMS, None when there is none."""

    id: int
    number: int
    msisdn: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    language: str
    state: RowState
    code: str
    cell: str
    segments: int
    cost_f: int
    own_reference: str | None
    mt_id: int | None
    mt_state: MtState | None = None
    mt_channel: str = ""
    mt_reason: str = ""
    mt_updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SmsCount:
    """How many rows' SMS are alike."""

    state: MtState
    channel: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Sending:
    """The campaign of an SMS, as whoever sends it needs it."""

    campaign_id: int
    state: CampaignState
    about_topic: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose notification an SMS is. `notification`: its id, that of the campaign and the row's number."""

    row_id: int | None
    notification: str
    institution: str
    own_reference: str | None
    live: bool
    by_api: bool


def add_many(conn: Connection, seals: Seals, campaign_id: int, rows: Sequence[NewRow]) -> None:
    """Stores checked rows: each number once, or nothing of the transaction is stored."""
    if rows:
        conn.execute(insert(campaign_rows), [_values(seals, campaign_id, row) for row in rows])


def known_among(conn: Connection, campaign_id: int, digests: Collection[bytes]) -> frozenset[bytes]:
    """Those numbers that an earlier row of the campaign has, one that may be written to or is left out."""
    r = campaign_rows.c
    first = is_in(r.state, (RowState.GOOD, RowState.LEFT_OUT, RowState.WRITTEN))
    found = select(r.msisdn_digest).where(r.campaign_id == campaign_id, r.msisdn_digest.in_(digests), first)
    return frozenset(bytes(digest) for digest in conn.execute(found).scalars())


def to_write(
    conn: Connection, seals: Seals, campaign_id: int, after: int, limit: int
) -> tuple[tuple[StoredRow, ...], int | None]:
    """The next good rows after that number, and the number up to which none is left over; None: there are no more."""
    r = campaign_rows.c
    page = select(campaign_rows).where(r.campaign_id == campaign_id, is_in(r.state, (RowState.GOOD,)), r.number > after)
    rows = tuple(_stored(seals, row) for row in conn.execute(page.order_by(r.number).limit(limit)))
    return rows, rows[-1].number if rows else None


def note_written(conn: Connection, written: Mapping[int, tuple[int, int, int]]) -> None:
    """Row id -> (id of its SMS, segments, F CFA): those rows are written."""
    one = update(campaign_rows).where(campaign_rows.c.id == bindparam("row"))
    become = one.values(
        state=RowState.WRITTEN, mt_id=bindparam("mt"), segments=bindparam("size"), cost_f=bindparam("cost")
    )
    if written:
        conn.execute(
            become,
            [{"row": row, "mt": mt, "size": size, "cost": cost} for row, (mt, size, cost) in written.items()],
        )


def note_left_out(conn: Connection, left: Mapping[int, str]) -> None:
    """Row id -> why no SMS was written for it after all."""
    one = update(campaign_rows).where(campaign_rows.c.id == bindparam("row"))
    if left:
        conn.execute(
            one.values(state=RowState.LEFT_OUT, code=bindparam("why")),
            [{"row": row, "why": bounded(why, 64)} for row, why in left.items()],
        )


def page(
    conn: Connection,
    seals: Seals,
    campaign_id: int,
    after: int,
    limit: int,
    state: RowState | None = None,
    own_reference: str | None = None,
) -> tuple[StoredRow, ...]:
    """The rows after a number, in their order, with what became of their SMS."""
    r, m = campaign_rows.c, mts.c
    sms = (m.state.label("mt_state"), m.channel.label("mt_channel"), m.reason.label("mt_reason"))
    found = select(campaign_rows, *sms, m.updated_at.label("mt_updated_at"))
    found = found.join_from(campaign_rows, mts, r.mt_id == m.id, isouter=True)
    found = found.where(r.campaign_id == campaign_id, r.number > after).order_by(r.number).limit(limit)
    if state is not None:
        found = found.where(r.state == state)
    if own_reference is not None:
        found = found.where(r.own_reference == bounded(own_reference, 64))
    return tuple(_stored(seals, row) for row in conn.execute(found))


def referred_to(
    conn: Connection, seals: Seals, institution: str, live: bool, own_reference: str, after_id: int, limit: int
) -> tuple[tuple[StoredRow, str, CampaignState], ...]:
    """The rows that an institution gave this reference, by id after one, each with its campaign's id and state."""
    r, m, c = campaign_rows.c, mts.c, campaigns.c
    sms = (m.state.label("mt_state"), m.channel.label("mt_channel"), m.reason.label("mt_reason"))
    found = select(campaign_rows, *sms, m.updated_at.label("mt_updated_at"), c.public_id, c.state.label("whole"))
    found = found.join_from(campaign_rows, campaigns, r.campaign_id == c.id).join(mts, r.mt_id == m.id, isouter=True)
    mine = found.where(r.own_reference == bounded(own_reference, 64), c.institution == institution, c.live == live)
    rows = conn.execute(mine.where(r.id > after_id).order_by(r.id).limit(limit))
    return tuple((_stored(seals, row), row.public_id, CampaignState(row.whole)) for row in rows)


def numbered(conn: Connection, seals: Seals, campaign_id: int, number: int) -> StoredRow | None:
    """The row of that number, None when there is none."""
    found = page(conn, seals, campaign_id, number - 1, 1)
    return found[0] if found and found[0].number == number else None


def count_by_state(conn: Connection, campaign_id: int) -> dict[RowState, int]:
    """How many rows are in each state; states with none are left out."""
    r = campaign_rows.c
    counted = select(r.state, func.count().label("rows")).where(r.campaign_id == campaign_id).group_by(r.state)
    return {RowState(row.state): row.rows for row in conn.execute(counted)}


def count_by_code(conn: Connection, campaign_id: int) -> dict[tuple[RowState, str], int]:
    """How many rows have each remark, by the state that they are in."""
    r = campaign_rows.c
    counted = select(r.state, r.code, func.count().label("rows")).where(r.campaign_id == campaign_id, r.code != "")
    return {(RowState(row.state), row.code): row.rows for row in conn.execute(counted.group_by(r.state, r.code))}


def count_sms(conn: Connection, campaign_id: int) -> tuple[SmsCount, ...]:
    """What became of the SMS of a campaign."""
    r, m = campaign_rows.c, mts.c
    counted = select(m.state, m.channel, m.reason, func.count().label("rows"))
    counted = counted.join_from(campaign_rows, mts, r.mt_id == m.id).where(r.campaign_id == campaign_id)
    rows = conn.execute(counted.group_by(m.state, m.channel, m.reason))
    return tuple(SmsCount(MtState(row.state), row.channel, row.reason, row.rows) for row in rows)


def of_mts(conn: Connection, mt_ids: Collection[int]) -> dict[int, Sending]:
    """SMS -> the campaign that it is of; those of none are left out."""
    r, c = campaign_rows.c, campaigns.c
    found = select(r.mt_id, c.id, c.state, c.source).join_from(campaign_rows, campaigns, r.campaign_id == c.id)
    rows = conn.execute(found.where(r.mt_id.in_(mt_ids)))
    return {row.mt_id: Sending(row.id, CampaignState(row.state), row.source == "topic") for row in rows}


def origins(conn: Connection, mt_ids: Collection[int]) -> tuple[Origin, ...]:
    """Whose notifications these SMS are, in the order of their rows; those of none are left out."""
    r, c = campaign_rows.c, campaigns.c
    found = select(r.id, r.number, r.own_reference, c.public_id, c.institution, c.live, c.api_key_id)
    found = found.join_from(campaign_rows, campaigns, r.campaign_id == c.id).where(r.mt_id.in_(mt_ids))
    return tuple(
        Origin(
            row_id=row.id,
            notification=f"{row.public_id}-{row.number}",
            institution=row.institution,
            own_reference=row.own_reference,
            live=bool(row.live),
            by_api=row.api_key_id is not None,
        )
        for row in conn.execute(found.order_by(r.id))
    )


def cost_of(conn: Connection, campaign_id: int, state: RowState) -> int:
    """F CFA of the rows in a state."""
    r = campaign_rows.c
    summed = select(func.coalesce(func.sum(r.cost_f), 0)).where(r.campaign_id == campaign_id, r.state == state)
    return int(conn.execute(summed).scalar_one())


def withdraw(conn: Connection, campaign_id: int, now: datetime) -> tuple[frozenset[int], int]:
    """The SMS of the campaign that had not left and never will, and what they would have cost, in F CFA.

    The outbox first, then the SMS: in the order of whoever sends them. A row that a worker holds is left to it: it
    finds its SMS settled.
    """
    r, m, o = campaign_rows.c, mts.c, outbox.c
    ours = select(r.mt_id).where(r.campaign_id == campaign_id, r.mt_id.is_not(None)).scalar_subquery()
    waiting = update(outbox).where(o.kind == "mt", o.target_id.in_(ours), is_in(o.state, (OutboxState.READY,)))
    conn.execute(waiting.values(state=OutboxState.DONE, last_code="stopped", updated_at=now))
    unsent = update(mts).where(m.id.in_(ours), is_in(m.state, (MtState.CREATED,)))
    become = {"state": MtState.SUPPRESSED, "reason": "stopped", "updated_at": now}
    rows = conn.execute(unsent.values(become).returning(m.id, m.cost_f)).all()
    if rows:
        noted = {"at": now, "state": MtState.SUPPRESSED, "source": "person", "code": "stopped"}
        conn.execute(insert(mt_events), [{"mt_id": row.id, **noted} for row in rows])
    return frozenset(row.id for row in rows), sum(row.cost_f or 0 for row in rows)


def erase_some(conn: Connection, campaign_id: int, limit: int) -> int:
    """How many rows, at most `limit`, lost number and values."""
    r = campaign_rows.c
    kept = r.msisdn_digest.is_not(None) | r.msisdn_sealed.is_not(None) | r.values_sealed.is_not(None)
    due = select(r.id).where(r.campaign_id == campaign_id, kept).limit(limit)
    ids = list(conn.execute(due).scalars())
    return conn.execute(update(campaign_rows).where(r.id.in_(ids)).values(dict(_GONE))).rowcount


def erase_number(conn: Connection, digest: bytes, before: datetime, after: datetime | None) -> int:
    """How many rows of a number, of campaigns begun up to `before` and after `after`, lost number and values."""
    r, c = campaign_rows.c, campaigns.c
    theirs = select(c.id).where(c.created_at <= before, *([c.created_at > after] if after is not None else []))
    mine = update(campaign_rows).where(r.msisdn_digest == digest, r.campaign_id.in_(theirs.scalar_subquery()))
    return conn.execute(mine.values(dict(_GONE))).rowcount


def of_number(
    conn: Connection, seals: Seals, digest: bytes, after: datetime | None
) -> tuple[tuple[StoredRow, str, datetime], ...]:
    """The rows of a number in campaigns begun after `after`, each with the institution and when it was begun."""
    r, c = campaign_rows.c, campaigns.c
    found = select(campaign_rows, c.institution, c.created_at).join_from(
        campaign_rows, campaigns, r.campaign_id == c.id
    )
    mine = found.where(r.msisdn_digest == digest, *([c.created_at > after] if after is not None else []))
    rows = conn.execute(mine.order_by(r.id))
    return tuple((_stored(seals, row), row.institution, row.created_at) for row in rows)


def _values(seals: Seals, campaign_id: int, row: NewRow) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "number": row.number,
        "msisdn_digest": row.digest,
        "msisdn_sealed": None if row.msisdn is None else seals.seal(row.msisdn, MSISDN),
        "values_sealed": seals.seal_json(dict(row.values), VALUES) if row.values else None,
        "language": bounded(row.language, 8),
        "state": row.state,
        "code": bounded(row.code, 64),
        "cell": bounded(row.cell, 16),
        "segments": row.segments,
        "cost_f": row.cost_f,
        "own_reference": None if row.own_reference is None else bounded(row.own_reference, 64),
    }


def _stored(seals: Seals, row: Row[*tuple[object, ...]]) -> StoredRow:
    found = row._mapping
    mt_state = found.get("mt_state")
    return StoredRow(
        id=row.id,
        number=row.number,
        msisdn=seals.shown(row.msisdn_sealed, MSISDN),
        values=msgspec.json.decode(seals.shown(row.values_sealed, VALUES) or "{}"),
        language=row.language,
        state=RowState(row.state),
        code=row.code,
        cell=row.cell,
        segments=row.segments,
        cost_f=row.cost_f,
        own_reference=row.own_reference,
        mt_id=row.mt_id,
        mt_state=None if mt_state is None else MtState(mt_state),
        mt_channel=found.get("mt_channel") or "",
        mt_reason=found.get("mt_reason") or "",
        mt_updated_at=found.get("mt_updated_at"),
    )

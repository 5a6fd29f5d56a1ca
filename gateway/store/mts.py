"""SMS we send: what they say, where they are, and every move they made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy import insert as into

from gateway.messages import Category, MtState
from gateway.store import holdings
from gateway.store.columns import bounded, is_in
from gateway.store.db import Connection
from gateway.store.sealed import SealBroken, Seals
from gateway.store.tables import holdings as holdings_table
from gateway.store.tables import mt_events, mts

Source = Literal["send", "dlr", "sweep", "person"]  #: who says that an SMS moved

_TEXT = "mts.text_sealed"
_MSISDN = "mts.msisdn_sealed"
_M = MtState
#: States in which the SMS is with the aggregator or beyond, and nothing is settled.
_LEFT = (_M.SENDING, _M.ACCEPTED, _M.SENT, _M.FAILED_TEMPORARY, _M.NO_REPORT, _M.UNKNOWN)

#: state -> the states it can be reached from (see MtState). A late *delivered* is believed from anywhere. `created`
#: comes back from `sending` only when the SMS surely did not leave.
MOVES: Mapping[MtState, tuple[MtState, ...]] = {
    _M.CREATED: (_M.SENDING,),
    _M.SENDING: (_M.CREATED,),
    _M.ACCEPTED: (_M.SENDING, _M.UNKNOWN),
    _M.SENT: (_M.SENDING, _M.ACCEPTED, _M.UNKNOWN),
    _M.DELIVERED: tuple(state for state in _M if state is not _M.DELIVERED),
    _M.FAILED_TEMPORARY: (_M.SENDING, _M.ACCEPTED, _M.SENT, _M.UNKNOWN),
    _M.FAILED_PERMANENT: (_M.CREATED, *_LEFT),
    _M.REJECTED: (_M.CREATED, _M.SENDING, _M.ACCEPTED, _M.SENT, _M.UNKNOWN),
    _M.EXPIRED: (_M.CREATED, *_LEFT),
    _M.NO_REPORT: (_M.ACCEPTED, _M.SENT),
    _M.UNKNOWN: (_M.SENDING,),
    _M.SUPPRESSED: (_M.CREATED,),
}


@dataclass(frozen=True, slots=True)
class NewMt:
    """An SMS to store, in state `created`. `encoding` and `segments` are what `text.segments.measure` says."""

    holding_id: int
    msisdn: str = field(repr=False)  #: E.164
    channel: str
    sender: str
    text: str = field(repr=False)
    encoding: str  #: "GSM-7" | "UCS-2"
    segments: int
    template: str
    category: Category
    language: str
    valid_until: datetime
    submission_id: int | None = None
    private: bool = False  #: never shown again to anybody: a code, or about a sensitive service
    mo_id: int | None = None  #: the SMS that it answers
    cost_f: int = 0  #: F CFA, by our own count


@dataclass(frozen=True, slots=True)
class MtToSend:
    """An SMS as the channel needs it."""

    id: int
    holding_id: int
    msisdn: str = field(repr=False)
    channel: str
    sender: str
    text: str = field(repr=False)
    state: MtState
    category: Category
    segments: int
    valid_until: datetime
    submission_id: int | None


@dataclass(frozen=True, slots=True)
class Mt:
    """An SMS without its text and number."""

    id: int
    holding_id: int
    channel: str
    sender: str
    state: MtState
    reason: str
    external_id: str | None
    template: str
    category: Category
    language: str
    segments: int
    submission_id: int | None
    mo_id: int | None
    private: bool
    cost_f: int
    valid_until: datetime
    resent_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MtEvent:
    at: datetime
    state: MtState
    source: Source
    code: str


def insert(conn: Connection, seals: Seals, new: NewMt, now: datetime) -> int:
    """The id of the stored SMS; its first event is `created`."""
    mt_id: int = conn.execute(into(mts).values(_row(seals, new, now)).returning(mts.c.id)).scalar_one()
    _note(conn, mt_id, _M.CREATED, "send", "", now)
    return mt_id


def insert_many(conn: Connection, seals: Seals, new: Sequence[NewMt], now: datetime) -> tuple[int, ...]:
    """As `insert`, for several: their ids, in their order."""
    if not new:
        return ()
    stored = into(mts).returning(mts.c.id, sort_by_parameter_order=True)
    ids = tuple(conn.execute(stored, [_row(seals, one, now) for one in new]).scalars())
    noted = {"at": now, "state": _M.CREATED, "source": "send", "code": ""}
    conn.execute(into(mt_events), [{"mt_id": mt_id, **noted} for mt_id in ids])
    return ids


def for_sending(conn: Connection, seals: Seals, mt_ids: Sequence[int]) -> dict[int, MtToSend | None]:
    """What to send, by id; None: it cannot be read. Ids that do not exist or whose text was erased are left out."""
    rows = conn.execute(select(mts).where(mts.c.id.in_(mt_ids), mts.c.text_sealed.is_not(None)))
    return {row.id: _to_send(seals, row) for row in rows}


def move(conn: Connection, mt_id: int, to: MtState, source: Source, code: str, now: datetime) -> bool:
    """Whether the SMS moved to `to` by this call, with an event; False when MOVES forbids it (or it is there already).

    `code` is a short stable word, at most 64 characters: the reason kept with the SMS.
    """
    moved = update(mts).where(mts.c.id == mt_id, is_in(mts.c.state, MOVES[to]))
    if conn.execute(moved.values(state=to, reason=bounded(code, 64), updated_at=now)).rowcount != 1:
        return False
    _note(conn, mt_id, to, source, code, now)
    return True


def move_many(
    conn: Connection, mt_ids: Collection[int], to: MtState, source: Source, code: str, now: datetime
) -> frozenset[int]:
    """As `move`, for several: the ids of those that moved."""
    movable = update(mts).where(mts.c.id.in_(mt_ids), is_in(mts.c.state, MOVES[to]))
    values = {"state": to, "reason": bounded(code, 64), "updated_at": now}
    moved = frozenset(conn.execute(movable.values(values).returning(mts.c.id)).scalars())
    if moved:
        noted = {"at": now, "state": to, "source": source, "code": bounded(code, 64)}
        conn.execute(into(mt_events), [{"mt_id": mt_id, **noted} for mt_id in sorted(moved)])
    return moved


def set_external_many(conn: Connection, known: Mapping[int, tuple[str, str]], now: datetime) -> None:
    """As `set_external`, for several: id -> (the aggregator's id, its cost)."""
    if not known:
        return
    one = update(mts).where(mts.c.id == bindparam("row"))
    said = one.values(external_id=bindparam("external"), cost=bindparam("price"), updated_at=now)
    rows = [
        {"row": mt_id, "external": bounded(external_id, 128), "price": bounded(cost, 32)}
        for mt_id, (external_id, cost) in known.items()
    ]
    conn.execute(said, rows)


def set_external(conn: Connection, mt_id: int, external_id: str, cost: str, now: datetime) -> None:
    """Keeps the aggregator's id of an SMS, by which its reports come, and what it cost in the aggregator's words."""
    known = {"external_id": bounded(external_id, 128), "cost": bounded(cost, 32), "updated_at": now}
    conn.execute(update(mts).where(mts.c.id == mt_id).values(known))


def by_external_id(
    conn: Connection, seals: Seals, channel: str, external_id: str, msisdn: str | None = None
) -> Mt | None:
    """The latest SMS with the aggregator's id on a channel, None when there is none.

    `msisdn`, when the report names it, tells apart the recipients of one call that share an id.
    """
    found = select(mts).where(mts.c.channel == channel, mts.c.external_id == bounded(external_id, 128))
    if msisdn is not None:
        found = found.where(mts.c.msisdn_digest == holdings.digest_of(seals, msisdn))
    row = conn.execute(found.order_by(mts.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _mt(row)


def unknown_to(conn: Connection, channel: str, msisdn_digest: bytes, since: datetime) -> tuple[Mt, ...]:
    """The first two SMS to a number whose answer was lost with their id: a stray report may be about one of them."""
    waiting = select(mts).where(
        mts.c.channel == channel,
        mts.c.msisdn_digest == msisdn_digest,
        is_in(mts.c.state, (_M.UNKNOWN,)),
        mts.c.external_id.is_(None),
        mts.c.updated_at >= since,
    )
    return tuple(_mt(row) for row in conn.execute(waiting.order_by(mts.c.id).limit(2)))


def unknown(conn: Connection, limit: int, category: Category | None = None, but: str = "") -> tuple[Mt, ...]:
    """The oldest SMS of which nobody knows whether they left, of one category when given, none of the reason `but`."""
    found = select(mts).where(is_in(mts.c.state, (_M.UNKNOWN,))).order_by(mts.c.id).limit(limit)
    if category is not None:
        found = found.where(mts.c.category == category)
    if but:
        found = found.where(mts.c.reason != but)
    return tuple(_mt(row) for row in conn.execute(found))


def send_again(conn: Connection, mt_id: int, source: Source, now: datetime) -> bool:
    """Whether an SMS of unknown fate is `created` again, and noted as sent twice: the only way back from there."""
    again = update(mts).where(mts.c.id == mt_id, is_in(mts.c.state, (_M.UNKNOWN,)))
    values = {"state": _M.CREATED, "reason": "resent", "resent_at": now, "updated_at": now}
    if conn.execute(again.values(values)).rowcount != 1:
        return False
    _note(conn, mt_id, _M.CREATED, source, "resent", now)
    return True


def doubt_many(conn: Connection, mt_ids: Collection[int], code: str, now: datetime) -> None:
    """After a restore: of these SMS nobody knows any more whether they left, those not begun included."""
    open_ = is_in(mts.c.state, (_M.CREATED, _M.SENDING, _M.UNKNOWN))
    doubted = update(mts).where(mts.c.id.in_(mt_ids), open_).values(state=_M.UNKNOWN, reason=code, updated_at=now)
    ids = sorted(conn.execute(doubted.returning(mts.c.id)).scalars())
    if ids:
        noted = {"at": now, "state": _M.UNKNOWN, "source": "person", "code": code}
        conn.execute(into(mt_events), [{"mt_id": mt_id, **noted} for mt_id in ids])


def by_id(conn: Connection, mt_id: int) -> Mt | None:
    """The SMS of an id, None when there is none."""
    row = conn.execute(select(mts).where(mts.c.id == mt_id)).one_or_none()
    return None if row is None else _mt(row)


def list_page(
    conn: Connection,
    limit: int,
    *,
    state: MtState | None = None,
    digest: bytes | None = None,
    reasons: Collection[str] | None = None,
    category: Category | None = None,
) -> tuple[Mt, ...]:
    """The newest SMS; `digest` is that of a number (`holdings.digest_of`), `reasons` words of the last move."""
    found = select(mts).order_by(mts.c.id.desc()).limit(limit)
    if state is not None:
        found = found.where(mts.c.state == state)
    if digest is not None:
        found = found.where(mts.c.msisdn_digest == digest)
    if reasons is not None:
        found = found.where(mts.c.reason.in_(list(reasons)))
    if category is not None:
        found = found.where(mts.c.category == category)
    return tuple(_mt(row) for row in conn.execute(found))


def of_holding(conn: Connection, holding_id: int, limit: int) -> tuple[Mt, ...]:
    """The latest `limit` SMS to a holding, newest first."""
    rows = conn.execute(select(mts).where(mts.c.holding_id == holding_id).order_by(mts.c.id.desc()).limit(limit))
    return tuple(_mt(row) for row in rows)


def of_submission(conn: Connection, submission_id: int) -> tuple[Mt, ...]:
    """The SMS about a submission, oldest first."""
    rows = conn.execute(select(mts).where(mts.c.submission_id == submission_id).order_by(mts.c.id))
    return tuple(_mt(row) for row in rows)


def past_validity(conn: Connection, now: datetime, limit: int) -> tuple[Mt, ...]:
    """At most `limit` SMS that left, whose validity is over and that wait for a report: for the sweep to settle."""
    waiting = is_in(mts.c.state, (_M.ACCEPTED, _M.SENT, _M.FAILED_TEMPORARY))
    rows = conn.execute(select(mts).where(waiting, mts.c.valid_until <= now).order_by(mts.c.id).limit(limit))
    return tuple(_mt(row) for row in rows)


def events_of(conn: Connection, mt_id: int) -> tuple[MtEvent, ...]:
    """The moves of an SMS, oldest first."""
    rows = conn.execute(select(mt_events).where(mt_events.c.mt_id == mt_id).order_by(mt_events.c.id))
    return tuple(MtEvent(row.at, _M(row.state), row.source, row.code) for row in rows)


def segments_by_network(conn: Connection, since: datetime, until: datetime) -> dict[str, int]:
    """Segments of the SMS of that time that an aggregator gave an id, by the network their holding was last seen on.

    What is of unknown fate is not among them until a report or a person settles it.
    """
    h = holdings_table.c
    taken = mts.c.external_id.is_not(None) & (mts.c.created_at >= since) & (mts.c.created_at < until)
    sums = select(h.network, func.sum(mts.c.segments).label("total")).join_from(mts, holdings_table).where(taken)
    return {row.network or "": int(row.total) for row in conn.execute(sums.group_by(h.network))}


def count_unknown(conn: Connection) -> int:
    """How many SMS may have left without anybody knowing."""
    return conn.execute(select(func.count()).where(is_in(mts.c.state, (_M.UNKNOWN,)))).scalar_one()


def count_by_state(conn: Connection) -> dict[MtState, int]:
    """How many SMS are in each state; states with none are left out."""
    rows = conn.execute(select(mts.c.state, func.count()).group_by(mts.c.state))
    return {_M(state): count for state, count in rows}


def _row(seals: Seals, new: NewMt, now: datetime) -> dict[str, object]:
    return {
        "holding_id": new.holding_id,
        "msisdn_sealed": seals.seal(new.msisdn, _MSISDN),
        "msisdn_digest": holdings.digest_of(seals, new.msisdn),
        "channel": new.channel,
        "sender": new.sender,
        "text_sealed": seals.seal(new.text, _TEXT),
        "encoding": new.encoding,
        "segments": new.segments,
        "state": _M.CREATED,
        "reason": "",
        "submission_id": new.submission_id,
        "template": new.template,
        "category": new.category,
        "language": new.language,
        "valid_until": new.valid_until,
        "cost": "",
        "private": new.private,
        "mo_id": new.mo_id,
        "cost_f": new.cost_f,
        "created_at": now,
        "updated_at": now,
    }


def _note(conn: Connection, mt_id: int, state: MtState, source: Source, code: str, now: datetime) -> None:
    moved = {"mt_id": mt_id, "at": now, "state": state, "source": source, "code": bounded(code, 64)}
    conn.execute(into(mt_events).values(moved))


def _to_send(seals: Seals, row: Row[*tuple[object, ...]]) -> MtToSend | None:
    try:
        msisdn, words = seals.open(row.msisdn_sealed, _MSISDN), seals.open(row.text_sealed, _TEXT)
    except SealBroken:
        return None
    return MtToSend(
        id=row.id,
        holding_id=row.holding_id,
        msisdn=msisdn,
        channel=row.channel,
        sender=row.sender,
        text=words,
        state=_M(row.state),
        category=Category(row.category),
        segments=row.segments,
        valid_until=row.valid_until,
        submission_id=row.submission_id,
    )


def _mt(row: Row[*tuple[object, ...]]) -> Mt:
    return Mt(
        id=row.id,
        holding_id=row.holding_id,
        channel=row.channel,
        sender=row.sender,
        state=_M(row.state),
        reason=row.reason,
        external_id=row.external_id,
        template=row.template,
        category=Category(row.category),
        language=row.language,
        segments=row.segments,
        submission_id=row.submission_id,
        mo_id=row.mo_id,
        private=bool(row.private),
        cost_f=row.cost_f or 0,
        valid_until=row.valid_until,
        resent_at=row.resent_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

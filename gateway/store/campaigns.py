"""Campaigns: their state, figures and files. Their rows are in campaign_rows.py.

Whoever moves a campaign says from where: of two that try, one does. A worker that has its outbox row moves the figures
in the transaction that did the work, so that none of it is done twice or forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Row, and_, insert, or_, select, update

from gateway.messages import CampaignState
from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import campaign_files, campaigns

Source = Literal["single", "list", "file", "state", "topic"]
OPTIONS = "campaigns.options_sealed"
CONTENT = "campaign_files.content_sealed"
_S = CampaignState

#: state -> the states it can be reached from (see CampaignState).
MOVES: Mapping[CampaignState, tuple[CampaignState, ...]] = {
    _S.READY: (_S.CHECKING, _S.WAITING),  # from waiting: its approver refused
    _S.REFUSED: (_S.CHECKING,),
    _S.WAITING: (_S.READY,),
    _S.SENDING: (_S.READY, _S.WAITING),
    _S.DONE: (_S.SENDING,),
    _S.STOPPED: (_S.CHECKING, _S.READY, _S.WAITING, _S.SENDING, _S.DONE),  # done: while some of its SMS wait
}
#: Why a campaign is stopped that nobody decided about for as long as its rows may be kept.
ABANDONED = "abandoned"
#: Nothing more happens in these by itself.
OVER = (_S.REFUSED, _S.DONE, _S.STOPPED)


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign to store, in state `checking`."""

    public_id: str
    institution: str
    version_id: int
    source: Source
    live: bool
    created_by: str
    api_key_id: int | None
    own_reference: str | None
    start_at: datetime | None
    part_allowed: bool
    rows: int
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredCampaign:
    """A campaign without its options and its file."""

    id: int
    public_id: str
    institution: str
    version_id: int
    source: Source
    state: CampaignState
    live: bool
    own_reference: str | None
    created_by: str
    api_key_id: int | None
    created_at: datetime
    start_at: datetime | None
    sent_by: str | None
    sent_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    stopped_by: str | None
    stopped_at: datetime | None
    ended_at: datetime | None
    part_allowed: bool
    rows: int
    checked: int
    expanded: int
    position: int
    segments: int
    cost_f: int
    budget_month: date | None
    why: str | None
    erased_at: datetime | None


def add(conn: Connection, seals: Seals, new: NewCampaign, now: datetime) -> int | None:
    """The id of the stored campaign; None when there is one of that public id: whoever stores it at once waits here."""
    row = {
        "public_id": new.public_id,
        "institution": new.institution,
        "version_id": new.version_id,
        "source": new.source,
        "state": _S.CHECKING,
        "live": new.live,
        "own_reference": None if new.own_reference is None else bounded(new.own_reference, 64),
        "created_by": bounded(new.created_by, 64),
        "api_key_id": new.api_key_id,
        "created_at": now,
        "start_at": new.start_at,
        "part_allowed": new.part_allowed,
        "rows": new.rows,
        "checked": 0,
        "expanded": 0,
        "position": 0,
        "segments": 0,
        "cost_f": 0,
        "options_sealed": seals.seal_json(dict(new.options), OPTIONS),
    }
    new_one = insert_into(conn, campaigns).values(row).on_conflict_do_nothing().returning(campaigns.c.id)
    return conn.execute(new_one).scalar_one_or_none()


def by_public_id(conn: Connection, public_id: str) -> StoredCampaign | None:
    """The campaign of that id, None when there is none."""
    row = conn.execute(select(campaigns).where(campaigns.c.public_id == bounded(public_id, 40))).one_or_none()
    return None if row is None else _stored(row)


def locked(conn: Connection, campaign_id: int) -> StoredCampaign | None:
    """The campaign as it is now, and stays until this transaction ends; None when there is none."""
    row = conn.execute(select(campaigns).where(campaigns.c.id == campaign_id).with_for_update()).one_or_none()
    return None if row is None else _stored(row)


def list_page(
    conn: Connection,
    institution: str,
    limit: int,
    before_id: int | None = None,
    own_reference: str | None = None,
    states: Collection[CampaignState] | None = None,
) -> tuple[StoredCampaign, ...]:
    """The newest campaigns of an institution: with an id below, of that own reference, in those states, when given."""
    c = campaigns.c
    page = select(campaigns).where(c.institution == institution).order_by(c.id.desc()).limit(limit)
    if before_id is not None:
        page = page.where(c.id < before_id)
    if own_reference is not None:
        page = page.where(c.own_reference == bounded(own_reference, 64))
    if states is not None:
        page = page.where(c.state.in_(list(states)))
    return tuple(_stored(row) for row in conn.execute(page))


def options(conn: Connection, seals: Seals, campaign_id: int) -> Mapping[str, Any]:
    """What `add` was given; empty once erased. Raises SealBroken."""
    sealed = conn.execute(select(campaigns.c.options_sealed).where(campaigns.c.id == campaign_id)).scalar_one()
    found: Mapping[str, Any] = {} if sealed is None else seals.open_json(sealed, OPTIONS)
    return found


def move(conn: Connection, campaign_id: int, to: CampaignState, now: datetime, **values: Any) -> bool:
    """Whether the campaign moved to `to` by this call, with these columns set; False when MOVES forbids it."""
    ended = {"ended_at": now} if to in OVER else {}
    movable = update(campaigns).where(campaigns.c.id == campaign_id, campaigns.c.state.in_(MOVES[to]))
    return conn.execute(movable.values({"state": to, **ended, **values})).rowcount == 1


def note(conn: Connection, campaign_id: int, **values: Any) -> None:
    """Sets columns of a campaign that is locked."""
    conn.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(values))


def keep_file(conn: Connection, seals: Seals, campaign_id: int, name: str, content: bytes) -> None:
    """Keeps what the rows will be read from, until they are checked."""
    row = {
        "campaign_id": campaign_id,
        "name": bounded(name, 160),
        "size": len(content),
        "content_sealed": seals.seal_bytes(content, CONTENT),
    }
    conn.execute(insert(campaign_files).values(row))


def file_of(conn: Connection, seals: Seals, campaign_id: int) -> tuple[str, bytes] | None:
    """Name and content of what was kept, None when there is none (any more). Raises SealBroken."""
    row = conn.execute(select(campaign_files).where(campaign_files.c.campaign_id == campaign_id)).one_or_none()
    if row is None or row.content_sealed is None:
        return None
    return row.name, seals.open_bytes(row.content_sealed, CONTENT)


def drop_file(conn: Connection, campaign_id: int) -> None:
    """Erases the content: its rows say all of it."""
    mine = update(campaign_files).where(campaign_files.c.campaign_id == campaign_id)
    conn.execute(mine.values(content_sealed=None))


def to_erase(conn: Connection, before: datetime) -> StoredCampaign | None:
    """The first campaign that ended before then, or was left before then by whoever prepared it, and is not erased."""
    c = campaigns.c
    idle = and_(
        c.ended_at.is_(None),
        c.state != _S.SENDING,
        c.created_at < before,
        or_(c.start_at.is_(None), c.start_at < before),
    )
    over = or_(c.ended_at < before, idle, c.why == ABANDONED)
    due = select(campaigns).where(c.erased_at.is_(None), over)
    row = conn.execute(due.order_by(c.id).limit(1)).one_or_none()
    return None if row is None else _stored(row)


def note_erased(conn: Connection, campaign_id: int, now: datetime) -> None:
    """Nothing of it names a person any more."""
    drop_file(conn, campaign_id)
    note(conn, campaign_id, erased_at=now, options_sealed=None)


def _stored(row: Row[*tuple[object, ...]]) -> StoredCampaign:
    values = {name: value for name, value in row._mapping.items() if name != "options_sealed"}
    values["state"] = CampaignState(row.state)
    values["live"], values["part_allowed"] = bool(row.live), bool(row.part_allowed)
    return StoredCampaign(**values)

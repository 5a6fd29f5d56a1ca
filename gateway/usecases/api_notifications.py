"""Notifications that an institution's system asks for: one, or many from one template; and what became of each.

All that is asked for in one call is checked in its transaction: what cannot be sent is said at once, and nothing of it
is stored. A live key sees what live keys and people sent, a trial key what trial keys sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from gateway.messages import CampaignState, MtState, RowState
from gateway.store import campaign_rows, campaigns
from gateway.store.api_keys import StoredKey
from gateway.store.campaign_rows import StoredRow
from gateway.store.campaigns import StoredCampaign
from gateway.store.db import Connection
from gateway.usecases import api_keys, campaign_reading
from gateway.usecases import campaigns as sending
from gateway.usecases.actors import Absent, Right
from gateway.usecases.campaign_figures import Campaign, figures
from gateway.usecases.campaign_parts import LANE, STEP_ROWS
from gateway.usecases.campaign_words import CampaignRefused, remarks
from gateway.usecases.campaigns import NewCampaign, Recipient
from gateway.usecases.parts import Parts

__all__ = [
    "LANE",
    "MOST",
    "Asked",
    "Notification",
    "RowsRefused",
    "by_reference",
    "campaign",
    "of_campaign",
    "one",
    "send",
]

#: What has work after a call.
LANES = (LANE,)
#: Recipients of one call: as many as are checked at once.
MOST = STEP_ROWS
#: How long before it leaves a notification may be asked for.
EARLIEST = timedelta(days=90)
_LANGUAGE = "en"
_BAD = (RowState.WRONG, RowState.DUPLICATE, RowState.LEFT_OUT)
_M, _C = MtState, CampaignState
State = Literal["queued", "waiting", "accepted", "delivered", "failed", "unknown", "refused"]
_OF_SMS: dict[MtState, State] = {
    _M.CREATED: "queued",
    _M.SENDING: "queued",
    _M.ACCEPTED: "accepted",
    _M.SENT: "accepted",
    _M.FAILED_TEMPORARY: "accepted",
    _M.NO_REPORT: "accepted",
    _M.DELIVERED: "delivered",
    _M.FAILED_PERMANENT: "failed",
    _M.REJECTED: "failed",
    _M.EXPIRED: "failed",
    _M.SUPPRESSED: "failed",
    _M.UNKNOWN: "unknown",
}
_OF_CAMPAIGN: dict[CampaignState, State] = {_C.WAITING: "waiting", _C.READY: "waiting", _C.STOPPED: "failed"}
#: What a notification can be, and what it means.
STATES: dict[State, str] = {
    "queued": "waits for its hours, or for its sender's rate",
    "waiting": "a person of the institution must approve it, or send it",
    "accepted": "the aggregator has it",
    "delivered": "a report says that it arrived",
    "failed": "it did not arrive and never will",
    "unknown": "it may have left: a report or a person will tell",
    "refused": "it is not sent; `code` says why",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What to send to whom. `part`: those who can be written to are, although others cannot."""

    template_id: int
    recipients: Sequence[Recipient] = field(repr=False)
    own_reference: str | None = None
    language: str = ""
    start_at: datetime | None = None
    part: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification as its institution sees it; its number is masked. `code`: why, a word; `detail` a sentence."""

    id: str
    campaign: str
    own_reference: str | None
    to: str
    state: State
    code: str
    detail: str
    language: str
    segments: int
    cost_f: int
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why one recipient, counted from 0, cannot be written to."""

    number: int
    code: str
    detail: str
    about_number: bool


class RowsRefused(Exception):
    """Nothing was stored; `faults` says whom it is about."""

    def __init__(self, faults: Sequence[RowFault]) -> None:
        super().__init__(f"{len(faults)} recipients")
        self.faults = faults


def send(
    conn: Connection, parts: Parts, key: StoredKey, asked: Asked, now: datetime
) -> tuple[Campaign, tuple[Notification, ...]]:
    """The campaign on its way, and each of its notifications, in the caller's transaction; announce LANES after it.

    Raises Absent, CampaignRefused, RowsRefused, RateReached: then undo it.
    """
    if asked.start_at is not None and asked.start_at - now > EARLIEST:
        raise CampaignRefused("far")
    new = NewCampaign(
        template_id=asked.template_id,
        source="single" if len(asked.recipients) == 1 else "list",
        recipients=asked.recipients,
        own_reference=asked.own_reference,
        language=asked.language,
        start_at=asked.start_at,
        live=key.live,
        guests=key.guests,
        then_send=True,
        part_allowed=asked.part,
    )
    public_id = sending.start_within(conn, parts, api_keys.actor_of(key), key.institution, new)
    stored = campaigns.by_public_id(conn, public_id)
    assert stored is not None
    rows = campaign_rows.page(conn, parts.seals, stored.id, 0, MOST)
    faults = [_fault(row) for row in rows if row.state in _BAD]
    good = len(rows) - len(faults)
    if not good or (faults and not asked.part):
        raise RowsRefused(faults)
    if stored.why:
        raise CampaignRefused(stored.why)
    api_keys.count_notifications(conn, parts, key, good, now)
    return figures(conn, parts, stored, _LANGUAGE), tuple(_notification(parts, stored, row) for row in rows)


def one(parts: Parts, key: StoredKey, notification: str) -> Notification:
    """The notification of an id. Raises Absent, StoreUnavailable."""
    public_id, _, number = notification.rpartition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise Absent
    with parts.database.read() as conn:
        stored = _seen(conn, key, public_id)
        row = campaign_rows.numbered(conn, parts.seals, stored.id, int(number))
    if row is None:
        raise Absent
    return _notification(parts, stored, row)


def by_reference(
    parts: Parts, key: StoredKey, own_reference: str, after: int, limit: int
) -> tuple[tuple[Notification, int], ...]:
    """The notifications that the institution gave this reference, each with its place in the list."""
    api_keys.actor_of(key).must(Right.SEE_NOTIFICATIONS, key.institution)
    with parts.database.read() as conn:
        found = campaign_rows.referred_to(conn, parts.seals, key.institution, key.live, own_reference, after, limit)
    return tuple((_told(parts, row, public_id, state), row.id) for row, public_id, state in found)


def of_campaign(
    parts: Parts, key: StoredKey, public_id: str, after: int, limit: int
) -> tuple[tuple[Notification, int], ...]:
    """The notifications of a campaign, each with its number. Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        stored = _seen(conn, key, public_id)
        rows = campaign_rows.page(conn, parts.seals, stored.id, after, limit)
    return tuple((_notification(parts, stored, row), row.number) for row in rows)


def campaign(parts: Parts, key: StoredKey, public_id: str) -> Campaign:
    """How a campaign stands. Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        return figures(conn, parts, _seen(conn, key, public_id), _LANGUAGE)


def _seen(conn: Connection, key: StoredKey, public_id: str) -> StoredCampaign:
    stored = campaign_reading.seen(conn, api_keys.actor_of(key), public_id)
    if stored.live is not key.live:
        raise Absent
    return stored


def _fault(row: StoredRow) -> RowFault:
    code = row.code.split()[-1] if row.code else str(row.state)
    about_number = ":" not in code
    return RowFault(row.number - 1, code, remarks(row.code, _LANGUAGE), about_number)


def _notification(parts: Parts, stored: StoredCampaign, row: StoredRow) -> Notification:
    return _told(parts, row, stored.public_id, stored.state)


def _told(parts: Parts, row: StoredRow, public_id: str, whole: CampaignState) -> Notification:
    said = campaign_reading.in_words(parts, row, _LANGUAGE)
    state: State
    if row.mt_state is not None:
        state, code, detail = _OF_SMS[row.mt_state], row.mt_reason, said.state_words
    elif row.state in _BAD:
        state, code, detail = "refused", row.code, said.remark
    else:
        state, code, detail = _OF_CAMPAIGN.get(whole, "queued"), "", ""
    return Notification(
        id=f"{public_id}-{row.number}",
        campaign=public_id,
        own_reference=row.own_reference,
        to=said.masked,
        state=state,
        code=code,
        detail=detail or STATES[state],
        language=row.language,
        segments=row.segments,
        cost_f=row.cost_f,
        updated_at=row.mt_updated_at,
    )

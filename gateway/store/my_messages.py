"""The SMS that a citizen may read again: hers, that left us, neither private nor about a sensitive demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, Select, and_, false, or_, select

from gateway.messages import Category, MtState
from gateway.store.columns import is_in
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import mts, submissions

_TEXT = "mts.text_sealed"  # where mts.py seals it
#: It left us, whether or not it arrived: what never arrived is worth reading most.
LEFT = (
    MtState.ACCEPTED,
    MtState.SENT,
    MtState.DELIVERED,
    MtState.FAILED_TEMPORARY,
    MtState.FAILED_PERMANENT,
    MtState.NO_REPORT,
    MtState.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """`text` is "" when it cannot be read."""

    id: int
    template: str
    text: str = field(repr=False)
    at: datetime


def latest(
    conn: Connection, seals: Seals, holding_id: int, since: datetime, without: Sequence[str], limit: int
) -> tuple[OwnMessage, ...]:
    """At most `limit` of them, newest first, of templates not among `without`.

    What answered a text of hers is left out: she asked, and read it.
    """
    readable = _readable(holding_id, since, without).where(mts.c.category != Category.REPLY)
    rows = conn.execute(readable.order_by(mts.c.id.desc()).limit(limit))
    return tuple(_own(seals, row) for row in rows)


def one(
    conn: Connection, seals: Seals, holding_id: int, since: datetime, without: Sequence[str], mt_id: int
) -> OwnMessage | None:
    """That SMS, None when it is not among those that this holding may read again."""
    row = conn.execute(_readable(holding_id, since, without).where(mts.c.id == mt_id)).one_or_none()
    return None if row is None else _own(seals, row)


def _readable(holding_id: int, since: datetime, without: Sequence[str]) -> Select[*tuple[object, ...]]:
    left = or_(
        is_in(mts.c.state, LEFT),
        and_(mts.c.state == MtState.EXPIRED, mts.c.external_id.is_not(None)),  # others expired here, before they left
    )
    return (
        select(mts.c.id, mts.c.template, mts.c.text_sealed, mts.c.created_at)
        .outerjoin(submissions, submissions.c.id == mts.c.submission_id)
        .where(
            mts.c.holding_id == holding_id,
            mts.c.created_at >= since,
            mts.c.text_sealed.is_not(None),
            mts.c.private == false(),
            or_(submissions.c.id.is_(None), submissions.c.sensitive == false()),
            mts.c.template.not_in(without),
            left,
        )
    )


def _own(seals: Seals, row: Row[*tuple[object, ...]]) -> OwnMessage:
    return OwnMessage(row.id, row.template, seals.shown(row.text_sealed, _TEXT), row.created_at)

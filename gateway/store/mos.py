"""SMS that citizens sent: each stored once, before anything is done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, select, update

from gateway.messages import MoSms
from gateway.store import holdings
from gateway.store.columns import bounded, is_in
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import MoState, mos

__all__ = ["MoState", "StoredMo", "add", "by_id", "erase_due", "list_page", "settle"]

_MSISDN = "mos.msisdn_sealed"
_TEXT = "mos.text_sealed"


@dataclass(frozen=True, slots=True)
class StoredMo:
    """One SMS as it was received. `msisdn` and `text` are None once erased; `sent_at` when no readable date came."""

    id: int
    channel: str
    external_id: str
    msisdn: str | None = field(repr=False)
    to: str
    text: str | None = field(repr=False)
    network: str
    state: MoState
    outcome: str
    sent_at: datetime | None
    received_at: datetime
    handled_at: datetime | None


def order_key(digest: bytes) -> str:
    """What keeps the SMS of one number (`holdings.digest_of` it) in order."""
    return f"mo:{digest.hex()[:16]}"


def add(conn: Connection, seals: Seals, mo: MoSms, now: datetime) -> int | None:
    """The id of the stored SMS; None when this channel has delivered the same external id before."""
    row = {
        "channel": mo.channel,
        "external_id": bounded(mo.external_id, 128),
        "msisdn_digest": holdings.digest_of(seals, mo.msisdn),
        "msisdn_sealed": seals.seal(mo.msisdn, _MSISDN),
        "short_code": bounded(mo.to, 32),
        "text_sealed": seals.seal(mo.text, _TEXT),
        "network": bounded(mo.network, 32),
        "sent_at": mo.sent_at,
        "received_at": now,
        "state": MoState.RECEIVED,
        "outcome": "",
    }
    added = insert_into(conn, mos).values(row).on_conflict_do_nothing().returning(mos.c.id)
    mo_id: int | None = conn.execute(added).scalar_one_or_none()
    return mo_id


def by_id(conn: Connection, seals: Seals, mo_id: int) -> StoredMo | None:
    """The SMS of an id, None when there is none. Raises SealBroken."""
    row = conn.execute(select(mos).where(mos.c.id == mo_id)).one_or_none()
    return None if row is None else _stored(seals, row)


def settle(conn: Connection, mo_id: int, state: MoState, outcome: str, now: datetime) -> bool:
    """Whether the SMS waited and is now `handled` or `ignored`; `outcome` is a short stable word."""
    waiting = update(mos).where(mos.c.id == mo_id, is_in(mos.c.state, (MoState.RECEIVED,)))
    return conn.execute(waiting.values(state=state, outcome=bounded(outcome, 64), handled_at=now)).rowcount == 1


def count_since(conn: Connection, seals: Seals, msisdn: str, since: datetime, most: int) -> int:
    """How many SMS this number sent since then, counted to `most` at most."""
    recent = select(mos.c.id).where(mos.c.msisdn_digest == holdings.digest_of(seals, msisdn), mos.c.received_at > since)
    return len(conn.execute(recent.limit(most)).all())


def list_page(conn: Connection, seals: Seals, limit: int, before_id: int | None = None) -> tuple[StoredMo, ...]:
    """The newest SMS, older than `before_id` when given. Raises SealBroken."""
    found = select(mos).order_by(mos.c.id.desc()).limit(limit)
    if before_id is not None:
        found = found.where(mos.c.id < before_id)
    return tuple(_stored(seals, row) for row in conn.execute(found))


def erase_due(conn: Connection, before: datetime, limit: int) -> int:
    """How many settled SMS received before then, at most `limit`, lost their text and number; the rows stay."""
    due = (
        select(mos.c.id)
        .where(mos.c.received_at < before, mos.c.text_sealed.is_not(None))
        .where(is_in(mos.c.state, (MoState.HANDLED, MoState.IGNORED)))
        .limit(limit)
    )
    ids: Sequence[int] = list(conn.execute(due).scalars())
    erased = update(mos).where(mos.c.id.in_(ids)).values(text_sealed=None, msisdn_sealed=None, msisdn_digest=b"")
    return conn.execute(erased).rowcount


def _stored(seals: Seals, row: Row[*tuple[object, ...]]) -> StoredMo:
    return StoredMo(
        id=row.id,
        channel=row.channel,
        external_id=row.external_id,
        msisdn=None if row.msisdn_sealed is None else seals.open(row.msisdn_sealed, _MSISDN),
        to=row.short_code,
        text=None if row.text_sealed is None else seals.open(row.text_sealed, _TEXT),
        network=row.network,
        state=MoState(row.state),
        outcome=row.outcome,
        sent_at=row.sent_at,
        received_at=row.received_at,
        handled_at=row.handled_at,
    )

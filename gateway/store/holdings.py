"""Holdings: a number during the time one person holds it. What a citizen owns hangs on a holding, not a number."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update

from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import holdings

_WHERE = "holdings.msisdn_sealed"


def digest_of(seals: Seals, msisdn: str) -> bytes:
    """What every table holds instead of the number `msisdn` (E.164 with +), for search."""
    return seals.digest("msisdn", msisdn)


def open_holding(conn: Connection, seals: Seals, msisdn: str, now: datetime, network: str = "") -> int:
    """The id of the open holding of `msisdn` (E.164 with +), opened now if there is none; also notes that it was seen.

    `network` is the operator's code as the callback gave it; "", when it gave none, leaves the last one known.
    Two callers at once get the same id.
    """
    seen = {"last_seen_at": now, **({"network": bounded(network, 32)} if network else {})}
    row = {
        "msisdn_digest": digest_of(seals, msisdn),
        "msisdn_sealed": seals.seal(msisdn, _WHERE),
        "opened_at": now,
        **seen,
    }
    opened = (
        insert_into(conn, holdings)
        .values(row)
        .on_conflict_do_update(
            index_elements=[holdings.c.msisdn_digest],
            index_where=holdings.c.closed_at.is_(None),
            set_=seen,
        )
        .returning(holdings.c.id)
    )
    holding_id: int = conn.execute(opened).scalar_one()
    return holding_id


def find_open(conn: Connection, seals: Seals, msisdn: str) -> int | None:
    """The id of the open holding of `msisdn`, None when it has none; writes nothing."""
    found = select(holdings.c.id).where(
        holdings.c.msisdn_digest == digest_of(seals, msisdn), holdings.c.closed_at.is_(None)
    )
    return conn.execute(found).scalar_one_or_none()


def networks_of(conn: Connection, holding_ids: Collection[int]) -> dict[int, str]:
    """The operator's code last seen of each holding, "" where none ever was."""
    h = holdings.c
    return {row.id: row.network or "" for row in conn.execute(select(h.id, h.network).where(h.id.in_(holding_ids)))}


def digest_of_holding(conn: Connection, holding_id: int) -> bytes:
    """The digest of a holding's number. LookupError when there is no such holding."""
    digest = conn.execute(select(holdings.c.msisdn_digest).where(holdings.c.id == holding_id)).scalar_one_or_none()
    if digest is None:
        raise LookupError(f"no holding {holding_id}")
    return bytes(digest)


def msisdn_of(conn: Connection, seals: Seals, holding_id: int) -> str:
    """The number (E.164 with +) of a holding, open or closed. Raises SealBroken, LookupError (none such)."""
    sealed = conn.execute(select(holdings.c.msisdn_sealed).where(holdings.c.id == holding_id)).scalar_one_or_none()
    if sealed is None:
        raise LookupError(f"no holding {holding_id}")
    return opened(seals, sealed)


def opened(seals: Seals, sealed: bytes) -> str:
    """The number (E.164 with +) in a `msisdn_sealed` of this table. Raises SealBroken."""
    return seals.open(sealed, _WHERE)


def close(conn: Connection, holding_id: int, now: datetime) -> bool:
    """Whether the holding was open and is now closed: the next person with the number starts with nothing."""
    closed = update(holdings).where(holdings.c.id == holding_id, holdings.c.closed_at.is_(None))
    return conn.execute(closed.values(closed_at=now)).rowcount == 1

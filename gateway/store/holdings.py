"""Holdings: a number during the time one person holds it. What a citizen owns hangs on a holding, not a number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from gateway.store.columns import bounded, is_in
from gateway.store.db import Connection, insert_into
from gateway.store.sealed import Seals
from gateway.store.tables import OPEN_SUBMISSION, agreements, holdings, mts, preferences, submissions

_WHERE = "holdings.msisdn_sealed"


def digest_of(seals: Seals, msisdn: str) -> bytes:
    """What every table holds instead of the number `msisdn` (E.164 with +), for search."""
    return seals.digest("msisdn", msisdn)


@dataclass(frozen=True, slots=True)
class Held:
    """An open holding. `sim_changed_at`: when the number last got another SIM, None when that is not known."""

    id: int
    opened_at: datetime
    last_seen_at: datetime
    network: str
    imsi_digest: bytes | None = field(repr=False)
    sim_changed_at: datetime | None
    notice: str  #: the version of the privacy notice that was shown, "" for none
    notice_at: datetime | None


def open_holding(conn: Connection, seals: Seals, msisdn: str, now: datetime, network: str = "") -> int:
    """The id of the open holding of `msisdn` (E.164 with +), opened now if there is none; also notes that it was seen.

    `network` is the operator's code as the callback gave it; "", when it gave none, leaves the last one known.
    Two callers at once get the same id.
    """
    seen = {"last_seen_at": now, **({"network": bounded(network, 32)} if network else {})}
    return _opened(conn, seals, msisdn, now, seen)


def found_or_opened(conn: Connection, seals: Seals, msisdn: str, now: datetime) -> int:
    """As `open_holding`, when it is not the citizen who gives a sign: an aggregator, an operator of ours."""
    return _opened(conn, seals, msisdn, now, {"msisdn_digest": holdings.c.msisdn_digest})


def _opened(conn: Connection, seals: Seals, msisdn: str, now: datetime, seen: Mapping[str, object]) -> int:
    row = {
        "msisdn_digest": digest_of(seals, msisdn),
        "msisdn_sealed": seals.seal(msisdn, _WHERE),
        "opened_at": now,
        "last_seen_at": now,
        **{name: value for name, value in seen.items() if name != "msisdn_digest"},
    }
    opened = (
        insert_into(conn, holdings)
        .values(row)
        .on_conflict_do_update(
            index_elements=[holdings.c.msisdn_digest],
            index_where=holdings.c.closed_at.is_(None),
            set_=dict(seen),
        )
        .returning(holdings.c.id)
    )
    holding_id: int = conn.execute(opened).scalar_one()
    return holding_id


def held(conn: Connection, seals: Seals, msisdn: str) -> Held | None:
    """The open holding of `msisdn`, however long it was silent; None when it has none."""
    h = holdings.c
    row = conn.execute(
        select(holdings).where(h.msisdn_digest == digest_of(seals, msisdn), h.closed_at.is_(None))
    ).one_or_none()
    return None if row is None else held_in(row)


def by_id(conn: Connection, holding_id: int) -> Held | None:
    """An open holding by its id; None when it is closed, or there is none such."""
    row = conn.execute(
        select(holdings).where(holdings.c.id == holding_id, holdings.c.closed_at.is_(None))
    ).one_or_none()
    return None if row is None else held_in(row)


def find_open(conn: Connection, seals: Seals, msisdn: str, silent_since: datetime) -> int | None:
    """The id of the open holding of `msisdn`, None when it has none; writes nothing.

    One that gave no sign since `silent_since` is none any more, whether or not a sweep has closed it.
    """
    h = holdings.c
    found = select(h.id).where(
        h.msisdn_digest == digest_of(seals, msisdn), h.closed_at.is_(None), h.last_seen_at > silent_since
    )
    return conn.execute(found).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Known:
    """An open holding as whoever writes to many needs it."""

    id: int
    network: str


def known_among(conn: Connection, digests: Collection[bytes], silent_since: datetime) -> dict[bytes, Known]:
    """Digest -> open holding, for those of these numbers that have one which gave a sign since then."""
    h = holdings.c
    found = select(h.id, h.msisdn_digest, h.network).where(
        h.msisdn_digest.in_(list(digests)), h.closed_at.is_(None), h.last_seen_at > silent_since
    )
    return {bytes(row.msisdn_digest): Known(row.id, row.network or "") for row in conn.execute(found)}


def silent_among(conn: Connection, digests: Collection[bytes], silent_since: datetime) -> tuple[int, ...]:
    """The open holdings of these numbers that gave no sign since then."""
    h = holdings.c
    found = select(h.id).where(
        h.msisdn_digest.in_(list(digests)), h.closed_at.is_(None), h.last_seen_at <= silent_since
    )
    return tuple(conn.execute(found.order_by(h.id)).scalars())


def open_many(conn: Connection, seals: Seals, numbers: Mapping[bytes, str], now: datetime) -> dict[bytes, Known]:
    """Digest -> its open holding, opened now if there is none; `numbers`: digest -> E.164. Notes no sign of life."""
    rows = [
        {
            "msisdn_digest": digest,
            "msisdn_sealed": seals.seal(msisdn, _WHERE),
            "opened_at": now,
            "last_seen_at": now,
        }
        for digest, msisdn in sorted(numbers.items())  # always in this order: two transactions must not wait in a ring
    ]
    if not rows:
        return {}
    conn.execute(insert_into(conn, holdings).on_conflict_do_nothing(), rows)
    h = holdings.c
    found = select(h.id, h.msisdn_digest, h.network).where(h.msisdn_digest.in_(list(numbers)), h.closed_at.is_(None))
    return {bytes(row.msisdn_digest): Known(row.id, row.network or "") for row in conn.execute(found)}


def of_number(conn: Connection, digest: bytes, since: datetime | None = None) -> tuple[int, ...]:
    """Every holding of a number (`digest_of` it), open or closed, oldest first; `since`: begun then or later."""
    h = holdings.c
    began = [h.msisdn_digest == digest, *([h.opened_at >= since] if since is not None else [])]
    return tuple(conn.execute(select(h.id).where(*began).order_by(h.id)).scalars())


def closed_among(conn: Connection, holding_ids: Collection[int]) -> frozenset[int]:
    """Those of these holdings that are closed: nothing more is sent to them."""
    h = holdings.c
    return frozenset(conn.execute(select(h.id).where(h.id.in_(holding_ids), h.closed_at.is_not(None))).scalars())


def note_seen(conn: Connection, holding_id: int, now: datetime, network: str = "", imsi: bytes | None = None) -> None:
    """The citizen gave a sign; what the callback says of her network and her SIM replaces what was known."""
    seen: dict[str, object] = {"last_seen_at": now}
    if network:
        seen["network"] = bounded(network, 32)
    if imsi is not None:
        seen["imsi_digest"] = imsi
    conn.execute(update(holdings).where(holdings.c.id == holding_id).values(seen))


def note_sim_change(conn: Connection, holding_id: int, at: datetime) -> None:
    """The number has had another SIM since `at`."""
    conn.execute(update(holdings).where(holdings.c.id == holding_id).values(sim_changed_at=at))


def note_notice(conn: Connection, holding_id: int, version: str, now: datetime) -> None:
    """That version of the privacy notice was shown."""
    told = update(holdings).where(holdings.c.id == holding_id)
    conn.execute(told.values(notice=bounded(version, 16), notice_at=now))


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


def sealed_number(seals: Seals, msisdn: str) -> bytes:
    """A number as `msisdn_sealed` of this table holds it; "" once it was erased."""
    return seals.seal(msisdn, _WHERE)


def opened(seals: Seals, sealed: bytes) -> str:
    """The number (E.164 with +) in a `msisdn_sealed` of this table. Raises SealBroken."""
    return seals.open(sealed, _WHERE)


def close(conn: Connection, holding_id: int, why: str, now: datetime) -> bool:
    """Whether the holding was open and is now closed: the next person with the number starts with nothing."""
    closed = update(holdings).where(holdings.c.id == holding_id, holdings.c.closed_at.is_(None))
    return conn.execute(closed.values(closed_at=now, closed_why=bounded(why, 16))).rowcount == 1


def ended_since(conn: Connection, digest: bytes, at: datetime) -> bool:
    """Whether a holding of the number ended after that moment."""
    h = holdings.c
    found = select(h.id).where(h.msisdn_digest == digest, h.closed_at > at).limit(1)
    return conn.execute(found).scalar_one_or_none() is not None


def silent(conn: Connection, silent_since: datetime, limit: int) -> tuple[int, ...]:
    """At most `limit` open holdings that gave no sign since then."""
    h = holdings.c
    found = select(h.id).where(h.closed_at.is_(None), h.last_seen_at <= silent_since)
    return tuple(conn.execute(found.order_by(h.last_seen_at).limit(limit)).scalars())


def forget(conn: Connection, seals: Seals, closed_before: datetime, limit: int) -> int:
    """How many numbers of holdings that ended before then were forgotten: those that no demand still needs.

    With them goes what was chosen and written under them.
    """
    h, s = holdings.c, submissions.c
    nobody = digest_of(seals, "")
    needed = select(s.id).where(
        (s.holding_id == h.id) | (s.helper_id == h.id), s.fields_sealed.is_not(None) | is_in(s.state, OPEN_SUBMISSION)
    )
    due = select(h.id).where(h.closed_at <= closed_before, h.msisdn_digest != nobody, ~needed.exists()).limit(limit)
    ids = list(conn.execute(due).scalars())
    conn.execute(delete(preferences).where(preferences.c.holding_id.in_(ids)))
    conn.execute(update(agreements).where(agreements.c.holding_id.in_(ids)).values(code_digest=b""))
    gone = {"msisdn_digest": b"", "msisdn_sealed": None, "text_sealed": None}
    conn.execute(update(mts).where(mts.c.holding_id.in_(ids)).values(gone))
    nothing = {"msisdn_digest": nobody, "msisdn_sealed": sealed_number(seals, ""), "imsi_digest": None, "network": None}
    return conn.execute(update(holdings).where(h.id.in_(ids)).values(nothing)).rowcount


def held_in(row: Any) -> Held:
    """What a row with the columns of this table says."""
    return Held(
        id=row.id,
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        network=row.network or "",
        imsi_digest=row.imsi_digest,
        sim_changed_at=row.sim_changed_at,
        notice=row.notice or "",
        notice_at=row.notice_at,
    )

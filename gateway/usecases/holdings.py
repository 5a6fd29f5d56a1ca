"""Holdings: who a number belongs to now. A number that changed hands shows nothing of the person before.

A holding ends when the channel names another SIM, when the operator says that the SIM was changed or the number given
again, when a report says that the subscriber does not exist, after too long a silence, or when whoever dials says
"it was not me". What was closed is reopened demand by demand (takeover.py), never as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from gateway import logs
from gateway.store import codes, conversations, holdings
from gateway.store.db import Connection
from gateway.store.holdings import Held, Known
from gateway.usecases.parts import Parts

#: A sign of life within this is not written again: a dial costs no write each time.
_SEEN_EVERY = timedelta(days=1)


class Why(StrEnum):
    """Why a holding ended."""

    SIM = "sim"  #: the channel names another SIM
    OPERATOR = "operator"  #: the operator says that the SIM was changed, or the number given again
    GONE = "gone"  #: a delivery report says that there is no such subscriber
    SILENCE = "silence"  #: no sign for `holdings.max_silence_s`
    DISOWNED = "disowned"  #: whoever dials says that it was not her
    ERASED = "erased"  #: she asked us to forget her


def find(conn: Connection, parts: Parts, msisdn: str, imsi: str = "") -> int | None:
    """The holding of this number now, None when it has none, or another SIM than `imsi`; writes nothing."""
    known = holdings.held(conn, parts.seals, msisdn)
    return None if known is None or over(parts, known, imsi) is not None else known.id


def met(conn: Connection, parts: Parts, msisdn: str, now: datetime, network: str = "", imsi: str = "") -> int:
    """The holding of a citizen who gives a sign, opened now if need be, after one that is over was closed."""
    current = current_of(conn, parts, msisdn, now, imsi)
    digest = imsi_digest(parts, imsi)
    if current is not None:
        holdings.note_seen(conn, current.id, now, network, digest)
        return current.id
    opened = holdings.open_holding(conn, parts.seals, msisdn, now, network)
    if digest is not None:
        holdings.note_seen(conn, opened, now, network, digest)
    return opened


def addressed(conn: Connection, parts: Parts, msisdn: str, now: datetime) -> int:
    """The holding of a number that somebody else names: no sign of life of hers, and not one that is over by now."""
    current_of(conn, parts, msisdn, now)
    return holdings.found_or_opened(conn, parts.seals, msisdn, now)


def addressed_many(conn: Connection, parts: Parts, numbers: Mapping[bytes, str], now: datetime) -> dict[bytes, Known]:
    """As `addressed`, for several: digest -> holding. `numbers`: digest -> E.164."""
    known = holdings.known_among(conn, numbers, parts.silent_since)
    strangers = {digest: msisdn for digest, msisdn in numbers.items() if digest not in known}
    for silent in holdings.silent_among(conn, strangers, parts.silent_since):
        close(conn, parts, silent, Why.SILENCE, now)
    return known | holdings.open_many(conn, parts.seals, strangers, now)


def current_of(conn: Connection, parts: Parts, msisdn: str, now: datetime, imsi: str = "") -> Held | None:
    """The holding of this number, None when it has none; one that is over by now, or has another SIM, is closed."""
    known = holdings.held(conn, parts.seals, msisdn)
    if known is None:
        return None
    why = over(parts, known, imsi)
    if why is None:
        return known
    if close(conn, parts, known.id, why, now) and why is Why.SIM:
        fresh = holdings.open_holding(conn, parts.seals, msisdn, now)
        holdings.note_seen(conn, fresh, now, imsi=imsi_digest(parts, imsi))
        holdings.note_sim_change(conn, fresh, now)
        return holdings.by_id(conn, fresh)
    return None


def over(parts: Parts, known: Held, imsi: str = "") -> Why | None:
    """Why a holding is over although it is open; None when it is not."""
    if known.last_seen_at <= parts.silent_since:
        return Why.SILENCE
    digest = imsi_digest(parts, imsi)
    if digest is not None and known.imsi_digest is not None and digest != known.imsi_digest:
        return Why.SIM
    return None


def worth_noting(parts: Parts, known: Held, now: datetime, network: str, imsi: str) -> bool:
    """Whether a sign of life says something that is not written yet."""
    new_sim = imsi_digest(parts, imsi) not in (None, known.imsi_digest)
    return now - known.last_seen_at > _SEEN_EVERY or new_sim or network not in ("", known.network)


def close(conn: Connection, parts: Parts, holding_id: int, why: Why, now: datetime) -> bool:
    """Whether the holding was open and is now closed, with what was under way in it."""
    del parts
    if not holdings.close(conn, holding_id, why, now):
        return False
    conversations.end(conn, holding_id, now)
    codes.void(conn, holding_id, now)
    logs.event("holding.closed", level="warning", holding_id=holding_id, why=why)
    return True


def sim_changed(parts: Parts, known: Held, now: datetime) -> bool:
    """Whether the SIM is so new that a code sent to it proves nothing."""
    changed = known.sim_changed_at
    return changed is not None and now - changed < timedelta(seconds=parts.settings.holdings.new_sim_s)


def imsi_digest(parts: Parts, imsi: str) -> bytes | None:
    """What is kept of a SIM's identity; None when the channel names none."""
    return parts.seals.digest("imsi", imsi) if imsi else None

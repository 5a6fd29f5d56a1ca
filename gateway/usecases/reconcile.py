"""SMS of which nobody knows whether they left: settled by a person, by the aggregator's own list, or sent once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gateway import logs
from gateway.messages import Category, MtState
from gateway.store import holdings, mts, outbox, restored, stops
from gateway.store.db import Connection
from gateway.store.mts import Mt
from gateway.text import msisdn
from gateway.text.tables import Headings
from gateway.usecases import mt_moves
from gateway.usecases.delivery_reports import match_strays
from gateway.usecases.parts import Parts

#: The words of an aggregator's list, without case: what became of the SMS.
STATUSES: Mapping[str, MtState] = {
    "sent": MtState.SENT,
    "submitted": MtState.SENT,
    "buffered": MtState.SENT,
    "success": MtState.DELIVERED,
    "delivered": MtState.DELIVERED,
    "failed": MtState.FAILED_PERMANENT,
    "rejected": MtState.FAILED_PERMANENT,
    "expired": MtState.EXPIRED,
}
#: Column -> how lists head it (text/tables.py).
HEADINGS: Headings = {
    "number": ("number", "numero", "phone", "msisdn", "recipient", "destinataire", "telephone"),
    "messageId": ("messageid", "id"),
    "status": ("status", "statut", "etat"),
    "date": ("date", "senton", "envoyele"),
}
OPTIONAL = frozenset({"date"})
#: An SMS in the aggregator's list is taken for ours when their times are no further apart.
_APART = timedelta(hours=2)
_LISTED = 10_000


class Settled(StrEnum):
    DONE = "done"
    NOT_UNKNOWN = "not_unknown"  #: it was settled since, or never was unknown
    MISSING = "missing"  #: no such SMS


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the aggregator's list: an SMS that it took."""

    msisdn: str = field(repr=False)
    external_id: str
    state: MtState
    at: datetime | None


def list_unknown(parts: Parts, limit: int) -> tuple[Mt, ...]:
    """The oldest SMS of unknown fate. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        return mts.unknown(conn, limit)


def settle(parts: Parts, mt_id: int, state: MtState, who: str) -> Settled:
    """A person says what became of an SMS; kept with his name. Raises StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        found = _unknown(conn, mt_id)
        if isinstance(found, Settled):
            return found
        mt_moves.move(conn, parts, mt_id, state, "person", "reconciled", now)
        outbox.settle_unknown(conn, "mt", mt_id, "reconciled", now)
        stops.note_act(conn, who, "sms.settle", f"mt:{mt_id}", state.value, now)
    logs.event("mt.reconciled", mt_id=mt_id, submission_id=found.submission_id, state=state)
    return Settled.DONE


def resend(parts: Parts, mt_id: int, who: str) -> Settled:
    """A person accepts that an SMS may arrive twice. Raises StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        found = _unknown(conn, mt_id)
        if isinstance(found, Settled):
            return found
        _again(conn, found, "person", now)
        stops.note_act(conn, who, "sms.resend", f"mt:{mt_id}", "", now)
    parts.announce(("urgent",))
    logs.event("mt.resent", level="warning", mt_id=mt_id, submission_id=found.submission_id)
    return Settled.DONE


def resend_vital(conn: Connection, parts: Parts, limit: int, now: datetime) -> int:
    """How many vital SMS were made ready once more: unknown for long enough, valid, and never sent twice before.

    Those that a restore made unknown are left to a person: most of them left.
    """
    patient = now - timedelta(seconds=parts.settings.sms.resend_vital_after_s)
    again = 0
    for mt in mts.unknown(conn, limit, Category.VITAL, restored.DOUBTED):
        if mt.resent_at is None and mt.updated_at <= patient and mt.valid_until > now:
            _again(conn, mt, "sweep", now)
            logs.event("mt.resent", level="warning", mt_id=mt.id, submission_id=mt.submission_id)
            again += 1
    return again


def from_list(parts: Parts, channel: str, entries: Iterable[Entry], who: str) -> dict[str, int]:
    """What an aggregator's list of SMS settles: counts of `settled`, `ambiguous` and `foreign` lines.

    An SMS of ours is meant by a line about its number whose id we do not have yet and whose time is near; with two
    of them nobody can tell. Raises StoreUnavailable.
    """
    now = parts.now()
    counts = {"settled": 0, "ambiguous": 0, "foreign": 0}
    with parts.database.begin() as conn:
        waiting = _by_number(conn, channel)
        for entry in entries:
            digest = holdings.digest_of(parts.seals, entry.msisdn)
            meant = [mt for mt in waiting.get(digest, []) if entry.at is None or abs(mt.created_at - entry.at) < _APART]
            if len(meant) != 1:
                counts["ambiguous" if meant else "foreign"] += 1
                continue
            waiting[digest].remove(meant[0])
            mts.set_external(conn, meant[0].id, entry.external_id, "", now)
            mt_moves.move(conn, parts, meant[0].id, entry.state, "person", "reconciled", now)
            outbox.settle_unknown(conn, "mt", meant[0].id, "reconciled", now)
            match_strays(conn, parts, channel, entry.external_id, now)
            counts["settled"] += 1
        detail = ", ".join(f"{count} {name}" for name, count in counts.items())
        stops.note_act(conn, who, "sms.reconcile", channel, detail, now)
    logs.event("mt.reconciled_list", level="info", channel=channel, **counts)
    return counts


def read_entry(cells: Mapping[str, str], region: str) -> Entry | None:
    """A line with the columns of HEADINGS, its date as ISO writes it; None when it cannot be used."""
    state, external_id = STATUSES.get(cells["status"].casefold()), cells["messageId"]
    try:
        number = msisdn.normalise(cells["number"], region)
    except msisdn.MsisdnError:
        return None
    if state is None or not external_id:
        return None
    return Entry(number, external_id, state, _instant(cells.get("date", "")))


def _instant(written: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(written.strip())
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _unknown(conn: Connection, mt_id: int) -> Mt | Settled:
    found = mts.by_id(conn, mt_id)
    if found is None:
        return Settled.MISSING
    return found if found.state is MtState.UNKNOWN else Settled.NOT_UNKNOWN


def _again(conn: Connection, mt: Mt, source: mts.Source, now: datetime) -> None:
    if mts.send_again(conn, mt.id, source, now):
        for row in outbox.of_target(conn, "mt", mt.id):
            outbox.requeue(conn, row.id, now, even_unknown=True)


def _by_number(conn: Connection, channel: str) -> dict[bytes, list[Mt]]:
    found: dict[bytes, list[Mt]] = {}
    for mt in mts.unknown(conn, _LISTED):
        if mt.channel == channel and mt.external_id is None:
            number = holdings.digest_of_holding(conn, mt.holding_id)
            found.setdefault(number, []).append(mt)
    return found

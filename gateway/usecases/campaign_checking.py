"""Checking the rows of a campaign, some hundred in a transaction: who can be written to, what it says, what it costs.

A step stores its rows and the number of the last one together: whoever goes on after a crash begins with the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.engine import notification_text
from gateway.messages import RowState
from gateway.store import campaign_rows, holdings, persons
from gateway.store.campaign_rows import NewRow
from gateway.store.db import Connection
from gateway.store.holdings import Known
from gateway.text import fit, msisdn
from gateway.text.msisdn import MsisdnError, MsisdnFault
from gateway.usecases import allow_list, asking, preferences, spend, writing
from gateway.usecases.campaign_parts import Entry, Job
from gateway.usecases.parts import Parts
from gateway.usecases.preferences import NOTHING_CHOSEN, Preferences

#: Remarks and reasons, a word each; campaign_words.py says them.
CONVERTED, LOST_ZERO, SHORTENED = "converted", "lost_zero", "shortened"
NO_NUMBER, UNREADABLE, INVALID, ROUNDED = "no_number", "unreadable", "invalid", "rounded"
FOREIGN, NOT_MOBILE = "foreign", "not_mobile"
NO_VALUE, BAD_CELL, FORBIDDEN, EMPTY_TEXT = "no_value", "bad_cell", "forbidden", "empty_text"
FORBIDDEN_TEXT, ASKS = "forbidden_text", "asks"
SAME_NUMBER = "same_number"
OPTED_OUT, UNREGISTERED, NO_GUEST, ERASED = "opted_out", "unregistered", "no_guest", "erased"

_FAULTS = {
    MsisdnFault.MISSING: NO_NUMBER,
    MsisdnFault.UNREADABLE: UNREADABLE,
    MsisdnFault.INVALID: INVALID,
}
#: What a spreadsheet shows of a long number: its last digits are gone.
_ROUNDED = re.compile(r"\d([.,]\d+)?e\+?\d+", re.IGNORECASE)
#: 01 97 00 00 00 kept as a number has lost its first zero.
_WITHOUT_ZERO = re.compile(r"1\d{8}")
_DIGITS = re.compile(r"\D+")
#: What a spreadsheet shows where a formula failed.
_BAD_CELLS = ("#N/A", "#REF!", "#VALUE!", "#VALEUR!", "#DIV/0!", "#NAME?", "#NOM?", "#NULL!", "#NUM!", "#NOMBRE!")
#: How much of a wrong cell is shown to whoever must correct it.
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows of one step."""

    rows: tuple[NewRow, ...]

    @property
    def good(self) -> tuple[NewRow, ...]:
        return tuple(row for row in self.rows if row.state is RowState.GOOD)

    @property
    def segments(self) -> int:
        return sum(row.segments for row in self.good)

    @property
    def cost_f(self) -> int:
        return sum(row.cost_f for row in self.good)


@dataclass(frozen=True, slots=True)
class _Number:
    """What a cell says: a number (E.164) with remarks, or why it is none."""

    e164: str | None = field(repr=False)
    digest: bytes | None = field(repr=False)
    fault: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Around:
    """What the database knows of the numbers of one step."""

    earlier: frozenset[bytes]
    known: Mapping[bytes, Known]
    erased: frozenset[bytes]
    chosen: Mapping[int, Preferences]


def check(conn: Connection, parts: Parts, job: Job, entries: Sequence[Entry]) -> Checked:
    """The rows that these entries become; writes nothing. Each step sees the rows of the steps before."""
    numbers = [_number(parts, entry.msisdn) for entry in entries]
    around = _look_around(conn, parts, job, [one.digest for one in numbers if one.digest is not None])
    seen = set(around.earlier)
    rows: list[NewRow] = []
    for entry, number in zip(entries, numbers, strict=True):
        row = _row(parts, job, entry, number, around, seen)
        if row.digest is not None and row.state in (RowState.GOOD, RowState.LEFT_OUT):
            seen.add(row.digest)
        rows.append(row)
    return Checked(tuple(rows))


def read_number(raw: str, region: str) -> tuple[str, tuple[str, ...]]:
    """The number in a cell (E.164), and what was done to read it. Raises MsisdnError."""
    written = raw.strip().removeprefix("'").strip()  # an apostrophe keeps a cell of a spreadsheet from being a number
    if _WITHOUT_ZERO.fullmatch(written) and region == "BJ":
        return msisdn.normalise("0" + written, region), (LOST_ZERO,)
    found = msisdn.normalise(written, region)
    given = _DIGITS.sub("", written)
    old = found.startswith("+22901") and not given.endswith(found[4:])
    return found, (CONVERTED,) if old else ()


def _number(parts: Parts, raw: str) -> _Number:
    if _ROUNDED.fullmatch(raw.strip()):
        return _Number(None, None, ROUNDED)
    try:
        e164, remarks = read_number(raw, parts.settings.countries[0])
    except MsisdnError as error:
        return _Number(None, None, _FAULTS[error.code])
    digest = holdings.digest_of(parts.seals, e164)
    if not spend.answerable(parts, e164):
        at_home = msisdn.region_of(e164) in parts.settings.sms.reply_countries
        return _Number(e164, digest, NOT_MOBILE if at_home else FOREIGN)
    return _Number(e164, digest, "", remarks)


def _look_around(conn: Connection, parts: Parts, job: Job, digests: Sequence[bytes]) -> _Around:
    known = holdings.known_among(conn, digests, parts.silent_since)
    return _Around(
        earlier=campaign_rows.known_among(conn, job.campaign.id, digests),
        known=known,
        erased=persons.erased_among(conn, digests, job.campaign.created_at),
        chosen=preferences.refusals(conn, [one.id for one in known.values()]),
    )


def _row(parts: Parts, job: Job, entry: Entry, number: _Number, around: _Around, seen: Iterable[bytes]) -> NewRow:
    row = NewRow(
        number=entry.number,
        msisdn=number.e164,
        digest=number.digest,
        values={},
        language=entry.language or job.language,
        state=RowState.GOOD,
        code=" ".join(number.remarks),
        cell=entry.cell,
        own_reference=entry.own_reference,
    )
    if number.fault:
        return _wrong(row, number.fault, entry.cell, entry.msisdn)
    assert number.digest is not None
    if number.digest in seen:
        return replace(row, state=RowState.DUPLICATE, code=SAME_NUMBER)
    known = around.known.get(number.digest)
    chosen = NOTHING_CHOSEN if known is None else around.chosen[known.id]
    row = replace(row, language=_language(job, entry, chosen))
    row = _with_values(parts, job, entry, row)
    if row.state is RowState.WRONG:
        return row
    key = writing.sender_for(parts.settings, job.version.sender, "" if known is None else known.network)
    why = _left_out(parts, job, number, around, chosen, key)
    if key is None or why:
        return replace(row, state=RowState.LEFT_OUT, code=why)
    return _measured(parts, job, row, key)


def _language(job: Job, entry: Entry, chosen: Preferences) -> str:
    """The first of what the row says, what she chose and what the campaign says that the template has."""
    wanted = (entry.language.lower(), chosen.language or "", job.language)
    first = next((one for one in wanted if one in job.body.texts), "")
    return notification_text.spoken(job.body, first)


def _with_values(parts: Parts, job: Job, entry: Entry, row: NewRow) -> NewRow:
    """The row with the values of its text, cut to what each may take; wrong when one is missing or forbidden."""
    needed = notification_text.needed(job.body)
    values: dict[str, str] = {}
    cut = False
    for name, size in job.body.placeholders.items():
        raw = " ".join(entry.values.get(name, "").split())
        cell = entry.cells.get(name, entry.cell)
        if raw in _BAD_CELLS:
            return _wrong(row, f"{BAD_CELL}:{name}", cell, raw)
        if not raw and name in needed:
            return _wrong(row, f"{NO_VALUE}:{name}", cell, raw)
        if allow_list.refused(raw, job.institution, allow_list.ours(parts.settings)):
            return _wrong(row, f"{FORBIDDEN}:{name}", cell, raw)
        values[name] = fit.shortened(raw, size, job.version.policy)
        cut = cut or fit.fit(raw, job.version.policy).text != values[name]
    remarks = (*row.code.split(), *((SHORTENED,) if cut else ()))
    return replace(row, values=values, code=" ".join(remarks))


def _left_out(parts: Parts, job: Job, number: _Number, around: _Around, chosen: Preferences, sender: str | None) -> str:
    if number.digest in around.erased:
        return ERASED
    if job.guests is not None and number.e164 not in job.guests:
        return NO_GUEST
    if sender is None:
        return UNREGISTERED
    channel = parts.settings.sender_of(sender).channel
    return OPTED_OUT if job.counted and chosen.refuses(job.version.category, channel, job.topic) else ""


def _measured(parts: Parts, job: Job, row: NewRow, key: str) -> NewRow:
    text = notification_text.render(job.body, row.language, row.values)
    sender = parts.settings.sender_of(key)
    fitted = fit.fit(text, job.version.policy, sender.appends)
    if not fitted.segments:
        return _wrong(row, EMPTY_TEXT, row.cell, "")
    if why := _unfit(parts, job, fitted.text):
        return _wrong(row, why, row.cell, "")
    return replace(row, segments=fitted.segments, cost_f=fitted.segments * sender.cost_f)


def _unfit(parts: Parts, job: Job, text: str) -> str:
    """Why a text must not leave, "" when it may: what neither template nor value says alone they may say together."""
    if allow_list.refused(text, job.institution, allow_list.ours(parts.settings)):
        return FORBIDDEN_TEXT
    return ASKS if asking.asks(text) else ""


def _wrong(row: NewRow, code: str, cell: str, raw: str) -> NewRow:
    shown = {"": raw.replace("\0", "")[:_SHOWN]} if raw else {}
    return replace(row, state=RowState.WRONG, code=code, cell=cell, values=shown, segments=0, cost_f=0)

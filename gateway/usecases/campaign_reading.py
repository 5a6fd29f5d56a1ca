"""The rows of a campaign as people read them: in words, masked; one as its SMS will be; those to correct as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.engine import notification_text
from gateway.messages import RowState
from gateway.store import campaign_rows, campaigns
from gateway.store.campaigns import StoredCampaign
from gateway.store.db import Connection
from gateway.text import fit, msisdn
from gateway.usecases.actors import Absent, Actor, Right
from gateway.usecases.campaign_parts import STEP_ROWS, job_of
from gateway.usecases.campaign_words import ROW_STATES, remarks, say
from gateway.usecases.mt_words import Proof, words
from gateway.usecases.parts import Parts


@dataclass(frozen=True, slots=True)
class Row:
    """One row as people see it: the number masked, what became of it in words."""

    number: int
    masked: str
    cell: str
    state: RowState
    state_words: str  #: of its SMS, once there is one
    remark: str  #: what was done to read it, or why it cannot be sent
    language: str
    segments: int
    cost_f: int
    own_reference: str | None
    updated_at: datetime | None  #: when its SMS last moved


def seen(conn: Connection, actor: Actor, public_id: str, *rights: Right) -> StoredCampaign:
    """The campaign, for whoever has one of the rights (none named: may see notifications). Raises Absent."""
    found = campaigns.by_public_id(conn, public_id)
    if found is None or not any(
        actor.may(right, found.institution) for right in (rights or (Right.SEE_NOTIFICATIONS,))
    ):
        raise Absent
    return found


def rows(
    parts: Parts,
    actor: Actor,
    public_id: str,
    state: RowState | None = None,
    after: int = 0,
    limit: int = 50,
    language: str = "fr",
) -> tuple[Row, ...]:
    """The rows after a number, in a state when given. Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        campaign = seen(conn, actor, public_id)
        found = campaign_rows.page(conn, parts.seals, campaign.id, after, limit, state)
    return tuple(in_words(parts, row, language) for row in found)


def preview(parts: Parts, actor: Actor, public_id: str, number: int) -> str:
    """The very text of a row's SMS; "" for a row that has none. Raises Absent (also: no such row), StoreUnavailable."""
    with parts.database.read() as conn:
        campaign = seen(conn, actor, public_id, Right.SEND, Right.APPROVE)
        row = campaign_rows.numbered(conn, parts.seals, campaign.id, number)
        job = job_of(conn, parts, campaign)
    if row is None:
        raise Absent
    if row.state in (RowState.WRONG, RowState.DUPLICATE) or campaign.erased_at is not None:
        return ""
    if set(notification_text.needed(job.body)) - row.values.keys():  # erased at the person's request
        return ""
    return fit.fit(notification_text.render(job.body, row.language, row.values), job.version.policy).text


def report(parts: Parts, actor: Actor, public_id: str, language: str = "fr") -> Iterator[bytes]:
    """The rows to correct as CSV, as spreadsheets here read it. Raises Absent before the first piece.

    No cell begins as a formula does: whoever opens the file runs nothing that a stranger wrote.
    """
    with parts.database.read() as conn:
        campaign = seen(conn, actor, public_id, Right.SEND, Right.APPROVE)
    return _report(parts, campaign, language)


def _report(parts: Parts, campaign: StoredCampaign, language: str) -> Iterator[bytes]:
    head = ("ligne", "cellule", "contenu", "raison") if language != "en" else ("row", "cell", "content", "reason")
    yield b"\xef\xbb\xbf" + _csv(head)
    for state in (RowState.WRONG, RowState.DUPLICATE):
        after = 0
        while True:
            with parts.database.read() as conn:
                found = campaign_rows.page(conn, parts.seals, campaign.id, after, STEP_ROWS, state)
            if not found:
                break
            after = found[-1].number
            yield b"".join(
                _csv((str(row.number), row.cell, row.values.get("", ""), remarks(row.code, language))) for row in found
            )


def _csv(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(map(_harmless, cells))
    return line.getvalue().encode()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    flat = " ".join(cell.split())
    return f"'{flat}" if cell[:1] in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20" and cell else flat


def in_words(parts: Parts, row: campaign_rows.StoredRow, language: str) -> Row:
    """The row as people see it."""
    said = say(ROW_STATES, row.state, language)
    if row.mt_state is not None:
        said = words(row.mt_state, _proof(parts, row.mt_channel), language, row.mt_reason)
    return Row(
        number=row.number,
        masked=msisdn.mask(row.msisdn) if row.msisdn else "",
        cell=row.cell,
        state=row.state,
        state_words=said,
        remark=remarks(row.code, language),
        language=row.language,
        segments=row.segments,
        cost_f=row.cost_f,
        own_reference=row.own_reference,
        updated_at=row.mt_updated_at,
    )


def _proof(parts: Parts, channel: str) -> Proof:
    known = parts.settings.channels.get(channel)
    return "none" if known is None else known.dlr

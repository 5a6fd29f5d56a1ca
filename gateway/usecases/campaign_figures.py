"""How a campaign stands: what people see of it, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.messages import CampaignState, Category, MtState, RowState
from gateway.store import campaign_rows
from gateway.store.campaigns import StoredCampaign
from gateway.store.db import Connection
from gateway.usecases import budgets, hours
from gateway.usecases.campaign_parts import Job, job_of
from gateway.usecases.campaign_words import REFUSALS, ROWS, STATES, say
from gateway.usecases.mt_words import words
from gateway.usecases.parts import Parts

_S = CampaignState


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with every figure. Money in F CFA, times in UTC."""

    public_id: str
    institution: str
    state: CampaignState
    state_words: str
    why: str  #: a sentence: why it was refused or given back, "" for no reason
    template: str
    category: Category
    template_version: int
    version_id: int
    source: str
    live: bool
    own_reference: str | None
    created_by: str
    created_at: datetime
    start_at: datetime | None
    sent_by: str | None
    approved_by: str | None
    stopped_by: str | None
    ended_at: datetime | None
    rows: Mapping[RowState, int]
    remarks: Mapping[str, int]  #: sentence -> rows: numbers converted, values shortened, what is wrong, who is left out
    sms: Mapping[str, int]  #: state of the SMS in words -> rows
    segments: int
    cost_f: int
    budget_left_f: int
    needs_approval: bool
    opens_at: datetime  #: when the first may leave, if it were sent now
    estimated_s: float  #: from now until the last has left, nights and Sundays included
    progress: float  #: 0 to 1: of the check, then of the sending


def figures(conn: Connection, parts: Parts, campaign: StoredCampaign, language: str) -> Campaign:
    """Every figure of a campaign, its sentences in `language`."""
    job = job_of(conn, parts, campaign)
    now = parts.now()
    rows = campaign_rows.count_by_state(conn, campaign.id)
    sms = campaign_rows.count_sms(conn, campaign.id)
    waiting = sum(count.rows for count in sms if count.state in (MtState.CREATED, MtState.SENDING))
    begins = max(now, campaign.start_at or now)
    month = campaign.budget_month or budgets.month_of(parts, begins)
    return Campaign(
        public_id=campaign.public_id,
        institution=campaign.institution,
        state=campaign.state,
        state_words=say(STATES, campaign.state, language),
        why=say(REFUSALS, campaign.why or "", language),
        template=job.version.name,
        category=job.version.category,
        template_version=job.version.number,
        version_id=campaign.version_id,
        source=campaign.source,
        live=campaign.live,
        own_reference=campaign.own_reference,
        created_by=campaign.created_by,
        created_at=campaign.created_at,
        start_at=campaign.start_at,
        sent_by=campaign.sent_by,
        approved_by=campaign.approved_by,
        stopped_by=campaign.stopped_by,
        ended_at=campaign.ended_at,
        rows=rows,
        remarks=_remarks(conn, campaign, language),
        sms=_in_words(parts, sms, language),
        segments=campaign.segments,
        cost_f=campaign.cost_f,
        budget_left_f=budgets.left(conn, parts, campaign.institution, month),
        needs_approval=rows.get(RowState.GOOD, 0) > job.institution.approval_above,
        opens_at=hours.opens_at(parts.settings, job.version.category, begins),
        estimated_s=_estimated_s(parts, job, rows.get(RowState.GOOD, 0) + waiting, now, begins),
        progress=_progress(campaign, rows, waiting),
    )


def _remarks(conn: Connection, campaign: StoredCampaign, language: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for (_, codes), count in campaign_rows.count_by_code(conn, campaign.id).items():
        for code in codes.split():
            sentence = say(ROWS, code, language)
            found[sentence] = found.get(sentence, 0) + count
    return found


def _in_words(parts: Parts, sms: tuple[campaign_rows.SmsCount, ...], language: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for count in sms:
        channel = parts.settings.channels.get(count.channel)
        said = words(count.state, "none" if channel is None else channel.dlr, language, count.reason)
        found[said] = found.get(said, 0) + count.rows
    return found


def _estimated_s(parts: Parts, job: Job, left: int, now: datetime, begins: datetime) -> float:
    if job.campaign.state in (_S.DONE, _S.STOPPED, _S.REFUSED) and not left:
        return 0.0
    key = job.version.sender or parts.settings.sms.sender
    work_s = left / parts.settings.sender_of(key).tps
    return (hours.ends_at(parts.settings, job.version.category, begins, work_s) - now).total_seconds()


def _progress(campaign: StoredCampaign, rows: Mapping[RowState, int], waiting: int) -> float:
    if campaign.state is _S.CHECKING:
        return min(campaign.checked / campaign.rows, 1.0) if campaign.rows else 0.0
    if campaign.state in (_S.READY, _S.WAITING):
        return 0.0
    written = rows.get(RowState.WRITTEN, 0)
    total = written + rows.get(RowState.GOOD, 0)
    return (written - waiting) / total if total else 1.0

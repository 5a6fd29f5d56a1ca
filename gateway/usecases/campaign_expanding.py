"""Expanding a campaign: its good rows become SMS, some hundred in a transaction with the number of the last one.

So a worker that is killed loses nothing and doubles nothing: what is not committed is no SMS, and what is committed is
not looked at again. What a citizen chose is asked again here, and once more when her SMS leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.engine import notification_text
from gateway.messages import CampaignState
from gateway.store import campaign_rows, campaigns, holdings
from gateway.store.campaign_rows import StoredRow
from gateway.store.db import Connection
from gateway.usecases import budgets, hours, writing
from gateway.usecases import holdings as held
from gateway.usecases.campaign_checking import ERASED
from gateway.usecases.campaign_parts import LANE, SMS_PRIORITY, STEP_ROWS, Job
from gateway.usecases.parts import Parts
from gateway.usecases.writing import Text, Written


def expand(conn: Connection, parts: Parts, job: Job, now: datetime) -> bool:
    """Writes the SMS of the next rows of a campaign that is held and being sent; whether any may be left."""
    campaign = job.campaign
    rows, last = campaign_rows.to_write(conn, parts.seals, campaign.id, campaign.expanded, STEP_ROWS)
    if last is None:
        campaigns.move(conn, campaign.id, CampaignState.DONE, now, expanded=campaign.rows)
        return False
    written, left, spent_f = _write(conn, parts, job, rows, now)
    campaign_rows.note_written(conn, {row: (one.mt_id, one.segments, one.cost_f) for row, one in written.items()})
    campaign_rows.note_left_out(conn, left)
    campaigns.note(conn, campaign.id, expanded=last)
    budgets.correct(conn, campaign.institution, campaign.budget_month, spent_f - sum(row.cost_f for row in rows))
    return True


def _write(
    conn: Connection, parts: Parts, job: Job, rows: Sequence[StoredRow], now: datetime
) -> tuple[Mapping[int, Written], Mapping[int, str], int]:
    """Row -> its SMS; row -> why it has none; what the SMS cost, in F CFA."""
    digests = {row.id: holdings.digest_of(parts.seals, row.msisdn) for row in rows if row.msisdn}
    numbers = {digests[row.id]: row.msisdn for row in rows if row.id in digests}
    known = held.addressed_many(conn, parts, numbers, now)
    left = {row.id: ERASED for row in rows if row.id not in digests}
    ready = [row for row in rows if row.id in digests]
    validity_s = _validity_s(parts, job, now)
    texts = [
        Text(
            holding_id=known[digests[row.id]].id,
            msisdn=row.msisdn,
            text=notification_text.render(job.body, row.language, row.values),
            template=f"v{job.version.id}",
            category=job.version.category,
            language=row.language,
            sender=job.version.sender,
            validity_s=validity_s,
            network=known[digests[row.id]].network,
            policy=job.version.policy,
            topic=job.topic,
        )
        for row in ready
    ]
    written: dict[int, Written] = {}
    for row, one in zip(ready, writing.write_many(conn, parts, texts, LANE, SMS_PRIORITY, now), strict=True):
        if isinstance(one, str):
            left[row.id] = one
        else:
            written[row.id] = one
    return written, left, sum(one.cost_f for one in written.values())


def _validity_s(parts: Parts, job: Job, now: datetime) -> float:
    """What does not leave today is still worth sending when the hours begin again, however long that is."""
    reopens = hours.reopens_at(parts.settings, job.version.category, now)
    return parts.settings.sms.validity_s + (reopens - now).total_seconds()

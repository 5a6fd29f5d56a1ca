"""How long campaigns keep whom they wrote to: their rows lose numbers and values, and stay for the counts."""

from __future__ import annotations

from datetime import datetime

from gateway import logs
from gateway.messages import CampaignState
from gateway.store import campaign_rows, campaigns
from gateway.store.db import Connection


def erase(conn: Connection, before: datetime, limit: int, now: datetime) -> int:
    """How many rows, at most `limit`, of campaigns that ended or were left before then were erased.

    One that nobody decided about is stopped: what its rows said is gone.
    """
    done = 0
    while done < limit and (campaign := campaigns.to_erase(conn, before)) is not None:
        if campaign.ended_at is None:
            campaigns.move(conn, campaign.id, CampaignState.STOPPED, now, why=campaigns.ABANDONED)
            logs.event("campaign.abandoned", level="warning", campaign_id=campaign.id)
        erased = campaign_rows.erase_some(conn, campaign.id, limit - done)
        done += erased
        if done < limit:
            campaigns.note_erased(conn, campaign.id, now)
    return done

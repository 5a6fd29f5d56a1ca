"""What holds back the claimed SMS of campaigns: a stop, their hours, a topic that she has left since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway import logs
from gateway.messages import CampaignState, MtState
from gateway.store import campaign_rows, campaigns, outbox
from gateway.store.campaign_rows import Sending
from gateway.store.db import Connection
from gateway.store.mts import MtToSend
from gateway.store.outbox import Claimed
from gateway.usecases import hours, mt_moves
from gateway.usecases.parts import Parts
from gateway.usecases.preferences import Preferences


def held_back(
    conn: Connection,
    parts: Parts,
    rows: Sequence[Claimed],
    found: Mapping[int, MtToSend | None],
    chosen: Mapping[int, Preferences],
) -> frozenset[int]:
    """The ids of the rows that must not leave now: settled here, or back in their lane until their hours begin."""
    now = parts.now()
    of_campaigns = campaign_rows.of_mts(conn, [row.target_id for row in rows])
    topics = {one.campaign_id: _topic(conn, parts, one) for one in of_campaigns.values() if one.about_topic}
    later: dict[str, dict[int, datetime]] = {}
    held: set[int] = set()
    for row in rows:
        mt, campaign = found.get(row.target_id), of_campaigns.get(row.target_id)
        if mt is None or campaign is None or mt.state is not MtState.CREATED:
            continue
        topic = topics.get(campaign.campaign_id)
        if campaign.state is CampaignState.STOPPED:
            _suppress(conn, parts, row, mt, "stopped", now)
        elif topic and topic not in chosen[mt.holding_id].topics:
            _suppress(conn, parts, row, mt, "refused", now)
        elif (opens_at := hours.opens_at(parts.settings, mt.category, now)) > now:
            later.setdefault(row.token, {})[row.id] = opens_at
        else:
            continue
        held.add(row.id)
    for token, due in later.items():
        outbox.put_back_many(conn, due, token, "hours", now)
    return frozenset(held)


def _topic(conn: Connection, parts: Parts, campaign: Sending) -> str:
    return str(campaigns.options(conn, parts.seals, campaign.campaign_id).get("topic", ""))


def _suppress(conn: Connection, parts: Parts, row: Claimed, mt: MtToSend, code: str, now: datetime) -> None:
    if outbox.done(conn, row.id, row.token, code, now):
        mt_moves.move(conn, parts, mt.id, MtState.SUPPRESSED, "send", code, now)
        logs.event("mt.suppressed", mt_id=mt.id, channel=mt.channel, code=code)

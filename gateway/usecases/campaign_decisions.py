"""What people decide about a campaign: to send it, to approve or refuse it, to stop it.

Each decision is one transaction that holds the campaign's row: of two at once, the second finds it moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from gateway import logs
from gateway.messages import CampaignState, MtState, RowState
from gateway.store import campaign_rows, campaigns, outbox, stops
from gateway.store.campaigns import StoredCampaign
from gateway.store.db import Connection
from gateway.usecases import budgets, hours, mt_moves
from gateway.usecases.actors import Absent, Actor, Right
from gateway.usecases.campaign_parts import LANE, WORK_PRIORITY, Job, job_of
from gateway.usecases.campaign_words import CampaignRefused
from gateway.usecases.parts import Parts

_S = CampaignState


def send(parts: Parts, actor: Actor, public_id: str, *, part_allowed: bool = False) -> None:
    """Sends a ready campaign, or lets it wait for an approver. Raises Absent, CampaignRefused, StoreUnavailable.

    `part_allowed`: the good rows may leave although others are wrong.
    """
    with _deciding(parts, actor, public_id, "send", Right.SEND) as (conn, campaign, now):
        _in(campaign, _S.READY)
        give_word(conn, parts, job_of(conn, parts, campaign), actor.name, now, part_allowed=part_allowed)


def approve(parts: Parts, actor: Actor, public_id: str) -> None:
    """Sends a campaign that waits, whose sender is somebody else. Raises Absent, CampaignRefused, StoreUnavailable."""
    with _deciding(parts, actor, public_id, "approve", Right.APPROVE) as (conn, campaign, now):
        _in(campaign, _S.WAITING)
        _not_own(actor, campaign)
        job = job_of(conn, parts, campaign)
        _begin(conn, parts, job, now, approved_by=actor.name, approved_at=now)


def refuse(parts: Parts, actor: Actor, public_id: str) -> None:
    """Gives a campaign that waits back to its sender. Raises Absent, CampaignRefused, StoreUnavailable."""
    with _deciding(parts, actor, public_id, "refuse", Right.APPROVE) as (conn, campaign, now):
        _in(campaign, _S.WAITING)
        campaigns.move(conn, campaign.id, _S.READY, now, why="not_approved", sent_by=None, sent_at=None)


def stop(parts: Parts, actor: Actor, public_id: str) -> int:
    """How many SMS that were written and had not left were withdrawn: nothing more of the campaign is written.

    What it will not spend is given back to its budget. Raises Absent, CampaignRefused, StoreUnavailable.
    """
    with _deciding(parts, actor, public_id, "stop", Right.SEND, Right.APPROVE) as (conn, campaign, now):
        _in(campaign, *campaigns.MOVES[_S.STOPPED])
        campaigns.move(conn, campaign.id, _S.STOPPED, now, stopped_by=actor.name, stopped_at=now)
        campaigns.drop_file(conn, campaign.id)
        withdrawn, cost_f = campaign_rows.withdraw(conn, campaign.id, now)
        if campaign.state is _S.DONE and not withdrawn:
            raise CampaignRefused("state")  # all of it has left
        unwritten_f = campaign_rows.cost_of(conn, campaign.id, RowState.GOOD)
        budgets.correct(conn, campaign.institution, campaign.budget_month, -(cost_f + unwritten_f))
        mt_moves.tell(conn, parts, withdrawn, MtState.SUPPRESSED, "stopped", now)
    return len(withdrawn)


def give_word(conn: Connection, parts: Parts, job: Job, who: str, now: datetime, *, part_allowed: bool) -> None:
    """Moves a ready campaign on: to its sending, or to its approver. Raises CampaignRefused."""
    campaign = job.campaign
    rows = campaign_rows.count_by_state(conn, campaign.id)
    if rows.get(RowState.WRONG) and not part_allowed:
        raise CampaignRefused("part")
    said = {"sent_by": who, "sent_at": now, "part_allowed": part_allowed, "why": None}
    if rows.get(RowState.GOOD, 0) <= job.institution.approval_above:
        _begin(conn, parts, job, now, **said)
        return
    month = _month(parts, campaign, now)
    left_f = budgets.left(conn, parts, campaign.institution, month)
    if campaign.cost_f > left_f:
        raise CampaignRefused(f"budget:{campaign.cost_f}:{max(left_f, 0)}")
    campaigns.move(conn, campaign.id, _S.WAITING, now, **said)


def _begin(conn: Connection, parts: Parts, job: Job, now: datetime, **said: object) -> None:
    """The budget is taken, and the work promised: both or none."""
    campaign = job.campaign
    month = _month(parts, campaign, now)
    if not budgets.take(conn, parts, campaign.institution, month, campaign.cost_f):
        left_f = budgets.left(conn, parts, campaign.institution, month)
        raise CampaignRefused(f"budget:{campaign.cost_f}:{max(left_f, 0)}")
    campaigns.move(conn, campaign.id, _S.SENDING, now, budget_month=month, **said)
    due_at = hours.opens_at(parts.settings, job.version.category, max(now, campaign.start_at or now))
    outbox.add(conn, LANE, "campaign", campaign.id, None, WORK_PRIORITY, due_at, now)


def _month(parts: Parts, campaign: StoredCampaign, now: datetime) -> date:
    return budgets.month_of(parts, max(now, campaign.start_at or now))


@contextmanager
def _deciding(
    parts: Parts, actor: Actor, public_id: str, act: str, *rights: Right
) -> Iterator[tuple[Connection, StoredCampaign, datetime]]:
    """The campaign, held, for whoever has one of the rights; what was done is noted, and the lane is told after."""
    now = parts.now()
    with parts.database.begin() as conn:
        found = campaigns.by_public_id(conn, public_id)
        if found is None or not any(actor.may(right, found.institution) for right in rights):
            raise Absent
        campaign = campaigns.locked(conn, found.id)
        if campaign is None:
            raise Absent
        yield conn, campaign, now
        stops.note_act(conn, actor.name, f"campaign_{act}", campaign.public_id, "", now, campaign.institution)
    parts.announce((LANE,))
    logs.event("campaign.decided", campaign_id=campaign.id, act=act)


def _in(campaign: StoredCampaign, *states: CampaignState) -> None:
    if campaign.state not in states:
        raise CampaignRefused("state")


def _not_own(actor: Actor, campaign: StoredCampaign) -> None:
    if actor.name in (campaign.created_by, campaign.sent_by):
        raise CampaignRefused("own")

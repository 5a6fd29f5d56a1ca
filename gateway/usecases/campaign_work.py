"""A worker's part of a campaign: the claimed row of the lane `bulk` is worked off in many short transactions.

Each of them renews the lease and holds the campaign's row: a worker that lost its row, or whose campaign was stopped,
does nothing more. After some seconds the row goes back to the lane, so that a worker that must stop is not waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from gateway import logs
from gateway.messages import CampaignState
from gateway.spreadsheets.bounds import SheetFault
from gateway.store import campaign_rows, campaigns, outbox
from gateway.store.campaigns import StoredCampaign
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.outbox import Claimed
from gateway.store.sealed import SealBroken
from gateway.usecases import campaign_decisions, hours, stops
from gateway.usecases.campaign_checking import check
from gateway.usecases.campaign_expanding import expand
from gateway.usecases.campaign_parts import LANE, STEP_ROWS, Entry, Job, job_of
from gateway.usecases.campaign_sources import entries
from gateway.usecases.campaign_words import CampaignRefused
from gateway.usecases.parts import Parts

#: How long a worker stays with one campaign before it looks at the rest of its lane.
_SLICE_S = 8.0
#: How soon a campaign that an operator's stop holds back is looked at again, and one that failed.
_STOPPED_S, _FAILED_S = 3.0, 60.0
_S = CampaignState


class _Lost(Exception):
    """The row is another worker's by now, or the campaign is no longer where it was."""


def work(parts: Parts, row: Claimed) -> None:
    """Checks or expands the campaign of a claimed row for a while, and settles the row. Raises StoreUnavailable."""
    try:
        with parts.database.begin() as conn:
            campaign = campaigns.locked(conn, row.target_id)
            if campaign is None or campaign.state not in (_S.CHECKING, _S.SENDING):
                outbox.done(conn, row.id, row.token, "not_needed", parts.now())
                return
        if campaign.state is _S.CHECKING:
            _check(parts, row)
        else:
            _expand(parts, row)
    except _Lost:
        logs.event("campaign.lost", campaign_id=row.target_id)
    except StoreUnavailable:
        raise
    except SheetFault as error:
        _give_up(parts, row, error.code)
    except (SealBroken, LookupError):
        logs.event("campaign.unreadable", level="error", campaign_id=row.target_id)
        _give_up(parts, row, "unreadable")
    except Exception as error:  # a fault of ours in one campaign: the others go on
        logs.failure("campaign.failed", error, campaign_id=row.target_id)
        _give_up(parts, row, "failed")


def check_now(conn: Connection, parts: Parts, job: Job, found: list[Entry], now: datetime) -> None:
    """Checks a campaign of few rows at once, in the transaction that stores it."""
    _store(conn, parts, job, found)
    _end_of_check(conn, parts, _held(conn, job.campaign.id, _S.CHECKING), now)


def _check(parts: Parts, row: Claimed) -> None:
    started = parts.monotonic()
    with parts.database.begin() as conn:
        job = job_of(conn, parts, _mine(conn, parts, row, _S.CHECKING))
    rest, checked = entries(parts, job), job.campaign.checked
    for batch in _batches(rest):  # read outside of any transaction
        with parts.database.begin() as conn:
            campaign = _mine(conn, parts, row, _S.CHECKING)
            if campaign.checked != checked:
                raise _Lost
            _store(conn, parts, job_of(conn, parts, campaign), batch)
        checked = batch[-1].number
        if parts.monotonic() - started > _SLICE_S:
            _again(parts, row, 0, "more")
            return
    with parts.database.begin() as conn:
        campaign = _mine(conn, parts, row, _S.CHECKING)
        if campaign.checked != checked:
            raise _Lost
        _end_of_check(conn, parts, campaign, parts.now())
        outbox.done(conn, row.id, row.token, "checked", parts.now())
    parts.announce((LANE,))


def _store(conn: Connection, parts: Parts, job: Job, batch: list[Entry]) -> None:
    """The rows and the figures of one step."""
    campaign, found = job.campaign, check(conn, parts, job, batch)
    campaign_rows.add_many(conn, parts.seals, campaign.id, found.rows)
    last = batch[-1]
    campaigns.note(
        conn,
        campaign.id,
        checked=last.number,
        rows=max(campaign.rows, last.number),
        position=last.position,
        segments=campaign.segments + found.segments,
        cost_f=campaign.cost_f + found.cost_f,
    )


def _end_of_check(conn: Connection, parts: Parts, campaign: StoredCampaign, now: datetime) -> None:
    """Every figure is known; what was to leave without another word does."""
    campaigns.drop_file(conn, campaign.id)
    campaigns.note(conn, campaign.id, rows=campaign.checked)
    to = _S.READY if campaign.segments else _S.REFUSED
    campaigns.move(conn, campaign.id, to, now, **({} if campaign.segments else {"why": "nothing_to_send"}))
    logs.event("campaign.checked", campaign_id=campaign.id, rows=campaign.checked, segments=campaign.segments)
    job = job_of(conn, parts, _held(conn, campaign.id, to))
    if to is _S.READY and job.options.get("then_send"):
        try:
            campaign_decisions.give_word(conn, parts, job, campaign.created_by, now, part_allowed=campaign.part_allowed)
        except CampaignRefused as refused:
            campaigns.note(conn, campaign.id, why=refused.code)


def _expand(parts: Parts, row: Claimed) -> None:
    started, more = parts.monotonic(), True
    while more:
        if parts.stops.active() & {stops.SMS, stops.CAMPAIGNS}:
            _again(parts, row, _STOPPED_S, "stopped")
            return
        with parts.database.begin() as conn:
            now = parts.now()
            job = job_of(conn, parts, _mine(conn, parts, row, _S.SENDING))
            opens_at = hours.opens_at(parts.settings, job.version.category, max(now, job.campaign.start_at or now))
            if opens_at > now:
                outbox.retry(conn, row.id, row.token, opens_at, "hours", now)
                return
            more = expand(conn, parts, job, now)
            if not more:
                outbox.done(conn, row.id, row.token, "expanded", now)
                logs.event("campaign.expanded", campaign_id=job.campaign.id)
        parts.announce((LANE,))
        if more and parts.monotonic() - started > _SLICE_S:
            _again(parts, row, 0, "more")
            return


def _mine(conn: Connection, parts: Parts, row: Claimed, state: CampaignState) -> StoredCampaign:
    """The campaign, held, of a row that is still mine."""
    if not outbox.renew(conn, row.id, row.token, parts.settings.sms.lease_s, parts.now()):
        raise _Lost
    return _held(conn, row.target_id, state)


def _held(conn: Connection, campaign_id: int, state: CampaignState) -> StoredCampaign:
    campaign = campaigns.locked(conn, campaign_id)
    if campaign is None or campaign.state is not state:
        raise _Lost
    return campaign


def _again(parts: Parts, row: Claimed, wait_s: float, code: str) -> None:
    now = parts.now()
    with parts.database.begin() as conn:
        outbox.retry(conn, row.id, row.token, now + timedelta(seconds=wait_s), code, now)


def _give_up(parts: Parts, row: Claimed, code: str) -> None:
    """A file that cannot be read is refused; a campaign that is being sent is tried again, and somebody looks."""
    now = parts.now()
    with parts.database.begin() as conn:
        if campaigns.move(conn, row.target_id, _S.REFUSED, now, why=code[:64]):
            campaigns.drop_file(conn, row.target_id)
            outbox.done(conn, row.id, row.token, code, now)
        else:
            outbox.retry(conn, row.id, row.token, now + timedelta(seconds=_FAILED_S), code, now)


def _batches(rest: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(rest, STEP_ROWS)):
        yield batch

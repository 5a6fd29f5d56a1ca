"""Notifications: to one number, a list, a file, citizens in a state or of a topic. Prepared here, and looked at.

Checking and expanding are a worker's (campaign_work.py), deciding is people's (campaign_decisions.py). Whoever may not
see a campaign is told that there is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway import logs
from gateway.messages import CampaignState, SubmissionState
from gateway.store import campaigns, outbox, stops, templates
from gateway.store.campaigns import Source, StoredCampaign
from gateway.store.db import Connection
from gateway.usecases import campaign_decisions
from gateway.usecases.actors import Absent, Actor, Right
from gateway.usecases.campaign_figures import Campaign, figures
from gateway.usecases.campaign_parts import LANE, STEP_ROWS, WORK_PRIORITY, job_of
from gateway.usecases.campaign_reading import Row, preview, report, rows, seen
from gateway.usecases.campaign_sources import Recipient, of_recipients, packed, pasted
from gateway.usecases.campaign_words import CampaignRefused
from gateway.usecases.campaign_work import check_now
from gateway.usecases.parts import Parts
from gateway.usecases.preferences import TOPICS

__all__ = [
    "Campaign", "CampaignRefused", "NewCampaign", "Recipient", "Row", "approve", "list_", "pasted", "preview",
    "refuse", "report", "rows", "send", "show", "start", "start_within", "stop", "template_names",
]  # fmt: skip

#: Bytes of a file: 100,000 rows of ten columns are half of it.
MAX_FILE = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """What to send to whom. Of `recipients`, `content`, `state` and `topic` one is given, as `source` says.

    `version_id`: of the template; None: its latest. `language`: for whoever chose none; "" for the template's first.
    `start_at`: None for as soon as it may. `guests`: the only numbers (E.164) that a trial key reaches.
    `then_send`: it leaves when it is checked, as if its maker had sent it, if the rules let it.
    `press`: names one press of a button; the same press with the same content makes one campaign.
    """

    template_id: int
    version_id: int | None = None
    source: Source
    recipients: Sequence[Recipient] = field(default=(), repr=False)
    content: bytes = field(default=b"", repr=False)
    name: str = ""
    service: str | None = None
    state: SubmissionState | None = None
    topic: str = ""
    own_reference: str | None = None
    language: str = ""
    start_at: datetime | None = None
    live: bool = True
    guests: frozenset[str] | None = field(default=None, repr=False)
    then_send: bool = False
    part_allowed: bool = False
    press: str = ""


def start(parts: Parts, actor: Actor, institution: str, new: NewCampaign) -> str:
    """The public id of a new campaign: few rows are checked at once, many by a worker.

    Raises Absent, CampaignRefused, StoreUnavailable.
    """
    with parts.database.begin() as conn:
        public_id = start_within(conn, parts, actor, institution, new)
    parts.announce((LANE,))
    return public_id


def start_within(conn: Connection, parts: Parts, actor: Actor, institution: str, new: NewCampaign) -> str:
    """As `start`, in the caller's transaction; announce LANE after it."""
    actor.must(Right.SEND, institution)
    if institution not in parts.settings.institutions:
        raise Absent
    now = parts.now()
    content = _content(parts, new, now)
    version = _version(conn, parts, institution, new)
    public_id = _public_id(parts, actor, new, content)
    stored = campaigns.NewCampaign(
        public_id=public_id,
        institution=institution,
        version_id=version,
        source=new.source,
        live=new.live,
        created_by=actor.name,
        api_key_id=actor.api_key_id,
        own_reference=new.own_reference,
        start_at=new.start_at,
        part_allowed=new.part_allowed,
        rows=_guess(new),
        options=_options(new),
    )
    campaign_id = campaigns.add(conn, parts.seals, stored, now)
    if campaign_id is None:  # the same press again
        return public_id
    if content:
        campaigns.keep_file(conn, parts.seals, campaign_id, new.name, content)
    stops.note_act(conn, actor.name, "campaign_start", public_id, new.source, now, institution)
    if not _check_small(conn, parts, campaign_id, new, now):
        outbox.add(conn, LANE, "campaign", campaign_id, None, WORK_PRIORITY, now, now)
    logs.event("campaign.started", campaign_id=campaign_id, source=new.source)
    return public_id


def send(parts: Parts, actor: Actor, public_id: str, part_allowed: bool = False) -> Campaign:
    """The campaign on its way, or waiting for its approver. Raises Absent, CampaignRefused, StoreUnavailable."""
    campaign_decisions.send(parts, actor, public_id, part_allowed=part_allowed)
    return show(parts, actor, public_id)


def approve(parts: Parts, actor: Actor, public_id: str) -> Campaign:
    """The campaign on its way. Raises Absent, CampaignRefused (its own maker), StoreUnavailable."""
    campaign_decisions.approve(parts, actor, public_id)
    return show(parts, actor, public_id)


def refuse(parts: Parts, actor: Actor, public_id: str) -> Campaign:
    """The campaign as its sender gets it back. Raises Absent, CampaignRefused, StoreUnavailable."""
    campaign_decisions.refuse(parts, actor, public_id)
    return show(parts, actor, public_id)


def stop(parts: Parts, actor: Actor, public_id: str) -> Campaign:
    """The campaign at its end: what has not left never will. Raises Absent, CampaignRefused, StoreUnavailable."""
    campaign_decisions.stop(parts, actor, public_id)
    return show(parts, actor, public_id)


def show(parts: Parts, actor: Actor, public_id: str, language: str = "fr") -> Campaign:
    """How a campaign stands, with every figure. Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        return figures(conn, parts, seen(conn, actor, public_id), language)


def list_(
    parts: Parts,
    actor: Actor,
    institution: str,
    limit: int = 50,
    before_id: int | None = None,
    own_reference: str | None = None,
    states: Collection[CampaignState] | None = None,
) -> tuple[StoredCampaign, ...]:
    """The newest campaigns of an institution, without what must be counted: of an own reference, in states, when given.

    Raises Absent, StoreUnavailable.
    """
    actor.must(Right.SEE_NOTIFICATIONS, institution)
    with parts.database.read() as conn:
        return campaigns.list_page(conn, institution, limit, before_id, own_reference, states)


def template_names(
    parts: Parts, actor: Actor, institution: str, found: Collection[StoredCampaign]
) -> Mapping[int, str]:
    """What the templates of these campaigns are called, by the id of their version. Raises Absent, StoreUnavailable."""
    actor.must(Right.SEE_NOTIFICATIONS, institution)
    with parts.database.read() as conn:
        return templates.names(conn, {one.version_id for one in found})


def _public_id(parts: Parts, actor: Actor, new: NewCampaign, content: bytes) -> str:
    """A random id; for a press of a button that of the press and of all that it sent, which nobody else can guess."""
    if not new.press:
        return parts.new_id()
    told = f"{actor.name}\0{new.press}\0{new!r}\0{hashlib.sha256(content).hexdigest()}"
    return parts.seals.digest("campaign_press", told).hex()[:32]


def _version(conn: Connection, parts: Parts, institution: str, new: NewCampaign) -> int:
    latest = templates.latest(conn, new.template_id)
    if latest is None or latest.institution != institution:
        raise Absent
    chosen = latest if new.version_id is None else templates.version(conn, new.version_id)
    if chosen is None or chosen.template_id != latest.template_id or latest.retired:
        raise CampaignRefused("no_template")
    default = parts.settings.sms.sender
    if (chosen.sender or default) not in (parts.settings.institutions[institution].senders or (default,)):
        raise CampaignRefused("sender")
    return chosen.id


def _content(parts: Parts, new: NewCampaign, now: datetime) -> bytes:
    """What is kept until the rows are checked; b"" for an audience."""
    if new.start_at is not None and new.start_at < now:
        raise CampaignRefused("past")
    if new.source == "file":
        if len(new.content) > MAX_FILE:
            raise CampaignRefused("file_large")
        if not new.content:
            raise CampaignRefused("no_recipients")
        return new.content
    if new.source in ("single", "list"):
        if not new.recipients:
            raise CampaignRefused("no_recipients")
        if len(new.recipients) > 100_000:
            raise CampaignRefused("too_many_rows")
        return packed(new.recipients)
    if new.source == "topic" and all(item.id != new.topic for item in parts.shelf.current.lists.get(TOPICS, ())):
        raise CampaignRefused("no_topic")
    if new.source == "state" and new.state is None:
        raise CampaignRefused("no_recipients")
    return b""


def _options(new: NewCampaign) -> Mapping[str, Any]:
    found: dict[str, Any] = {"language": new.language, "then_send": new.then_send}
    if new.source == "topic":
        found["topic"] = new.topic
    if new.source == "state":
        found |= {"state": new.state, "service": new.service}
    if new.guests is not None:
        found["guests"] = sorted(new.guests)
    return found


def _guess(new: NewCampaign) -> int:
    """How many rows there seem to be, for whoever watches them being checked."""
    return len(new.recipients) if new.source != "file" else min(new.content.count(b"\n"), 100_000)


def _check_small(conn: Connection, parts: Parts, campaign_id: int, new: NewCampaign, now: datetime) -> bool:
    """Whether the rows were few enough to be checked at once."""
    if new.source not in ("single", "list") or len(new.recipients) > STEP_ROWS:
        return False
    campaign = campaigns.locked(conn, campaign_id)
    assert campaign is not None
    job = job_of(conn, parts, campaign)
    check_now(conn, parts, job, of_recipients(new.recipients), now)
    return True

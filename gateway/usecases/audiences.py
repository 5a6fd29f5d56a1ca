"""Audiences: whom an institution writes to again and again, kept under a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.messages import SubmissionState
from gateway.store import audiences, stops
from gateway.store.audiences import Audience
from gateway.store.db import Connection
from gateway.text.msisdn import MsisdnError
from gateway.usecases.actors import Absent, Actor, Right
from gateway.usecases.campaign_checking import read_number
from gateway.usecases.campaign_words import CampaignRefused
from gateway.usecases.campaigns import NewCampaign, Recipient
from gateway.usecases.parts import Parts
from gateway.usecases.preferences import TOPICS


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAudience:
    """One of: numbers as written, the citizens with a demand in a state (of one service or any), those of a topic."""

    name: str
    numbers: Sequence[str] = field(default=(), repr=False)
    state: SubmissionState | None = None
    service: str | None = None
    topic: str = ""


def save(parts: Parts, actor: Actor, institution: str, new: NewAudience) -> int:
    """The id of the audience; one of the same name is replaced. Raises Absent, CampaignRefused, StoreUnavailable."""
    actor.must(Right.SEND, institution)
    if institution not in parts.settings.institutions:
        raise Absent
    kind: audiences.Kind
    definition: dict[str, Any]
    if new.topic:
        if all(item.id != new.topic for item in parts.shelf.current.lists.get(TOPICS, ())):
            raise CampaignRefused("no_topic")
        kind, definition = "topic", {"topic": new.topic}
    elif new.state is not None:
        kind, definition = "state", {"state": new.state, "service": new.service}
    elif new.numbers and new.name.strip():
        kind, definition = "numbers", {"numbers": _read(parts, new.numbers)}
    else:
        raise CampaignRefused("no_recipients")
    now = parts.now()
    with parts.database.begin() as conn:
        stops.note_act(conn, actor.name, "audience_save", institution, kind, now, institution)
        return audiences.add(conn, parts.seals, institution, new.name, kind, definition, actor.name, now)


def list_(parts: Parts, actor: Actor, institution: str) -> tuple[Audience, ...]:
    """Those of an institution, by name. Raises Absent, StoreUnavailable."""
    actor.must(Right.SEE_NOTIFICATIONS, institution)
    with parts.database.read() as conn:
        return audiences.list_(conn, institution)


def remove(parts: Parts, actor: Actor, audience_id: int) -> None:
    """Raises Absent, StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        found = _mine(conn, actor, audience_id)
        audiences.remove(conn, audience_id)
        stops.note_act(conn, actor.name, "audience_remove", found.institution, found.kind, now, found.institution)


def campaign_to(parts: Parts, actor: Actor, audience_id: int, template_id: int) -> NewCampaign:
    """A campaign to an audience, to be started, or completed before. Raises Absent, SealBroken, StoreUnavailable."""
    with parts.database.read() as conn:
        found = _mine(conn, actor, audience_id)
        definition = audiences.definition(conn, parts.seals, audience_id)
    if found.kind == "topic":
        return NewCampaign(template_id=template_id, source="topic", topic=definition["topic"])
    if found.kind == "state":
        state = SubmissionState(definition["state"])
        return NewCampaign(template_id=template_id, source="state", state=state, service=definition["service"])
    recipients = tuple(Recipient(number) for number in definition["numbers"])
    return NewCampaign(template_id=template_id, source="list", recipients=recipients)


def _read(parts: Parts, numbers: Sequence[str]) -> list[str]:
    """Each once, in E.164: so that a person who asks to be forgotten is found in it."""
    found: dict[str, None] = {}
    for number in numbers:
        try:
            found[read_number(number, parts.settings.countries[0])[0]] = None
        except MsisdnError as error:
            raise CampaignRefused("wrong_numbers") from error
    return list(found)


def _mine(conn: Connection, actor: Actor, audience_id: int) -> Audience:
    found = audiences.by_id(conn, audience_id)
    if found is None or not actor.may(Right.SEND, found.institution):
        raise Absent
    return found

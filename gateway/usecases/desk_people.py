"""Who works at the desk of an institution, as people of the console; and who may take a demand out of whose hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.menu.model import Submit
from gateway.messages import Role
from gateway.store import desk as stored
from gateway.store import people
from gateway.store.desk import Desk, Waiting
from gateway.text import reference
from gateway.usecases.actors import RIGHTS, Absent, Actor, Right
from gateway.usecases.desk import Agent, desk_of
from gateway.usecases.notices import short_title
from gateway.usecases.parts import Parts


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who handles demands: her login is what a demand in hand names."""

    login: str
    name: str


def agent_of(actor: Actor, right: Right = Right.HANDLE_DEMANDS) -> Agent:
    """The agent that a person is at the desk of her institution. Raises Absent when she has no such right."""
    institution = actor.institution
    if institution is None:
        raise Absent
    actor.must(right, institution)
    return Agent(actor.name, institution)


def own_desk(parts: Parts, actor: Actor) -> Desk:
    """The inboxes of the actor's institution, none when its demands go elsewhere. Raises Absent."""
    return desk_of(parts, agent_of(actor, Right.SEE_DEMANDS).institution)


def line(parts: Parts, actor: Actor, submission_id: int) -> Waiting:
    """The line of an id, for who handles demands. Raises Absent, StoreUnavailable."""
    desk = desk_of(parts, agent_of(actor).institution)
    with parts.database.read() as conn:
        found = stored.numbered(conn, desk, submission_id)
    if found is None:
        raise Absent
    return found


def find(parts: Parts, agent: Agent, typed: str) -> Waiting | None:
    """The line of a reference as somebody typed it; None when there is none such at her desk. Opens nothing."""
    number = reference.parse(typed)
    if number is None:
        return None
    with parts.database.read() as conn:
        return stored.find(conn, desk_of(parts, agent.institution), number)


def colleagues(parts: Parts, actor: Actor) -> tuple[Colleague, ...]:
    """Everybody who handles demands in the actor's institution and may enter, herself too. Raises Absent."""
    agent = agent_of(actor)
    with parts.database.read() as conn:
        found = people.with_role(conn, Role.CASE_WORKER, agent.institution)
    return tuple(Colleague(one.login, one.name) for one in found if one.enabled)


def may_take_from(parts: Parts, actor: Actor, holder: str) -> bool:
    """Whether a demand may be taken out of the hand of `holder`: she handles none any more, or a manager takes it."""
    if RIGHTS[Right.MANAGE_PEOPLE] & actor.roles:
        return True
    return all(one.login != holder for one in colleagues(parts, actor))


def services(parts: Parts, institution: str, language: str, systems: frozenset[str] | None = None) -> Mapping[str, str]:
    """The services whose demands go to an institution (to these systems of it when given), with their names."""
    menus = parts.shelf.current
    named = parts.settings.systems.items()
    own = {name for name, one in named if one.institution == institution and (systems is None or name in systems)}
    return {
        name: short_title(menus, service, language)
        for name, service in menus.services.items()
        if any(isinstance(screen.verb, Submit) and screen.verb.system in own for screen in service.screens.values())
    }

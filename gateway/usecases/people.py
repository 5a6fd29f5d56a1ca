"""People of an institution, and of the platform: who is invited, with which roles, who is reset and disabled.

Nobody changes his own roles, and nobody acts on whoever has a role that he could not give: an administrator never
becomes an approver by resetting one.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway import logs
from gateway.messages import Role
from gateway.store import people, sign_ins, stops
from gateway.store.db import Connection
from gateway.store.people import Person
from gateway.usecases import sign_in
from gateway.usecases.actors import GIVEN_BY, INSTITUTION_ROLES, PLATFORM_ROLES, Absent, Actor, Right
from gateway.usecases.parts import Parts

#: What a login may be: an e-mail address or a short name. No colon: `cli:` and `key:` are not people.
LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,63}")
NAME_SIZE = 80
_TOKEN_BYTES = 32
#: Roles without which nobody could let others in.
_NEVER_WITHOUT = (Role.MANAGER, Role.ADMINISTRATOR)


class PeopleFault(StrEnum):
    """Why something cannot be done with a person."""

    LOGIN = "login"  #: not of the form of a login
    TAKEN = "taken"
    NAME = "name"  #: empty or too long
    ROLES = "roles"  #: none that the actor may give here
    OWN = "own"  #: nobody changes his own roles, resets or disables himself
    LAST = "last"  #: the last manager or administrator who can sign in
    DISABLED = "disabled"  #: must be enabled first


class PeopleRefused(Exception):
    """Nothing was changed; `faults` says why."""

    def __init__(self, *faults: PeopleFault) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class NewPerson:
    login: str
    name: str
    roles: frozenset[Role]
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class Invited:
    """`token` is shown once, to whoever invited; it opens until `expires_at`."""

    person_id: int
    token: str = field(repr=False)
    expires_at: datetime


def operator(name: str) -> Actor:
    """Whoever has a shell on the gateway: may do all that a manager and an administrator may."""
    return Actor(f"cli:{name}", None, frozenset({Role.ADMINISTRATOR, Role.MANAGER}))


def givable(actor: Actor, institution: str | None) -> frozenset[Role]:
    """The roles that he may give and take away there."""
    if not actor.may(Right.MANAGE_PEOPLE, institution):
        return frozenset()
    given = frozenset[Role]().union(*(GIVEN_BY.get(role, frozenset()) for role in actor.roles))
    return given & (PLATFORM_ROLES if institution is None else INSTITUTION_ROLES)


def may_act_on(actor: Actor, person: Person) -> bool:
    """Whether he may reset and disable this person: not himself, nobody with a role that he could not give."""
    others = person.id != actor.person_id and actor.may(Right.MANAGE_PEOPLE, person.institution)
    return others and person.roles <= givable(actor, person.institution)


def list_(
    parts: Parts, actor: Actor, institution: str | None, after: int = 0, limit: int = 50, search: str = ""
) -> tuple[Person, ...]:
    """People of an institution (None: of the platform) by id, those after `after`. Raises Absent, StoreUnavailable."""
    actor.must(Right.SEE_PEOPLE, institution)
    with parts.database.read() as conn:
        return people.list_(conn, institution, after, limit, search)


def open_(parts: Parts, actor: Actor, person_id: int) -> tuple[Person, datetime | None]:
    """A person, and until when an invitation of his opens (None: none does). Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        return _visible(conn, actor, person_id), people.invited_until(conn, person_id, parts.now())


def managers(parts: Parts, actor: Actor) -> dict[str, tuple[Person, ...]]:
    """The managers of every declared institution. Raises Absent, StoreUnavailable."""
    actor.must(Right.SEE_PEOPLE, None)
    with parts.database.read() as conn:
        found = people.with_role(conn, Role.MANAGER)
    return {one: tuple(p for p in found if p.institution == one) for one in parts.settings.institutions}


def invite(parts: Parts, actor: Actor, institution: str | None, new: NewPerson) -> Invited:
    """A new person, who sets password and second factor by the link. Raises Absent, PeopleRefused, StoreUnavailable."""
    actor.must(Right.MANAGE_PEOPLE, institution)
    if institution is not None and institution not in parts.settings.institutions:
        raise Absent
    login, now = sign_in.normal(new.login), parts.now()
    faults = _faults(login, new, givable(actor, institution))
    if faults:
        raise PeopleRefused(*faults)
    with parts.database.begin() as conn:
        person_id = people.insert_person(conn, login, new.name.strip(), institution, new.language, actor.name, now)
        if person_id is None:
            raise PeopleRefused(PeopleFault.TAKEN)
        people.set_roles(conn, person_id, new.roles)
        invited = _invitation(conn, parts, actor, person_id, "join", now)
        stops.note_act(conn, actor.name, "invite", f"person:{login}", _words(new.roles), now, institution)
    logs.event("person.invited", person_id=person_id, by=actor.person_id)
    return invited


def set_roles(parts: Parts, actor: Actor, person_id: int, chosen: frozenset[Role]) -> Person:
    """The person with the chosen ones among the roles that the actor gives; the others stay. Raises as `invite`."""
    now = parts.now()
    with parts.database.begin() as conn:
        person = _changeable(conn, actor, person_id)
        given = givable(actor, person.institution)
        roles = (person.roles - given) | (chosen & given)
        if chosen - given or not roles:
            raise PeopleRefused(PeopleFault.ROLES)
        _keep_one(conn, person, person.roles - roles)
        people.set_roles(conn, person.id, roles)
        detail = f"{_words(person.roles)} -> {_words(roles)}"
        stops.note_act(conn, actor.name, "roles", f"person:{person.login}", detail, now, person.institution)
        changed = _visible(conn, actor, person_id)
    logs.event("person.roles", person_id=person_id, by=actor.person_id)
    return changed


def reset(parts: Parts, actor: Actor, person_id: int) -> Invited:
    """A link to set password and second factor anew; the old ones, and every session, end now. Raises as `invite`."""
    now = parts.now()
    with parts.database.begin() as conn:
        person = _changeable(conn, actor, person_id)
        if not may_act_on(actor, person):
            raise Absent
        if not person.enabled:
            raise PeopleRefused(PeopleFault.DISABLED)
        people.set_password(conn, person.id, None)
        people.set_totp(conn, parts.seals, person.id, None)
        people.new_card(conn, parts.seals, person.id, (), now)
        sign_ins.end_all(conn, person.id, now)
        sign_in.tries_of_login(parts, person.login).clear(conn, now)
        sign_in.tries_of_factor(parts, person.id).clear(conn, now)
        purpose = "reset" if person.has_password else "join"
        invited = _invitation(conn, parts, actor, person.id, purpose, now)
        stops.note_act(conn, actor.name, "reset", f"person:{person.login}", "", now, person.institution)
    logs.event("person.reset", level="warning", person_id=person_id, by=actor.person_id)
    return invited


def set_enabled(parts: Parts, actor: Actor, person_id: int, enabled: bool) -> None:
    """Disabled: out of every session at once, and not let in again until enabled. Raises as `invite`."""
    now = parts.now()
    with parts.database.begin() as conn:
        person = _changeable(conn, actor, person_id)
        if not may_act_on(actor, person):
            raise Absent
        if not enabled:
            _keep_one(conn, person, person.roles)
            sign_ins.end_all(conn, person.id, now)
        people.set_disabled(conn, person.id, None if enabled else now)
        act = "enable" if enabled else "disable"
        stops.note_act(conn, actor.name, act, f"person:{person.login}", "", now, person.institution)
    logs.event(
        "person.enabled" if enabled else "person.disabled", level="warning", person_id=person_id, by=actor.person_id
    )


def invitation_digest(parts: Parts, token: str) -> bytes:
    """What is kept of an invitation's token."""
    return parts.seals.digest("invitation", token)


def _faults(login: str, new: NewPerson, given: frozenset[Role]) -> tuple[PeopleFault, ...]:
    found: list[PeopleFault] = []
    if not LOGIN.fullmatch(login) or login.startswith(sign_in.DEMO):
        found.append(PeopleFault.LOGIN)
    if not 1 <= len(new.name.strip()) <= NAME_SIZE or not new.name.isprintable():
        found.append(PeopleFault.NAME)
    if not new.roles or new.roles - given:
        found.append(PeopleFault.ROLES)
    return tuple(found)


def _visible(conn: Connection, actor: Actor, person_id: int) -> Person:
    person = people.by_id(conn, person_id)
    if person is None:
        raise Absent
    actor.must(Right.SEE_PEOPLE, person.institution)
    return person


def _changeable(conn: Connection, actor: Actor, person_id: int) -> Person:
    """Somebody else whom the actor may change; others who change people of the same institution wait."""
    person = _visible(conn, actor, person_id)
    actor.must(Right.MANAGE_PEOPLE, person.institution)
    if person.id == actor.person_id:
        raise PeopleRefused(PeopleFault.OWN)
    people.lock(conn, person.institution)
    return _visible(conn, actor, person_id)  # as it is now that nobody else changes it


def _keep_one(conn: Connection, person: Person, lost: frozenset[Role]) -> None:
    """Raises PeopleRefused when nobody who can sign in would be left with a role that somebody must have."""
    if not (person.enabled and person.ready):
        return  # he opens nothing now: nothing is lost with him
    for role in _NEVER_WITHOUT:
        if role not in lost:
            continue
        having = people.with_role(conn, role, person.institution)
        if not [one for one in having if one.id != person.id and one.enabled and one.ready]:
            raise PeopleRefused(PeopleFault.LAST)


def _invitation(conn: Connection, parts: Parts, actor: Actor, person_id: int, purpose: str, now: datetime) -> Invited:
    token = base64.urlsafe_b64encode(parts.random_bytes(_TOKEN_BYTES)).decode("ascii").rstrip("=")
    expires_at = now + timedelta(seconds=parts.settings.console.invitation_s)
    people.invite(conn, invitation_digest(parts, token), person_id, purpose, actor.name, now, expires_at)
    return Invited(person_id, token, expires_at)


def _words(roles: frozenset[Role]) -> str:
    return " ".join(sorted(role.value for role in roles))

"""Signing in to the console: password, then second factor, then a session that the server keeps and can end.

Whoever fails learns that login, password or code do not fit, or that there is a time to wait: never which of them, nor
whether a login exists.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway import logs
from gateway.settings import Settings
from gateway.store import people, sign_ins, stops
from gateway.store.db import Connection
from gateway.store.people import Person
from gateway.store.sealed import Seals
from gateway.usecases import passwords, second_factor
from gateway.usecases.actors import Actor
from gateway.usecases.parts import Parts
from gateway.usecases.tries import Tries
from gateway.usecases.verification import Asker

#: Accounts of the demonstration: they open nothing but on a machine that runs it.
DEMO = people.DEMO
#: 256 bits: nobody guesses one.
_TOKEN_BYTES = 32
#: How long the second factor may be waited for.
_HALF_S = 600
#: A session in use is noted so often, not at each request.
_NOTED_EVERY = timedelta(seconds=60)
_UNKNOWN = "(unknown)"


class Why(StrEnum):
    """Why somebody is not let in."""

    WRONG = "wrong"
    WAIT = "wait"  #: too many wrong tries
    OVER = "over"  #: the second factor was waited for too long


@dataclass(frozen=True, slots=True)
class Refused:
    why: Why
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who gave the password, and (`proved`) the second factor."""

    sign_in_id: int
    person: Person
    proved: bool

    @property
    def actor(self) -> Actor:
        return actor_of(self.person)


@dataclass(frozen=True, slots=True)
class Entered:
    """`token` is for the browser; nobody else ever has it."""

    token: str = field(repr=False)
    person: Person


def actor_of(person: Person) -> Actor:
    """A person as the one who acts."""
    return Actor(person.login, person.institution, person.roles, person_id=person.id)


def normal(login: str) -> str:
    """A login as it is kept."""
    return "".join(letter for letter in login if letter.isprintable()).strip().lower()[:64]


def give_password(parts: Parts, typed: str, password: str, address: str) -> Entered | Refused:
    """A session that waits for the second factor. Raises StoreUnavailable."""
    login, now = normal(typed), parts.now()
    by_login, by_address = tries_of_login(parts, login), _tries_of_address(parts, address)
    with parts.database.begin() as conn:
        wait_s = by_address.take(conn, now) or by_login.take(conn, now)
        person = people.by_login(conn, login)
        if wait_s:
            _note_failure(conn, person, "sign_in_locked", "", now)
    if wait_s:
        logs.event("person.locked", level="warning", person_id=person.id if person else None, wait_s=wait_s)
        return Refused(Why.WAIT, wait_s)
    # Without a second factor a password opens nothing: the invitation still does.
    usable = person is not None and may_enter(parts.settings, person) and person.ready
    # Outside any transaction, and against somebody's in any case: it takes a while by design.
    right = passwords.fits(person.password_hash if person is not None and usable else "", password)
    with parts.database.begin() as conn:
        if person is None or not right:
            _note_failure(conn, person, "sign_in_failed", "password", now)
            logs.event("person.failed", level="warning", person_id=person.id if person else None, by="password")
            return Refused(Why.WRONG)
        by_address.give_back(conn, now)
        if passwords.is_old(person.password_hash):
            people.set_password(conn, person.id, passwords.digest(password, parts.random_bytes))
        return Entered(start(conn, parts, person.id, now, proved=False), person)


def give_factor(parts: Parts, token: str, typed: str, address: str) -> Entered | Refused:
    """A session that is proved, under another token; the one before opens nothing any more. Raises StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        session = _session(conn, parts, token, now)
        if session is None or session.proved:
            return Refused(Why.OVER)
        person = session.person
        by_address, by_person = _tries_of_address(parts, address), tries_of_factor(parts, person.id)
        wait_s = by_address.take(conn, now) or by_person.take(conn, now)
        proof = None if wait_s else second_factor.prove(conn, parts.seals, person.id, typed, now)
        if proof is None:
            _note_failure(conn, person, "sign_in_locked" if wait_s else "sign_in_failed", "factor", now)
            logs.event("person.failed", level="warning", person_id=person.id, by="factor", wait_s=wait_s)
            return Refused(Why.WAIT, wait_s) if wait_s else Refused(Why.WRONG)
        by_address.give_back(conn, now)
        by_person.clear(conn, now)
        tries_of_login(parts, person.login).clear(conn, now)
        sign_ins.end(conn, session.sign_in_id, now)
        return enter(conn, parts, person, proof, now)


def enter(conn: Connection, parts: Parts, person: Person, proof: str, now: datetime) -> Entered:
    """A proved session of somebody who was just recognised by `proof`, in the caller's transaction."""
    people.note_sign_in(conn, person.id, now)
    people.close_invitations(conn, person.id, now)
    stops.note_act(conn, person.login, "sign_in", f"person:{person.login}", proof, now, person.institution)
    logs.event("person.signed_in", person_id=person.id, by=proof)
    return Entered(start(conn, parts, person.id, now, proved=True), person)


def start(conn: Connection, parts: Parts, person_id: int, now: datetime, *, proved: bool) -> str:
    """The token of a new session."""
    token = base64.urlsafe_b64encode(parts.random_bytes(_TOKEN_BYTES)).decode("ascii").rstrip("=")
    sign_ins.start(conn, token_digest(parts.seals, token), person_id, now, proved=proved)
    return token


def session_of(parts: Parts, token: str, *, seen: bool = True) -> Session | None:
    """Who holds this token, None when it opens nothing (any more). Raises StoreUnavailable.

    People and their roles are read each time: who is disabled is out with the next request. `seen`: False when a page
    asked by itself, which does not show that somebody is still there.
    """
    now = parts.now()
    with parts.database.read() as conn:
        found = sign_ins.find(conn, token_digest(parts.seals, token))
        session = None if found is None else _session(conn, parts, token, now)
    if seen and session is not None and found is not None and now - found.seen_at >= _NOTED_EVERY:
        with parts.database.begin() as conn:
            sign_ins.see(conn, found.id, now)
    return session


def sign_out(parts: Parts, session: Session) -> None:
    """Ends this session. Raises StoreUnavailable."""
    person, now = session.person, parts.now()
    with parts.database.begin() as conn:
        if sign_ins.end(conn, session.sign_in_id, now) and session.proved:
            stops.note_act(conn, person.login, "sign_out", f"person:{person.login}", "", now, person.institution)


def may_enter(settings: Settings, person: Person) -> bool:
    """Whether this account is one that opens anything here."""
    return person.enabled and (settings.local or not person.login.startswith(DEMO))


def token_digest(seals: Seals, token: str) -> bytes:
    """What is kept of a session's token."""
    return seals.digest("sign_in", token)


def tries_of_login(parts: Parts, login: str) -> Tries:
    """The wrong passwords of a login, whether it exists or not."""
    rules = parts.settings.console
    subject = parts.seals.digest("sign_in_login", login).hex()
    return Tries("sign_in_login", subject, rules.wrong_per_person, rules.longest_wait_s)


def tries_of_factor(parts: Parts, person_id: int) -> Tries:
    """The wrong codes of somebody whose password is known."""
    rules = parts.settings.console
    subject = parts.seals.digest("second_factor", str(person_id)).hex()
    return Tries("second_factor", subject, rules.wrong_per_person, rules.longest_wait_s)


def _tries_of_address(parts: Parts, address: str) -> Tries:
    rules = parts.settings.console
    subject = Asker.of_address(parts.seals, address).subject
    return Tries("sign_in_address", subject, rules.wrong_per_address, rules.longest_wait_s, daily=True)


def _session(conn: Connection, parts: Parts, token: str, now: datetime) -> Session | None:
    found = sign_ins.find(conn, token_digest(parts.seals, token))
    if found is None:
        return None
    rules = parts.settings.console
    if found.proved_at is None:
        over = now - found.started_at >= timedelta(seconds=_HALF_S)
    else:
        idle, age = now - found.seen_at, now - found.started_at
        over = idle >= timedelta(seconds=rules.idle_s) or age >= timedelta(seconds=rules.longest_s)
    person = None if over else people.by_id(conn, found.person_id)
    if person is None or not may_enter(parts.settings, person):
        return None
    return Session(found.id, person, found.proved_at is not None)


def _note_failure(conn: Connection, person: Person | None, act: str, by: str, now: datetime) -> None:
    """What was typed for an unknown login is not kept: it may be a password in the wrong field."""
    if person is None:
        stops.note_act(conn, _UNKNOWN, act, "", by, now)
    else:
        stops.note_act(conn, person.login, act, f"person:{person.login}", by, now, person.institution)

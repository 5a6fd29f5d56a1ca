"""One's own account: joining by an invitation, another password or second factor, leaving everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway import logs
from gateway.store import people, sign_ins, stops
from gateway.store.db import Connection
from gateway.store.people import Invitation, Person
from gateway.usecases import passwords, second_factor, sign_in
from gateway.usecases.actors import Absent
from gateway.usecases.parts import Parts
from gateway.usecases.passwords import PasswordFault
from gateway.usecases.people import invitation_digest
from gateway.usecases.sign_in import Entered, Session


class AccountFault(StrEnum):
    """Why nothing was changed."""

    PASSWORD = "password"  # noqa: S105 - a word: the present password is not that one
    WAIT = "wait"  #: too many wrong tries
    CODE = "code"  #: the code opens nothing
    EARLY = "early"  #: the password comes before the second factor


class AccountRefused(Exception):
    """Nothing was changed."""

    def __init__(self, fault: AccountFault | PasswordFault, wait_s: int = 0) -> None:
        super().__init__(fault)
        self.fault = fault
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Joining:
    """Somebody who came by an invitation that still opens."""

    invitation: Invitation
    person: Person


def joining(parts: Parts, token: str) -> Joining:
    """Whose invitation this is. Raises Absent when it opens nothing (any more), StoreUnavailable."""
    with parts.database.read() as conn:
        return _joining(conn, parts, token)


def join_with_password(parts: Parts, token: str, password: str) -> None:
    """Sets the password; it opens nothing before `join_with_code`. Raises Absent, AccountRefused, StoreUnavailable."""
    person = joining(parts, token).person
    kept = _kept(parts, person.login, password)
    with parts.database.begin() as conn:
        _joining(conn, parts, token)
        people.set_password(conn, person.id, kept)


def join_with_card(parts: Parts, token: str) -> tuple[str, ...]:
    """A new card's codes, to be printed; one of them proves it. Raises as `join_with_password`."""
    now = parts.now()
    codes = second_factor.new_codes(parts.random_bytes)
    with parts.database.begin() as conn:
        person = _ready_for_factor(conn, parts, token).person
        people.new_card(conn, parts.seals, person.id, codes, now)
    return codes


def join_with_code(parts: Parts, token: str, pending: str, code: str) -> Entered:
    """The invitation used, the second factor proved, and a session. Raises as `join_with_password`.

    `pending`: the authenticator's secret as the form carried it, "" for a card.
    """
    now = parts.now()
    with parts.database.begin() as conn:
        found = _ready_for_factor(conn, parts, token)
        person, tries = found.person, sign_in.tries_of_factor(parts, found.person.id)
        wait_s = tries.take(conn, now)
        proof = None if wait_s else _first_proof(conn, parts, person, pending, code, now)
        if proof is not None:
            tries.clear(conn, now)
            sign_ins.end_all(conn, person.id, now)
            stops.note_act(conn, person.login, "join", f"person:{person.login}", proof, now, person.institution)
            return sign_in.enter(conn, parts, person, proof, now)
    raise AccountRefused(AccountFault.WAIT if wait_s else AccountFault.CODE, wait_s)


def change_password(parts: Parts, session: Session, current: str, new: str) -> None:
    """Another password; every other session ends. Raises AccountRefused, StoreUnavailable."""
    person, now = session.person, parts.now()
    _confirm(parts, person, current)
    if passwords.fits(person.password_hash, new):
        raise AccountRefused(PasswordFault.SAME)
    kept = _kept(parts, person.login, new)
    with parts.database.begin() as conn:
        people.set_password(conn, person.id, kept)
        sign_ins.end_all(conn, person.id, now, but=session.sign_in_id)
        _note(conn, person, "password", "", now)


def change_authenticator(parts: Parts, session: Session, current: str, pending: str, code: str) -> None:
    """Another authenticator, proved by a code of it. Raises AccountRefused, StoreUnavailable."""
    person, now = session.person, parts.now()
    _confirm(parts, person, current)
    with parts.database.begin() as conn:
        if _first_proof(conn, parts, person, pending or "-", code, now) is None:
            raise AccountRefused(AccountFault.CODE)
        _note(conn, person, "second_factor", "totp", now)


def change_card(parts: Parts, session: Session, current: str) -> tuple[str, ...]:
    """The codes of a new card; the one before opens nothing any more. Raises AccountRefused, StoreUnavailable."""
    person, now = session.person, parts.now()
    _confirm(parts, person, current)
    codes = second_factor.new_codes(parts.random_bytes)
    with parts.database.begin() as conn:
        people.new_card(conn, parts.seals, person.id, codes, now)
        _note(conn, person, "second_factor", "card", now)
    return codes


def set_language(parts: Parts, session: Session, language: str) -> None:
    """The language of the console for this person. Raises StoreUnavailable."""
    with parts.database.begin() as conn:
        people.set_language(conn, session.person.id, language)


def sign_out_everywhere(parts: Parts, session: Session) -> None:
    """Ends all sessions of this person, this one too. Raises StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        sign_ins.end_all(conn, session.person.id, now)
        _note(conn, session.person, "sign_out_everywhere", "", now)


def codes_left(parts: Parts, person_id: int) -> int:
    """How many codes of the person's card are unused. Raises StoreUnavailable."""
    with parts.database.read() as conn:
        return people.codes_left(conn, person_id)


def _joining(conn: Connection, parts: Parts, token: str) -> Joining:
    found = people.invitation(conn, invitation_digest(parts, token), parts.now())
    person = None if found is None else people.by_id(conn, found.person_id)
    if found is None or person is None or not person.enabled:
        raise Absent
    return Joining(found, person)


def _ready_for_factor(conn: Connection, parts: Parts, token: str) -> Joining:
    found = _joining(conn, parts, token)
    if not found.person.has_password:
        raise AccountRefused(AccountFault.EARLY)
    return found


def _first_proof(conn: Connection, parts: Parts, person: Person, pending: str, code: str, now: datetime) -> str | None:
    """What was proved: the new authenticator (kept now) when there is one pending, else the card."""
    if not pending:
        right = people.use_code(conn, parts.seals, person.id, second_factor.digits(code), now)
        return "card" if right else None
    secret = second_factor.open_pending(parts.seals, person.id, pending)
    step = None if secret is None else second_factor.step_of(secret, second_factor.digits(code), now)
    if secret is None or step is None:
        return None
    people.set_totp(conn, parts.seals, person.id, secret, step)
    return "totp"


def _confirm(parts: Parts, person: Person, current: str) -> None:
    """Raises AccountRefused unless that is the password: a session left open must not be enough to take an account."""
    tries, now = sign_in.tries_of_login(parts, person.login), parts.now()
    with parts.database.begin() as conn:
        wait_s = tries.take(conn, now)
    if wait_s:
        raise AccountRefused(AccountFault.WAIT, wait_s)
    if not passwords.fits(person.password_hash, current):
        logs.event("person.failed", level="warning", person_id=person.id, by="confirm")
        raise AccountRefused(AccountFault.PASSWORD)
    with parts.database.begin() as conn:
        tries.clear(conn, now)


def _kept(parts: Parts, login: str, password: str) -> str:
    fault = passwords.fault(password, login)
    if fault is not None:
        raise AccountRefused(fault)
    return passwords.digest(password, parts.random_bytes)


def _note(conn: Connection, person: Person, act: str, detail: str, now: datetime) -> None:
    stops.note_act(conn, person.login, act, f"person:{person.login}", detail, now, person.institution)
    logs.event("person.changed", person_id=person.id, what=act)

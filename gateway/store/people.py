"""People of the console: who they are, their roles, what they prove themselves with, and their invitations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, or_, select, update

from gateway.messages import Role
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import card_codes, invitations, people, person_roles

_TOTP = "people.totp_sealed"
#: How the logins of the demonstration's accounts begin, and no other.
DEMO = "demo-"


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `institution` None: of the platform. `has_card`: with codes that were not used."""

    id: int
    institution: str | None
    login: str
    name: str
    language: str
    roles: frozenset[Role]
    created_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None
    has_password: bool
    has_totp: bool
    has_card: bool
    password_hash: str = field(default="", repr=False)

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None

    @property
    def ready(self) -> bool:
        """Whether there is all that signing in takes."""
        return self.has_password and (self.has_totp or self.has_card)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that opens once. `purpose`: "join" or "reset"."""

    id: int
    person_id: int
    purpose: str


def insert_person(
    conn: Connection, login: str, name: str, institution: str | None, language: str, who: str, now: datetime
) -> int | None:
    """The id of a new person without roles, None when the login is taken."""
    if by_login(conn, login) is not None:
        return None
    row = {
        "institution": institution,
        "login": login,
        "name": bounded(name, 80),
        "language": language,
        "created_at": now,
        "created_by": bounded(who, 64),
    }
    return int(conn.execute(insert(people).values(row).returning(people.c.id)).scalar_one())


def by_id(conn: Connection, person_id: int) -> Person | None:
    """The person, None when there is none."""
    return _one(conn, people.c.id == person_id)


def by_login(conn: Connection, login: str) -> Person | None:
    """The person of a login (lower case), None when there is none."""
    return _one(conn, people.c.login == login)


def list_(
    conn: Connection, institution: str | None, after: int = 0, limit: int = 50, search: str = ""
) -> tuple[Person, ...]:
    """People of an institution (None: of the platform) with ids above `after`; `search` is a part of login or name."""
    mine = people.c.institution.is_(None) if institution is None else people.c.institution == institution
    found = and_(mine, people.c.id > after)
    if search:
        part = f"%{_escaped(search.lower())}%"
        like = or_(people.c.login.like(part, escape="\\"), func.lower(people.c.name).like(part, escape="\\"))
        found = and_(found, like)
    return _some(conn, found, limit)


def with_role(conn: Connection, role: Role, institution: str | None = None) -> tuple[Person, ...]:
    """Everybody who has a role, in one institution or (None) anywhere, the disabled ones too."""
    having = people.c.id.in_(select(person_roles.c.person_id).where(person_roles.c.role == role.value))
    return _some(conn, having if institution is None else and_(having, people.c.institution == institution), None)


def any_enabled(conn: Connection, prefix: str) -> bool:
    """Whether somebody whose login begins so is not disabled."""
    like = people.c.login.like(f"{_escaped(prefix)}%", escape="\\")
    return conn.execute(select(people.c.id).where(like, people.c.disabled_at.is_(None)).limit(1)).first() is not None


def lock(conn: Connection, institution: str | None) -> None:
    """Makes others who change people of the same institution wait for this transaction."""
    mine = people.c.institution.is_(None) if institution is None else people.c.institution == institution
    conn.execute(select(people.c.id).where(mine).order_by(people.c.id).with_for_update())


def set_roles(conn: Connection, person_id: int, roles: Iterable[Role]) -> None:
    """Those roles and no others."""
    conn.execute(delete(person_roles).where(person_roles.c.person_id == person_id))
    rows = [{"person_id": person_id, "role": role.value} for role in sorted(set(roles))]
    if rows:
        conn.execute(insert(person_roles), rows)


def set_password(conn: Connection, person_id: int, password_hash: str | None) -> None:
    """Another password; None: none until an invitation is used."""
    _change(conn, person_id, password_hash=password_hash)


def set_language(conn: Connection, person_id: int, language: str) -> None:
    _change(conn, person_id, language=language)


def set_disabled(conn: Connection, person_id: int, at: datetime | None) -> None:
    """Disabled since then, or (None) enabled again."""
    _change(conn, person_id, disabled_at=at)


def note_sign_in(conn: Connection, person_id: int, now: datetime) -> None:
    _change(conn, person_id, signed_in_at=now)


def set_totp(conn: Connection, seals: Seals, person_id: int, secret: str | None, step: int | None = None) -> None:
    """Another secret of the authenticator (base32), `step` being used already; None: none."""
    _change(conn, person_id, totp_sealed=None if secret is None else seals.seal(secret, _TOTP), totp_step=step)


def totp(conn: Connection, seals: Seals, person_id: int) -> tuple[str, int] | None:
    """The secret (base32) and the last step that opened (-1: none yet), None without an authenticator."""
    found = select(people.c.totp_sealed, people.c.totp_step).where(people.c.id == person_id)
    row = conn.execute(found).one_or_none()
    if row is None or row.totp_sealed is None:
        return None
    return seals.open(row.totp_sealed, _TOTP), -1 if row.totp_step is None else row.totp_step


def use_step(conn: Connection, person_id: int, step: int) -> bool:
    """Whether this step, and no later one, had not opened yet: now it has."""
    unused = or_(people.c.totp_step.is_(None), people.c.totp_step < step)
    used = update(people).where(people.c.id == person_id, unused).values(totp_step=step)
    return conn.execute(used).rowcount == 1


def new_card(conn: Connection, seals: Seals, person_id: int, codes: Iterable[str], now: datetime) -> None:
    """A printed card in place of the one before: its codes, numbered from 1. No codes: no card."""
    conn.execute(delete(card_codes).where(card_codes.c.person_id == person_id))
    rows = [
        {"person_id": person_id, "number": number, "code_digest": _digest(seals, person_id, code), "created_at": now}
        for number, code in enumerate(codes, 1)
    ]
    if rows:
        conn.execute(insert(card_codes), rows)


def use_code(conn: Connection, seals: Seals, person_id: int, code: str, now: datetime) -> bool:
    """Whether the card has this code and it had not been used: now it has."""
    c = card_codes.c
    mine = and_(c.person_id == person_id, c.code_digest == _digest(seals, person_id, code), c.used_at.is_(None))
    return conn.execute(update(card_codes).where(mine).values(used_at=now)).rowcount == 1


def codes_left(conn: Connection, person_id: int) -> int:
    """How many codes of the card were not used."""
    c = card_codes.c
    left = select(func.count()).where(c.person_id == person_id, c.used_at.is_(None))
    return int(conn.execute(left).scalar_one())


def invite(
    conn: Connection, digest: bytes, person_id: int, purpose: str, who: str, now: datetime, expires_at: datetime
) -> None:
    """A new invitation, found by the digest of its token; the earlier ones of this person open nothing any more."""
    close_invitations(conn, person_id, now)
    row = {
        "person_id": person_id,
        "token_digest": digest,
        "purpose": purpose,
        "created_by": bounded(who, 64),
        "created_at": now,
        "expires_at": expires_at,
    }
    conn.execute(insert(invitations).values(row))


def close_invitations(conn: Connection, person_id: int, now: datetime) -> None:
    """What this person was invited by opens nothing any more."""
    i = invitations.c
    conn.execute(update(invitations).where(i.person_id == person_id, i.used_at.is_(None)).values(used_at=now))


def invitation(conn: Connection, digest: bytes, now: datetime) -> Invitation | None:
    """The invitation that this token opens now, None when there is none (any more)."""
    i = invitations.c
    found = select(i.id, i.person_id, i.purpose).where(
        i.token_digest == digest, i.used_at.is_(None), i.expires_at > now
    )
    row = conn.execute(found).one_or_none()
    return None if row is None else Invitation(row.id, row.person_id, row.purpose)


def invited_until(conn: Connection, person_id: int, now: datetime) -> datetime | None:
    """Until when an invitation of this person opens, None when none does."""
    i = invitations.c
    open_ = select(func.max(i.expires_at)).where(i.person_id == person_id, i.used_at.is_(None), i.expires_at > now)
    found: datetime | None = conn.execute(open_).scalar_one_or_none()
    return found


def forget_invitations(conn: Connection, before: datetime) -> int:
    """How many invitations that had expired by then were deleted."""
    return conn.execute(delete(invitations).where(invitations.c.expires_at < before)).rowcount


def _digest(seals: Seals, person_id: int, code: str) -> bytes:
    return seals.digest("card_code", f"{person_id}:{code}")


def _change(conn: Connection, person_id: int, **values: Any) -> None:
    conn.execute(update(people).where(people.c.id == person_id).values(values))


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _one(conn: Connection, condition: Any) -> Person | None:
    return next(iter(_some(conn, condition, 1)), None)


def _some(conn: Connection, condition: Any, limit: int | None) -> tuple[Person, ...]:
    rows = conn.execute(select(people).where(condition).order_by(people.c.id).limit(limit)).all()
    ids = [row.id for row in rows]
    having = person_roles.c.person_id.in_(ids)
    unused = and_(card_codes.c.person_id.in_(ids), card_codes.c.used_at.is_(None))
    cards = set(conn.execute(select(card_codes.c.person_id).where(unused).distinct()).scalars())
    roles: dict[int, set[Role]] = {}
    for one in conn.execute(select(person_roles).where(having)):
        roles.setdefault(one.person_id, set()).add(Role(one.role))
    return tuple(
        Person(
            id=row.id,
            institution=row.institution,
            login=row.login,
            name=row.name,
            language=row.language,
            roles=frozenset(roles.get(row.id, ())),
            created_at=row.created_at,
            signed_in_at=row.signed_in_at,
            disabled_at=row.disabled_at,
            has_password=row.password_hash is not None,
            has_totp=row.totp_sealed is not None,
            has_card=row.id in cards,
            password_hash=row.password_hash or "",
        )
        for row in rows
    )

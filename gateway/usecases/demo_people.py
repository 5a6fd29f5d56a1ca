"""The demonstration's accounts, one per role: they exist where `make run` runs, and open nothing anywhere else.

Nobody has to own a telephone to try the console: the page of the second factor tells these accounts their code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.messages import Role
from gateway.settings import Settings
from gateway.store import people
from gateway.store.db import Database
from gateway.store.people import Person
from gateway.store.sealed import Seals
from gateway.usecases import passwords, second_factor
from gateway.usecases.actors import PLATFORM_ROLES
from gateway.usecases.parts import Parts
from gateway.usecases.sign_in import DEMO

#: No secrets: they open nothing unless settings.local, on loopback.
PASSWORD = "demonstration-locale"  # noqa: S105
SECRET = "DEMONSTRATIONDEMONSTRATION234567"  # noqa: S105


@dataclass(frozen=True, slots=True)
class DemoAccount:
    login: str
    role: Role


def make(
    database: Database, seals: Seals, settings: Settings, random_bytes: Callable[[int], bytes], now: datetime
) -> tuple[DemoAccount, ...]:
    """One account per role, made where it is missing; none unless `settings.local`. Raises StoreUnavailable."""
    if not settings.local:
        return ()
    institution = next(iter(settings.institutions), None)
    made = []
    for role in Role:
        if institution is None and role not in PLATFORM_ROLES:
            continue
        account = DemoAccount(f"{DEMO}{role.value.replace('_', '-')}", role)
        with database.read() as conn:
            known = people.by_login(conn, account.login)
        if known is None:
            _make(database, seals, account, None if role in PLATFORM_ROLES else institution, random_bytes, now)
        made.append(account)
    return tuple(made)


def any_enabled(database: Database) -> bool:
    """Whether one of these accounts is in the database and not disabled. Raises StoreUnavailable."""
    with database.read() as conn:
        return people.any_enabled(conn, DEMO)


def code_of(parts: Parts, person: Person) -> tuple[bool, str | None]:
    """Whether this is such an account, and the code that opens it now (None: wait for the next)."""
    if not (parts.settings.local and person.login.startswith(DEMO)):
        return False, None
    with parts.database.read() as conn:
        known = people.totp(conn, parts.seals, person.id)
    if known is None or known[0] != SECRET:
        return False, None
    return True, second_factor.code_after(SECRET, known[1], parts.now())


def _make(
    database: Database,
    seals: Seals,
    account: DemoAccount,
    institution: str | None,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> None:
    kept = passwords.digest(PASSWORD, random_bytes)
    name = f"Démonstration {account.role.value.replace('_', ' ')}"
    with database.begin() as conn:
        person_id = people.insert_person(conn, account.login, name, institution, "fr", "cli:run", now)
        if person_id is None:  # another start made it meanwhile
            return
        people.set_roles(conn, person_id, {account.role})
        people.set_password(conn, person_id, kept)
        people.set_totp(conn, seals, person_id, SECRET)

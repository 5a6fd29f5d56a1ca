"""What a screen of the console is: its address, its function, and who may open it. Subjects list theirs in SCREENS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from flask import Response, request

from gateway.usecases.actors import RIGHTS, Absent, Actor, Right
from gateway.usecases.parts import Parts
from gateway.usecases.sign_in import Session

#: What stands in an address for "of no institution": of the platform itself.
PLATFORM = "-"
#: The converter of a row's id in an address: no larger than a database takes.
ROW = "int(max=9223372036854775807)"


class Access(StrEnum):
    """How much of a sign-in a screen asks for."""

    OPEN = "open"  #: anybody
    HALF = "half"  #: the password was given, the second factor not yet
    SIGNED_IN = "signed_in"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody. `session` is there on screens that ask for it; `address` is the client's."""

    parts: Parts
    language: str
    address: str
    session: Session | None = None
    token: str = field(default="", repr=False)

    @property
    def known(self) -> Session:
        """The session of a screen that asks for one."""
        if self.session is None:
            raise Absent
        return self.session

    @property
    def actor(self) -> Actor:
        return self.known.actor


@dataclass(frozen=True, slots=True)
class Screen:
    """`view(visit, **parts of the address)` answers. Its name is the endpoint's.

    `right`: whoever has no role with this right finds no such page; the use case still asks about the institution.
    `body_bytes`: how large a body it takes of those who may open it, None: as all others.
    `polled`: htmx asks for parts of it by itself, which is no sign that somebody is there.
    """

    path: str
    view: Callable[..., Response]
    methods: tuple[str, ...] = ("GET",)
    access: Access = Access.SIGNED_IN
    right: Right | None = None
    body_bytes: int | None = None
    polled: bool = False

    def is_for(self, actor: Actor) -> bool:
        return has(actor, self.right)


def has(actor: Actor, right: Right | None) -> bool:
    """Whether one of his roles has this right somewhere."""
    return right is None or bool(RIGHTS[right] & actor.roles)


def asked_for(name: str, size: int = 64) -> str:
    """What the query says of `name`, as far as a database takes it: printable, `size` characters at most."""
    return "".join(letter for letter in request.args.get(name, "") if letter.isprintable()).strip()[:size]


def row_asked_for(name: str) -> int | None:
    """The row's id that the query names, None for anything else."""
    written = asked_for(name)
    return int(written) if written.isascii() and written.isdigit() and len(written) < 19 else None


def institution_of(written: str) -> str | None:
    """The institution that an address names, None for the platform."""
    return None if written == PLATFORM else written

"""Who did what: the acts of people, as those may read them who answer for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.store import stops
from gateway.store.stops import ActsWanted, OperatorAct
from gateway.usecases.actors import PLATFORM_ROLES, Actor, Right
from gateway.usecases.parts import Parts

_BATCH = 500
#: A spreadsheet takes what begins so for a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which acts; empty: any. Days are of the settings' time zone."""

    who: str = ""
    act: str = ""
    since: date | None = None
    until: date | None = None  #: with that day


def list_(
    parts: Parts, actor: Actor, wanted: Filter, before: int | None = None, limit: int = 50
) -> tuple[OperatorAct, ...]:
    """The latest acts that he may read, newest first, with ids below `before`. Raises Absent, StoreUnavailable."""
    everywhere = bool(actor.roles & PLATFORM_ROLES)
    institution = None if everywhere else actor.institution
    actor.must(Right.SEE_ACTS, institution)
    asked = ActsWanted(
        institution=institution,
        everywhere=everywhere,
        who=wanted.who.strip().lower(),
        act=wanted.act,
        since=None if wanted.since is None else _midnight(parts, wanted.since),
        until=None if wanted.until is None else _midnight(parts, wanted.until + timedelta(days=1)),
    )
    with parts.database.read() as conn:
        return stops.find_acts(conn, asked, before, limit)


def csv(parts: Parts, actor: Actor, wanted: Filter, head: tuple[str, ...]) -> Iterator[bytes]:
    """The same as a file for a spreadsheet (UTF-8 with its mark, `;`), in which nothing is a formula."""
    rows = list_(parts, actor, wanted, None, _BATCH)  # asked at once: Absent must not come in the middle of a file
    return _lines(parts, actor, wanted, head, rows)


def _lines(
    parts: Parts, actor: Actor, wanted: Filter, head: tuple[str, ...], rows: tuple[OperatorAct, ...]
) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _line(head)
    while rows:
        for row in rows:
            at = f"{row.at.astimezone(parts.zone):%Y-%m-%d %H:%M:%S}"
            yield _line((at, row.who, row.act, row.subject, row.detail, row.institution or ""))
        rows = list_(parts, actor, wanted, rows[-1].id, _BATCH)


def _line(cells: tuple[str, ...]) -> bytes:
    return (";".join(_cell(cell) for cell in cells) + "\r\n").encode()


def _cell(value: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in value)
    shown = f"'{plain}" if value.startswith(_FORMULA) else plain
    return '"' + shown.replace('"', '""') + '"'


def _midnight(parts: Parts, day: date) -> datetime:
    return datetime.combine(day, time(), parts.zone)

"""Templates and their versions. A version never changes: an SMS keeps the one that it was written from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from gateway.messages import Category
from gateway.store.columns import bounded
from gateway.store.db import Connection, insert_into
from gateway.store.tables import template_versions, templates
from gateway.text.fit import Policy


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a version says and how it leaves. `sender`: its key in gateway.yaml, None for the default one."""

    category: Category
    sender: str | None
    policy: Policy
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a template, with what the template says of all of them."""

    id: int
    template_id: int
    number: int  #: from 1
    institution: str
    name: str
    category: Category
    sender: str | None
    policy: Policy
    retired: bool
    created_by: str
    created_at: datetime
    body: bytes = field(repr=False)


def add(conn: Connection, institution: str, name: str, who: str, now: datetime) -> int | None:
    """The id of a new template, without any version yet; None when the institution has one of this name."""
    row = {"institution": institution, "name": bounded(name, 64), "created_by": bounded(who, 64), "created_at": now}
    new = insert_into(conn, templates).values(row).on_conflict_do_nothing().returning(templates.c.id)
    template_id: int | None = conn.execute(new).scalar_one_or_none()
    return template_id


def add_version(
    conn: Connection, template_id: int, number: int, new: NewVersion, who: str, now: datetime
) -> int | None:
    """The id of a new version; None when there is one of this number: somebody was faster."""
    row = {
        "template_id": template_id,
        "number": number,
        "category": new.category,
        "sender": new.sender,
        "policy": new.policy,
        "body": new.body,
        "created_by": bounded(who, 64),
        "created_at": now,
    }
    adding = insert_into(conn, template_versions).values(row).on_conflict_do_nothing()
    version_id: int | None = conn.execute(adding.returning(template_versions.c.id)).scalar_one_or_none()
    return version_id


def retire(conn: Connection, template_id: int, now: datetime) -> bool:
    """Whether it was in use, and is no longer."""
    t = templates.c
    ending = update(templates).where(t.id == template_id, t.retired_at.is_(None)).values(retired_at=now)
    return conn.execute(ending).rowcount == 1


def version(conn: Connection, version_id: int) -> Version | None:
    """The version of an id, None when there is none."""
    return _one(conn, template_versions.c.id == version_id)


def latest(conn: Connection, template_id: int) -> Version | None:
    """The last version of a template, None when there is none."""
    return _one(conn, template_versions.c.template_id == template_id)


def numbered(conn: Connection, template_id: int, number: int) -> Version | None:
    """A version of a template by its number, None when there is none."""
    v = template_versions.c
    return _one(conn, v.template_id == template_id, v.number == number)


def versions(conn: Connection, template_id: int, limit: int = 50) -> tuple[Version, ...]:
    """The last versions of a template, newest first."""
    v = template_versions.c
    rows = conn.execute(_all().where(v.template_id == template_id).order_by(v.number.desc()).limit(limit))
    return tuple(map(_version, rows))


def of_institution(conn: Connection, institution: str, *, retired: bool = False) -> tuple[Version, ...]:
    """The latest version of each template of an institution, by name; of the retired ones when asked."""
    v, t = template_versions.c, templates.c
    last = select(v.template_id, func.max(v.number).label("number")).group_by(v.template_id).subquery()
    found = _all().join(last, (last.c.template_id == v.template_id) & (last.c.number == v.number))
    ended = t.retired_at.is_not(None) if retired else t.retired_at.is_(None)
    rows = conn.execute(found.where(t.institution == institution, ended).order_by(t.name, t.id))
    return tuple(map(_version, rows))


def names(conn: Connection, version_ids: Collection[int]) -> dict[int, str]:
    """What the templates of these versions are called, by the id of the version."""
    v, t = template_versions.c, templates.c
    found = select(v.id, t.name).join_from(template_versions, templates, v.template_id == t.id)
    return {row.id: row.name for row in conn.execute(found.where(v.id.in_(version_ids)))}


def _one(conn: Connection, *which: ColumnElement[bool]) -> Version | None:
    row = conn.execute(_all().where(*which).order_by(template_versions.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _version(row)


def _all() -> Any:
    v, t = template_versions.c, templates.c
    found = select(template_versions, t.institution, t.name, t.retired_at)
    return found.join_from(template_versions, templates, v.template_id == t.id)


def _version(row: Any) -> Version:
    return Version(
        id=row.id,
        template_id=row.template_id,
        number=row.number,
        institution=row.institution,
        name=row.name,
        category=Category(row.category),
        sender=row.sender,
        policy=row.policy,
        retired=row.retired_at is not None,
        created_by=row.created_by,
        created_at=row.created_at,
        body=row.body,
    )

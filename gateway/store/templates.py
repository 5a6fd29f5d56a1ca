"""Templates and their versions. A version never changes: an SMS keeps the one that it was written from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select

from gateway.messages import Category
from gateway.store.columns import bounded
from gateway.store.db import Connection
from gateway.store.tables import template_versions, templates
from gateway.text.fit import Policy


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
    body: bytes = field(repr=False)


def add(
    conn: Connection,
    institution: str,
    name: str,
    category: Category,
    sender: str | None,
    policy: Policy,
    who: str,
    now: datetime,
) -> int:
    """The id of a new template, without any version yet."""
    row = {
        "institution": institution,
        "name": bounded(name, 64),
        "category": category,
        "sender": sender,
        "policy": policy,
        "created_by": bounded(who, 64),
        "created_at": now,
    }
    template_id: int = conn.execute(insert(templates).values(row).returning(templates.c.id)).scalar_one()
    return template_id


def add_version(conn: Connection, template_id: int, number: int, body: bytes, who: str, now: datetime) -> int:
    """The id of a new version."""
    row = {
        "template_id": template_id,
        "number": number,
        "body": body,
        "created_by": bounded(who, 64),
        "created_at": now,
    }
    version_id: int = conn.execute(insert(template_versions).values(row).returning(template_versions.c.id)).scalar_one()
    return version_id


def version(conn: Connection, version_id: int) -> Version | None:
    """The version of an id, None when there is none."""
    return _one(conn, template_versions.c.id == version_id)


def latest(conn: Connection, template_id: int) -> Version | None:
    """The last version of a template, None when there is none."""
    return _one(conn, template_versions.c.template_id == template_id)


def _one(conn: Connection, which: object) -> Version | None:
    v, t = template_versions.c, templates.c
    found = select(template_versions, t.institution, t.name, t.category, t.sender, t.policy, t.retired_at)
    joined = found.join_from(template_versions, templates, v.template_id == t.id).where(which)  # type: ignore[arg-type]
    row = conn.execute(joined.order_by(v.number.desc()).limit(1)).one_or_none()
    if row is None:
        return None
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
        body=row.body,
    )

"""The published versions of the menus: a running dialogue finishes on the one it began with."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import delete, exists, select, update

from gateway.store.db import Connection, insert_into
from gateway.store.tables import menu_versions, saved_dialogues, submissions

_M = menu_versions.c


def publish(conn: Connection, version: str, files: Mapping[str, str], now: datetime) -> bool:
    """Whether `version` (of these files: name -> text) is now the latest and was not before this call.

    Going back to an older version makes it the latest again, from now.
    """
    row = {"version": version, "published_at": now, "files": zlib.compress(msgspec.json.encode(dict(files)))}
    new = insert_into(conn, menu_versions).values(row).on_conflict_do_nothing().returning(_M.version)
    if conn.execute(new).scalar_one_or_none() is not None:
        return True
    if latest(conn) == version:
        return False
    conn.execute(update(menu_versions).where(_M.version == version).values(published_at=now))
    return True


def latest(conn: Connection) -> str | None:
    """The version published last, None before the first one."""
    last = select(_M.version).order_by(_M.published_at.desc(), _M.version).limit(1)
    return conn.execute(last).scalar_one_or_none()


def published_at(conn: Connection, version: str) -> datetime | None:
    """When `version` became the latest, the last time it did; None for an unknown one."""
    return conn.execute(select(_M.published_at).where(_M.version == version)).scalar_one_or_none()


def changed_at(conn: Connection, version: str) -> datetime | None:
    """When `version` took the place of another one; None when it is the first ever, or unknown."""
    published = published_at(conn, version)
    if published is None:
        return None
    other = select(_M.version).where(_M.version != version, _M.published_at <= published).limit(1)
    return None if conn.execute(other).scalar_one_or_none() is None else published


def files_of(conn: Connection, version: str) -> dict[str, str] | None:
    """The files of `version`, name -> text; None for an unknown one."""
    stored = conn.execute(select(_M.files).where(_M.version == version)).scalar_one_or_none()
    return None if stored is None else msgspec.json.decode(zlib.decompress(stored), type=dict[str, str])


def forget(conn: Connection, before: datetime) -> int:
    """How many versions that were out of service before `before` were deleted.

    A version is in service until the next one is published. Any that a submission names, or that a dialogue kept for
    later may name, stays.
    """
    if conn.execute(select(saved_dialogues.c.id).where(saved_dialogues.c.saved_at < before).limit(1)).first():
        return 0  # the version is inside the sealed state: wait until such old dialogues are gone
    named = select(submissions.c.menu_version)
    later = menu_versions.alias("later")
    replaced = exists().where(later.c.published_at > _M.published_at, later.c.published_at < before)
    old = delete(menu_versions).where(replaced, _M.version.not_in(named))
    return conn.execute(old).rowcount

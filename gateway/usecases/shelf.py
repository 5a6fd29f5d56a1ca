"""The menus in service: the current version, and older ones while dialogues that began with them are alive."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.menu import load
from gateway.menu.model import Menus
from gateway.store import menu_versions
from gateway.store.db import Database


class VersionLost(Exception):
    """A dialogue names a version of the menus that this installation does not know any more."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Menus by version. `changed_at` is when the current version replaced another one; None for the first ever."""

    current: Menus
    changed_at: datetime | None
    database: Database
    _older: dict[str, Menus] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def version(self, name: str) -> Menus:
        """The menus of that version. Raises VersionLost, StoreUnavailable."""
        if name == self.current.version:
            return self.current
        with self._lock:
            if name not in self._older:
                self._older[name] = _read(self.database, name, self.current.languages)
            return self._older[name]


def _read(database: Database, name: str, languages: tuple[str, ...]) -> Menus:
    with database.read() as conn:
        files: Mapping[str, str] | None = menu_versions.files_of(conn, name)
    menus = load.load(files, languages).menus if files is not None else None
    if menus is None:
        raise VersionLost(name)
    return menus


def publish(database: Database, menus: Menus, now: datetime) -> Shelf:
    """Puts `menus` in service; publishing the same version again changes nothing. Raises StoreUnavailable.

    What is published already is not written: a process can start while the database takes no writes, and say so.
    """
    with database.read() as conn:
        published = menu_versions.latest(conn) == menus.version
        changed_at = menu_versions.changed_at(conn, menus.version)
    if not published:
        with database.begin() as conn:
            menu_versions.publish(conn, menus.version, menus.files, now)
            changed_at = menu_versions.changed_at(conn, menus.version)
    return Shelf(current=menus, changed_at=changed_at, database=database)

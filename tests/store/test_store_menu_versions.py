"""Published menus: the same version twice changes nothing, an old one may come back, those in use stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.store import menu_versions
from gateway.store.db import Database

FILES = {"main.yaml": "service: main\n", "lists/communes.yaml": "été: 'ɖ'\n" * 500}


def test_publishing_is_repeated_without_effect(database: Database, now: datetime) -> None:
    later = now + timedelta(hours=1)
    with database.begin() as conn:
        assert menu_versions.latest(conn) is None
        assert menu_versions.publish(conn, "v1", FILES, now)
        assert not menu_versions.publish(conn, "v1", FILES, later)
        assert menu_versions.files_of(conn, "v1") == FILES
        assert menu_versions.published_at(conn, "v1") == now
        assert menu_versions.changed_at(conn, "v1") is None, "the first one replaced nothing"
        assert menu_versions.files_of(conn, "v0") is None
        assert menu_versions.published_at(conn, "v0") is None
        assert menu_versions.changed_at(conn, "v0") is None


def test_a_new_version_and_the_way_back(database: Database, now: datetime) -> None:
    second, back = now + timedelta(hours=1), now + timedelta(hours=2)
    with database.begin() as conn:
        menu_versions.publish(conn, "v1", FILES, now)
        assert menu_versions.publish(conn, "v2", {"main.yaml": "x"}, second)
        assert (menu_versions.latest(conn), menu_versions.changed_at(conn, "v2")) == ("v2", second)
        assert menu_versions.files_of(conn, "v1") == FILES, "a running dialogue still finds it"
        assert menu_versions.publish(conn, "v1", FILES, back)
        assert (menu_versions.latest(conn), menu_versions.changed_at(conn, "v1")) == ("v1", back)


def test_old_versions_are_forgotten_unless_they_are_named(
    database: Database, now: datetime, store_submission: Callable[..., int]
) -> None:
    with database.begin() as conn:
        for number, version in enumerate(("v1", "v2", "v3")):
            menu_versions.publish(conn, version, FILES, now + timedelta(hours=number))
        store_submission(conn, menu_version="v1")
        assert menu_versions.forget(conn, now + timedelta(hours=9)) == 1
        kept = [version for version in ("v1", "v2", "v3") if menu_versions.files_of(conn, version)]
        assert kept == ["v1", "v3"], "a submission names v1, v3 is in service"


def test_a_version_just_replaced_is_kept_however_old(database: Database, now: datetime) -> None:
    replaced_at = now + timedelta(days=40)
    with database.begin() as conn:
        menu_versions.publish(conn, "v1", FILES, now)
        menu_versions.publish(conn, "v2", FILES, replaced_at)
        assert menu_versions.forget(conn, replaced_at) == 0, "dialogues that began with it are under way"
        assert menu_versions.forget(conn, replaced_at + timedelta(seconds=1)) == 1

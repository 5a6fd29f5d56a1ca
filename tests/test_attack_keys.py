"""A key file that is lost, replaced or cut short: a clear sentence, and nothing of what is there is touched."""

import json
import os
from pathlib import Path

import pytest

from gateway import settings, wiring
from gateway.keys import KeysError, load_or_create
from gateway.store import holdings, migrate, sealed
from gateway.store.db import StoreUnavailable, open_database

ROOT = Path(__file__).parents[1]
NUMBER = "+2290197445566"


@pytest.fixture
def chosen(tmp_path, database_url):
    """Settings of an installation on either database."""
    return _settings(tmp_path, database_url)


def _settings(tmp_path, database_url):
    (tmp_path / "data").mkdir()
    return settings.load(
        {
            "GATEWAY_CONFIG": str(ROOT / "config/gateway.yaml"),
            "GATEWAY_MENUS": str(ROOT / "menus"),
            "GATEWAY_DATA": str(tmp_path / "data"),
            "GATEWAY_DATABASE_URL": database_url,
            "GATEWAY_LOCAL": "1",
        }
    )


def _a_citizen_comes(url, keyring, now, number=NUMBER):
    database = open_database(url)
    with database.begin() as conn:
        holdings.open_holding(conn, sealed.build(keyring, os.urandom), number, now)
    database.close()


def test_lost_keys_are_not_made_again(chosen, now):
    _a_citizen_comes(chosen.database_url, wiring.prepare(chosen), now)
    wiring.keys_path(chosen).unlink()
    with pytest.raises(KeysError, match=r"keys\.json: missing, and the database was sealed with it; restore it from"):
        wiring.prepare(chosen)
    assert not wiring.keys_path(chosen).exists()


def test_the_keys_of_another_installation_are_refused(chosen, now):
    _a_citizen_comes(chosen.database_url, wiring.prepare(chosen), now)
    path = wiring.keys_path(chosen)
    path.unlink()
    load_or_create(path, os.urandom, tuple(chosen.channels), tuple(chosen.systems))
    before = path.read_bytes()
    with pytest.raises(KeysError, match=r"keys\.json: not the keys of this database; restore the file that belongs"):
        wiring.prepare(chosen)
    assert path.read_bytes() == before


def test_one_damaged_row_does_not_stop_the_gateway(chosen, now):
    keyring = wiring.prepare(chosen)
    other = load_or_create(wiring.keys_path(chosen).with_name("other.json"), os.urandom, (), ())
    _a_citizen_comes(chosen.database_url, keyring, now)
    _a_citizen_comes(chosen.database_url, other, now, "+2290197445567")
    assert wiring.prepare(chosen) == keyring


def test_a_database_where_nobody_came_yet_accepts_new_keys(chosen):
    first = wiring.prepare(chosen)
    wiring.keys_path(chosen).unlink()
    assert wiring.prepare(chosen) != first


def test_before_the_first_migration_nothing_is_made_but_keys(tmp_path):
    file = tmp_path / "fresh.db"
    wiring.prepare(_settings(tmp_path, f"sqlite:///{file}"))
    assert not file.exists()


@pytest.mark.postgres
def test_before_the_first_migration_of_postgresql(tmp_path, new_postgres_url):
    url = new_postgres_url()
    chosen = _settings(tmp_path, url)
    first = wiring.prepare(chosen)
    migrate.upgrade(url)
    assert wiring.prepare(chosen) == first


def test_no_keys_are_made_while_the_database_cannot_say_whether_it_needs_others(tmp_path):
    chosen = _settings(tmp_path, f"postgresql://nobody@/none?host={tmp_path}")
    with pytest.raises(StoreUnavailable):
        wiring.prepare(chosen)
    assert not wiring.keys_path(chosen).exists()
    made = load_or_create(wiring.keys_path(chosen), os.urandom, tuple(chosen.channels), tuple(chosen.systems))
    assert wiring.prepare(chosen) == made  # the addresses can be read while the database is away


@pytest.mark.parametrize("lost", ["encryption", "digest", "receipts", "web_secret"])
def test_a_file_that_lost_one_of_its_keys_is_not_completed(tmp_path, lost):
    path = tmp_path / "keys.json"
    load_or_create(path, os.urandom, ("one",), ("ec",))
    stored = json.loads(path.read_text())
    del stored[lost]
    path.write_text(json.dumps(stored))
    with pytest.raises(KeysError, match="damaged; restore it from its backup"):
        load_or_create(path, os.urandom, ("one",), ("ec",))
    assert json.loads(path.read_text()) == stored


def test_an_empty_object_is_a_damaged_file(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text("{}")
    path.chmod(0o600)
    with pytest.raises(KeysError, match="damaged"):
        load_or_create(path, os.urandom, ("one",), ("ec",))

"""The database file is for its user only, even in a folder that others may enter."""

import os

from gateway.store import migrate
from gateway.store.db import open_database


def test_a_new_file_and_what_lies_beside_it_are_private(tmp_path):
    file = tmp_path / "new.db"
    old_mask = os.umask(0)
    try:
        migrate.upgrade(f"sqlite:///{file}")
        database = open_database(f"sqlite:///{file}")
        with database.begin():
            modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(old_mask)
    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


def test_the_mode_of_a_file_that_was_there_is_the_operators(tmp_path):
    file = tmp_path / "old.db"
    file.touch()
    file.chmod(0o640)
    migrate.upgrade(f"sqlite:///{file}")
    assert file.stat().st_mode & 0o777 == 0o640

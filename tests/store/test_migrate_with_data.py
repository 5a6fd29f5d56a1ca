"""A row in every table goes down each migration and up again: it is there, and the same as far as both shapes know."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
)

from gateway.store import migrate
from gateway.store.db import Connection, open_database
from gateway.store.tables import metadata

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
#: Where the first word that is allowed has no word in an earlier shape, one that every shape knows.
KNOWN_TO_ALL = {"submissions.state": "received", "mts.category": "vital", "mts.template": "receipt"}
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data.db"
    make: Callable[[], str] = request.getfixturevalue("new_postgres_url")
    return make()


def fill(conn: Connection) -> None:
    """One row in each table, no column of it empty."""
    for table in metadata.sorted_tables:
        row = {column.name: value(table, column) for column in table.columns}
        conn.execute(insert(table).values(row))


def value(table: Table, column: Column[Any]) -> Any:
    name = f"{table.name}.{column.name}"
    if name in KNOWN_TO_ALL:
        return KNOWN_TO_ALL[name]
    for check in (one for one in table.constraints if isinstance(one, CheckConstraint)):
        words = re.match(rf"{column.name} IN \('([\w-]+)'", str(check.sqltext))
        if words:
            return words[1]
    kinds: dict[type, Any] = {LargeBinary: b"\x00\xff" + name.encode(), Date: date(2026, 11, 24), Boolean: True}
    kinds |= {Integer: 1, String: column.name[:8]}
    for kind, given in kinds.items():
        if isinstance(column.type, kind):
            return given
    return AT


def rows(conn: Connection) -> Rows:
    """Every row of the shape that the database has now."""
    found = MetaData()
    found.reflect(conn)
    return {
        table.name: [dict(row._mapping) for row in conn.execute(select(table))]
        for table in found.sorted_tables
        if table.name != "alembic_version"
    }


def test_every_row_goes_down_and_up_again(url: str) -> None:
    shapes = sorted(migrate.known())
    migrate.upgrade(url)
    with closing(open_database(url)) as database:
        with database.begin() as conn:
            fill(conn)
        with database.read() as conn:
            whole = rows(conn)
        assert all(len(found) == 1 for found in whole.values()), "each table has its row"
        assert set(whole) == set(metadata.tables)
        for shape in reversed(shapes[:-1]):
            database.close()
            migrate.downgrade(url, shape)
            with database.read() as conn:
                lower = rows(conn)
                tables = set(inspect(conn).get_table_names()) - {"alembic_version"}
            assert {table: len(found) for table, found in lower.items()} == dict.fromkeys(tables, 1), shape
            database.close()
            migrate.upgrade(url)
            with database.read() as conn:
                again = rows(conn)
            for table in tables:
                shared = set(lower[table][0]) & set(whole[table][0])
                assert shared, (shape, table)
                for column in shared:
                    assert again[table][0][column] == whole[table][0][column], (shape, table, column)
            for table in set(whole) - tables:
                assert again[table] == [], "a table that the earlier shape had not is made anew, empty"


def test_all_the_way_down_and_up_is_an_empty_database(url: str) -> None:
    migrate.upgrade(url)
    with closing(open_database(url)) as database:
        with database.begin() as conn:
            fill(conn)
        database.close()
        migrate.downgrade(url)
        migrate.upgrade(url)
        with database.read() as conn:
            assert not any(rows(conn).values())

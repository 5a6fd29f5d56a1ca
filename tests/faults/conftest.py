"""Installations for faults: on SQLite, where the store matters on PostgreSQL too, by `make faults` all on both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.nursery import Nursery
from tests.faults.outside import World, outside
from tests.faults.town import Town, installation

_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
#: For scenarios that ask something of the store itself.
BOTH = ["sqlite", _POSTGRES]
#: For the others: FAULTS=all is what `make faults` says.
CHOSEN = BOTH if os.environ.get("FAULTS") == "all" else ["sqlite"]


@pytest.fixture
def world() -> Iterator[World]:
    with outside() as made:
        yield made


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(params=CHOSEN)
def town(
    request: pytest.FixtureRequest, world: World, nursery: Nursery, tmp_path: Path, redis_url: str
) -> Iterator[Town]:
    """An installation on SQLite; on PostgreSQL too when all is asked for."""
    database_url = request.getfixturevalue(f"{request.param}_url")
    with installation(world, nursery, tmp_path, redis_url, database_url) as made:
        yield made


@pytest.fixture
def any_town(world: World, nursery: Nursery, tmp_path: Path, redis_url: str, database_url: str) -> Iterator[Town]:
    """An installation on SQLite, then one on PostgreSQL."""
    with installation(world, nursery, tmp_path, redis_url, database_url) as made:
        yield made


@pytest.fixture(params=CHOSEN)
def storm_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new PostgreSQL database without tables; "" is the system's own SQLite."""
    if request.param == "sqlite":
        return ""
    made: str = request.getfixturevalue("new_postgres_url")()
    return made

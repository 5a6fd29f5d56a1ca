"""An installation with two institutions whose systems call the API, on a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.messages import Role
from gateway.usecases import api_keys
from gateway.usecases.actors import Actor
from gateway.usecases.api_keys import Scope
from tests.campaigns.conftest import (
    A,
    B,
    Town,
    act,
    build,
    caller,
    delivery_settings,
    other,
    pool,
    shipped_menus,
    sqlite_town,
    town,
)

__all__ = [
    "act", "build", "caller", "delivery_settings", "other", "pool", "shipped_menus", "sqlite_town", "town",
]  # fmt: skip

MANAGER = Actor("chief@anip", A, frozenset({Role.MANAGER}), person_id=9)
THEIR_MANAGER = Actor("chief@mairie", B, frozenset({Role.MANAGER}), person_id=10)
NewKeys = Callable[..., Any]


def new_key(town: Town, institution: str = A, **changes: Any) -> tuple[str, Any]:
    """A key of everything, live unless said otherwise; the secret and what is kept."""
    chosen = {"name": "essai", "scopes": tuple(Scope), "live": True, **changes}
    manager = MANAGER if institution == A else THEIR_MANAGER
    return api_keys.create(town.parts, manager, institution, api_keys.NewKey(**chosen))


@pytest.fixture
def key(town: Town) -> Any:
    return new_key(town)[1]

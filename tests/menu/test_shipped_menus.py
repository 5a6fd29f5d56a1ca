"""The menus that ship: without fault, complete, and true to the facts that the project rests on."""

from __future__ import annotations

import re

import pytest
from conftest import LANGUAGES, SHIPPED  # type: ignore[import-not-found]

from gateway.menu.check import World
from gateway.menu.model import Menus
from gateway.menu.report import check_folder, report


@pytest.fixture
def menus(world: World) -> Menus:
    found, faults = check_folder(SHIPPED, LANGUAGES, world)
    assert report(faults, "en") == ""
    assert found is not None
    return found
